import CImageCodecs
import Files

/// TIFF, by libtiff, strip after strip.
final class TIFFEncoder: RowEncoder {
  /// What libtiff writes to, and the first thing that went wrong there.
  private final class Target {
    let sink: any ImageSink
    var problem: FileError?

    init(_ sink: any ImageSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
      do throws(FileError) {
        try sink.write(bytes, at: offset)
        return true
      } catch {
        if problem == nil { problem = error }
        return false
      }
    }
  }

  private let target: Target
  private let writer: OpaquePointer
  private var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))

  init(_ properties: ImageProperties, _ sink: any ImageSink) throws(ImageError) {
    let target = Target(sink)
    var header = properties.libraryHeader
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    let client = image_codec_sink(
      write: { context, offset, bytes, count in
        guard let context else { return 0 }
        let target = Unmanaged<Target>.fromOpaque(context).takeUnretainedValue()
        return target.write(UnsafeRawBufferPointer(start: bytes, count: count), at: offset) ? 1 : 0
      }, context: Unmanaged.passUnretained(target).toOpaque())
    var opened: OpaquePointer?
    let status = properties.metadata.withLibraryBlocks { image_tiff_begin(&header, $0, client, &opened, &message) }
    guard status == IMAGE_CODEC_OK, let opened else {
      throw target.problem.map { .file($0) } ?? ImageError(writing: .tiff, status, message)
    }
    writer = opened
    self.target = target
  }

  deinit { image_tiff_close(writer) }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    var status = Int32(IMAGE_CODEC_OK)
    long.run(count: 1) { _ in status = image_tiff_rows(writer, rows, count, &message) }
    try check(status)
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) { try check(image_tiff_end(writer, &message)) }

  private func check(_ status: Int32) throws(ImageError) {
    guard status != IMAGE_CODEC_OK || target.problem != nil else { return }
    throw target.problem.map { .file($0) } ?? ImageError(writing: .tiff, status, message)
  }
}

/// WebP, by libwebp, which knows only whole pictures.
final class WebPEncoder: RowEncoder {
  private let properties: ImageProperties
  /// Below 0: lossless.
  private let quality: Float
  private let sink: any ImageSink
  private var bytes: [UInt8] = []
  private var words: [UInt16] = []

  init(_ properties: ImageProperties, quality: Float, _ sink: any ImageSink) {
    self.properties = properties
    self.quality = quality
    self.sink = sink
    let count = properties.width * properties.height * properties.channels
    if properties.bitDepth == 16 { words.reserveCapacity(count) } else { bytes.reserveCapacity(count) }
  }

  /// libwebp's encoders were measured (random pixels, the worst; 1.2.4).
  static func heldByteCount(_ properties: ImageProperties, _ encoding: ImageEncoding) -> Int {
    let pixels = properties.width * properties.height
    let samples = pixels * properties.channels * properties.bitDepth / 8
    let reduced = properties.bitDepth == 16 ? pixels * properties.channels : 0
    let inRGB = properties.colourModel == .grey ? pixels * (properties.channels + 2) : 0
    let isLossy = if case .webp = encoding { true } else { false }
    return samples + reduced + inRGB + pixels * (isLossy && !properties.hasAlpha ? 40 : 52) + (1 << 20)
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
    whole = whole.reducedTo8Bits.inRGB
    var output = LibraryOutput()
    var header = whole.properties.libraryHeader
    output.status = whole.metadata.withLibraryBlocks { blocks in
      whole.withUnsafeSampleBytes {
        image_webp_write(&header, $0.baseAddress, blocks, quality, &output.buffer, &output.message)
      }
    }
    try output.check(.webp)
    try sink.put(output.bytes, at: 0)
  }
}

/// BMP: grey as a palette of 256 greys, RGB with 24 bits, RGBA with 32 bits and masks. Rows stand from the bottom to the top.
final class BitmapEncoder: RowEncoder {
  private let conversion: RowConversion
  private let sink: any ImageSink
  private let isGrey: Bool
  private let start: Int
  private let rowByteCount: Int
  private var doneRows = 0

  init(_ properties: ImageProperties, _ sink: any ImageSink) throws(ImageError) {
    let conversion = RowConversion(properties: properties, reducesDepth: true)
    self.conversion = conversion
    self.sink = sink
    // Grey with alpha is written as red, green and blue.
    let (width, height, hasAlpha) = (properties.width, properties.height, properties.hasAlpha)
    isGrey = properties.colourModel == .grey && !hasAlpha
    let bits = isGrey ? 8 : hasAlpha ? 32 : 24
    let headerSize = hasAlpha ? 108 : 40
    let paletteBytes = isGrey ? 1024 : 0
    rowByteCount = (width * bits + 31) / 32 * 4
    start = 14 + headerSize + paletteBytes
    let size = start + rowByteCount * height
    guard size <= Int(UInt32.max) else { throw .tooLargeForFormat(format: .bmp, width: width, height: height) }
    var head = Array("BM".utf8)
    func append(_ value: Int, _ size: Int) { for i in 0..<size { head.append(UInt8(truncatingIfNeeded: value >> (8 * i))) } }
    for value in [size, 0, start, headerSize, width, height] { append(value, 4) }
    append(1, 2)
    append(bits, 2)
    // Compression, bytes of pixels, pixels a metre (72 dpi), colours used and important.
    for value in [hasAlpha ? 3 : 0, rowByteCount * height, 2835, 2835, 0, 0] { append(value, 4) }
    if hasAlpha {
      for mask in [0xFF0000, 0x00FF00, 0x0000FF, 0xFF00_0000] { append(mask, 4) }
      head += Array("BGRs".utf8)
      head += Array(repeating: 0, count: 48)
    }
    if isGrey { for value in 0..<256 { append(value * 0x010101, 4) } }
    try sink.put(head, at: 0)
  }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    var band = [UInt8](repeating: 0, count: count * rowByteCount)
    band.withUnsafeMutableBufferPointer { band in
      guard let base = band.baseAddress else { return }
      let height = 16
      long.run(count: (count + height - 1) / height) { part in
        for row in part * height..<min((part + 1) * height, count) {
          encode(rows + row * conversion.properties.rowByteCount, into: base + (count - 1 - row) * rowByteCount)
        }
      }
    }
    doneRows += count
    try sink.put(band, at: start + (conversion.properties.height - doneRows) * rowByteCount)
  }

  func finish(_ loop: any ParallelLoop) {}

  private func encode(_ row: UnsafeRawPointer, into output: UnsafeMutablePointer<UInt8>) {
    let properties = conversion.properties
    let (width, channels) = (properties.width, properties.channels)
    guard conversion.isNeeded else { return order(row.assumingMemoryBound(to: UInt8.self), channels, output) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width * channels) { converted in
      guard let base = converted.baseAddress else { return }
      conversion.convert(row, count: 1, into: base)
      order(base, channels, output)
    }
  }

  /// Blue, green, red.
  private func order(_ row: UnsafePointer<UInt8>, _ channels: Int, _ output: UnsafeMutablePointer<UInt8>) {
    let width = conversion.properties.width
    switch channels {
    case 1: output.update(from: row, count: width)
    case 2:
      for x in 0..<width {
        for channel in 0..<3 { output[4 &* x &+ channel] = row[2 &* x] }
        output[4 &* x &+ 3] = row[2 &* x &+ 1]
      }
    default:
      for x in 0..<width {
        for channel in 0..<3 { output[channels &* x &+ channel] = row[channels &* x &+ 2 &- channel] }
        if channels == 4 { output[4 &* x &+ 3] = row[4 &* x &+ 3] }
      }
    }
  }
}
