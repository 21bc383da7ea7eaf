/// A format to write, with its options.
public enum ImageEncoding: Hashable, Sendable {
  case png
  /// Quality from 1 to 100; from 90 on the colour keeps its full resolution (4:4:4), below it is halved (4:2:0).
  case jpeg(quality: Int)
  /// Lossy, quality from 0 to 100.
  case webp(quality: Int)
  case webpLossless
  /// Samples of 8 bits by LZW with the horizontal predictor, of 16 bits as they are: what TIFF 6 has.
  case tiff
  case bmp
  /// Quality from 0 to 100; from 90 on the colour keeps its full resolution.
  case avif(quality: Int)
  /// Lossy, quality from 0 to 100.
  case jxl(quality: Int)
  case jxlLossless

  /// The encoding that a format has unless told otherwise: JPEG at 92, AVIF at 90, lossless WebP and JPEG XL. A given quality makes these
  /// two lossy, and has no meaning for PNG, TIFF and BMP. Throws for formats that are not written.
  public init(_ format: ImageFormat, quality: Int? = nil) throws(ImageError) {
    self =
      switch format {
      case .png: .png
      case .jpeg: .jpeg(quality: quality ?? 92)
      case .webp: quality.map { .webp(quality: $0) } ?? .webpLossless
      case .tiff: .tiff
      case .bmp: .bmp
      case .avif: .avif(quality: quality ?? 90)
      case .jxl: quality.map { .jxl(quality: $0) } ?? .jxlLossless
      case .gif, .heic: throw .notWritten(format: format)
      }
  }

  /// The encoding that the name of an output file asks for by its extension.
  public init(path: String, quality: Int? = nil) throws(ImageError) {
    guard let format = ImageFormat(path: path) else { throw .unknownExtension(name: path) }
    try self.init(format, quality: quality)
  }

  public var format: ImageFormat {
    switch self {
    case .png: .png
    case .jpeg: .jpeg
    case .webp, .webpLossless: .webp
    case .tiff: .tiff
    case .bmp: .bmp
    case .avif: .avif
    case .jxl, .jxlLossless: .jxl
    }
  }
}

extension ImageEncoding {
  /// What is lost of such a picture, apart from metadata that the format does not hold (`ImageMetadata.lost(in:)`): clauses.
  package func losses(_ properties: ImageProperties) -> [String] {
    var result: [String] = []
    let title = format.title
    if format == .jpeg, properties.hasAlpha { result.append("\(title) holds no alpha; the picture is laid over white") }
    if properties.bitDepth == 16, let bits = format.mostBits {
      result.append("\(title) holds \(bits) bits a sample; the picture's 16 are rounded")
    }
    let isGrey = properties.colourModel == .grey, profile = properties.metadata.iccProfile
    if isGrey, format == .webp, profile != nil, properties.metadata.fittingRGB.iccProfile == nil {
      result.append("\(title) has no grey; the colour profile, which is for grey, is left out")
    }
    return result
  }
}

extension ImageFormat {
  /// The bits of a sample, where they are fewer than 16.
  fileprivate var mostBits: Int? {
    switch self {
    case .jpeg, .webp, .bmp, .gif: 8
    case .avif: 12
    case .png, .tiff, .heic, .jxl: nil
    }
  }
}

extension Image {
  /// The picture as a file in memory.
  ///
  /// PNG, TIFF and lossless JPEG XL hold every image as it is; AVIF holds any kind, of 16 bits the upper 12. The others hold 8 bits:
  /// 16-bit samples are divided by 257 and rounded. JPEG has no
  /// alpha: the picture is laid over white. WebP has no grey, and BMP no grey with alpha: grey is written as equal red, green
  /// and blue, and a profile for grey is left out. Metadata are written where the format holds them: PNG all, JPEG all but PNG's
  /// texts and words on colours, TIFF all but these, too, WebP, AVIF and JPEG XL profile, EXIF and XMP, BMP the resolution. Sizes in EXIF are made true, and
  /// small pictures in it dropped. PNG leaves out a profile that is damaged or made for another colour model.
  public func encoded(as encoding: ImageEncoding) throws(ImageError) -> [UInt8] {
    let sink = MemorySink()
    let writer = try ImageWriter(properties, as: encoding, to: sink)
    try withUnsafeSampleBytes { (samples) throws(ImageError) in
      if let base = samples.baseAddress { try writer.append(base, count: height) }
    }
    try writer.finish()
    return sink.bytes
  }
}

extension Image {
  /// The image with 8-bit samples: 16-bit ones divided by 257 and rounded to nearest.
  public var reducedTo8Bits: Image {
    guard case .uint16(let values) = samples else { return self }
    return replacingSamples(.uint8(values.map { SampleForms.reduced($0) }))
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
    return Image(
      width: width, height: height, colourModel: .rgb, hasAlpha: hasAlpha, samples: spreadSamples, metadata: metadata.fittingRGB
    )
  }

  private func replacingSamples(_ samples: Samples) -> Image {
    Image(
      width: width, height: height, colourModel: colourModel, hasAlpha: hasAlpha, samples: samples, metadata: metadata)
  }
}
