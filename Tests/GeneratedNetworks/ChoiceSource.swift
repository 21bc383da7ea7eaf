import Tensors

/// Where the choices of a generated network come from: a seed, or bytes that a fuzzer changes.
package struct ChoiceSource {
  private var generator: SplitMix64
  private let bytes: [UInt8]?
  private var position = 0

  /// Choices without an end.
  package init(seed: UInt64) {
    generator = SplitMix64(seed: seed)
    bytes = nil
  }

  /// Two bytes a choice; where they end, every choice is the first, so that a shorter input makes a smaller network.
  package init(bytes: [UInt8]) {
    generator = SplitMix64(seed: 0)
    self.bytes = bytes
  }

  /// Whether there are choices left.
  package var isEmpty: Bool { bytes.map { position >= $0.count } ?? false }

  /// From 0 ..< bound, all alike; the bound is at most 65,536.
  package mutating func below(_ bound: Int) -> Int {
    guard bound > 1 else { return 0 }
    guard let bytes else { return Int(generator.next() >> 40) % bound }
    var value = 0
    for shift in [0, 8] where position < bytes.count {
      value |= Int(bytes[position]) << shift
      position += 1
    }
    return value % bound
  }

  package mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }

  /// True in one of so many cases.
  package mutating func oneIn(_ count: Int) -> Bool { below(count) == count - 1 }

  package mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

  /// One of the values, each as likely as its weight says.
  package mutating func pick<T>(_ values: [(value: T, weight: Int)]) -> T {
    var rest = below(values.reduce(0) { $0 + $1.weight })
    for (value, weight) in values {
      if rest < weight { return value }
      rest -= weight
    }
    return values[0].value
  }
}
