import Networks

/// The order in which a program's work is done: groups of consecutive steps, each group in bands of rows.
///
/// A tensor of 64 channels leaves the cache long before the next layer reads it; a band of rows does not. Within a group every band
/// of the last step pulls from the steps before it just the rows it needs, and values that no other group reads keep only the
/// rows still to be read, in a ring. No row is computed twice. The groups are those that send the fewest bytes to memory and back. A
/// pure function of shapes: the results do not depend on it.
struct BandSchedule {
  /// One region of one step.
  struct Item: Hashable {
    var step: Int
    var region: WorkRegion
  }

  /// What is done between two points at which all values are complete.
  struct Group: Hashable {
    var steps: Range<Int>
    var items: [Item]
  }

  private(set) var groups: [Group] = []
  /// The rows that each value keeps; its height where it is complete at the end of its group.
  private(set) var ringRows: [Int]
  /// The images that each value keeps; the batch where it is complete at the end of its group.
  private(set) var ringImages: [Int]

  private let steps: [any Step]
  private let layouts: [ValueLayout]
  private let threadCount: Int
  /// The steps whose writing completes each value: that of itself, and those of its slices.
  private let writers: [[Int]]
  /// The last step that reads each value; Int.max for what leaves the program, is a slice or has slices: those keep all rows.
  private let lastReader: [Int]
  private let cacheByteCount: Int
  private let isConstant: [Bool]

  /// - Parameter cacheByteCount: what the rings and packed weights of a group may fill, in bytes: a part of the last-level cache.
  init(_ program: Program, threadCount: Int, cacheByteCount: Int) {
    steps = program.steps
    layouts = program.layouts
    self.threadCount = threadCount
    self.cacheByteCount = cacheByteCount
    ringRows = layouts.map(\.height)
    ringImages = layouts.map(\.batch)
    var last = [Int](repeating: -1, count: layouts.count)
    for (index, step) in steps.enumerated() { for value in step.reads { last[value] = index } }
    var writers = [[Int]](repeating: [], count: layouts.count)
    for (index, step) in steps.enumerated() {
      writers[step.writes].append(index)
      if case .slice(let whole, _) = program.places[step.writes] { writers[whole].append(index) }
    }
    for (value, place) in program.places.enumerated() where place != .arena {
      last[value] = Int.max
      if case .slice(let whole, _) = place { last[whole] = Int.max }
    }
    lastReader = last
    isConstant = program.places.map { if case .constant = $0 { true } else { false } }
    self.writers = writers
    for range in cheapestGroups() { addGroup(range) }
  }

  // MARK: Groups

  /// The groups that send the fewest bytes to memory and back: the shortest way through the steps, whose edges are the groups that
  /// fit the cache.
  private func cheapestGroups() -> [Range<Int>] {
    var cost = [Int](repeating: Int.max, count: steps.count + 1), start = [Int](repeating: 0, count: steps.count + 1)
    cost[0] = 0
    for first in steps.indices {
      for end in first + 1...steps.count {
        if end > first + 1, !canJoin(end - 1, from: first) { break }
        let plan = plan(first..<end)
        if end > first + 1, plan.byteCount > cacheByteCount { break }
        let total = cost[first] + byteCountOutside(first..<end)
        if total < cost[end] { (cost[end], start[end]) = (total, first) }
      }
    }
    var groups: [Range<Int>] = []
    var end = steps.count
    while end > 0 {
      groups.append(start[end]..<end)
      end = start[end]
    }
    return groups.reversed()
  }

  /// Whether the bands of a group from `first` to the step before this one suit the step, too.
  private func canJoin(_ step: Int, from first: Int) -> Bool {
    guard steps[step].rowCount > 1, batch(first) != nil, batch(step) == batch(first) else { return false }
    // The narrowest value sets the bands of all: one far narrower than another would leave the wide one whole.
    let counts = (first...step).filter { !steps[$0].isLight }.map(bandCount)
    guard let least = counts.min(), let most = counts.max() else { return true }
    return most <= Self.mostUneven * least
  }

  /// What a group reads of other groups' values and writes for them.
  private func byteCountOutside(_ range: Range<Int>) -> Int {
    var read: Set<Int> = []
    var byteCount = 0
    for step in range {
      let value = steps[step].writes
      if lastReader[value] >= range.upperBound { byteCount += layouts[value].byteCount }
      for value in steps[step].reads where !writers[value].contains(where: { range.contains($0) }) { read.insert(value) }
    }
    return read.reduce(byteCount) { $0 + layouts[$1].byteCount }
  }

  private mutating func addGroup(_ range: Range<Int>) {
    let plan = plan(range)
    groups.append(Group(steps: range, items: plan.items))
    for ring in plan.rings {
      ringRows[ring.value] = ring.rows
      ringImages[ring.value] = ring.images
    }
  }

  /// The images of all values that a step touches; nil where they differ, and image by image would go wrong.
  private func batch(_ step: Int) -> Int? {
    guard !steps[step].takesWholeBatch else { return nil }
    let batch = layouts[steps[step].writes].batch
    return steps[step].reads.allSatisfy { layouts[$0].batch == batch || isConstant[$0] } ? batch : nil
  }

  private struct Plan {
    var items: [Item] = []
    var rings: [(value: Int, rows: Int, images: Int)] = []
    var byteCount = 0
  }

  private func plan(_ range: Range<Int>) -> Plan {
    guard let last = range.last else { return Plan() }
    let batch = layouts[steps[last].writes].batch
    if range.count == 1 {
      return Plan(items: [Item(step: last, region: WorkRegion(images: 0..<batch, rows: 0..<steps[last].rowCount))])
    }
    let bands = bands(range)
    var plan = Plan()
    // Images smaller than a band go several at a time.
    let together = bands.count == 1 ? imagesTogether(range, batch: batch) : 1
    for image in stride(from: 0, to: batch, by: together) {
      for band in bands {
        for (step, rows) in zip(range, band) where !rows.isEmpty {
          plan.items.append(
            Item(step: step, region: WorkRegion(images: image..<min(image + together, batch), rows: rows)))
        }
      }
    }
    for step in range {
      plan.byteCount += steps[step].constantByteCount
      let value = steps[step].writes
      guard lastReader[value] < range.upperBound, layouts[value].order == .interleaved else { continue }
      let rows = ring(value, range, bands)
      // A ring of rows serves one image at a time.
      let images = rows < layouts[value].height ? 1 : together
      plan.rings.append((value, rows, images))
      plan.byteCount += rows * images * layouts[value].rowStride * 4
    }
    return plan
  }

  // MARK: Bands

  /// Pixels of a band for each thread: four Winograd tasks of 24 tiles. Half as many wait more for each other, twice as many leave
  /// the cache sooner (VDSR and EDSR at 256x256, Zen 5).
  private static let bandPixels = 4 * 24 * 16

  /// How many images make up a band where one alone is smaller: enough for the step with the fewest pixels.
  private func imagesTogether(_ range: Range<Int>, batch: Int) -> Int {
    var fewest = Int.max
    for step in range {
      let layout = layouts[steps[step].writes]
      if layout.height > 1 { fewest = min(fewest, layout.height * layout.width) }
    }
    guard fewest < Int.max else { return batch }
    return min(batch, max(1, (Self.bandPixels / 2 * threadCount + fewest - 1) / fewest))
  }

  /// How much more finely the widest value of a group would be cut than the narrowest: one level of a U-Net, not two.
  private static let mostUneven = 6

  /// The bands that a step would have alone.
  private func bandCount(_ step: Int) -> Int {
    let rows = bandRows(step..<step + 1)
    return (steps[step].rowCount + rows - 1) / rows
  }

  /// For each band the rows that each step of the group does.
  private func bands(_ range: Range<Int>) -> [[Range<Int>]] {
    guard let last = range.last else { return [] }
    var done = [Int](repeating: 0, count: range.count)
    var result: [[Range<Int>]] = []
    let height = bandRows(range), total = steps[last].rowCount
    var target = 0
    while target < total {
      target = min(target + height, total)
      let needed = demand(range, lastRows: target)
      var band: [Range<Int>] = []
      for (index, step) in range.enumerated() {
        // At the end every value is completed, also where rows are left over that only a later group reads.
        let end = target == total ? steps[step].rowCount : min(needed[index], steps[step].rowCount)
        band.append(done[index]..<max(end, done[index]))
        done[index] = max(end, done[index])
      }
      result.append(band)
    }
    return result
  }

  /// How many rows each step must have done before the last one can do its rows up to `lastRows`.
  private func demand(_ range: Range<Int>, lastRows: Int) -> [Int] {
    var needed = [Int](repeating: 0, count: range.count)
    needed[range.count - 1] = lastRows
    for (index, step) in range.enumerated().reversed() {
      let grain = steps[step].rowGrain
      needed[index] = min((needed[index] + grain - 1) / grain * grain, steps[step].rowCount)
      guard needed[index] > 0 else { continue }
      for (operand, value) in steps[step].reads.enumerated() {
        // Of all rows done by then: those of the last one need not be the highest, as where a pad mirrors the image.
        let rows = steps[step].inputRows(operand, for: 0..<needed[index])
        for writer in writers[value] where range.contains(writer) {
          let producer = range.distance(from: range.startIndex, to: writer)
          let perRow = steps[writer].outputRowsPerRow
          let wanted = (max(rows.upperBound, 0) + perRow - 1) / perRow
          needed[producer] = max(needed[producer], min(wanted, steps[writer].rowCount))
        }
      }
    }
    return needed
  }

  /// Rows of the last step in a band: enough work for every thread to have several tasks, as few as that allows.
  private func bandRows(_ range: Range<Int>) -> Int {
    guard let last = range.last else { return 1 }
    // The narrowest step with much to do sets the pace.
    let heavy = range.filter { !steps[$0].isLight }
    let paced = heavy.isEmpty ? Array(range) : heavy
    let width = paced.map { layouts[steps[$0].writes].width / steps[$0].outputRowsPerRow }.min() ?? 1
    let pixels = Self.bandPixels * threadCount
    let rows = max(4, (pixels / max(width, 1) + 3) / 4 * 4)
    // In rows of the last step, which may lie at another resolution than the narrowest.
    let narrowest = max(paced.map { steps[$0].rowCount }.min() ?? 1, 1)
    return max(1, rows * steps[last].rowCount / narrowest)
  }

  /// The rows that a value must keep: from the lowest that a band still reads to the highest made by then.
  private func ring(_ value: Int, _ range: Range<Int>, _ bands: [[Range<Int>]]) -> Int {
    guard let writer = range.firstIndex(where: { steps[$0].writes == value }) else { return layouts[value].height }
    let producer = range.distance(from: range.startIndex, to: writer)
    let perRow = steps[writer].outputRowsPerRow
    var rows = 0
    for band in bands {
      let made = band[producer].upperBound * perRow
      for (index, step) in range.enumerated() where band[index].lowerBound < steps[step].rowCount {
        for (operand, read) in steps[step].reads.enumerated() where read == value {
          // This band or any later one may read the lowest.
          let later = steps[step].inputRows(operand, for: band[index].lowerBound..<steps[step].rowCount)
          if !later.isEmpty { rows = max(rows, made - max(later.lowerBound, 0)) }
        }
      }
      rows = max(rows, band[producer].count * perRow)
    }
    // Whole runs of every kernel that writes or reads: no run wraps.
    let unit = 4 * steps[writer].rowGrain * perRow
    let rounded = (rows + unit - 1) / unit * unit
    return rounded < layouts[value].height ? rounded : layouts[value].height
  }
}
