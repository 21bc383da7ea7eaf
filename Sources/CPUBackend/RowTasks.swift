/// Rows cut into tasks, the same number of each thread's share: large ones first and ever smaller ones at its end, so that threads are done at about
/// the same time, and what a slow one leaves is there for others to take.
struct RowTasks {
  /// The most rows of a task.
  static let mostRows = 8

  private let rowCount: Int
  /// Shares of about as many rows.
  private let shares: Int
  private let tasksPerShare: Int
  /// Tasks of a share that have the most rows, and the rows behind them, of which each task takes half of what is left.
  private let wholeTasks: Int
  private let rest: Int

  init(_ region: WorkRegion) {
    rowCount = region.imageRows
    shares = max(1, min(region.threadCount, rowCount))
    let rows = (rowCount + shares - 1) / shares
    if shares == 1 {
      // Nobody to wait for.
      wholeTasks = (rows + Self.mostRows - 1) / Self.mostRows
      rest = 0
      tasksPerShare = wholeTasks
    } else {
      wholeTasks = max(0, rows / Self.mostRows - 1)
      rest = rows - wholeTasks * Self.mostRows
      tasksPerShare = wholeTasks + Int.bitWidth - rest.leadingZeroBitCount
    }
  }

  var count: Int { shares * tasksPerShare }

  /// The rows of a task, counted through all images: none where a share has a row less than others.
  func range(_ task: Int) -> Range<Int> {
    let share = task / tasksPerShare, first = rowCount * share / shares, end = rowCount * (share + 1) / shares
    let place = task % tasksPerShare
    return min(first + rows(before: place), end)..<min(first + rows(before: place + 1), end)
  }

  /// The rows of a share in the tasks before one of it.
  private func rows(before task: Int) -> Int {
    if task <= wholeTasks { return task * Self.mostRows }
    return wholeTasks * Self.mostRows + rest - rest >> (task - wholeTasks)
  }
}
