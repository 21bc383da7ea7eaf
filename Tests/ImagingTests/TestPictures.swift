import Imaging

/// A small generator, so that a printed seed repeats a test.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

enum TestPictures {
  /// Random samples of the given kind.
  static func noise(
    _ model: Image.ColourModel, alpha: Bool = false, bits: Int = 8, width: Int = 13, height: Int = 7, seed: UInt64 = 1
  ) -> Image {
    var generator = SplitMix64(seed: seed)
    let count = width * height * (model.channels + (alpha ? 1 : 0))
    let samples: Image.Samples =
      bits == 16
      ? .uint16((0..<count).map { _ in UInt16.random(in: 0...65535, using: &generator) })
      : .uint8((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    return Image(width: width, height: height, colourModel: model, hasAlpha: alpha, samples: samples)
  }

  /// All eight kinds.
  static let kinds: [Image] = [Image.ColourModel.grey, .rgb].flatMap { model in
    [false, true].flatMap { alpha in [8, 16].map { noise(model, alpha: alpha, bits: $0) } }
  }

  /// A display profile of the given colour space with one tag: what libpng asks of a profile, and no more.
  static func profile(_ space: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 256)
    func put(_ text: String, at offset: Int) {
      bytes.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
    }
    bytes[2] = 1
    bytes[8] = 4
    bytes[131] = 1
    put("cprt", at: 132)
    bytes[139] = 144
    bytes[143] = 112
    put("text", at: 144)
    for i in 152..<255 { bytes[i] = UInt8(32 + i * 37 % 90) }
    put("mntr", at: 12)
    put(space, at: 16)
    put("XYZ ", at: 20)
    put("acsp", at: 36)
    bytes.replaceSubrange(68..<80, with: [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D])
    return bytes
  }

  /// An EXIF block with an orientation tag between two others.
  static func exif(orientation: UInt8, isLittleEndian: Bool = true) -> [UInt8] {
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isLittleEndian ? bytes : bytes.reversed()
    }
    func short(_ tag: Int, _ value: Int) -> [UInt8] {
      number(tag, 2) + number(3, 2) + number(1, 4) + number(value, 2) + [0, 0]
    }
    let order = Array((isLittleEndian ? "II" : "MM").utf8)
    return order + number(42, 2) + number(8, 4) + number(3, 2) + short(0x0106, 2) + short(0x0112, Int(orientation))
      + short(0x0128, 2) + number(0, 4)
  }

  static func xmp(orientation: Int) -> [UInt8] {
    Array("<x:xmpmeta><tiff:Orientation>\(orientation)</tiff:Orientation> größe</x:xmpmeta>".utf8)
  }

  static func metadata(_ model: Image.ColourModel) -> ImageMetadata {
    ImageMetadata(iccProfile: profile(model == .grey ? "GRAY" : "RGB "), exif: exif(orientation: 1), xmp: xmp(orientation: 1))
  }

  /// One small file of each kind of encoding that is written, with metadata.
  static let files: [(name: String, bytes: [UInt8])] = {
    var files: [(String, [UInt8])] = []
    let encodings: [(String, ImageEncoding)] = [
      ("png", .png), ("jpeg", .jpeg(quality: 90)), ("webp", .webp(quality: 80)), ("lossless webp", .webpLossless),
      ("tiff", .tiff), ("bmp", .bmp),
    ]
    for (name, encoding) in encodings {
      for var image in kinds {
        image.metadata = metadata(image.colourModel)
        if let bytes = try? image.encoded(as: encoding) { files.append(("\(name) of \(image)", bytes)) }
      }
    }
    return files
  }()
}
