extension RunMetrics {
  /// The figures as TensorBoard reads them, a scalar for each figure of each epoch.
  ///
  /// - Source: TensorFlow's `event.proto`, `summary.proto` and the framing of `record_writer.cc`: length, its masked CRC-32C, the record,
  ///   its masked CRC-32C.
  public var events: [UInt8] {
    var bytes = Self.framed(Self.event(step: 0, seconds: 0, body: Self.field(3, Array("brain.Event:2".utf8))))
    var seconds = 0.0
    for row in rows {
      seconds += row.seconds
      var figures = [
        ("train/loss", row.loss), ("train/learning_rate", row.learningRate), ("train/images_per_second", row.imagesPerSecond),
      ]
      for (name, value) in zip(names, row.validation) {
        if let value { figures.append(("validation/\(name)", value)) }
      }
      var summary: [UInt8] = []
      for (tag, value) in figures {
        summary += Self.field(1, Self.field(1, Array(tag.utf8)) + [2 << 3 | 5] + Self.littleEndian(Float(value).bitPattern))
      }
      bytes += Self.framed(Self.event(step: row.epoch, seconds: seconds, body: Self.field(5, summary)))
    }
    return bytes
  }

  private static func event(step: Int, seconds: Double, body: [UInt8]) -> [UInt8] {
    [1 << 3 | 1] + littleEndian(seconds.bitPattern) + [2 << 3 | 0] + variableLength(UInt64(step)) + body
  }

  /// A field of bytes.
  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2] + variableLength(UInt64(bytes.count)) + bytes
  }

  private static func variableLength(_ value: UInt64) -> [UInt8] {
    var result: [UInt8] = [], rest = value
    while rest >= 128 {
      result.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private static func framed(_ record: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(record.count))
    return length + littleEndian(maskedChecksum(length)) + record + littleEndian(maskedChecksum(record))
  }

  private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let checksum = checksum(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C (Castagnoli).
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var state = UInt32.max
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~state
  }
}
