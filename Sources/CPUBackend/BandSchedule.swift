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
    /// Where small images go through all steps some at a time, each time on one thread: how many. Items are in the order of one thread.
    var imagesPerTask: Int?
  }

  private(set) var groups: [Group] = []
  /// The rows that each value keeps; its height where it is complete at the end of its group.
  private(set) var ringRows: [Int]
  /// The images that each value keeps; the batch where it is complete at the end of its group.
  private(set) var ringImages: [Int]
  /// How often each value is there: once for each thread where threads take images of their own, and it does not keep all.
  private(set) var copies: [Int]

  /// - Parameters:
  ///   - cacheByteCount: what the rings and packed weights of a group may fill, in bytes: a part of the last-level cache.
  ///   - bandPixels: pixels of a band for each thread.
  ///   - arenaByteCount: what the values that live during a group may fill. Steps one by one are allowed in any case.
  /// - Cost: linear in the number of steps (see `GroupPlan.mostSteps`).
  init(_ program: Program, threadCount: Int, cacheByteCount: Int, bandPixels: Int, arenaByteCount: Int = .max) {
    ringRows = program.layouts.map(\.height)
    ringImages = program.layouts.map(\.batch)
    copies = program.layouts.map { _ in 1 }
    let source = ScheduleSource(program, bandPixels: bandPixels * threadCount, threadCount: threadCount)
    for range in Self.cheapestGroups(source, cacheByteCount: cacheByteCount, arenaByteCount: arenaByteCount) {
      let plan = GroupPlan(source, range)
      groups.append(Group(steps: range, items: plan.items, imagesPerTask: plan.imagesPerTask))
      for ring in plan.rings {
        ringRows[ring.value] = ring.rows
        ringImages[ring.value] = ring.images
        copies[ring.value] = ring.copies
      }
    }
    for value in program.layouts.indices {
      let source = program.memoryValue(value)
      (ringRows[value], ringImages[value], copies[value]) = (ringRows[source], ringImages[source], copies[source])
    }
  }

  /// The groups that send the fewest bytes to memory and back: the shortest way through the steps, whose edges are the groups that
  /// fit the cache.
  private static func cheapestGroups(
    _ source: ScheduleSource, cacheByteCount: Int, arenaByteCount: Int
  ) -> [Range<Int>] {
    let count = source.steps.count
    var cost = [Int](repeating: Int.max, count: count + 1), start = [Int](repeating: 0, count: count + 1)
    cost[0] = 0
    for end in 0..<count {
      var plan = GroupPlan(source, endingAt: end)
      while true {
        if plan.steps.count > 1, plan.byteCount > cacheByteCount { break }
        let first = plan.steps.lowerBound, total = cost[first] + plan.byteCountOutside
        // A step more may make a value of many bytes one of few.
        let fits = plan.steps.count == 1 || arenaByteCount == .max || plan.arenaByteCount <= arenaByteCount
        if fits, total <= cost[end + 1] { (cost[end + 1], start[end + 1]) = (total, first) }
        if !plan.extend() { break }
      }
    }
    var groups: [Range<Int>] = []
    var end = count
    while end > 0 {
      groups.append(start[end]..<end)
      end = start[end]
    }
    return groups.reversed()
  }
}

/// What a schedule asks of a program again and again.
struct ScheduleSource {
  struct Step {
    var work: any CPUBackend.Step
    /// In the place of views what they are of.
    var reads: [Int]
    var writes: Int
    var rowCount: Int
    var rowGrain: Int
    var outputRowsPerRow: Int
    var isLight: Bool
    var constantByteCount: Int
    /// Columns of a row of work.
    var width: Int
    /// The images of all values that the step touches; nil where they differ, and image by image would go wrong.
    var batch: Int?
    var setsPace: Bool
    /// Whether one thread alone does it in stages.
    var hasStages: Bool
    /// The values that are complete before it begins.
    var wholeReads: Set<Int>
    /// What it reads and writes of values that are there more than once.
    var repeated: [(slot: Int, value: Int)] = []

    init(_ step: any CPUBackend.Step, _ program: Program) {
      work = step
      let reads = step.reads.map(program.memoryValue)
      self.reads = reads
      writes = step.writes
      rowCount = step.rowCount
      rowGrain = step.rowGrain
      outputRowsPerRow = step.outputRowsPerRow
      isLight = step.isLight
      constantByteCount = step.constantByteCount
      width = program.layouts[writes].width / outputRowsPerRow
      let images = program.layouts[writes].batch
      // A constant is complete before the first image.
      let wholeReads = Set(reads.indices.filter(step.readsWhole).map { reads[$0] })
      let isEven = reads.allSatisfy {
        if wholeReads.contains($0) { return true }
        return if case .constant = program.places[$0] { true } else { program.layouts[$0].batch == images }
      }
      self.wholeReads = wholeReads
      setsPace = step.setsPace
      hasStages = step.stageCount(WorkRegion(images: 0..<1, rows: 0..<step.rowCount)) > 1
      batch = isEven && !step.takesWholeBatch ? images : nil
      guard !program.repeated.isEmpty else { return }
      repeated = (step.reads + [writes]).map { (slot: program.slot($0), value: $0) }
    }
  }

  let steps: [Step]
  let layouts: [ValueLayout]
  /// Pixels of a band.
  let bandPixels: Int
  let threadCount: Int
  /// The steps whose writing completes each value: that of itself, and those of its parts.
  let writers: [[Int]]
  /// The values that each step completes: its own, and the one that this is a part of.
  let completed: [[Int]]
  /// The last step that reads each value; Int.max for what leaves the program, is a part or has parts: those keep all rows.
  let lastReader: [Int]
  let isInArena: [Bool]
  /// Of the values in the arena, the bytes of those that are written first in each step or before, and of those that are touched last before it.
  private let begun: [Int]
  private let ended: [Int]

  /// The bytes of the values in the arena that live during any of the steps.
  func liveByteCount(during steps: Range<Int>) -> Int { begun[steps.upperBound - 1] - ended[steps.lowerBound] }

  init(_ program: Program, bandPixels: Int, threadCount: Int) {
    layouts = program.layouts
    self.threadCount = threadCount
    // Codes take a quarter of the bytes of a band and of the time; with numbers among them bands are as many bytes.
    let interleaved = layouts.filter { $0.order == .interleaved }
    let codes = interleaved.count { $0.element == .uint8 }, numbers = interleaved.count - codes
    self.bandPixels = codes > numbers ? 4 * bandPixels * (codes + numbers) / (codes + 4 * numbers) : bandPixels
    steps = program.steps.map { Step($0, program) }
    var last = [Int](repeating: -1, count: layouts.count), completed: [[Int]] = []
    var writers = [[Int]](repeating: [], count: layouts.count)
    for (index, step) in steps.enumerated() {
      for value in step.reads { last[value] = index }
      completed.append([step.writes] + step.work.alsoWrites)
      if case .part(let whole, _) = program.places[step.writes] { completed[index].append(whole) }
      for value in completed[index] { writers[value].append(index) }
    }
    for (value, place) in program.places.enumerated() where place != .arena {
      last[value] = Int.max
      if case .part(let whole, _) = place { last[whole] = Int.max }
    }
    lastReader = last
    isInArena = program.places.map { $0 == .arena }
    let lives = program.arenaLives(in: program.steps.indices.map { $0...$0 })
    var begun = [Int](repeating: 0, count: steps.count), ended = [Int](repeating: 0, count: steps.count + 1)
    for (value, life) in lives.enumerated() where isInArena[value] {
      guard let life else { continue }
      begun[life.lowerBound] += layouts[value].byteCount
      ended[life.upperBound + 1] += layouts[value].byteCount
    }
    for index in steps.indices.dropFirst() {
      begun[index] += begun[index - 1]
      ended[index] += ended[index - 1]
    }
    self.begun = begun
    self.ended = ended
    self.completed = completed
    self.writers = writers
  }
}
