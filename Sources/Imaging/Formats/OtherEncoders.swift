import CImageCodecs
import Files

/// TIFF, by libtiff, strip after strip.
final class TIFFEncoder: RowEncoder {
  /// What libtiff writes to, and the first thing that went wrong there.
  private final class Target {
    let sink: any ImageSink
    var problem: FileError?
    /// What would be written, where it is not yet: the directory.
    var held: TIFFTail?
    private(set) var byteCount = 0

    init(_ sink: any ImageSink) { self.sink = sink }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
      byteCount = max(byteCount, offset + bytes.count)
      if held?.take(bytes, at: offset) == true { return true }
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
  /// What libtiff is not given.
  private let structure: TIFFStructure
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
    structure = properties.metadata.tiffStructure
  }

  deinit { image_tiff_close(writer) }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    var status = Int32(IMAGE_CODEC_OK)
    long.run(count: 1) { _ in status = image_tiff_rows(writer, rows, count, &message) }
    try check(status)
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) {
    guard !structure.isEmpty else { return try check(image_tiff_end(writer, &message)) }
    try check(image_tiff_flush(writer, &message))
    target.held = TIFFTail(start: target.byteCount)
    try check(image_tiff_end(writer, &message))
    guard let tail = target.held else { return }
    for (offset, bytes) in tail.pieces(adding: structure) { try target.sink.put(bytes, at: offset) }
  }

  private func check(_ status: Int32) throws(ImageError) {
    guard status != IMAGE_CODEC_OK || target.problem != nil else { return }
    throw target.problem.map { .file($0) } ?? ImageError(writing: .tiff, status, message)
  }
}

/// What libtiff writes behind the pixels, in memory: the directory and its values. To it go entries that libtiff would have to be taught.
private struct TIFFTail {
  /// Where the pixels end.
  let start: Int
  private var bytes: [UInt8] = []
  /// Writes into what is before, such as the place of the directory.
  private var earlier: [(offset: Int, bytes: [UInt8])] = []

  init(start: Int) { self.start = start }

  mutating func take(_ piece: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard offset >= start else {
      earlier.append((offset, Array(piece)))
      return true
    }
    let end = offset - start + piece.count
    if end > bytes.count { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
    bytes.replaceSubrange(offset - start..<end, with: piece)
    return true
  }

  /// The bytes of the file from the pixels' end on, with the directory made anew, and those before; each with its place.
  func pieces(adding structure: TIFFStructure) -> [(offset: Int, bytes: [UInt8])] {
    // The head tells where the directory is: in bytes 4 to 7, of BigTIFF in 8 to 15, as the machine orders them.
    guard let head = earlier.last(where: { ($0.offset == 4 && $0.bytes.count == 4) || ($0.offset == 8 && $0.bytes.count == 8) })
    else { return earlier + [(start, bytes)] }
    let isBig = head.offset == 8
    let isLittle = UInt16(1).littleEndian == 1
    let signature: [UInt8] =
      (isLittle ? [0x49, 0x49] : [0x4D, 0x4D]) + (isLittle ? [isBig ? 43 : 42, 0] : [0, isBig ? 43 : 42])
    let first = isBig ? signature + [8, 0, 0, 0] + head.bytes : signature + head.bytes + [0, 0, 0, 0, 0, 0, 0, 0]
    func source(_ count: Int, _ offset: Int) -> [UInt8] {
      let (from, at) = offset < start ? (first, offset) : (bytes, offset - start)
      return at < from.count ? Array(from[at..<min(at + count, from.count)]) : []
    }
    guard isLittle, let form = TIFFStructure.Form(source), var directory = TIFFStructure(form, at: form.first, source) else {
      return earlier + [(start, bytes)]
    }
    directory.entries.merge(structure.entries) { $1 }
    directory.children = structure.children
    let place = start + start % 2
    let places = TIFFStructure.Entry.little(place, isBig ? 8 : 4)
    return [(head.offset, places), (start, [UInt8](repeating: 0, count: start % 2) + directory.bytes(at: place, isBig: isBig))]
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
    // 0 where nothing is known.
    let density = properties.metadata.resolution.flatMap { $0.unit == .ratio ? nil : $0.perMetre } ?? (0, 0)
    func perMetre(_ value: Double) -> Int { Int(min(value.rounded(), Double(Int32.max))) }
    var head = Array("BM".utf8)
    func append(_ value: Int, _ size: Int) { for i in 0..<size { head.append(UInt8(truncatingIfNeeded: value >> (8 * i))) } }
    for value in [size, 0, start, headerSize, width, height] { append(value, 4) }
    append(1, 2)
    append(bits, 2)
    // Compression, bytes of pixels, pixels a metre, colours used and important.
    let numbers = [hasAlpha ? 3 : 0, rowByteCount * height, perMetre(density.0), perMetre(density.1), 0, 0]
    for value in numbers { append(value, 4) }
    if hasAlpha {
      for mask in [0xFF0000, 0x00FF00, 0x0000FF, 0xFF00_0000] { append(mask, 4) }
      head += Array("BGRs".utf8)
      head += Array(repeating: 0, count: 48)
    }
    if isGrey { for value in 0..<256 { append(value * 0x010101, 4) } }
    try sink.put(head, at: 0)
  }

  /// Of the file, nearly: its header names it in 32 bits.
  static func fileByteCount(_ properties: ImageProperties) -> Int {
    let bits = properties.hasAlpha ? 32 : properties.colourModel == .grey ? 8 : 24
    return (properties.width * bits + 31) / 32 * 4 * properties.height + 1146
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
