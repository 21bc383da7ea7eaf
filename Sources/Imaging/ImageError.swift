import Files

/// Why a picture could not be read or written.
public enum ImageError: Error, Hashable, Sendable {
  /// The file itself could not be read or written.
  case file(FileError)
  /// There is no byte.
  case empty(name: String)
  /// The first bytes belong to no format that is read.
  case unknownFormat(name: String)
  /// The name of an output file ends in no known extension.
  case unknownExtension(name: String)
  /// The header claims more pixels than the caller allows.
  case tooManyPixels(name: String, width: Int, height: Int, limit: Int)
  /// The samples would take more memory than the caller allows.
  case tooManyBytes(name: String, width: Int, height: Int, bytes: Int, limit: Int)
  /// The file is damaged or cut short.
  case corrupt(name: String, format: ImageFormat, reason: String)
  /// The file is sound, and holds something that is not read.
  case unsupported(name: String, format: ImageFormat, reason: String)
  /// There is no memory for the samples.
  case outOfMemory(name: String)
  /// The picture is larger than the output format can hold.
  case tooLargeForFormat(format: ImageFormat, width: Int, height: Int)
  /// A block of metadata is larger than the output format can hold.
  case metadataTooLarge(format: ImageFormat, block: String, bytes: Int, limit: Int)
  /// A quality outside of 0...100 (1...100 for JPEG).
  case invalidQuality(format: ImageFormat, quality: Int)
  /// Files of the format are read and not written.
  case notWritten(format: ImageFormat)
  /// The library that reads or writes the format is not installed. The package is named as in Debian; the name is that of the picture
  /// that would be read.
  case libraryMissing(name: String?, format: ImageFormat, package: String)
  /// The encoder refused the picture.
  case encodingFailed(format: ImageFormat, reason: String)
}
