import CImageCodecs

/// WebP, AVIF and JPEG XL, by libraries that know only whole pictures.
final class WholePictureEncoder: RowEncoder {
  private let properties: ImageProperties
  private let encoding: ImageEncoding
  private let sink: any ImageSink
  private var bytes: [UInt8] = []
  private var words: [UInt16] = []

  init(_ properties: ImageProperties, _ encoding: ImageEncoding, _ sink: any ImageSink) {
    self.properties = properties
    self.encoding = encoding
    self.sink = sink
    let count = properties.width * properties.height * properties.channels
    if properties.bitDepth == 16 { words.reserveCapacity(count) } else { bytes.reserveCapacity(count) }
  }

  /// Throws where a library that is looked for at run time is not there.
  static func checkLibrary(_ format: ImageFormat) throws(ImageError) {
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    let status =
      switch format {
      case .avif: image_avif_check(&message)
      case .jxl: image_jxl_check(&message)
      case .png, .jpeg, .webp, .tiff, .bmp, .gif, .heic: Int32(IMAGE_CODEC_OK)
      }
    if status != IMAGE_CODEC_OK { throw ImageError(writing: format, status, message) }
  }

  /// The libraries' encoders were measured (random pixels, the worst; libwebp 1.2.4, libheif 1.15.1 with libaom 3.6, libjxl 0.7).
  static func heldByteCount(_ properties: ImageProperties, _ encoding: ImageEncoding) -> Int {
    let pixels = properties.width * properties.height
    let samples = pixels * properties.channels * properties.bitDepth / 8
    switch encoding {
    case .avif: return samples + pixels * 110 + (16 << 20)
    case .jxl, .jxlLossless: return samples + pixels * 150 + (16 << 20)
    case .png, .jpeg, .webp, .webpLossless, .tiff, .bmp:
      let reduced = properties.bitDepth == 16 ? pixels * properties.channels : 0
      let inRGB = properties.colourModel == .grey ? pixels * (properties.channels + 2) : 0
      let isLossy = if case .webp = encoding { true } else { false }
      return samples + reduced + inRGB + pixels * (isLossy && !properties.hasAlpha ? 40 : 52) + (1 << 20)
    }
  }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) {
    let samples = UnsafeRawBufferPointer(start: rows, count: count * properties.rowByteCount)
    if properties.bitDepth == 16 {
      words.append(contentsOf: samples.bindMemory(to: UInt16.self))
    } else {
      bytes.append(contentsOf: samples)
    }
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) {
    var whole = Image(properties, samples: properties.bitDepth == 16 ? .uint16(words) : .uint8(bytes))
    (words, bytes) = ([], [])
    if encoding.format == .webp { whole = whole.reducedTo8Bits.inRGB }
    var output = LibraryOutput()
    var header = whole.properties.libraryHeader
    output.status = whole.metadata.withLibraryBlocks { blocks in
      whole.withUnsafeSampleBytes { samples in
        let base = samples.baseAddress
        switch encoding {
        case .avif(let quality): return image_avif_write(&header, base, blocks, Int32(quality), &output.buffer, &output.message)
        case .jxl(let quality): return image_jxl_write(&header, base, blocks, Int32(quality), &output.buffer, &output.message)
        case .jxlLossless: return image_jxl_write(&header, base, blocks, -1, &output.buffer, &output.message)
        case .webp(let quality): return image_webp_write(&header, base, blocks, Float(quality), &output.buffer, &output.message)
        case .webpLossless: return image_webp_write(&header, base, blocks, -1, &output.buffer, &output.message)
        case .png, .jpeg, .tiff, .bmp: preconditionFailure("\(encoding) is written in rows")
        }
      }
    }
    try output.check(encoding.format)
    try sink.put(output.bytes, at: 0)
  }
}
