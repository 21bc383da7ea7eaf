import Imaging
import Tensors

/// Pictures of every format: what decodes can be encoded, and comes back from each lossless format as it was.
struct ImageTarget: FuzzTarget {
  let name = "image"
  let sizeLimit = 8192

  private static let limits = DecodingLimits(pixels: 1 << 18, bytes: 1 << 22)

  func run(_ bytes: [UInt8]) {
    guard let image = made({ try ImageCodec.decode(bytes, limits: Self.limits) }) else { return }
    promise(image.width * image.height <= Self.limits.pixels, "a picture beyond the limit")
    // Large ones have been decoded, which is what they are for.
    guard image.width * image.height <= 1 << 14 else { return }
    for encoding in [ImageEncoding.png, .tiff, .webpLossless, .bmp, .jpeg(quality: 90)] {
      guard let file = made({ try image.encoded(as: encoding) }) else { continue }
      guard let again = made({ try ImageCodec.decode(file, limits: Self.limits) }) else {
        fatalError("broken promise: \(image) as \(encoding) is not read again")
      }
      promise(again.width == image.width && again.height == image.height, "\(image) as \(encoding) came back as \(again)")
      if encoding == .png || encoding == .tiff {
        promise(again.samples == image.samples, "\(image) as \(encoding) came back with other samples")
        promise(
          again.colourModel == image.colourModel && again.hasAlpha == image.hasAlpha, "\(image) as \(encoding) is \(again)")
      }
    }
  }

  func seeds() throws -> [[UInt8]] {
    var seeds: [[UInt8]] = []
    for (width, height) in [(5, 4), (17, 9)] {
      for model in [Image.ColourModel.grey, .rgb] {
        for hasAlpha in [false, true] {
          let count = width * height * (model.channels + (hasAlpha ? 1 : 0))
          for samples in [
            Image.Samples.uint8((0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }),
            .uint16((0..<count).map { UInt16(truncatingIfNeeded: $0 * 3701) }),
          ] {
            var image = Image(width: width, height: height, colourModel: model, hasAlpha: hasAlpha, samples: samples)
            if hasAlpha { image.metadata.exif = Self.exif }
            for encoding in [ImageEncoding.png, .tiff, .webpLossless, .webp(quality: 50), .bmp, .jpeg(quality: 80)] {
              if let file = try? image.encoded(as: encoding) { seeds.append(file) }
            }
            seeds.append(PNGChunks.stored(image))
          }
        }
      }
    }
    return seeds
  }

  /// A directory with an orientation.
  private static let exif: [UInt8] =
    [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]

  let dictionary = [
    "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "eXIf", "iTXt", "tEXt", "zTXt", "pHYs", "acTL",
    "RIFF",
    "WEBP", "VP8X", "VP8L", "VP8 ", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP ", "JFIF\0", "Exif\0\0", "Adobe\0",
    "ICC_PROFILE\0",
    "II*\0", "MM\0*", "BM",
  ]

  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    guard var png = PNGChunks(bytes), generator.next() % 8 != 0 else { return plain(bytes) }
    png.mutate(using: &generator, plain: plain)
    return png.bytes
  }
}
