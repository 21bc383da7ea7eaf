/// Rows of an image cut into runs by shapes alone. What is summed over pixels is summed run by run, and the runs are added in order: so the
/// result depends neither on threads nor on bands, and a run can be summed as soon as its rows are there.
struct RowRuns: Hashable {
  let height: Int
  let rowsPerRun: Int
  let count: Int

  /// Bytes of a run: they stay in the level-1 or level-2 cache from one pass to the next.
  static let byteCount = 32 << 10

  /// - Parameters:
  ///   - bytesPerRow: of all values together that a run reads.
  ///   - byteCount: that a run has at least, where the image has as many.
  init(height: Int, bytesPerRow: Int, byteCount: Int = Self.byteCount) {
    self.height = height
    rowsPerRun = min(max(height, 1), max(1, (byteCount + bytesPerRow - 1) / max(bytesPerRow, 1)))
    count = (height + rowsPerRun - 1) / rowsPerRun
  }

  /// The rows of a run.
  func rows(_ run: Int) -> Range<Int> { run * rowsPerRun..<min((run + 1) * rowsPerRun, height) }

  /// The rows of some runs; may reach past the last.
  func rows(of runs: Range<Int>) -> Range<Int> { runs.lowerBound * rowsPerRun..<runs.upperBound * rowsPerRun }
}

/// A step that sums over pixels, run by run: a row of its value is what a run comes to.
protocol RunSumStep: Step {
  var runs: RowRuns { get }
}

extension RunSumStep {
  var isLight: Bool { true }
  var setsPace: Bool { false }
  var rowCount: Int { runs.count }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }

  /// Calls `add` with each run of a task, one after the other: the image, the rows, and so many sums, which are 0 and to which it adds.
  @inline(__always)
  func forEachRun(
    _ task: Int, of region: WorkRegion, _ memory: RunMemory, sumCount: Int,
    _ add: (_ image: Int, _ rows: Range<Int>, _ sums: UnsafeMutablePointer<Float>) -> Void
  ) {
    for n in RowTasks(region).range(task) {
      let (image, run) = region.place(n), sums = memory[writes].floats(image, run)
      sums.update(repeating: 0, count: sumCount)
      add(image, runs.rows(run), sums)
    }
  }
}
