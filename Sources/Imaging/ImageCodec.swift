import CImageCodecs
import Files

/// How much a file may claim before it is refused. Checked on the header, before any memory is taken for pixels.
public struct DecodingLimits: Hashable, Sendable {
  /// Width times height.
  public var pixels: Int
  /// Bytes of decoded samples.
  public var bytes: Int

  public init(pixels: Int = 1 << 28, bytes: Int = 1 << 31) {
    self.pixels = pixels
    self.bytes = bytes
  }
}

/// Reads pictures from memory.
///
/// What becomes of the kinds of picture:
/// - grey stays grey and 16 bits stay 16 bits; grey of 1, 2 and 4 bits is expanded to 8;
/// - a palette becomes RGB, or grey where it holds greys alone; a transparent colour becomes alpha;
/// - CMYK JPEG becomes RGB by the plain product of ink and black, and its profile, which does not fit RGB, is dropped;
/// - of a TIFF with several pages the first is read, without its EXIF directory; palettes, inks, YCbCr and Lab in TIFF become
///   8-bit RGB; samples that are no plain numbers of 1 to 16 bits are refused, as are WebP animations and packed BMP;
/// - the EXIF orientation is applied to the pixels, and the tag reset.
///
/// A file that is cut short is an error, never a half-filled picture; bytes after the end of the picture are ignored.
public enum ImageCodec {
  /// Decodes a picture; the format is found from the content.
  ///
  /// - Parameters:
  ///   - bytes: The whole file.
  ///   - name: What errors call it: its path.
  ///   - limits: The largest picture to accept.
  public static func decode(
    _ bytes: [UInt8], name: String = "picture", limits: DecodingLimits = DecodingLimits()
  ) throws(ImageError) -> Image {
    guard let format = ImageFormat(sniffing: bytes) else { throw .unknownFormat(name: name) }
    let source = Source(bytes: bytes, name: name, format: format, limits: limits)
    switch format {
    case .png: return try source.decode(header: image_png_header, pixels: image_png_pixels)
    case .jpeg: return try source.decode(header: image_jpeg_header, pixels: image_jpeg_pixels)
    case .webp: return try source.decode(header: image_webp_header, pixels: image_webp_pixels)
    case .tiff:
      try source.checkMetadataOfDirectory()
      return try source.decode(header: image_tiff_header, pixels: image_tiff_pixels)
    case .bmp: return try source.decodeBitmap()
    }
  }

  /// A file in memory, and what the caller said about it.
  struct Source {
    let bytes: [UInt8]
    let name: String
    let format: ImageFormat
    let limits: DecodingLimits

    typealias HeaderReader = (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<image_codec_header>?, UnsafeMutablePointer<CChar>?
    ) -> Int32
    typealias PixelReader = (
      UnsafePointer<UInt8>?, Int, UnsafePointer<image_codec_header>?, UnsafeMutableRawPointer?, Int,
      UnsafeMutablePointer<image_codec_metadata>?, UnsafeMutablePointer<CChar>?
    ) -> Int32
  }
}

extension ImageCodec.Source {
  /// Throws unless the claimed size is one that the caller accepts.
  func check(width: Int, height: Int, channels: Int, bits: Int) throws(ImageError) {
    guard width > 0, height > 0 else { throw corrupt("the size is \(width)x\(height)") }
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, pixels <= limits.pixels else {
      throw .tooManyPixels(name: name, width: width, height: height, limit: limits.pixels)
    }
    let (size, sizeOverflow) = pixels.multipliedReportingOverflow(by: channels * bits / 8)
    guard !sizeOverflow, size <= limits.bytes else {
      throw .tooManyBytes(name: name, width: width, height: height, bytes: sizeOverflow ? .max : size, limit: limits.bytes)
    }
  }

  func corrupt(_ reason: String) -> ImageError { .corrupt(name: name, format: format, reason: reason) }

  /// The reason a C library gave. It may quote the file: all but printable ASCII becomes a space.
  static func line(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { (32..<127).contains($0) ? UInt8(bitPattern: $0) : 32 }, as: UTF8.self)
  }

  func failure(_ status: Int32, _ message: [CChar]) -> ImageError {
    let text = Self.line(message)
    return switch Int(status) {
    case Int(IMAGE_CODEC_MEMORY): .outOfMemory(name: name)
    case Int(IMAGE_CODEC_UNSUPPORTED): .unsupported(name: name, format: format, reason: text)
    default: corrupt(text)
    }
  }

  fileprivate func decode(header readHeader: HeaderReader, pixels readPixels: PixelReader) throws(ImageError) -> Image {
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    var header = image_codec_header()
    var status = readHeader(bytes, bytes.count, &header, &message)
    guard status == IMAGE_CODEC_OK else { throw failure(status, message) }
    let width = Int(header.width)
    let height = Int(header.height)
    let channels = Int(header.channels)
    try check(width: width, height: height, channels: channels, bits: Int(header.bits))
    let size = ImageHeader(format: format, width: width, height: height, channels: channels, bits: Int(header.bits))
    guard MemoryLimit.allows(size.decodingByteCount) else { throw .outOfMemory(name: name) }
    var metadata = image_codec_metadata()
    defer { image_codec_metadata_free(&metadata) }
    let count = width * height * channels
    let samples: Image.Samples
    if header.bits == 16 {
      samples = .uint16(
        Array(unsafeUninitializedCapacity: count) { buffer, initialized in
          status = readPixels(bytes, bytes.count, &header, buffer.baseAddress, count * 2, &metadata, &message)
          initialized = status == IMAGE_CODEC_OK ? count : 0
        })
    } else {
      samples = .uint8(
        Array(unsafeUninitializedCapacity: count) { buffer, initialized in
          status = readPixels(bytes, bytes.count, &header, buffer.baseAddress, count, &metadata, &message)
          initialized = status == IMAGE_CODEC_OK ? count : 0
        })
    }
    guard status == IMAGE_CODEC_OK else { throw failure(status, message) }
    let image = Image(
      width: width, height: height, colourModel: channels < 3 ? .grey : .rgb, hasAlpha: channels % 2 == 0, samples: samples,
      metadata: ImageMetadata(
        iccProfile: metadata.icc.array, exif: metadata.exif.array.flatMap(ExifOrientation.block), xmp: metadata.xmp.array))
    let upright = image.applyingOrientation(tag: metadata.orientation == 0 ? nil : Int(metadata.orientation))
    // A profile for RGB does not fit a grey picture: the greys of a palette become a grey picture only without one.
    let isGrey = header.has_grey_palette != 0 && upright.metadata.iccProfile == nil
    return isGrey ? upright.keepingRedAsGrey() : upright
  }
}

extension image_codec_buffer {
  /// The bytes, or nil where there are none.
  fileprivate var array: [UInt8]? { count == 0 ? nil : Array(UnsafeBufferPointer(start: bytes, count: count)) }
}

extension Image {
  /// The red channel (and alpha) of an 8-bit RGB image whose channels are equal.
  func keepingRedAsGrey() -> Image {
    guard colourModel == .rgb, case .uint8(let rgb) = samples else { return self }
    var grey: [UInt8] = []
    grey.reserveCapacity(width * height * (hasAlpha ? 2 : 1))
    for start in stride(from: 0, to: rgb.count, by: channels) {
      grey.append(rgb[start])
      if hasAlpha { grey.append(rgb[start + 3]) }
    }
    return Image(
      width: width, height: height, colourModel: .grey, hasAlpha: hasAlpha, samples: .uint8(grey), metadata: metadata)
  }
}
