/// How often what is of one class was taken for each.
///
/// Of `n(e, p)` things of class `e` taken for class `p`, with `t = n(c, c)`, the row sum `e_c` and the column sum `p_c` of a class:
///
///     accuracy = Σ n(c, c) / Σ n(e, p)      recall = t / e_c      precision = t / p_c
///     F1 = Dice = 2 t / (e_c + p_c)         intersection over union = t / (e_c + p_c - t)
public struct ConfusionMatrix: Hashable, Sendable {
  public let classCount: Int
  /// By `expected * classCount + predicted`: most of the pairs of many classes never occur.
  private var counts: [Int: Int] = [:]

  /// Nothing counted yet.
  public init(classCount: Int) { self.classCount = classCount }

  /// Traps where a class is none of `0 ..< classCount`.
  public mutating func add(expected: Int, predicted: Int, count: Int = 1) {
    precondition(
      (0..<classCount).contains(expected) && (0..<classCount).contains(predicted), "there are \(classCount) classes")
    guard count > 0 else { return }
    counts[expected * classCount + predicted, default: 0] += count
  }

  /// Adds what another has counted, of as many classes.
  public mutating func add(_ other: ConfusionMatrix) {
    precondition(other.classCount == classCount, "two matrices of \(classCount) and \(other.classCount) classes")
    counts.merge(other.counts, uniquingKeysWith: +)
  }

  public subscript(expected expected: Int, predicted predicted: Int) -> Int { counts[expected * classCount + predicted] ?? 0 }

  /// Everything counted.
  public var count: Int { counts.values.reduce(0, +) }

  /// Those that were taken for what they are.
  public var correctCount: Int { (0..<classCount).reduce(0) { $0 + self[expected: $1, predicted: $1] } }

  /// Nil where nothing was counted.
  public var accuracy: Double? { ratio(correctCount, count) }

  /// Of one class: nil where nothing is of it, or for precision nothing was taken for it.
  public func recall(_ label: Int) -> Double? { ratio(self[expected: label, predicted: label], expectedCount(label)) }
  public func precision(_ label: Int) -> Double? { ratio(self[expected: label, predicted: label], predictedCount(label)) }

  /// The Dice coefficient, which is the F1 score; nil where nothing is of the class and nothing was taken for it.
  public func dice(_ label: Int) -> Double? {
    ratio(2 * self[expected: label, predicted: label], expectedCount(label) + predictedCount(label))
  }

  /// Nil where nothing is of the class and nothing was taken for it.
  public func intersectionOverUnion(_ label: Int) -> Double? {
    let both = self[expected: label, predicted: label]
    return ratio(both, expectedCount(label) + predictedCount(label) - both)
  }

  public func expectedCount(_ label: Int) -> Int {
    counts.reduce(0) { $0 + ($1.key / classCount == label ? $1.value : 0) }
  }

  public func predictedCount(_ label: Int) -> Int {
    counts.reduce(0) { $0 + ($1.key % classCount == label ? $1.value : 0) }
  }

  /// The rows: of each class what it was taken for.
  public var rows: [[Int]] {
    (0..<classCount).map { expected in (0..<classCount).map { self[expected: expected, predicted: $0] } }
  }

  private func ratio(_ part: Int, _ whole: Int) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
}
