import Files
import Imaging

/// A picture beside another that is called as that one with something behind, and is larger by one factor: as `upscale` makes it with a suffix,
/// or of another format. Nothing else in a file says who made it, so that it may be somebody's own. Where a run keeps the size, as restoration does, so did those
/// before it, as a rule: then the name tells alone.
public struct SeemingOutput: Hashable, Codable, Sendable {
  public var path: String
  /// What it seems to be made of.
  public var source: String
  /// How much larger it is.
  public var scale: Double

  /// By the bytes of their names, those among the pictures of a folder that seem to be outputs of others there.
  ///
  /// - Parameters:
  ///   - keepsSize: whether the run that asks keeps the size, so that pictures of one size are looked at, too.
  ///   - format: what it writes, where it says so.
  static func found(
    among names: [String], in folder: String, keepsSize: Bool = false, format: ImageFormat? = nil
  ) -> [[UInt8]: SeemingOutput] {
    // By folder and stem, in the order of their bytes: what begins as a stem stands behind it.
    let parts = names.map { name in
      let parts = Folder.split(name)
      return (name: name, key: (parts.folder + parts.stem).systemPathBytes, folder: parts.folder.systemPathBytes.count)
    }
    var stems: [[UInt8]: [Int]] = [:]
    for index in parts.indices { stems[parts[index].key, default: []].append(index) }
    var sizes: [Int: (width: Int, height: Int)?] = [:]
    func size(_ index: Int) -> (width: Int, height: Int)? {
      if let known = sizes[index] { return known }
      let size = Self.size(Folder.joined(folder, parts[index].name))
      sizes[index] = .some(size)
      return size
    }
    var result: [[UInt8]: SeemingOutput] = [:]
    for (index, part) in parts.enumerated() {
      // The shortest name is the first picture's where outputs were enlarged again; of one stem another extension.
      let lengths = (part.folder + 1)...max(part.folder + 1, part.key.count)
      candidates: for length in lengths {
        let stem = Array(part.key.prefix(length))
        let rest = part.key[stem.count...]
        guard let others = stems[stem], isSuffix(rest) else { continue }
        for other in others where other != index {
          guard let small = size(other), let large = size(index) else { continue }
          let isAlike = keepsSize && small == large && tellsAlone(rest, part.name, other: parts[other].name, format)
          guard let scale = isAlike ? 1 : Self.scale(from: small, to: large) else { continue }
          result[part.name.systemPathBytes] = SeemingOutput(
            path: Folder.joined(folder, part.name), source: Folder.joined(folder, parts[other].name), scale: scale)
          break candidates
        }
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

  /// Whether a name says without a size that one picture was made of another: by what is behind it, unless that only counts (`-1`, `_02`), or of one stem
  /// by the format that is written now and is not the other's.
  private static func tellsAlone(_ rest: ArraySlice<UInt8>, _ name: String, other: String, _ format: ImageFormat?) -> Bool {
    guard !rest.isEmpty else { return format != nil && ImageFormat(path: name) == format && ImageFormat(path: other) != format }
    return rest.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) || $0 >= 0x80 }
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
