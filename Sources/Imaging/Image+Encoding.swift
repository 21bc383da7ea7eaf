import CImageCodecs

/// A format to write, with its options.
public enum ImageEncoding: Hashable, Sendable {
  case png
  /// Quality from 1 to 100; from 90 on the colour keeps its full resolution (4:4:4), below it is halved (4:2:0).
  case jpeg(quality: Int)
  /// Lossy, quality from 0 to 100.
  case webp(quality: Int)
  case webpLossless
  /// Deflate compression with the horizontal predictor.
  case tiff
  case bmp

  /// The encoding that a format has unless told otherwise: JPEG at 92, lossless WebP. A given quality makes WebP lossy, and
  /// has no meaning for PNG, TIFF and BMP.
  public init(_ format: ImageFormat, quality: Int? = nil) {
    self =
      switch format {
      case .png: .png
      case .jpeg: .jpeg(quality: quality ?? 92)
      case .webp: quality.map { .webp(quality: $0) } ?? .webpLossless
      case .tiff: .tiff
      case .bmp: .bmp
      }
  }

  /// The encoding that the name of an output file asks for by its extension.
  public init(path: String, quality: Int? = nil) throws(ImageError) {
    guard let format = ImageFormat(path: path) else { throw .unknownExtension(name: path) }
    self.init(format, quality: quality)
  }

  public var format: ImageFormat {
    switch self {
    case .png: .png
    case .jpeg: .jpeg
    case .webp, .webpLossless: .webp
    case .tiff: .tiff
    case .bmp: .bmp
    }
  }
}

extension Image {
  /// The picture as a file in memory.
  ///
  /// PNG and TIFF hold every image as it is. The others hold 8 bits: 16-bit samples are divided by 257 and rounded. JPEG has no
  /// alpha: the picture is laid over white. WebP has no grey, and BMP no grey with alpha: grey is written as equal red, green
  /// and blue, and a profile for grey is left out. ICC profile, EXIF and XMP are written where the format holds them: TIFF
  /// holds no EXIF block, BMP nothing. PNG leaves out a profile that is damaged or made for another colour model.
  public func encoded(as encoding: ImageEncoding) throws(ImageError) -> [UInt8] {
    let format = encoding.format
    guard max(width, height) <= format.maximumSide else {
      throw .tooLargeForFormat(format: format, width: width, height: height)
    }
    switch encoding {
    case .png:
      return try write(.png) { image_png_write($0, $1, $2, $3, $4) }
    case .jpeg(let quality):
      guard (1...100).contains(quality) else { throw .invalidQuality(format: .jpeg, quality: quality) }
      return try reducedTo8Bits.overWhite.write(.jpeg) {
        image_jpeg_write($0, $1, $2, Int32(quality), quality >= 90 ? 1 : 0, $3, $4)
      }
    case .webp(let quality):
      guard (0...100).contains(quality) else { throw .invalidQuality(format: .webp, quality: quality) }
      return try reducedTo8Bits.inRGB.write(.webp) { image_webp_write($0, $1, $2, Float(quality), $3, $4) }
    case .webpLossless:
      return try reducedTo8Bits.inRGB.write(.webp) { image_webp_write($0, $1, $2, -1, $3, $4) }
    case .tiff:
      return try write(.tiff) { image_tiff_write($0, $1, $2, $3, $4) }
    case .bmp:
      let image = reducedTo8Bits
      return try (image.hasAlpha ? image.inRGB : image).encodedAsBitmap()
    }
  }

  private typealias Writer = (
    UnsafePointer<image_codec_header>, UnsafeRawPointer, UnsafePointer<image_codec_metadata>,
    UnsafeMutablePointer<image_codec_buffer>, UnsafeMutablePointer<CChar>
  ) -> Int32

  private func write(_ format: ImageFormat, _ writer: Writer) throws(ImageError) -> [UInt8] {
    // The markers of JPEG count their length in 16 bits; a profile may span 255 of them.
    if format == .jpeg {
      let limits = [
        ("EXIF", metadata.exif, 65_527), ("XMP", metadata.xmp, 65_504), ("ICC profile", metadata.iccProfile, 255 * 65_519),
      ]
      for (block, bytes, limit) in limits where (bytes?.count ?? 0) > limit {
        throw .metadataTooLarge(format: format, block: block, bytes: bytes?.count ?? 0, limit: limit)
      }
    }
    var header = image_codec_header()
    header.width = UInt32(width)
    header.height = UInt32(height)
    header.channels = UInt8(channels)
    header.bits = UInt8(bitDepth)
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    var output = image_codec_buffer()
    defer { image_codec_buffer_free(&output) }
    var profile = metadata.iccProfile ?? []
    var exif = metadata.exif ?? []
    var xmp = metadata.xmp ?? []
    let status = profile.withUnsafeMutableBufferPointer { profile in
      exif.withUnsafeMutableBufferPointer { exif in
        xmp.withUnsafeMutableBufferPointer { xmp in
          let blocks = image_codec_metadata(
            icc: image_codec_buffer(bytes: profile.baseAddress, count: profile.count),
            exif: image_codec_buffer(bytes: exif.baseAddress, count: exif.count),
            xmp: image_codec_buffer(bytes: xmp.baseAddress, count: xmp.count), orientation: 0)
          return withUnsafePointer(to: blocks) { blocks in
            withUnsafeSampleBytes { bytes in
              bytes.baseAddress.map { writer(&header, $0, blocks, &output, &message) } ?? Int32(IMAGE_CODEC_REFUSED)
            }
          }
        }
      }
    }
    guard status == IMAGE_CODEC_OK else {
      if status == IMAGE_CODEC_MEMORY { throw .outOfMemory(name: "the \(format.title) output") }
      throw .encodingFailed(format: format, reason: ImageCodec.Source.line(message))
    }
    return Array(UnsafeBufferPointer(start: output.bytes, count: output.count))
  }

  private func withUnsafeSampleBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    switch samples {
    case .uint8(let values): values.withUnsafeBytes(body)
    case .uint16(let values): values.withUnsafeBytes(body)
    }
  }
}

extension Image {
  /// The image with 8-bit samples: 16-bit ones divided by 257 and rounded to nearest.
  public var reducedTo8Bits: Image {
    guard case .uint16(let values) = samples else { return self }
    // (v + 128) / 257 is round(v / 257): 257 is odd, so no halves occur.
    return replacingSamples(.uint8(values.map { UInt8((Int($0) + 128) / 257) }))
  }

  /// The image with 16-bit samples: 8-bit ones times 257.
  public var extendedTo16Bits: Image {
    guard case .uint8(let values) = samples else { return self }
    return replacingSamples(.uint16(values.map { UInt16($0) * 257 }))
  }

  /// A grey image as equal red, green and blue; an RGB image as it is.
  var inRGB: Image {
    guard colourModel == .grey else { return self }
    let channels = channels
    func spread<T>(_ values: [T]) -> [T] {
      var result: [T] = []
      result.reserveCapacity(values.count / channels * (channels + 2))
      for start in stride(from: 0, to: values.count, by: channels) {
        for _ in 0..<3 { result.append(values[start]) }
        if channels == 2 { result.append(values[start + 1]) }
      }
      return result
    }
    let spreadSamples: Samples =
      switch samples {
      case .uint8(let values): .uint8(spread(values))
      case .uint16(let values): .uint16(spread(values))
      }
    // A profile for grey does not fit RGB; the colour space stands in bytes 16 to 19.
    var metadata = metadata
    if metadata.iccProfile?.dropFirst(16).starts(with: Array("GRAY".utf8)) == true { metadata.iccProfile = nil }
    return Image(
      width: width, height: height, colourModel: .rgb, hasAlpha: hasAlpha, samples: spreadSamples, metadata: metadata)
  }

  /// An 8-bit image without alpha: laid over white.
  var overWhite: Image {
    guard hasAlpha, case .uint8(let values) = samples else { return self }
    var result: [UInt8] = []
    let colours = colourModel.channels
    result.reserveCapacity(width * height * colours)
    for start in stride(from: 0, to: values.count, by: channels) {
      let alpha = Int(values[start + colours])
      for channel in 0..<colours {
        result.append(UInt8((Int(values[start + channel]) * alpha + 255 * (255 - alpha) + 127) / 255))
      }
    }
    return Image(width: width, height: height, colourModel: colourModel, samples: .uint8(result), metadata: metadata)
  }

  private func replacingSamples(_ samples: Samples) -> Image {
    Image(
      width: width, height: height, colourModel: colourModel, hasAlpha: hasAlpha, samples: samples, metadata: metadata)
  }
}
