/// How work is cut into tasks so that threads, which take them one after the other, are done at about the same time.
enum TaskCut {
  /// What threads may wait for the last tasks of a loop, as a share of its time: less is not worth other tasks.
  private static let idleShare = 0.06

  /// Units of a task: `wanted`, or where threads would then wait at the end of the loop, a size with which they wait less.
  ///
  /// - Parameters:
  ///   - wanted: a multiple of `grain`.
  ///   - units: of equal work.
  ///   - most: units that a task may have.
  static func units(_ wanted: Int, of units: Int, threads: Int, grain: Int = 1, most: Int) -> Int {
    var least = length(wanted, of: units, threads)
    guard threads > 1, isIdle(Double(least), Double(units), threads) else { return wanted }
    var best = wanted
    for rounds in 1...parts(parts(units, wanted), threads) + 2 {
      let size = parts(parts(units, threads * rounds), grain) * grain
      guard size <= most else { continue }
      let length = length(size, of: units, threads)
      if length < least { (best, least) = (size, length) }
    }
    return best
  }

  /// The units that the thread does that does most: all tasks are of one size, but for the last.
  private static func length(_ size: Int, of units: Int, _ threads: Int) -> Int {
    let whole = max(parts(units, size) - 1, 0), last = units - whole * size
    return whole / max(threads, 1) * size + (whole % max(threads, 1) == 0 ? last : size)
  }

  /// The same of work that can be cut in two directions, such as rows of pixels and groups of columns.
  ///
  /// - Parameters:
  ///   - count: units in both directions, at least 1.
  ///   - times: how often there is all of it, one after the other.
  ///   - leastRows: units of the first direction below which a task would waste work.
  ///   - cost: of a task of so many units.
  @inline(__always)
  static func grid(
    _ wanted: (rows: Int, columns: Int), of count: (rows: Int, columns: Int), times: Int = 1, threads: Int, leastRows: Int = 1,
    _ cost: (_ rows: Int, _ columns: Int) -> Double
  ) -> (rows: Int, columns: Int) {
    guard threads > 1 else { return wanted }
    func length(_ rows: Int, _ columns: Int) -> (most: Double, all: Double) {
      let rowParts = parts(count.rows, rows), others = times * parts(count.columns, columns)
      // The last rows are as a rule fewer.
      let whole = cost(rows, columns), last = cost(count.rows - (rowParts - 1) * rows, columns), tasks = rowParts * others
      let left = tasks % threads
      let most = Double(tasks / threads) * whole + (left == 0 ? 0 : left <= others ? last : whole)
      return (most, Double(tasks - others) * whole + Double(others) * last)
    }
    let first = length(wanted.rows, wanted.columns)
    guard isIdle(first.most, first.all, threads) else { return wanted }
    var best = wanted, least = first.most * (1 - idleShare / 2)
    func consider(rowParts: Int, columns: Int) {
      guard rowParts >= 1, rowParts <= count.rows else { return }
      let rows = parts(count.rows, rowParts)
      guard rows >= min(leastRows, count.rows) else { return }
      let length = length(rows, columns).most
      if length < least { (best, least) = ((rows, columns), length) }
    }
    var last = 0
    for columnParts in 1...min(count.columns, 16) {
      let columns = parts(count.columns, columnParts)
      if columns == last { continue }
      last = columns
      let others = times * parts(count.columns, columns)
      for few in 1...4 {
        consider(rowParts: few, columns: columns)
        consider(rowParts: few * threads / others, columns: columns)
      }
      consider(rowParts: parts(count.rows, wanted.rows), columns: columns)
    }
    return best
  }

  /// Whether threads wait where one of them does so much, of so much in all.
  private static func isIdle(_ length: Double, _ all: Double, _ threads: Int) -> Bool {
    length * Double(threads) > (1 + idleShare) * all
  }

  /// The parts of a size that cover all.
  private static func parts(_ all: Int, _ size: Int) -> Int { (all + size - 1) / max(size, 1) }
}
