/// The bytes of a pickle and the operands in them.
struct PickleInput {
  let bytes: [UInt8]
  var position: Int

  private static let truncated = FormatProblem.truncated(.checkpoint, part: "a pickle")

  mutating func byte() throws(FormatProblem) -> UInt8 {
    guard position < bytes.count else { throw Self.truncated }
    position += 1
    return bytes[position - 1]
  }

  mutating func take(_ count: Int) throws(FormatProblem) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw Self.truncated }
    position += count
    return bytes[position - count..<position]
  }

  /// A little-endian number of at most 4 bytes.
  mutating func unsigned(_ count: Int) throws(FormatProblem) -> Int {
    try take(count).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// A count of 8 bytes.
  mutating func bigCount() throws(FormatProblem) -> Int {
    let value = try take(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let count = Int(exactly: value) else { throw Self.truncated }
    return count
  }

  mutating func real() throws(FormatProblem) -> Double {
    Double(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// A two's complement number, little-endian.
  mutating func long(count: Int) throws(FormatProblem) -> PickleArena.Value {
    let digits = try take(count)
    guard count <= 8 else { return .wideInteger(Array(digits)) }
    guard let last = digits.last else { return .integer(0) }
    let start: Int = last >= 128 ? -1 : 0
    return .integer(digits.reversed().reduce(start) { $0 << 8 | Int($1) })
  }

  /// UTF-8, or, as Python 2 wrote any bytes, Latin-1.
  mutating func text(count: Int) throws(FormatProblem) -> String { Self.text(try take(count)) }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var result = ""
    result.unicodeScalars.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    return result
  }

  // MARK: Lines of protocol 0

  private mutating func line() throws(FormatProblem) -> ArraySlice<UInt8> {
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw Self.truncated }
    defer { position = end + 1 }
    return bytes[position..<end]
  }

  mutating func textLine() throws(FormatProblem) -> String { Self.text(try line()) }

  mutating func indexLine() throws(FormatProblem) -> Int {
    guard let index = Int(try textLine()), index >= 0 else { throw Self.noNumber }
    return index
  }

  mutating func integerLine() throws(FormatProblem) -> PickleArena.Value {
    let text = try textLine()
    switch text {
    case "00": return .boolean(false)
    case "01": return .boolean(true)
    default:
      guard let value = Int(text) else { throw Self.noNumber }
      return .integer(value)
    }
  }

  mutating func longLine() throws(FormatProblem) -> PickleArena.Value {
    var text = try textLine()
    if text.last == "L" { text.removeLast() }
    if let value = Int(text) { return .integer(value) }
    guard let value = Int128(text) else { throw Self.noNumber }
    return .wideInteger((0..<16).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }

  mutating func realLine() throws(FormatProblem) -> PickleArena.Value {
    guard let value = Double(try textLine()) else { throw Self.noNumber }
    return .real(value)
  }

  private static let noNumber = FormatProblem.malformed(.checkpoint, part: "a number of a pickle is none")

  /// A Python 2 literal such as `'a\x00'`.
  mutating func quotedLine() throws(FormatProblem) -> String {
    let literal = try line()
    guard literal.count >= 2, let quote = literal.first, quote == literal.last, [0x22, 0x27].contains(quote) else {
      throw .malformed(.checkpoint, part: "a text of a pickle has no quotes")
    }
    var result: [UInt8] = []
    var rest = literal.dropFirst().dropLast()
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
        result.append(byte)
        continue
      }
      switch escape {
      case UInt8(ascii: "n"): result.append(10)
      case UInt8(ascii: "r"): result.append(13)
      case UInt8(ascii: "t"): result.append(9)
      case UInt8(ascii: "x"):
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        guard let value else { throw .malformed(.checkpoint, part: "an escape in a text of a pickle") }
        result.append(value)
        rest = rest.dropFirst(2)
      default: result.append(escape)
      }
    }
    return Self.text(result[...])
  }

  /// Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
  mutating func unicodeLine() throws(FormatProblem) -> String {
    var result = ""
    var rest = try line()
    while let byte = rest.popFirst() {
      let digits = rest.first == UInt8(ascii: "u") ? 4 : rest.first == UInt8(ascii: "U") ? 8 : 0
      guard byte == UInt8(ascii: "\\"), digits > 0 else {
        result.unicodeScalars.append(Unicode.Scalar(byte))
        continue
      }
      let value = UInt32(String(decoding: rest.dropFirst().prefix(digits), as: UTF8.self), radix: 16)
      guard let value, rest.count > digits else { throw .malformed(.checkpoint, part: "an escape in a text of a pickle") }
      // Half a surrogate pair stands for nothing.
      result.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
      rest = rest.dropFirst(1 + digits)
    }
    return result
  }
}
