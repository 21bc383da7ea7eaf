/// The file formats that are read; all but GIF and HEIC are written. The last four need a library that is looked for when it is needed.
public enum ImageFormat: String, Hashable, Sendable, CaseIterable {
  case png
  case jpeg
  case webp
  case tiff
  case bmp
  case gif
  case avif
  case heic
  case jxl

  /// The format of a file by its first bytes, or nil.
  public init?(sniffing bytes: some Collection<UInt8>) {
    let start = Array(bytes.prefix(12))
    if start.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if start.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if start.count == 12, start.starts(with: Array("RIFF".utf8)), start[8...].elementsEqual(Array("WEBP".utf8)) {
      self = .webp
    } else if start.starts(with: [0x49, 0x49, 42, 0]) || start.starts(with: [0x4D, 0x4D, 0, 42])
      || start.starts(with: [0x49, 0x49, 43, 0]) || start.starts(with: [0x4D, 0x4D, 0, 43])
    {
      self = .tiff
    } else if start.starts(with: Array("BM".utf8)) {
      self = .bmp
    } else if start.starts(with: Array("GIF87a".utf8)) || start.starts(with: Array("GIF89a".utf8)) {
      self = .gif
    } else if start.starts(with: [0xFF, 0x0A]) || start.starts(with: [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20, 13, 10, 0x87, 10]) {
      self = .jxl
    } else if start.count == 12, start[4..<8].elementsEqual(Array("ftyp".utf8)) {
      switch String(decoding: start[8...], as: UTF8.self) {
      case "avif", "avis": self = .avif
      // The last two say nothing of the coding.
      case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1": self = .heic
      default: return nil
      }
    } else {
      return nil
    }
  }

  /// The format that a file name asks for by its extension, in upper or lower case, or nil.
  public init?(path: some StringProtocol) {
    let scalars = Array(path.unicodeScalars), name = scalars.split(separator: "/").last ?? []
    guard let dot = name.lastIndex(of: ".") else { return nil }
    self.init(named: String(String.UnicodeScalarView(name[(dot + 1)...])))
  }

  /// The format of a name or an extension without its dot, in upper or lower case: `png`, `JPEG`, `tif`; or nil.
  public init?(named name: some StringProtocol) {
    let name = name.lowercased()
    guard let format = Self.allCases.first(where: { $0.fileExtensions.contains(name) }) else { return nil }
    self = format
  }

  /// The extensions that name the format, the usual one first.
  public var fileExtensions: [String] {
    switch self {
    case .png: ["png"]
    case .jpeg: ["jpg", "jpeg", "jpe", "jfif"]
    case .webp: ["webp"]
    case .tiff: ["tif", "tiff"]
    case .bmp: ["bmp", "dib"]
    case .gif: ["gif"]
    case .avif: ["avif"]
    case .heic: ["heic", "heif", "hif"]
    case .jxl: ["jxl"]
    }
  }

  /// The name in prose: `PNG`.
  public var title: String {
    switch self {
    case .webp: "WebP"
    case .jxl: "JPEG XL"
    case .png, .jpeg, .tiff, .bmp, .gif, .avif, .heic: rawValue.uppercased()
    }
  }

  /// Whether files of the format are written, too.
  public var isWritten: Bool { self != .gif && self != .heic }

  /// The extensions of the formats that are written, each with its dot, the usual one of each: a list for people.
  package static var writtenExtensions: String {
    let extensions = allCases.filter(\.isWritten).compactMap(\.fileExtensions.first).map { "." + $0 }
    return extensions.dropLast().joined(separator: ", ") + (extensions.last.map { " or \($0)" } ?? "")
  }

  /// The largest width and height that the format can hold.
  public var maximumSide: Int {
    switch self {
    case .png, .tiff, .bmp: Int(Int32.max)
    case .jpeg: 65_500
    case .webp: 16_383
    case .gif: 65_535
    case .avif, .heic: 65_536
    case .jxl: (1 << 30) - 1
    }
  }
}
