import Files

/// Encodes a picture whose rows come one after the other. The file does not depend on how many come at once, nor on threads.
package final class ImageWriter {
  private let encoder: any RowEncoder
  private let properties: ImageProperties
  private var rowCount = 0

  /// - Parameter properties: of the rows that will come; see `Image.encoded` for what becomes of kinds that the format does not
  ///   hold.
  /// - Parameter pages: of a TIFF file of several pages, where the one before has ended.
  package init(
    _ properties: ImageProperties, as encoding: ImageEncoding, to sink: any ImageSink, pages: TIFFPageChain? = nil
  ) throws(ImageError) {
    precondition(pages == nil || encoding == .tiff, "\(encoding.format.title) has no pages")
    try encoding.check(properties)
    var properties = properties
    properties.metadata.describe(width: properties.width, height: properties.height)
    self.properties = properties
    encoder =
      switch encoding {
      case .png: try PNGEncoder(properties, sink)
      case .jpeg(let quality): JPEGEncoder(properties, quality: quality, sink)
      case .webp, .webpLossless, .avif, .jxl, .jxlLossless: WholePictureEncoder(properties, encoding, sink)
      case .tiff: try TIFFEncoder(properties, sink, pages)
      case .bmp: try BitmapEncoder(properties, sink)
      }
  }

  /// Takes the next rows: samples as the properties say, without padding.
  ///
  /// - Parameters:
  ///   - loop: runs what can be done at once.
  ///   - company: something else to do meanwhile, on one thread; it is done when this returns.
  package func append(
    _ rows: UnsafeRawPointer, count: Int, on loop: any ParallelLoop = LoopInOrder(), beside company: (() -> Void)? = nil
  ) throws(ImageError) {
    rowCount += count
    let long = LoopWithCompany(loop, company)
    defer { long.finish() }
    try encoder.append(rows, count: count, loop, long: long)
  }

  /// Ends the file; all rows must have come.
  package func finish(on loop: any ParallelLoop = LoopInOrder()) throws(ImageError) {
    precondition(rowCount == properties.height, "\(rowCount) rows are no picture of \(properties.height)")
    try encoder.finish(loop)
  }
}

/// One format's way to make a file of rows.
protocol RowEncoder: AnyObject {
  /// - Parameters:
  ///   - loop: for short turns.
  ///   - long: for what takes longest.
  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError)
  func finish(_ loop: any ParallelLoop) throws(ImageError)
}

extension ImageEncoding {
  /// Throws where no such picture can be written, or not with its metadata.
  package func check(_ properties: ImageProperties) throws(ImageError) {
    let (width, height) = (properties.width, properties.height)
    var metadata = properties.metadata
    metadata.describe(width: width, height: height)
    for (block, bytes, limit) in metadata.blocks(limitedBy: format) where bytes > limit {
      throw .metadataTooLarge(format: format, block: block, bytes: bytes, limit: limit)
    }
    guard max(width, height) <= format.maximumSide else {
      throw .tooLargeForFormat(format: format, width: width, height: height)
    }
    switch self {
    case .jpeg(let quality):
      guard (1...100).contains(quality) else { throw .invalidQuality(format: .jpeg, quality: quality) }
    case .webp(let quality), .avif(let quality), .jxl(let quality):
      guard (0...100).contains(quality) else { throw .invalidQuality(format: format, quality: quality) }
    case .png, .webpLossless, .tiff, .bmp, .jxlLossless: break
    }
    try WholePictureEncoder.checkLibrary(format)
    if format == .bmp, BitmapEncoder.fileByteCount(properties) > Int(UInt32.max) {
      throw .tooLargeForFormat(format: .bmp, width: width, height: height)
    }
  }

  /// Whether it takes a quality.
  package var hasQuality: Bool {
    switch self {
    case .jpeg, .webp, .avif, .jxl: true
    case .png, .webpLossless, .tiff, .bmp, .jxlLossless: false
    }
  }

  /// Why rows are held until all are there; nil where they are not.
  package var obstacle: ImageObstacle? {
    switch self {
    case .webp, .webpLossless, .avif, .jxl, .jxlLossless: .library(format)
    case .png, .jpeg, .tiff, .bmp: nil
    }
  }

  /// The bytes of a large file, and as much again that its memory may have taken ahead.
  package func fileByteCount(_ properties: ImageProperties) -> Int {
    let pixels = properties.width * properties.height
    let file =
      switch self {
      case .png, .jxl, .jxlLossless: properties.sampleByteCount / 500 * 501 + properties.height
      // A code of LZW has up to 12 bits for a byte.
      case .tiff: properties.sampleByteCount / 2 * 3 + properties.height
      case .jpeg(let quality): pixels * properties.colourModel.channels * (quality >= 96 ? 5 : 3) / 4
      case .webp, .webpLossless, .avif: pixels * 4
      case .bmp: (4 * properties.width + 4) * properties.height
      }
    return 2 * file + (1 << 20)
  }

  /// The bytes that a writer holds at most beside the rows that it is given.
  ///
  /// - Parameters:
  ///   - properties: of the rows.
  ///   - rows: the most rows that are given at once.
  ///   - threads: the turns of a loop that run at once.
  package func writerByteCount(_ properties: ImageProperties, rows: Int, threads: Int) -> Int {
    let fixed = 1 << 20
    let rowByteCount = properties.rowByteCount
    switch self {
    case .png: return PNGEncoder.heldByteCount(properties, rows: rows, threads: threads) + fixed
    case .jpeg(let quality):
      return JPEGEncoder.heldByteCount(properties, quality: quality, rows: rows, threads: threads) + fixed
    // libtiff gathers a strip of 8 KiB, and lists of where they lie.
    case .tiff: return 4 * rowByteCount + 64 * properties.height + fixed
    case .bmp: return rows * ((properties.width * 4) + 4) + fixed
    case .webp, .webpLossless, .avif, .jxl, .jxlLossless:
      return WholePictureEncoder.heldByteCount(properties, self) + fixed
    }
  }
}

extension ImageSink {
  /// As `write`, with the error of pictures.
  func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ImageError) {
    do throws(FileError) { try write(bytes, at: offset) } catch { throw .file(error) }
  }

  func put(_ bytes: [UInt8], at offset: Int) throws(ImageError) {
    try bytes.withBytes { (bytes) throws(ImageError) in try put(bytes, at: offset) }
  }
}
