import CImageCodecs
import Files

/// Rows of a picture, from top to bottom.
package protocol ImageRows: AnyObject {
  var properties: ImageProperties { get }
  /// The next `count` rows: samples as `properties` has them, without padding.
  func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError)
}

/// The rows of a picture that is in memory.
package final class RowsOfImage: ImageRows {
  private let image: Image
  private var nextRow = 0

  package init(_ image: Image) { self.image = image }

  package var properties: ImageProperties { image.properties }

  package func read(_ count: Int, into rows: UnsafeMutableRawPointer) {
    let rowByteCount = properties.rowByteCount
    precondition(nextRow + count <= image.height, "the picture has no more rows")
    image.withUnsafeSampleBytes { samples in
      guard let base = samples.baseAddress else { return }
      rows.copyMemory(from: base + nextRow * rowByteCount, byteCount: count * rowByteCount)
    }
    nextRow += count
  }
}

/// A picture that is read some rows at a time, from top to bottom, upright.
///
/// What precedes the pixels is read at once. A kind of picture that cannot be read in rows (`obstacle`) is decoded with the
/// first rows that are asked for, and held until the last has been taken. Not safe to use from two threads at once.
package final class ImageReader: ImageRows {
  /// Of the picture's file, before it is turned.
  package let header: ImageHeader
  /// Why the picture is held as a whole; nil where it is not.
  package let obstacle: ImageObstacle?
  /// Nil once the picture is held: what the decoder held is given back.
  private var source: (any RowSource)?
  private let hasGreyPalette: Bool
  private let orientationTag: Int?
  private let decoderByteCount: Int
  /// Of a TIFF file; nil of others.
  package let pages: TIFFPages?
  /// Of a TIFF file; 1 of others.
  package var pageCount: Int { pages?.count ?? 1 }
  private let name: String
  private var metadata: ImageMetadata
  private let orientation: Orientation
  private var whole: RowsOfImage?
  /// What is to be said of the file although its picture is read: clauses. After `finish` all of them.
  package private(set) var remarks: [String] = []

  /// - Parameters:
  ///   - name: what errors call the picture: its path.
  ///   - limits: the largest picture to accept.
  ///   - page: of a TIFF file, from 0 on; nil for the first, with a remark where there are more. There must be such a page.
  ///   - pages: those of the same file, from a reader of another page: they are looked for once.
  ///   - isTolerant: a picture whose file is cut in its pixels is no error: it is read as far as it goes, and a remark tells how far.
  package init(
    _ file: RandomAccessFile, name: String, limits: DecodingLimits = DecodingLimits(), page: Int? = nil,
    pages: TIFFPages? = nil, isTolerant: Bool = false
  ) throws(ImageError) {
    guard file.byteCount > 0 else { throw .empty(name: name) }
    guard let format = ImageFormat(sniffing: file.bytes(12, at: 0)) else { throw .unknownFormat(name: name) }
    let source: any RowSource =
      if format == .bmp {
        try BitmapRows(BitmapFile(file: file, name: name), isTolerant: isTolerant)
      } else {
        try LibraryRows(file, name: name, format, isTolerant: isTolerant, page: page ?? 0, pages: pages)
      }
    let header = source.header
    try limits.check(header, name: name)
    self.source = source
    hasGreyPalette = source.hasGreyPalette
    orientationTag = source.orientationTag
    decoderByteCount = source.heldByteCount
    self.name = name
    self.header = header
    let (metadata, orientation) = source.metadata.upright(tag: source.orientationTag)
    self.metadata = metadata
    self.orientation = orientation
    // Rows of a progressive file come one by one, but not those of one that is turned.
    let comesInRows = source.obstacle == nil || source.obstacle == .progressive
    obstacle = comesInRows && orientation != .upright ? .turned : source.obstacle
    self.pages = source.pages
    if source.pictureCount > 1, page == nil {
      remarks.append("the first of \(source.pictureCount) \(source.pictureKind)s is read; the others are left out")
    }
    if let mixture = source.mixture { remarks.append(mixture) }
    if source.layerCount > 1 {
      remarks.append(
        "\(source.layerCount) frames are drawn over each other and read as one picture, for those before the last have no duration"
      )
    }
    // Once for a file.
    if page ?? 0 == 0, let remark = source.pages?.remark { remarks.append(remark) }
  }

  private func noteEnd(of source: any RowSource) {
    if let missing = source.missing { return remarks.append(missing.remark(height: header.height)) }
    guard source.lacksEnd else { return }
    remarks.append("the end of the file is missing, though no pixel of it; it may have been cut off while it was copied")
  }

  /// Of the picture as it is read.
  package var properties: ImageProperties {
    if let whole { return whole.properties }
    let isGrey = header.channels < 3 || isGreyPalette
    let swaps = orientation.swapsSides
    return ImageProperties(
      width: swaps ? header.height : header.width, height: swaps ? header.width : header.height,
      colourModel: isGrey ? .grey : .rgb, hasAlpha: header.channels % 2 == 0, bitDepth: header.bits, metadata: metadata)
  }

  /// A profile for RGB does not fit a grey picture: the greys of a palette become a grey picture only without one.
  private var isGreyPalette: Bool { hasGreyPalette && metadata.iccProfile == nil }

  /// After rows could not be read: whether a tolerant reader gives some of them, as far as that is known.
  package var helpsTolerance: Bool { source?.helpsTolerance ?? true }

  /// Whether all samples stand in memory.
  package var isWhole: Bool { whole != nil }

  /// The bytes that are held from the first row to the last.
  package var heldByteCount: Int {
    switch obstacle {
    case nil, .progressive: decoderByteCount + (isGreyPalette ? 64 * header.width * header.channels : 0)
    default: header.sampleByteCount
    }
  }

  /// The bytes that are held at most while the picture is made ready.
  package var openingByteCount: Int {
    switch obstacle {
    case nil, .progressive: heldByteCount
    // Once more where they are turned or made grey.
    default: decoderByteCount + 2 * header.sampleByteCount + (1 << 20)
    }
  }

  /// Decodes what cannot be read in rows; before the first rows. `properties` may change: that the picture is turned may stand
  /// behind its pixels.
  package func start() throws(ImageError) {
    switch obstacle {
    case nil, .progressive:
      guard MemoryLimit.allows(heldByteCount) else { throw .outOfMemory(name: name) }
    default:
      if whole == nil { whole = RowsOfImage(try decoded()) }
    }
  }

  /// The next `count` rows: samples as `properties` has them, without padding.
  package func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError) {
    let rowByteCount = properties.rowByteCount
    if let whole { return whole.read(count, into: rows) }
    guard let source else { preconditionFailure("the picture has been read") }
    guard isGreyPalette else { return try source.read(count, into: rows) }
    // Red stands for all three.
    let step = 64, channels = header.channels
    let wide = UnsafeMutablePointer<UInt8>.allocate(capacity: step * header.width * channels)
    defer { wide.deallocate() }
    for start in stride(from: 0, to: count, by: step) {
      let part = min(step, count - start)
      try source.read(part, into: wide)
      let target = rows.assumingMemoryBound(to: UInt8.self) + start * rowByteCount
      SampleForms.takeRed(wide, channels: channels, count: part * header.width, into: target)
    }
  }

  /// Checks that the file is complete; after the last row.
  package func finish() throws(ImageError) {
    if let source {
      _ = try source.finish()
      noteEnd(of: source)
    }
    source = nil
    whole = nil
  }

  /// The whole picture. Nothing must have been read before.
  package func decoded() throws(ImageError) -> Image {
    guard let source, MemoryLimit.allows(decoderByteCount + 2 * header.sampleByteCount) else { throw .outOfMemory(name: name) }
    let samples = try Image.Samples.made(header.pixels * header.channels, bitDepth: header.bits) {
      (bytes) throws(ImageError) in
      guard let base = bytes.baseAddress else { return }
      try source.read(header.height, into: base)
    }
    let (metadata, orientation) = try source.finish().upright(tag: orientationTag)
    noteEnd(of: source)
    self.metadata = metadata
    self.source = nil
    let image = Image(
      width: header.width, height: header.height, colourModel: header.channels < 3 ? .grey : .rgb,
      hasAlpha: header.channels % 2 == 0, samples: samples, metadata: metadata
    ).oriented(orientation)
    return isGreyPalette ? image.keepingRedAsGrey() : image
  }
}

/// Why a picture stands in memory as a whole.
package enum ImageObstacle: Hashable, Sendable {
  case interlaced
  case lateMetadata
  case progressive
  case separatePlanes
  case converted
  /// EXIF says that another side is up.
  case turned
  /// The format's library knows only whole pictures.
  case library(ImageFormat)
}

extension ImageObstacle: CustomStringConvertible {
  /// A clause.
  package var description: String {
    switch self {
    case .interlaced: "the PNG file is interlaced"
    case .lateMetadata: "EXIF or XMP stands behind the pixels of the PNG file"
    case .progressive: "the JPEG file is progressive, and its coefficients are held"
    case .separatePlanes: "the planes of the TIFF file lie one behind the other"
    case .converted: "the TIFF file is converted to RGB"
    case .turned: "EXIF turns the picture"
    case .library(let format): "\(format.title) is coded as a whole"
    }
  }
}

extension DecodingLimits {
  /// Throws unless the claimed size is one that the caller accepts.
  func check(_ header: ImageHeader, name: String) throws(ImageError) {
    let (width, height) = (header.width, header.height)
    guard width > 0, height > 0 else {
      throw .corrupt(name: name, format: header.format, reason: "the size is \(width)x\(height)")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= pixels else { throw .tooManyPixels(name: name, width: width, height: height, limit: pixels) }
    let (size, sizeOverflow) = count.multipliedReportingOverflow(by: header.channels * header.bits / 8)
    guard !sizeOverflow, size <= bytes else {
      throw .tooManyBytes(name: name, width: width, height: height, bytes: sizeOverflow ? .max : size, limit: bytes)
    }
  }
}
