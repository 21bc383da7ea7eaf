import Files

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
