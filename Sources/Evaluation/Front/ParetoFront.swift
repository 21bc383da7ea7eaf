/// Which of several points are dominated, by any number of objectives.
///
/// A point dominates another where it is worse in nothing and better in something. What is measured is known within an interval: two are equal where each lies within
/// the other's, so that noise makes no variant win, and one that is known badly does not lose to what is clearly slower.
enum ParetoFront {
  /// One number that should be small.
  struct Objective {
    var value: Double
    /// Where it lies, as far as is known.
    var interval: ClosedRange<Double>

    /// Of what is counted.
    init(_ value: Double) { self.init(value, in: value...value) }

    init(_ value: Double, in interval: ClosedRange<Double>) { (self.value, self.interval) = (value, interval) }

    fileprivate func isEqual(to other: Objective) -> Bool { interval.contains(other.value) && other.interval.contains(value) }
  }

  /// For each point those that dominate it, by their places.
  ///
  /// - Parameter points: of each its objectives, as many for each.
  static func dominators(_ points: [[Objective]]) -> [[Int]] {
    points.indices.map { place in points.indices.filter { dominates(points[$0], points[place]) } }
  }

  private static func dominates(_ a: [Objective], _ b: [Objective]) -> Bool {
    var isBetter = false
    for (mine, other) in zip(a, b) where !mine.isEqual(to: other) {
      if mine.value > other.value { return false }
      isBetter = true
    }
    return isBetter
  }
}
