import Files
import Imaging

/// The pictures of one or more folders.
public struct PictureSet: Hashable, Sendable {
  public let files: [DataFile]

  /// The pictures, by the extensions of their names, in the order of the folders and of their names.
  ///
  /// - Parameter recursive: whether folders below are looked through.
  public init(folders: [String], recursive: Bool = false) throws(DataError) {
    var files: [DataFile] = []
    for folder in folders {
      let found = try Self.pictures(in: folder, recursive: recursive)
      guard !found.isEmpty else { throw .noPictures(folder: folder) }
      files += found
    }
    self.files = files
  }

  package init(files: [DataFile]) { self.files = files }

  /// Some of the pictures, by their places from 0 on: what is kept apart to measure on is not learnt from.
  public func subset(_ places: ClosedRange<Int>) throws(DataError) -> PictureSet {
    guard places.lowerBound >= 0, places.upperBound < files.count else {
      throw .option(
        name: "the subset", value: "\(places.lowerBound) to \(places.upperBound)",
        allowed: "places from 0 to \(files.count - 1), which are those of the pictures")
    }
    return PictureSet(files: Array(files[places]))
  }

  static func pictures(in folder: String, recursive: Bool = false) throws(DataError) -> [DataFile] {
    try wrapping { () throws(FileError) in try Folder.files(in: folder, recursive: recursive) }
      .filter { ImageFormat(path: $0) != nil }.map { DataFile($0, in: folder) }
  }

  /// Below this many pictures a warning is given.
  static let fewPictures = 20

  var warnings: [String] {
    guard files.count < Self.fewPictures else { return [] }
    return [
      "\(files.count) \(files.count == 1 ? "picture is" : "pictures are") little to learn from; "
        + "what is learnt will hardly serve for others (\(Self.fewPictures) or more are better)"
    ]
  }
}

/// Which turned and mirrored forms of a picture stand beside it.
public struct Symmetries: Hashable, Sendable {
  /// Mirrored left to right, and top to bottom.
  public var flips: Bool
  /// Turned by 90, 180 and 270 degrees.
  public var rotations: Bool

  public init(flips: Bool, rotations: Bool) {
    self.flips = flips
    self.rotations = rotations
  }

  public static let none = Symmetries(flips: false, rotations: false)
  public static let all = Symmetries(flips: true, rotations: true)

  /// The forms, each once: 1, 3 (flips), 4 (rotations) or all 8.
  public var orientations: [Orientation] {
    switch (flips, rotations) {
    case (false, false): [.upright]
    case (true, false): [.upright, .flippedHorizontally, .flippedVertically]
    case (false, true): [.upright, .rotatedClockwise, .rotatedHalf, .rotatedAnticlockwise]
    case (true, true): Orientation.allCases
    }
  }
}
