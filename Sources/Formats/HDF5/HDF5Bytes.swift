import Files

/// The file that addresses lead into, and how many bytes numbers take in it.
struct HDF5Bytes: Sendable {
  let file: RandomAccessFile
  /// What addresses count from: some programs put a block of their own in front.
  var base = 0
  var addressByteCount = 8
  var lengthByteCount = 8

  /// The largest piece of structure that is read at once.
  static let blockLimit = 1 << 20

  /// `count` bytes from an address on.
  func block(_ address: Int, _ count: Int, _ part: String) throws(FormatProblem) -> HDF5Cursor {
    guard count <= Self.blockLimit else { throw .limit(.hdf5, part: "\(part) takes \(count) bytes", limit: Self.blockLimit) }
    let (offset, overflow) = base.addingReportingOverflow(address)
    guard !overflow, offset <= file.byteCount - count else { throw .truncated(.hdf5, part: part) }
    let bytes = file.bytes(count, at: offset)
    guard bytes.count == count else { throw .truncated(.hdf5, part: part) }
    return HDF5Cursor(bytes, part: part, of: self)
  }

  /// Up to `count` bytes from an address on.
  func beginning(_ address: Int, _ count: Int, _ part: String) throws(FormatProblem) -> HDF5Cursor {
    let (offset, overflow) = base.addingReportingOverflow(address)
    guard !overflow, offset < file.byteCount else { throw .truncated(.hdf5, part: part) }
    return HDF5Cursor(file.bytes(count, at: offset), part: part, of: self)
  }

  /// The file, and where the header of its root group lies.
  static func open(_ file: RandomAccessFile) throws(FormatProblem) -> (HDF5Bytes, root: Int) {
    // At the beginning, or at 512, 1024, 2048, … where something else stands first.
    var start = 0
    while file.bytes(8, at: start) != [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] {
      start = start == 0 ? 512 : 2 * start
      guard start < file.byteCount else { throw .notOfFormat(.hdf5) }
    }
    var bytes = HDF5Bytes(file: file)
    let part = "the superblock"
    var cursor = try bytes.beginning(start, 112, part)
    try cursor.skip(8)
    let version = try cursor.number(1)
    guard version <= 3 else { throw .unsupported(.hdf5, part: "version \(version) of the format", mend: HDF5Bytes.mend) }
    if version < 2 { try cursor.skip(4) }
    bytes.addressByteCount = try cursor.number(1)
    bytes.lengthByteCount = try cursor.number(1)
    guard [2, 4, 8].contains(bytes.addressByteCount), [2, 4, 8].contains(bytes.lengthByteCount) else {
      throw .malformed(.hdf5, part: "numbers of \(bytes.addressByteCount) and \(bytes.lengthByteCount) bytes")
    }
    cursor.bytes = bytes
    // The rest of version 1 has four bytes more than that of 0; of both the numbers up to here are about the sizes of trees.
    try cursor.skip(version == 0 ? 9 : version == 1 ? 13 : 1)
    guard let base = try cursor.address() else { throw .malformed(.hdf5, part: part) }
    // Of free space, or of the superblock's extension.
    _ = try cursor.address()
    guard let end = try cursor.address() else { throw .malformed(.hdf5, part: part) }
    let root: Int?
    if version < 2 {
      // Where the driver is described, and the name of the root.
      try cursor.skip(2 * bytes.addressByteCount)
      root = try cursor.address()
    } else {
      root = try cursor.address()
      try cursor.checkSum(from: 0)
    }
    guard let root else { throw .malformed(.hdf5, part: "there is no root group") }
    // Programs that put a block in front later leave the base at 0.
    bytes.base = base == 0 ? start : base
    guard end <= file.byteCount - (base == 0 ? start : 0) else {
      throw .truncated(.hdf5, part: "its \(end) bytes, of which \(file.byteCount) are there")
    }
    return (bytes, root)
  }

  static let mend = "save it with h5py's libver='earliest'"
}

/// A piece of the file that is read from front to back.
struct HDF5Cursor: Sendable {
  private let storage: [UInt8]
  /// What errors call it.
  let part: String
  var bytes: HDF5Bytes
  private(set) var position = 0
  private var end: Int

  init(_ storage: [UInt8], part: String, of bytes: HDF5Bytes) {
    self.storage = storage
    self.part = part
    self.bytes = bytes
    end = storage.count
  }

  /// The bytes that are left.
  var count: Int { end - position }

  mutating func skip(_ count: Int) throws(FormatProblem) {
    guard count >= 0, count <= self.count else { throw .malformed(.hdf5, part: "\(part) ends early") }
    position += count
  }

  /// An unsigned number of up to 8 bytes, the low byte first.
  mutating func number(_ count: Int) throws(FormatProblem) -> Int {
    let start = position
    try skip(count)
    var value: UInt64 = 0
    for index in (start..<position).reversed() { value = value << 8 | UInt64(storage[index]) }
    guard let number = Int(exactly: value) else { throw .malformed(.hdf5, part: "\(part) holds a number beyond all sizes") }
    return number
  }

  /// An address; nil for the one that stands for none.
  mutating func address() throws(FormatProblem) -> Int? {
    let start = position
    if storage[start..<min(start + bytes.addressByteCount, end)].allSatisfy({ $0 == 0xFF }) {
      try skip(bytes.addressByteCount)
      return nil
    }
    return try number(bytes.addressByteCount)
  }

  /// The size of something in the file.
  mutating func length() throws(FormatProblem) -> Int { try number(bytes.lengthByteCount) }

  mutating func take(_ count: Int) throws(FormatProblem) -> ArraySlice<UInt8> {
    let start = position
    try skip(count)
    return storage[start..<position]
  }

  /// The next `count` bytes as a piece of its own.
  mutating func piece(_ count: Int, part: String) throws(FormatProblem) -> HDF5Cursor {
    var result = self
    try skip(count)
    result.end = position
    return HDF5Cursor(Array(storage[result.position..<result.end]), part: part, of: bytes)
  }

  mutating func expect(_ signature: String) throws(FormatProblem) {
    guard try take(4).elementsEqual(signature.utf8) else {
      throw .malformed(.hdf5, part: "\(part) does not begin with \(signature)")
    }
  }

  /// Reads four bytes, which must be the checksum of all from `start` up to them.
  mutating func checkSum(from start: Int) throws(FormatProblem) {
    let sum = HDF5Checksum.lookup3(storage[start..<position])
    guard try number(4) == Int(sum) else { throw .malformed(.hdf5, part: "the checksum of \(part) does not match") }
  }

  /// Text up to the byte 0 or the end.
  mutating func text() -> String {
    let text = storage[position..<end].prefix { $0 != 0 }
    position += text.count
    return String(decoding: text, as: UTF8.self)
  }
}
