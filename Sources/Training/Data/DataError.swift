import Files
import Formats
import Imaging
import Tensors

/// Why data to learn from could not be had. Rendered in `DataError+Text.swift`.
public enum DataError: Error, Hashable, Sendable {
  case file(FileError)
  case image(ImageError)
  case format(FormatError)
  /// The folder holds no picture.
  case noPictures(folder: String)
  /// The folder holds no folders of pictures.
  case noClasses(folder: String)
  /// No picture is as large as a patch.
  case noPatches(side: Int)
  case pictureTooSmall(path: String, width: Int, height: Int, needed: Int)
  /// Pictures of a set differ in size.
  case pictureSize(path: String, width: Int, height: Int, expected: String)
  /// A picture has no mask of its name.
  case noMask(picture: String, folder: String)
  case maskSize(picture: String, mask: String)
  /// A mask holds a grey level beyond the classes.
  case maskLevel(path: String, level: Int, classes: Int)
  /// The data sets of inputs and targets have no rows, or not as many.
  case rowCounts(path: String, inputs: Shape, targets: Shape)
  /// Samples of one batch differ in shape.
  case sampleShapes(Shape, Shape)
  /// Nothing of a set can be read; with why the first of it cannot.
  case allDamaged(count: Int, first: String)
  /// Pictures cannot enter a network so.
  case form(String)
  case option(name: String, value: String, allowed: String)
}

extension DataError {
  /// Whether what was asked for is wrong in itself, whatever the files hold.
  public var isUsage: Bool { if case .option = self { true } else { false } }

  /// Whether the fault lies in one file, so that work may go on without it.
  package var isOfOneFile: Bool {
    switch self {
    case .image(let error):
      switch error {
      case .file(let error): Self.isOfOneFile(error)
      case .empty, .unknownFormat, .tooManyPixels, .tooManyBytes, .corrupt, .unsupported: true
      case .outOfMemory, .unknownExtension, .tooLargeForFormat, .metadataTooLarge, .invalidQuality, .encodingFailed,
        .notWritten,
        .libraryMissing:
        false
      }
    case .file(let error): Self.isOfOneFile(error)
    case .pictureTooSmall, .pictureSize, .maskSize, .maskLevel: true
    case .format, .noPictures, .noClasses, .noPatches, .noMask, .rowCounts, .sampleShapes, .allDamaged, .form, .option: false
    }
  }

  private static func isOfOneFile(_ error: FileError) -> Bool {
    switch error {
    case .notFound, .isDirectory, .notDirectory, .notPermitted, .tooLarge, .system: true
    case .diskFull, .memory, .noFolder, .noFilesTaken, .fileSizeLimit, .isRead, .isWritten: false
    }
  }
}

// Errors of other modules as cases of this one.

func wrapping<R>(_ body: () throws(FileError) -> R) throws(DataError) -> R {
  do throws(FileError) { return try body() } catch { throw .file(error) }
}

func wrapping<R>(_ body: () throws(ImageError) -> R) throws(DataError) -> R {
  do throws(ImageError) { return try body() } catch { throw .image(error) }
}

func wrapping<R>(_ body: () throws(FormatError) -> R) throws(DataError) -> R {
  do throws(FormatError) { return try body() } catch { throw .format(error) }
}
