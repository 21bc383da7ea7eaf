/// The JSON header of a safetensors file, parsed against its schema: memory is bounded by the header's own length, nothing is
/// nested deeper than the format nests it, and a name that stands twice is an error.
struct SafetensorsHeader {
  struct Entry {
    var name: String
    var type: ElementType
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  private let bytes: [UInt8]
  private var position: Int
  private let end: Int
  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  /// More extents than any tensor of an image network has.
  private static let rankLimit = 16

  init(bytes: [UInt8], range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  mutating func parse() throws(FormatProblem) {
    // The format wants `{` as the very first byte; anything else is some other file.
    guard position < end, bytes[position] == UInt8(ascii: "{") else { throw .notOfFormat(.safetensors) }
    var names: Set<String> = []
    try object { (parser, name) throws(FormatProblem) in
      guard names.insert(name).inserted else { throw .duplicateTensor(name) }
      if name == "__metadata__" { try parser.parseMetadata() } else { try parser.parseEntry(name) }
    }
    skipSpaces()
    guard position == end else { throw malformed("text after the end of the header") }
  }

  private mutating func parseMetadata() throws(FormatProblem) {
    try object { (parser, key) throws(FormatProblem) in
      let value = try parser.string()
      guard parser.metadata.updateValue(value, forKey: key) == nil else { throw .duplicateTensor(key) }
    }
  }

  private mutating func parseEntry(_ name: String) throws(FormatProblem) {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (parser, key) throws(FormatProblem) in
      switch key {
      case "dtype" where type == nil: type = try parser.string()
      case "shape" where shape == nil: shape = try parser.integers()
      case "data_offsets" where offsets == nil: offsets = try parser.integers()
      default: throw parser.malformed("the entry of '\(name)' has an unknown or repeated key '\(key)'")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw malformed("the entry of '\(name)' lacks dtype, shape or data_offsets")
    }
    guard let element = Self.types[type] else { throw .unsupportedType(.safetensors, tensor: name, type: type) }
    entries.append(Entry(name: name, type: element, shape: shape, begin: offsets[0], end: offsets[1]))
  }

  private static let types: [String: ElementType] = [
    "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32, "U32": .uint32,
    "I16": .int16, "U16": .uint16, "I8": .int8, "U8": .uint8, "BOOL": .uint8,
  ]

  // MARK: JSON

  private func malformed(_ part: String) -> FormatProblem { .malformed(.safetensors, part: part) }

  private mutating func skipSpaces() {
    while position < end, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  /// Takes the character after any spaces if it is `character`.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard position < end, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(FormatProblem) {
    guard take(character) else { throw malformed("the header lacks '\(character)' at byte \(position)") }
  }

  private mutating func object(
    _ member: (inout Self, String) throws(FormatProblem) -> Void
  ) throws(FormatProblem) {
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(&self, key)
    } while take(",")
    try expect("}")
  }

  private mutating func integers() throws(FormatProblem) -> [Int] {
    try expect("[")
    var result: [Int] = []
    if take("]") { return result }
    repeat {
      skipSpaces()
      let start = position
      var value = 0
      while position < end, case let digit = Int(bytes[position]) - 48, (0...9).contains(digit) {
        let (product, first) = value.multipliedReportingOverflow(by: 10)
        let (sum, second) = product.addingReportingOverflow(digit)
        guard !first, !second else { throw malformed("a number of the header is too large") }
        value = sum
        position += 1
      }
      guard position > start, position - start == 1 || bytes[start] != 48 else {
        throw malformed("no whole number at byte \(start) of the header")
      }
      result.append(value)
      guard result.count <= Self.rankLimit else {
        throw .limit(.safetensors, part: "the extents of a tensor", limit: Self.rankLimit)
      }
    } while take(",")
    try expect("]")
    return result
  }

  private mutating func string() throws(FormatProblem) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < end {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else { throw malformed("a text is not UTF-8") }
        return result
      case UInt8(ascii: "\\"): text += try escape()
      case 0..<0x20: throw malformed("a control character in a text")
      default: text.append(byte)
      }
    }
    throw malformed("a text of the header does not end")
  }

  private mutating func escape() throws(FormatProblem) -> [UInt8] {
    guard position < end else { throw malformed("a text of the header does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var value = try hexadecimal()
      if 0xD800...0xDBFF ~= value {
        guard position + 1 < end, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
          throw malformed("half a surrogate pair in a text")
        }
        position += 2
        let low = try hexadecimal()
        guard 0xDC00...0xDFFF ~= low else { throw malformed("half a surrogate pair in a text") }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw malformed("half a surrogate pair in a text") }
      return Array(String(Character(scalar)).utf8)
    default: throw malformed("an unknown escape in a text")
    }
  }

  private mutating func hexadecimal() throws(FormatProblem) -> UInt32 {
    guard position + 4 <= end,
      bytes[position..<position + 4].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw malformed("an escape in a text needs four hexadecimal digits") }
    position += 4
    return value
  }
}
