import Tensors

/// Changes of JSON that leave it JSON: numbers, and whole values put in place of others.
enum JSONMutation {
  private static let numbers = [
    "0", "1", "-1", "2", "3", "4", "7", "8", "16", "17", "255", "256", "1024", "65535", "65536", "1048576", "2147483647",
    "2147483648",
    "4611686018427387904", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e30", "1e-40", "0.5",
    "1e400", "null",
    "true", "[]", "{}", "\"\"",
  ]

  static func mutated(_ text: [UInt8], using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    switch generator.next() % 8 {
    case 0: return plain(text)
    case 1...5:
      let places = numberRanges(text)
      guard let place = places.randomElement(using: &generator) else { return plain(text) }
      let other = places.randomElement(using: &generator).map { Array(text[$0]) } ?? []
      let number = generator.next() % 2 == 0 ? other : Array((numbers.randomElement(using: &generator) ?? "0").utf8)
      return Array(text[..<place.lowerBound] + number + text[place.upperBound...])
    default:
      // One object or array in place of another, or twice.
      let values = valueRanges(text)
      guard let place = values.randomElement(using: &generator), let other = values.randomElement(using: &generator) else {
        return plain(text)
      }
      let copy = generator.next() % 3 == 0 ? Array(text[place]) + [0x2C] + text[place] : Array(text[other])
      return Array(text[..<place.lowerBound] + copy + text[place.upperBound...])
    }
  }

  private static func numberRanges(_ text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start: Int?
    for (index, byte) in text.enumerated() {
      let isDigit = (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
      if isDigit, start == nil { start = index }
      if !isDigit, let first = start {
        ranges.append(first..<index)
        start = nil
      }
    }
    return ranges
  }

  private static func valueRanges(_ text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var open: [Int] = []
    for (index, byte) in text.enumerated() {
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open.append(index)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if let start = open.popLast(), start > 0 { ranges.append(start..<index + 1) }
      default: break
      }
    }
    return ranges
  }
}
