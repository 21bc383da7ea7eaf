import CImageCodecs
import Files

/// A chunk of a PNG file, as it is between its length and its checksum.
public struct PNGChunk: Hashable, Sendable {
  /// Four letters: `tEXt`.
  public var kind: String
  public var bytes: [UInt8]

  public init(kind: String, bytes: [UInt8]) {
    self.kind = kind
    self.bytes = bytes
  }

  /// A text: `tEXt` where it is plain ASCII, else `iTXt`. The keyword is ASCII of 1 to 79 letters.
  package init(keyword: String, text: String) {
    let lead = Array(keyword.utf8) + [0]
    self =
      text.utf8.allSatisfy { $0 < 128 }
      ? PNGChunk(kind: "tEXt", bytes: lead + Array(text.utf8))
      : PNGChunk(kind: "iTXt", bytes: lead + [0, 0, 0, 0] + Array(text.utf8))
  }

  static let colourKinds: Set<String> = ["gAMA", "cHRM", "sRGB", "cICP"]
  static let textKinds: Set<String> = ["tEXt", "zTXt", "iTXt"]

  package var isOfColour: Bool { Self.colourKinds.contains(kind) }

  private static let longestText = 64 << 20

  /// The keyword of a text; nil where the chunk holds none that the format allows.
  package var keyword: String? {
    guard Self.textKinds.contains(kind), let end = bytes.firstIndex(of: 0), (1...79).contains(end) else { return nil }
    let key = bytes[..<end]
    let isLegal = key.allSatisfy { (32...126).contains($0) || $0 >= 161 } && key.first != 32 && key.last != 32
    guard isLegal, !zip(key, key.dropFirst()).contains(where: { $0 == 32 && $1 == 32 }) else { return nil }
    return String(String.UnicodeScalarView(key.map { Unicode.Scalar($0) }))
  }

  /// What a text says; nil where it is damaged.
  package var text: [UInt8]? {
    guard keyword != nil, let end = bytes.firstIndex(of: 0) else { return nil }
    let rest = bytes[(end + 1)...]
    switch kind {
    case "tEXt": return rest.contains(0) ? nil : Array(rest)
    case "zTXt":
      guard rest.first == 0 else { return nil }
      return Self.inflated(rest.dropFirst())
    default:
      guard rest.count >= 4, let isPacked = rest.first, isPacked <= 1, rest[rest.startIndex + 1] == 0 else { return nil }
      let language = rest.dropFirst(2)
      guard let languageEnd = language.firstIndex(of: 0),
        let keyEnd = language[(languageEnd + 1)...].firstIndex(of: 0)
      else { return nil }
      let text = language[(keyEnd + 1)...]
      guard let plain = isPacked == 1 ? Self.inflated(text) : Array(text) else { return nil }
      return plain.contains(0) || String(validating: plain, as: UTF8.self) == nil ? nil : plain
    }
  }

  /// A text as Unicode.
  package var string: String? {
    text.map {
      kind == "iTXt" ? String(decoding: $0, as: UTF8.self) : String(String.UnicodeScalarView($0.map { Unicode.Scalar($0) }))
    }
  }

  private static func inflated(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var output = image_codec_buffer()
    defer { image_codec_buffer_free(&output) }
    let isDone = bytes.withUnsafeBufferPointer { image_png_inflate($0.baseAddress, $0.count, longestText, &output) }
    return isDone != 0 ? Array(UnsafeBufferPointer(start: output.bytes, count: output.count)) : nil
  }

  /// Whether a reader takes the chunk as it is: its length and numbers are what the format asks for.
  var isSound: Bool {
    func number(_ index: Int) -> Int { bytes[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) } }
    switch kind {
    case "gAMA": return bytes.count == 4 && (1...0x7FFF_FFFF).contains(number(0))
    case "cHRM": return bytes.count == 32 && (0..<8).allSatisfy { number($0) <= 0x7FFF_FFFF } && number(1) > 0
    case "sRGB": return bytes.count == 1 && bytes[0] <= 3
    // The matrix must be that of RGB.
    case "cICP": return bytes.count == 4 && bytes[2] == 0 && bytes[3] <= 1
    default: return text != nil
    }
  }
}

/// What stands in a PNG file beside its pixels.
struct PNGChunks {
  private(set) var kept: [PNGChunk] = []
  private(set) var resolution: ImageResolution?
  /// Pictures that follow each other in time; 1 for a still one.
  private(set) var frameCount = 1

  private static let longestInAll = 64 << 20

  /// Reads the heads of all chunks, and those that are kept. What is damaged is left out, as the pixels' reader does.
  init(_ file: RandomAccessFile) {
    var offset = 8, room = Self.longestInAll
    var seen: Set<String> = []
    while true {
      let head = file.bytes(8, at: offset)
      guard head.count == 8 else { return }
      let length = head[..<4].reduce(0) { $0 << 8 | Int($1) }
      let kind = String(decoding: head[4...], as: UTF8.self)
      guard kind != "IEND", length <= file.byteCount - offset - 12 else { return }
      let isSingle = PNGChunk.colourKinds.contains(kind) || kind == "pHYs" || kind == "acTL"
      if isSingle || PNGChunk.textKinds.contains(kind), length <= room, let bytes = Self.content(file, offset, length),
        !isSingle || seen.insert(kind).inserted
      {
        room -= length
        take(PNGChunk(kind: kind, bytes: bytes))
      }
      offset += 12 + length
    }
  }

  /// Nil where the checksum is of other bytes.
  private static func content(_ file: RandomAccessFile, _ offset: Int, _ length: Int) -> [UInt8]? {
    let named = file.bytes(length + 8, at: offset + 4)
    guard named.count == length + 8 else { return nil }
    let crc = named[(length + 4)...].reduce(0) { $0 << 8 | UInt32($1) }
    let body = Array(named[..<(length + 4)])
    return image_png_crc(0, body, body.count) == crc ? Array(body[4...]) : nil
  }

  private mutating func take(_ chunk: PNGChunk) {
    func number(_ index: Int) -> Int { chunk.bytes[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) } }
    switch chunk.kind {
    case "pHYs":
      guard chunk.bytes.count == 9, chunk.bytes[8] <= 1 else { return }
      let (across, down) = (number(0), number(1))
      resolution =
        chunk.bytes[8] == 1
        ? ImageResolution(perMetre: across, down)
        : across > 0 && down > 0 ? ImageResolution(horizontal: Double(across), vertical: Double(down), unit: .ratio) : nil
    case "acTL": if chunk.bytes.count == 8 { frameCount = max(1, number(0)) }
    default:
      // XMP is read by the library, which knows it by its keyword.
      if chunk.isSound, chunk.keyword != "XML:com.adobe.xmp" { kept.append(chunk) }
    }
  }
}

extension ImageMetadata {
  /// The chunks of a PNG file, besides those of the profile and XMP.
  var pngChunks: [PNGChunk] {
    let chunks = chunks.filter(\.isSound)
    // A profile is the better word on colours; both are not allowed. Each kind stands once.
    var kinds: Set<String> = iccProfile == nil ? [] : ["sRGB"]
    var result = chunks.filter { $0.isOfColour && kinds.insert($0.kind).inserted }
    if let exif { result.append(PNGChunk(kind: "eXIf", bytes: exif)) }
    if let resolution {
      let (across, down) = resolution.perMetre
      let numbers = [across, down].map { Int(min(max($0.rounded(), 1), Double(Int32.max))) }
      let bytes = numbers.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
      result.append(PNGChunk(kind: "pHYs", bytes: bytes + [resolution.unit == .ratio ? 0 : 1]))
    }
    result += chunks.filter { !$0.isOfColour }
    if let iptc, iptcText == nil { result.append(Self.text(ofIPTC: iptc)) }
    return result
  }

  static let iptcKeyword = "Raw profile type iptc"

  /// The text in which programs keep IPTC in PNG files, which have no place for it.
  private var iptcText: PNGChunk? { chunks.first { $0.keyword == Self.iptcKeyword } }

  /// As ImageMagick began to write it: the length, and Photoshop's resource in hexadecimal digits.
  private static func text(ofIPTC iptc: [UInt8]) -> PNGChunk {
    let resource = PhotoshopResources.bytes(iptc: iptc)
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("\niptc\n".utf8)
    let length = String(resource.count)
    text += Array(String(repeating: " ", count: max(0, 8 - length.count)).utf8) + Array(length.utf8)
    for (index, byte) in resource.enumerated() {
      if index % 36 == 0 { text.append(10) }
      text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return PNGChunk(kind: "tEXt", bytes: Array(iptcKeyword.utf8) + [0] + text + [10])
  }

  /// The records that such a text holds.
  var iptcOfChunks: [UInt8]? {
    guard let text = iptcText?.text else { return nil }
    let lines = text.split(separator: 10, omittingEmptySubsequences: true)
    // A name, which programs choose differently, and the length.
    guard lines.count >= 3 else { return nil }
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in lines[2...].joined() where digit != 32 {
      let value: UInt8
      switch digit {
      case 48...57: value = digit - 48
      case 97...102: value = digit - 87
      case 65...70: value = digit - 55
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes.first == 0x1C ? bytes : PhotoshopResources(bytes).iptc
  }
}
