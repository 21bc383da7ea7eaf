/// Which of several points are dominated, by any number of objectives.
///
/// What is measured is known within an interval, and what is counted is one of a single number. A point dominates another where nothing of it is clearly worse,
/// and something is clearly better: intervals that overlap are equal. So the noise of times makes no variant win.
enum ParetoFront {
  /// For each point those that dominate it, by their places.
  ///
  /// - Parameter points: of each its objectives, all of which should be small; as many for each.
  static func dominators(_ points: [[ClosedRange<Double>]]) -> [[Int]] {
    points.indices.map { place in points.indices.filter { dominates(points[$0], points[place]) } }
  }

  private static func dominates(_ a: [ClosedRange<Double>], _ b: [ClosedRange<Double>]) -> Bool {
    var isBetter = false
    for (mine, other) in zip(a, b) {
      if mine.lowerBound > other.upperBound { return false }
      if mine.upperBound < other.lowerBound { isBetter = true }
    }
    return isBetter
  }
}
