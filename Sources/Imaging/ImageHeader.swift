import CImageCodecs

/// What a picture's file says of its size before any pixel is decoded.
package struct ImageHeader: Hashable, Sendable {
  package var format: ImageFormat
  package var width: Int
  package var height: Int
  /// At most so many are decoded: a palette may turn out to hold greys alone.
  package var channels: Int
  /// 8 or 16.
  package var bits: Int

  package init(format: ImageFormat, width: Int, height: Int, channels: Int, bits: Int) {
    self.format = format
    self.width = width
    self.height = height
    self.channels = channels
    self.bits = bits
  }

  package var pixels: Int { width * height }
  /// Of the decoded samples.
  package var sampleByteCount: Int { pixels * channels * bits / 8 }

  /// The bytes that decoding holds at most beside those of the file: the samples, once more where they are turned upright or made
  /// grey, and what the C library keeps, by its sources: the coefficients of a progressive JPEG (16 bits for each sample of up to
  /// four inks), the pixels of a lossless WebP (32 bits each) with its alpha, the raster that libtiff converts.
  package var decodingByteCount: Int {
    let own =
      switch format {
      case .png: 8 * width * channels * bits / 8
      case .jpeg: 8 * pixels
      case .webp: 5 * pixels + (2 << 20)
      case .tiff: 4 * pixels + sampleByteCount
      case .bmp: 0
      }
    return 2 * sampleByteCount + own + (1 << 20)
  }
}

extension ImageEncoding {
  /// The bytes that encoding holds at most beside the samples: forms of them that the format takes, what the C library keeps, and the
  /// file twice, in its memory and in ours.
  ///
  /// libjpeg keeps all coefficients to choose its codes; libwebp's encoders were measured (random pixels, the worst; 1.2.4).
  package func peakByteCount(width: Int, height: Int, channels: Int, bits: Int) -> Int {
    let pixels = width * height, samples = pixels * channels
    let hasAlpha = channels % 2 == 0
    let reduced = bits == 16 ? samples : 0
    let fixed = 2 << 20
    switch self {
    case .png, .tiff:
      let file = samples * bits / 8
      return 2 * (file + file / 500) + fixed
    case .jpeg(let quality):
      let colours = channels < 3 ? 1 : 3
      let coefficients = (quality >= 90 || colours == 1 ? 2 * colours : 3) * (width + 16) * (height + 16)
      let file = pixels * colours * (quality >= 96 ? 5 : 3) / 4
      return reduced + (hasAlpha ? pixels * colours : 0) + coefficients + 2 * file + fixed
    case .webp, .webpLossless:
      let inRGB = channels < 3 ? pixels * (channels + 2) : 0
      let isLossy = if case .webp = self { true } else { false }
      return reduced + inRGB + pixels * (isLossy && !hasAlpha ? 40 : 52) + fixed
    case .bmp:
      return reduced + (channels == 2 ? 4 * pixels : 0) + pixels * (channels == 2 ? 4 : channels) + 4 * height + fixed
    }
  }
}

extension ImageCodec {
  /// What the file says of its size; nothing is decoded.
  package static func header(_ bytes: [UInt8], name: String) throws(ImageError) -> ImageHeader {
    guard let format = ImageFormat(sniffing: bytes) else { throw .unknownFormat(name: name) }
    let source = Source(bytes: bytes, name: name, format: format, limits: DecodingLimits(pixels: .max, bytes: .max))
    switch format {
    case .png: return try source.header(image_png_header)
    case .jpeg: return try source.header(image_jpeg_header)
    case .webp: return try source.header(image_webp_header)
    case .tiff: return try source.header(image_tiff_header)
    case .bmp: return try source.bitmapHeader()
    }
  }
}

extension ImageCodec.Source {
  fileprivate func header(_ read: HeaderReader) throws(ImageError) -> ImageHeader {
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    var header = image_codec_header()
    let status = read(bytes, bytes.count, &header, &message)
    guard status == IMAGE_CODEC_OK else { throw failure(status, message) }
    try check(width: Int(header.width), height: Int(header.height), channels: Int(header.channels), bits: Int(header.bits))
    return ImageHeader(
      format: format, width: Int(header.width), height: Int(header.height), channels: Int(header.channels),
      bits: Int(header.bits))
  }
}
