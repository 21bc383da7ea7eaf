@testable import CPUBackend
import Execution
import Networks
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

  /// Every row is in one task; shares have as many tasks and about as many rows, and what is left at their ends is little.
  @Test(arguments: [1, 2, 3, 4, 8, 16, 23]) func rowsAreEachInOneTask(_ threads: Int) {
    for images in [1, 2, 5] {
      for rows in 0...130 {
        let region = WorkRegion(images: 0..<images, rows: 3..<3 + rows, threadCount: threads), tasks = RowTasks(region)
        let ranges = (0..<tasks.count).map(tasks.range)
        #expect(ranges.flatMap { Array($0) } == Array(0..<images * rows), "\(images) images of \(rows) rows")
        #expect(ranges.allSatisfy { $0.count <= RowTasks.mostRows })
        let shares = min(threads, images * rows)
        guard shares > 1 else { continue }
        #expect(tasks.count % shares == 0)
        let each = tasks.count / shares
        let sums = (0..<shares).map { share in ranges[share * each..<(share + 1) * each].reduce(0) { $0 + $1.count } }
        #expect((sums.max() ?? 0) - (sums.min() ?? 0) <= 1, "\(sums)")
        for share in 0..<shares { #expect(ranges[(share + 1) * each - 1].count <= 1) }
      }
    }
  }

  /// Columns whose taps all lie inside are read where they lie, whole tiles of them; the others from pixels that hold all of their taps.
  @Test(arguments: [1, 3, 4, 6, 12]) func edgeColumnsReadNoPixelThatIsNotThere(_ tileRows: Int) {
    var generator = SplitMix64(seed: UInt64(tileRows))
    for _ in 0..<4000 {
      let kernel = Int.random(in: 1...7, using: &generator), stride = Int.random(in: 1...3, using: &generator)
      let dilation = Int.random(in: 1...3, using: &generator), width = Int.random(in: 1...80, using: &generator)
      let left = Int.random(in: 0...6, using: &generator), right = Int.random(in: 0...6, using: &generator)
      let reach = (kernel - 1) * dilation
      guard width + left + right > reach else { continue }
      let convolution = Convolution(
        inChannels: 16, outChannels: 16, kernel: Pair(height: 1, width: kernel), stride: Pair(height: 1, width: stride),
        padding: Padding(top: 0, left: left, bottom: 0, right: right), dilation: Pair(height: 1, width: dilation),
        hasBias: false)
      let geometry = ConvolutionGeometry(
        convolution, input: [1, 16, 1, width], output: [1, 16, 1, (width + left + right - reach - 1) / stride + 1])
      let columns = EdgeColumns(geometry, tileRows: tileRows), name = "\(geometry), \(columns)"
      #expect(
        [columns.before, columns.inside, columns.after].flatMap { Array($0) } == Array(0..<geometry.outWidth), "\(name)")
      func taps(_ range: Range<Int>, _ count: Int) -> ClosedRange<Int> {
        let from = range.lowerBound * stride - left
        return from...from + (count - 1) * stride + reach
      }
      // A kernel reads as many pixels as it has rows, at least.
      if !columns.inside.isEmpty {
        let read = taps(columns.inside, max(columns.inside.count, tileRows))
        #expect(read.lowerBound >= 0 && read.upperBound < width, "\(name)")
      }
      for (range, copied) in [(columns.before, columns.first), (columns.after, columns.last)] where !range.isEmpty {
        let read = taps(range, max(range.count, tileRows))
        #expect(read.lowerBound == copied.lowerBound && read.upperBound < copied.upperBound, "\(name)")
      }
    }
  }
}
