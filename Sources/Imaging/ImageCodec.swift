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
/// - inks (CMYK JPEG and TIFF) become RGB by the plain product of ink and black, Lab by way of D50 and sRGB's curve; profiles for
///   inks or Lab, which do not fit RGB, are dropped;
/// - of a TIFF with several pages the first is read that is no small picture of another, of an animated PNG its still picture, of GIF and
///   JPEG XL the first frame, of AVIF and HEIC the picture that the file names as its own; depths between 8 and 16 bits become 16;
///   palettes and YCbCr in TIFF become 8-bit RGB; samples that are no plain numbers of 1 to 16 bits are refused, as are WebP animations;
/// - alpha of a TIFF is the first extra sample that is declared so, or an only one that is declared nothing;
/// - the EXIF orientation is applied to the pixels, and the tag reset.
///
/// A file that is cut short is an error (`ImageReader` can be told otherwise), never a half-filled picture, unless no pixel is missing: the mark that ends a PNG or JPEG file,
/// or what fills the last row of a BMP. Bytes after the end of the picture are ignored.
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
    try ImageReader(RandomAccessFile(bytes, path: name), name: name, limits: limits).decoded()
  }
}

extension Image {
  /// The red channel (and alpha) of an 8-bit RGB image whose channels are equal.
  func keepingRedAsGrey() -> Image {
    guard colourModel == .rgb, case .uint8(let rgb) = samples else { return self }
    let (count, channels) = (width * height, channels)
    let grey = [UInt8](unsafeUninitializedCapacity: count * (channels - 2)) { target, initialized in
      rgb.withUnsafeBufferPointer { source in
        if let from = source.baseAddress, let to = target.baseAddress {
          SampleForms.takeRed(from, channels: channels, count: count, into: to)
        }
      }
      initialized = count * (channels - 2)
    }
    return Image(
      width: width, height: height, colourModel: .grey, hasAlpha: hasAlpha, samples: .uint8(grey), metadata: metadata)
  }
}
