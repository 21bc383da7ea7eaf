@testable import CPUBackend
import Tensors
import Testing

/// Cuts of work, tested as pure things: the tasks are worked through by threads that take them in order.
@Suite struct TaskCutTests {
  /// The most that one of some threads does, each taking the next task when it is done with one.
  private func makespan(_ tasks: [Double], _ threads: Int) -> Double {
    var done = [Double](repeating: 0, count: threads)
    for task in tasks {
      let next = done.indices.min { done[$0] < done[$1] } ?? 0
      done[next] += task
    }
    return done.max() ?? 0
  }

  private func sizes(_ size: Int, of units: Int) -> [Int] {
    stride(from: 0, to: units, by: size).map { min(size, units - $0) }
  }

  /// No cut is worse than the one that was wanted, and none has tasks that are too large or no multiples.
  @Test(arguments: [1, 2, 3, 4, 8, 16, 23]) func unitsAreCutNoWorse(_ threads: Int) {
    var generator = SplitMix64(seed: UInt64(threads))
    for _ in 0..<2000 {
      let units = Int.random(in: 1...400, using: &generator), grain = Int.random(in: 1...8, using: &generator)
      let most = grain * Int.random(in: 1...16, using: &generator)
      let wanted = min(most, grain * Int.random(in: 1...16, using: &generator))
      let size = TaskCut.units(wanted, of: units, threads: threads, grain: grain, most: most)
      #expect(size > 0 && size <= most && size % grain == 0)
      func length(_ size: Int) -> Double { makespan(sizes(size, of: units).map(Double.init), threads) }
      #expect(length(size) <= length(wanted), "\(units) units, \(wanted) wanted, grain \(grain)")
      // Of many small units every thread has its share.
      if grain == 1, most >= 8, units >= 16 * threads { #expect(length(size) * Double(threads) <= 1.15 * Double(units)) }
    }
  }

  /// Whatever the cut, the tasks are all of the work; where threads would wait, they wait less.
  @Test(arguments: [1, 2, 3, 4, 8, 16]) func gridsAreCutNoWorse(_ threads: Int) {
    var generator = SplitMix64(seed: UInt64(threads))
    for _ in 0..<1000 {
      let count = (rows: Int.random(in: 1...60, using: &generator), columns: Int.random(in: 1...20, using: &generator))
      let times = [1, 16, 36].randomElement(using: &generator) ?? 1, waste = Int.random(in: 0...6, using: &generator)
      let wanted = (
        rows: Int.random(in: 1...count.rows, using: &generator), columns: Int.random(in: 1...count.columns, using: &generator)
      )
      let least = Int.random(in: 1...4, using: &generator)
      func cost(_ rows: Int, _ columns: Int) -> Double { Double(columns * (rows + waste)) }
      let cut = TaskCut.grid(wanted, of: count, times: times, threads: threads, leastRows: least, cost)
      #expect(cut.rows >= 1 && cut.rows <= count.rows && cut.columns >= 1 && cut.columns <= count.columns)
      #expect(cut.rows >= min(least, wanted.rows, count.rows))
      func length(_ cut: (rows: Int, columns: Int)) -> Double {
        var tasks: [Double] = []
        for rows in sizes(cut.rows, of: count.rows) {
          for _ in 0..<times { tasks += sizes(cut.columns, of: count.columns).map { cost(rows, $0) } }
        }
        return makespan(tasks, threads)
      }
      #expect(length(cut) <= 1.35 * length(wanted), "\(count), \(times) times, \(wanted) wanted, \(cut)")
    }
  }

  /// 36 products of 33 register tiles with one group of columns, 16 threads: 36 tasks would leave them without work for a quarter of the
  /// time.
  @Test func positionsAreCutByTiles() {
    #expect(TaskCut.grid((33, 1), of: (33, 1), times: 36, threads: 16) { Double($1) * Double($0 + 1) } == (11, 1))
    // 7x7 pixels by 512 channels, 8 groups of columns: 16 threads have work.
    let rows = TaskCut.grid((7, 1), of: (7, 8), threads: 16) { Double($1) * (Double(($0 * 7 + 5) / 6 * 6) + 5) }
    #expect(rows == (4, 1))
    #expect(TaskCut.grid((7, 1), of: (7, 8), threads: 8) { Double($1) * (Double(($0 * 7 + 5) / 6 * 6) + 5) } == (7, 1))
  }
}
