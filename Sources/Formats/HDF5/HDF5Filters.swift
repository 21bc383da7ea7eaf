import CZlib

/// What was done to a chunk before it was stored.
struct HDF5Filters: Sendable {
  enum Filter: Int, Sendable {
    case deflate = 1
    case shuffle = 2
    case fletcher32 = 3
  }

  private(set) var filters: [Filter] = []

  init() {}

  init(_ message: HDF5Cursor, name: String) throws(FormatProblem) {
    var body = message
    let version = try body.number(1)
    let count = try body.number(1)
    guard version == 1 || version == 2, count <= 32 else { throw .malformed(.hdf5, part: "the filters of '\(name)'") }
    if version == 1 { try body.skip(6) }
    for _ in 0..<count {
      let number = try body.number(2)
      // Filters of the library itself have no name in version 2.
      let nameByteCount = version == 1 || number >= 256 ? try body.number(2) : 0
      try body.skip(2)
      let values = try body.number(2)
      try body.skip(
        (version == 1 ? (nameByteCount + 7) / 8 * 8 : nameByteCount) + 4 * (version == 1 ? values + values % 2 : values))
      guard let filter = Filter(rawValue: number) else {
        throw .unsupported(
          .hdf5, part: "'\(name)' packed by filter \(number)", mend: "save it with gzip, or without compression")
      }
      filters.append(filter)
    }
  }

  /// The bytes of a chunk as they were.
  ///
  /// - Parameters:
  ///   - mask: a bit for each filter that this chunk was spared.
  ///   - byteCount: what the chunk takes unpacked.
  func unpacked(
    _ stored: [UInt8], mask: Int, byteCount: Int, elementByteCount: Int, name: String
  ) throws(FormatProblem) -> [UInt8] {
    var bytes = stored
    for (index, filter) in filters.enumerated().reversed() where mask >> index & 1 == 0 {
      switch filter {
      case .deflate:
        bytes = try Self.inflated(bytes, byteCount: byteCount + (filters.contains(.fletcher32) ? 4 : 0), name: name)
      case .shuffle: bytes = Self.gathered(bytes, elementByteCount)
      case .fletcher32:
        guard bytes.count >= 4 else { throw .truncated(.hdf5, part: "a chunk of '\(name)'") }
        let sum = HDF5Checksum.fletcher32(bytes.dropLast(4))
        let given = bytes.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard sum == given else { throw .malformed(.hdf5, part: "the checksum of a chunk of '\(name)' does not match") }
        bytes.removeLast(4)
      }
    }
    guard bytes.count == byteCount else { throw .malformed(.hdf5, part: "the size of a chunk of '\(name)'") }
    return bytes
  }

  /// - Parameter byteCount: the most bytes that come out.
  private static func inflated(_ bytes: [UInt8], byteCount: Int, name: String) throws(FormatProblem) -> [UInt8] {
    var status = Z_DATA_ERROR
    let result = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      var length = uLongf(byteCount)
      bytes.withUnsafeBufferPointer { source in
        status = uncompress(target.baseAddress, &length, source.baseAddress, uLong(source.count))
      }
      count = status == Z_OK ? Int(length) : 0
    }
    guard status == Z_OK else { throw .malformed(.hdf5, part: "a packed chunk of '\(name)'") }
    return result
  }

  /// Elements of which all first bytes were stored, then all second ones, …; what is left over lies behind.
  private static func gathered(_ bytes: [UInt8], _ elementByteCount: Int) -> [UInt8] {
    let count = bytes.count / elementByteCount
    guard count > 1, elementByteCount > 1 else { return bytes }
    var result = bytes
    for byte in 0..<elementByteCount {
      for index in 0..<count { result[index &* elementByteCount &+ byte] = bytes[byte &* count &+ index] }
    }
    return result
  }
}
