/// The file formats that are read and written.
public enum ImageFormat: String, Hashable, Sendable, CaseIterable {
  case png
  case jpeg
  case webp
  case tiff
  case bmp

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
    }
  }

  /// The name in prose: `PNG`.
  public var title: String { self == .webp ? "WebP" : rawValue.uppercased() }

  /// The largest width and height that the format can hold.
  public var maximumSide: Int {
    switch self {
    case .png, .tiff, .bmp: Int(Int32.max)
    case .jpeg: 65_500
    case .webp: 16_383
    }
  }
}
