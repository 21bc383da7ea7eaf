import Execution
import Imaging
import Synchronization

/// Threads for loops over the rows of pictures. Not safe to use from two threads at once.
final class Workers: ParallelLoop {
  private let pool: ThreadPool

  let threadCount: Int

  /// Traps when the count is below 1.
  init(threadCount: Int) {
    self.threadCount = threadCount
    pool = ThreadPool(threadCount: threadCount)
  }

  deinit { pool.stop() }

  func run(count: Int, _ turn: (Int) -> Void) { pool.run(count: count) { _, task in turn(task) } }

  /// What `body` makes of each, in their order.
  func map<T: Sendable, R: Sendable>(_ elements: [T], _ body: (T) -> R) -> [R] {
    let results = Mutex<[Int: R]>([:])
    pool.run(count: elements.count) { _, task in
      let result = body(elements[task])
      results.withLock { $0[task] = result }
    }
    return results.withLock { found in elements.indices.compactMap { found[$0] } }
  }

  /// Calls `body` for parts of `rows`, at most `height` rows each, that together make up all of them; in no given order.
  func forEachBand(of rows: Range<Int>, height: Int = 16, _ body: (Range<Int>) -> Void) {
    pool.run(count: (rows.count + height - 1) / height) { _, task in
      let start = rows.lowerBound + task * height
      body(start..<min(start + height, rows.upperBound))
    }
  }
}
