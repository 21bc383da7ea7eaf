/// The header of an `.npy` file: a magic number, a version, and a Python dictionary of three entries.
///
///     {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 4), }
///
/// Source: NumPy, the module `numpy.lib.format`.
struct NPYHeader: Hashable {
  var type: ElementType
  var isBigEndian: Bool
  /// The first extent varies fastest.
  var isFortranOrder: Bool
  var shape: [Int]
  /// Where the elements begin, in bytes.
  var dataOffset: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy itself refuses headers above 10,000 bytes from strangers.
  static let byteLimit = 10_000
  /// As in NumPy 2.
  static let rankLimit = 64

  init(bytes: [UInt8]) throws(FormatProblem) {
    guard bytes.starts(with: Self.magic) || Self.magic.starts(with: bytes) else { throw .notOfFormat(.npy) }
    guard bytes.count >= 8 else { throw .truncated(.npy, part: "the magic number and version") }
    let version = bytes[6]
    guard 1...3 ~= version else { throw .malformed(.npy, part: "the version is \(version), not 1, 2 or 3") }
    let lengthSize = version == 1 ? 2 : 4
    let start = 8 + lengthSize
    guard bytes.count >= start else { throw .truncated(.npy, part: "the header length") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.byteLimit else {
      throw .limit(.npy, part: "the header takes \(length) bytes", limit: Self.byteLimit)
    }
    guard bytes.count - start >= length else { throw .truncated(.npy, part: "the header") }
    var parser = DictionaryParser(bytes: bytes, position: start, end: start + length)
    let entries = try parser.parse()

    guard case .text(let description)? = entries["descr"] else {
      if entries["descr"] == .list { throw .unsupportedType(.npy, tensor: "array", type: "records") }
      throw .malformed(.npy, part: "the header lacks the element type 'descr'")
    }
    guard case .bool(let isFortranOrder)? = entries["fortran_order"] else {
      throw .malformed(.npy, part: "the header lacks 'fortran_order'")
    }
    guard case .integers(let shape)? = entries["shape"] else { throw .malformed(.npy, part: "the header lacks 'shape'") }
    guard shape.count <= Self.rankLimit else {
      throw .limit(.npy, part: "the array has \(shape.count) dimensions", limit: Self.rankLimit)
    }
    let code = description.first.map { "<>|=".contains($0) } == true ? String(description.dropFirst()) : description
    guard let type = ElementType(npyCode: code) else {
      throw .unsupportedType(.npy, tensor: "array", type: "elements of type \(description)")
    }
    self.type = type
    self.isFortranOrder = isFortranOrder
    self.shape = shape
    isBigEndian = description.first == ">"
    dataOffset = start + length
  }

  /// The bytes of a header of version 1.0 for little-endian, row-major elements: padded with spaces to a multiple of 64.
  static func encoded(code: String, shape: [Int]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
    // The last byte is a line feed.
    let unpadded = magic.count + 4 + text.count + 1
    text += [UInt8](repeating: UInt8(ascii: " "), count: (64 - unpadded % 64) % 64)
    text.append(UInt8(ascii: "\n"))
    return magic + [1, 0, UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)] + text
  }
}

extension ElementType {
  /// `f4`, `i1`, as NumPy writes them behind the byte order.
  init?(npyCode: String) {
    switch npyCode {
    case "f8": self = .float64
    case "f4": self = .float32
    case "f2": self = .float16
    case "i8": self = .int64
    case "i4": self = .int32
    case "u4": self = .uint32
    case "i2": self = .int16
    case "u2": self = .uint16
    case "i1": self = .int8
    case "u1", "b1": self = .uint8
    default: return nil
    }
  }
}

/// The little of Python's literals that such headers use.
private struct DictionaryParser {
  enum Value: Equatable {
    case text(String)
    case bool(Bool)
    case integers([Int])
    /// A list, which describes records; its contents are skipped.
    case list
  }

  let bytes: [UInt8]
  var position: Int
  let end: Int

  mutating func parse() throws(FormatProblem) -> [String: Value] {
    var entries: [String: Value] = [:]
    try expect("{")
    while !take("}") {
      let key = try text()
      try expect(":")
      guard entries.updateValue(try value(), forKey: key) == nil else { throw malformed("'\(key)' stands twice in the header") }
      guard take(",") else {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == end else { throw malformed("text follows the dictionary of the header") }
    return entries
  }

  private mutating func value() throws(FormatProblem) -> Value {
    skipSpace()
    guard position < end else { throw malformed("the header ends before its last value") }
    switch bytes[position] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "("): return .integers(try tuple())
    case UInt8(ascii: "["):
      try skipList()
      return .list
    default:
      if takeWord("True") { return .bool(true) }
      if takeWord("False") { return .bool(false) }
      throw malformed("a value of the header cannot be read")
    }
  }

  private mutating func text() throws(FormatProblem) -> String {
    skipSpace()
    guard position < end, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(bytes[position]) else {
      throw malformed("a text of the header lacks its quote")
    }
    let quote = bytes[position]
    guard let close = bytes[position + 1..<end].firstIndex(of: quote) else {
      throw malformed("a text of the header does not end")
    }
    defer { position = close + 1 }
    return String(decoding: bytes[position + 1..<close], as: UTF8.self)
  }

  private mutating func tuple() throws(FormatProblem) -> [Int] {
    var extents: [Int] = []
    try expect("(")
    while !take(")") {
      skipSpace()
      let digits = bytes[position..<end].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
      guard let extent = Int(String(decoding: digits, as: UTF8.self)) else {
        throw malformed("an extent of the shape is no number from 0 to \(Int.max)")
      }
      position = digits.endIndex
      // Python 2 wrote its long integers so.
      _ = take("L")
      extents.append(extent)
      guard take(",") else {
        try expect(")")
        break
      }
    }
    return extents
  }

  private mutating func skipList() throws(FormatProblem) {
    var depth = 0
    repeat {
      guard position < end else { throw malformed("a list of the header does not end") }
      if bytes[position] == UInt8(ascii: "[") { depth += 1 }
      if bytes[position] == UInt8(ascii: "]") { depth -= 1 }
      position += 1
    } while depth > 0
  }

  private mutating func skipSpace() {
    while position < end, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard position < end, bytes[position] == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard bytes[position..<end].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func expect(_ character: Character) throws(FormatProblem) {
    guard take(character) else { throw malformed("the header lacks a '\(character)'") }
  }

  private func malformed(_ part: String) -> FormatProblem { .malformed(.npy, part: part) }
}
