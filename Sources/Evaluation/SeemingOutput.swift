import Files
import Imaging

/// A picture that is called as another one with something behind, in the folder where outputs of that one go, and is by its mark, its size or its name
/// alone what an earlier run has made of it: with a suffix, or of another format.
///
/// The mark (`FileMark`) is sure, and tells alone where the picture that it was made of has another name now, or is gone. It is gone itself where outputs were copied to a disk that keeps none, or are of another program: then a picture that is larger
/// by one factor is taken for an output, too, which may be somebody's own. Where the run keeps the size, as restoration does, a picture of that size is
/// one by its name where the disk keeps no marks, or where its name is that of the output which is to be made.
public struct SeemingOutput: Hashable, Codable, Sendable {
  public var path: String
  /// What it seems to be made of; nil where that is not there: then the mark alone tells.
  public var source: String?
  /// How much larger it is.
  public var scale: Double?
  /// Whether the file itself says that it was made by this program.
  public var isMarked: Bool

  /// A picture, by its name in a folder.
  struct Picture {
    var path: String
    /// The folder that it lies in, and the one that its output goes to; nil where that is not there.
    var folder: FileIdentity?
    var outputFolder: FileIdentity?
    /// Whether somebody named it, and so means it: it is no output then.
    var isNamed = false
  }

  /// Those that seem to be outputs of others, by their places among the pictures.
  ///
  /// - Parameters:
  ///   - keepsSize: whether the run that asks keeps the size, so that pictures of one size are looked at, too.
  ///   - format: what it writes, where it says so.
  ///   - mark: as `FileMark.isSet`.
  static func found(
    among pictures: [Picture], keepsSize: Bool = false, format: ImageFormat? = nil,
    mark isMarked: (String) -> Bool? = { FileMark.isSet($0) }
  ) -> [Int: SeemingOutput] {
    // By folder and stem: what begins as a stem stands behind it.
    struct Key: Hashable {
      var folder: FileIdentity
      var stem: ArraySlice<UInt8>
    }
    let stems = pictures.map { Folder.split($0.path).stem.systemPathBytes[...] }
    var sources: [Key: [Int]] = [:]
    for (index, picture) in pictures.enumerated() {
      if let folder = picture.outputFolder { sources[Key(folder: folder, stem: stems[index]), default: []].append(index) }
    }
    var sizes: [Int: (width: Int, height: Int)?] = [:]
    func size(_ index: Int) -> (width: Int, height: Int)? {
      if let known = sizes[index] { return known }
      let size = Self.size(pictures[index].path)
      sizes[index] = .some(size)
      return size
    }
    var marks: [Int: Bool?] = [:]
    func mark(_ index: Int) -> Bool? {
      if let known = marks[index] { return known }
      let isSet = isMarked(pictures[index].path)
      marks[index] = .some(isSet)
      return isSet
    }
    /// How much larger the picture is than the one that it seems to be made of, and whether by one factor; nil where it does not seem so.
    func scale(_ index: Int, of other: Int, _ rest: ArraySlice<UInt8>) -> (factor: Double, isExact: Bool)? {
      guard let small = size(other), let large = size(index) else { return nil }
      // Of two outputs of one picture in several formats none is made of the other.
      if mark(index) == true, !rest.isEmpty || mark(other) != true {
        let factor = small == large ? 1 : Self.scale(from: small, to: large)
        return (factor ?? Double(large.width) / Double(max(small.width, 1)), factor != nil)
      }
      if keepsSize, small == large {
        let isOutput =
          rest.isEmpty
          ? format != nil && ImageFormat(path: pictures[index].path) == format
            && ImageFormat(path: pictures[other].path) != format
          : mark(index) == nil && tellsAlone(rest)
        return isOutput ? (1, true) : nil
      }
      return Self.scale(from: small, to: large).map { ($0, true) }
    }
    var result: [Int: SeemingOutput] = [:]
    let outputFolders = Set(pictures.compactMap(\.outputFolder))
    // Pictures of short names first: what those of longer names are made of is known then.
    for index in pictures.indices.sorted(by: { (stems[$0].count, $0) < (stems[$1].count, $1) }) where !pictures[index].isNamed {
      let picture = pictures[index]
      guard let folder = picture.folder else { continue }
      let stem = stems[index]
      // Who fits best: by one factor, no output itself, of the same format, and then of the longest name. Of one stem it has another extension.
      var best: (output: SeemingOutput, rank: [Int])?
      for length in min(1, stem.count)...stem.count {
        let rest = stem[length...]
        guard let others = sources[Key(folder: folder, stem: stem[..<length])], isSuffix(rest) else { continue }
        for other in others where other != index {
          guard let scale = scale(index, of: other, rest) else { continue }
          let isLike = ImageFormat(path: picture.path) == ImageFormat(path: pictures[other].path)
          let rank = [scale.isExact ? 1 : 0, result[other] == nil ? 1 : 0, isLike ? 1 : 0, length]
          guard best.map({ $0.rank.lexicographicallyPrecedes(rank) }) ?? true else { continue }
          let output = SeemingOutput(
            path: picture.path, source: pictures[other].path, scale: scale.factor, isMarked: mark(index) == true)
          best = (output, rank)
        }
      }
      result[index] = best?.output
      // What it was made of has another name now, or is gone.
      if result[index] == nil, outputFolders.contains(folder), mark(index) == true {
        result[index] = SeemingOutput(path: picture.path, isMarked: true)
      }
    }
    return result
  }

  /// Whether the rest of a name is what is put behind names: nothing (another extension), what begins with a sign, as `-x2` and `_big`, or a
  /// factor, as `x2` and `2x`; not another word or number, as of `cat` and `catalog`, or `photo1` and `photo12`.
  private static func isSuffix(_ rest: ArraySlice<UInt8>) -> Bool {
    guard let first = rest.first else { return true }
    if "-_.+@~=([{,;#%&!".utf8.contains(first) { return true }
    return String(decoding: rest, as: UTF8.self).wholeMatch(of: /[xX][0-9.]+|[0-9.]+[xX]/) != nil
  }

  /// Whether what is behind a name says without a size that a picture was made of another, and does not only count (`-1`, `_02`).
  private static func tellsAlone(_ rest: ArraySlice<UInt8>) -> Bool {
    rest.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) || $0 >= 0x80 }
  }

  /// By its header; nil where it cannot be read. The command does not thereby read it as an input.
  private static func size(_ path: String) -> (width: Int, height: Int)? {
    FileClaims.apart {
      guard AtomicFile.isPartial(path),
        let file = try? RandomAccessFile(path: path, limit: Image.largestFile, memory: 16 << 20),
        let properties = try? ImageReader(file, name: path).properties
      else { return nil }
      return (properties.width, properties.height)
    }
  }

  /// Of less it is somebody's crop or edit.
  private static let leastScale = 1.05

  /// The factor of at least 1.05 by which both sides of one size become those of another, rounded as `Upscaler` rounds them; nil where there is none.
  static func scale(from small: (width: Int, height: Int), to large: (width: Int, height: Int)) -> Double? {
    let sides = [(small.width, large.width), (small.height, large.height)]
    guard sides.allSatisfy({ $0.0 > 0 && $0.1 >= $0.0 }), large.width > small.width || large.height > small.height else {
      return nil
    }
    let least = sides.map { (Double($0.1) - 0.5) / Double($0.0) }.max() ?? 0
    let most = sides.map { (Double($0.1) + 0.5) / Double($0.0) }.min() ?? 0
    guard least <= most, most >= leastScale, least <= TargetSize.largestScale else { return nil }
    // The one that is meant is as a rule a whole number.
    let whole = ((least + most) / 2).rounded()
    return whole >= least && whole <= most && whole > 1 ? whole : (least + most) / 2
  }
}
