/// A group of consecutive steps with its bands, which grows by the step before it.
///
/// The rows of a step that a band needs follow from the steps behind it. So the group is built from its last step towards its first: one
/// more step costs its own bands and no more, unless it is narrower than all others and changes the bands' height.
struct GroupPlan {
  private let source: ScheduleSource
  private(set) var steps: Range<Int>
  /// Whether the bands are there to be done, or some of them to judge the group by.
  private let hasAllBands: Bool

  /// The bands, as rows of the last step.
  private var bands: [Band] = []
  private var height = 0
  /// Of each step from the last one back and each band: the rows done at its end.
  private var done: [Int] = []
  /// As `done`, for steps that may still join, too: the rows that the steps of the group want done.
  private var wanted: [Int] = []
  /// As `wanted`: the lowest row of the step's value that is read in this band or a later one.
  private var lowest: [Int] = []
  /// Of one operand: the highest row read up to the end of each band, the lowest read in it.
  private var highs: [Int] = [], lows: [Int] = []

  private(set) var rings: [Ring] = []
  private var ringByteCount = 0
  private var constantByteCount = 0
  /// The values that the group reads and does not make.
  private var read: Set<Int> = []
  /// What the group reads of other groups' values and writes for them.
  private(set) var byteCountOutside = 0

  /// Of the values made, those of a single row left out.
  private var fewestPixels = Int.max
  /// Of an image of the values made.
  private var mostImageBytes = 1
  private var hasStages = false
  /// The values that no step of the group may make.
  private var wholeReads: Set<Int> = []
  /// What the steps know values by that are there more than once, and which of them they mean.
  private var meant: [Int: Int] = [:]

  /// What a value keeps.
  struct Ring {
    var value: Int
    var rows: Int
    var images: Int
    var copies: Int
  }

  private struct Band {
    /// Rows of the last step that are done at the end of the band.
    var end: Int
    /// Whether it stands for many bands that are not looked at.
    var isGap = false
  }

  /// What the height of the bands follows from.
  private struct Pace {
    var width = Int.max
    var rows = Int.max
    /// The fewest and the most bands that a step would have alone.
    var fewest = Int.max
    var most = 0

    mutating func add(_ step: ScheduleSource.Step, bandCount: Int) {
      width = min(width, step.width)
      rows = min(rows, step.rowCount)
      fewest = min(fewest, bandCount)
      most = max(most, bandCount)
    }
  }

  /// The steps with much to do set the pace; steps that do little for each row only among themselves.
  private var pace = Pace(), lightPace = Pace()

  /// How much more finely the widest value of a group would be cut than the narrowest: one level of a U-Net, not two.
  private static let mostUneven = 6
  /// The most steps of a group: groups of 64 channels fill the cache with 20. It bounds what a schedule costs.
  static let mostSteps = 128
  /// Bands at the beginning, in the middle and at the end that a group is judged by.
  private static let sampledBands = 4
  /// Of the images of a value that a thread takes at once, and of one image that it takes at all.
  private static let taskBytes = 256 << 10
  private static let mostImageBytes = 768 << 10

  /// The group of one step that ends with it.
  init(_ source: ScheduleSource, endingAt last: Int) { self.init(source, last: last, hasAllBands: false) }

  /// The group of these steps, with all its bands.
  init(_ source: ScheduleSource, _ range: Range<Int>) {
    self.init(source, last: range.upperBound - 1, hasAllBands: true)
    while steps.lowerBound > range.lowerBound { take(steps.lowerBound - 1) }
    // Once, as adding the steps has changed the height of the bands on the way.
    build()
  }

  private init(_ source: ScheduleSource, last: Int, hasAllBands: Bool) {
    self.source = source
    self.hasAllBands = hasAllBands
    steps = last + 1..<last + 1
    take(last)
  }

  /// Adds the step before the group; false where it does not go with the others.
  mutating func extend() -> Bool {
    let next = steps.lowerBound - 1
    guard next >= 0, steps.count < Self.mostSteps else { return false }
    let first = source.steps[steps.lowerBound]
    guard first.rowCount > 1, let batch = first.batch, source.steps[next].batch == batch else { return false }
    if source.completed[next].contains(where: wholeReads.contains) { return false }
    // Steps of a group take turns: a name means one value for all of them.
    if source.steps[next].repeated.contains(where: { meant[$0.slot, default: $0.value] != $0.value }) { return false }
    let oldHeight = height
    take(next)
    // The narrowest value sets the bands of all: one far narrower than another would leave the wide one whole.
    if pace.most > 0, pace.most > Self.mostUneven * pace.fewest { return false }
    if steps.count == 2 || height != oldHeight { build() } else { addBands(next) }
    return true
  }

  /// Takes the step in, without its bands.
  private mutating func take(_ index: Int) {
    let step = source.steps[index]
    steps = index..<steps.upperBound
    var alone = Pace()
    alone.add(step, bandCount: 1)
    let rows = bandRows(alone, last: index)
    let bandCount = (step.rowCount + rows - 1) / rows
    let value = step.writes, layout = source.layouts[value]
    if step.setsPace {
      if step.isLight { lightPace.add(step, bandCount: bandCount) } else { pace.add(step, bandCount: bandCount) }
      if layout.height > 1 { fewestPixels = min(fewestPixels, layout.height * layout.width) }
      mostImageBytes = max(mostImageBytes, layout.bytesPerImage)
    }
    hasStages = hasStages || step.hasStages
    for (slot, value) in step.repeated { meant[slot] = value }
    let all = pace.most > 0 ? pace : lightPace.most > 0 ? lightPace : alone
    height = bandRows(all, last: steps.upperBound - 1)
    wholeReads.formUnion(step.wholeReads)
    if source.lastReader[value] >= steps.upperBound { byteCountOutside += source.layouts[value].byteCount }
    // What the step completes, or a part of, is not read from outside.
    for made in source.completed[index] where read.remove(made) != nil { byteCountOutside -= source.layouts[made].byteCount }
    for value in step.reads where read.insert(value).inserted { byteCountOutside += source.layouts[value].byteCount }
  }

  /// What rings and packed weights fill.
  var byteCount: Int {
    constantByteCount + ringByteCount * imagesTogether * (imagesPerTask == nil ? 1 : source.threadCount)
  }

  /// What the arena holds while the group is worked through.
  var arenaByteCount: Int {
    rings.reduce(source.liveByteCount(during: steps)) { sum, ring in
      let layout = source.layouts[ring.value]
      guard source.isInArena[ring.value] else { return sum }
      return sum - layout.byteCount
        + (ring.rows < layout.height ? ring.rows * layout.bytesPerRow : ring.copies * ring.images * layout.bytesPerImage)
    }
  }

  private var batch: Int { source.layouts[source.steps[steps.upperBound - 1].writes].batch }

  /// Images that are done at once: where one is smaller than a band, enough for the step with the fewest pixels.
  private var imagesTogether: Int {
    guard bands.count == 1 else { return 1 }
    guard fewestPixels < Int.max else { return batch }
    if let images = imagesPerTask { return images }
    return min(batch, max(1, (source.bandPixels / 2 + fewestPixels - 1) / fewestPixels))
  }

  /// The images that a thread takes through all steps at once: as many as stay in its level-2 cache, few enough that threads are done at about the
  /// same time. Nil where images are large or few.
  var imagesPerTask: Int? {
    guard bands.count == 1, steps.count > 1, batch > 1, !hasStages, mostImageBytes <= Self.mostImageBytes else { return nil }
    let wanted = max(1, Self.taskBytes / mostImageBytes), threads = source.threadCount
    let most = threads == 1 ? batch : batch / (4 * threads)
    if most >= 1 { return min(wanted, most) }
    return batch % threads == 0 ? 1 : nil
  }

  // MARK: Bands

  /// Rows of a last step in a band: enough work for every thread to have several tasks, as few as that allows.
  private func bandRows(_ pace: Pace, last: Int) -> Int {
    let pixels = source.bandPixels
    let rows = max(4, (pixels / max(pace.width, 1) + 3) / 4 * 4)
    // In rows of the last step, which may lie at another resolution than the narrowest.
    return max(1, rows * source.steps[last].rowCount / max(pace.rows, 1))
  }

  /// All bands anew, at the height that suits the steps.
  private mutating func build() {
    let total = source.steps[steps.upperBound - 1].rowCount
    let count = (total + height - 1) / height, some = Self.sampledBands
    bands = []
    if hasAllBands || count <= 4 * some {
      for band in 1...max(count, 1) { bands.append(Band(end: min(band * height, total))) }
    } else {
      for first in [0, (count - some) / 2, count - some] {
        if first > 0 { bands.append(Band(end: first * height, isGap: true)) }
        for band in first + 1...first + some { bands.append(Band(end: min(band * height, total))) }
      }
    }
    done.removeAll(keepingCapacity: true)
    wanted.removeAll(keepingCapacity: true)
    lowest.removeAll(keepingCapacity: true)
    rings.removeAll(keepingCapacity: true)
    ringByteCount = 0
    constantByteCount = 0
    guard steps.count > 1 else { return }
    for step in steps.reversed() { addBands(step) }
  }

  /// How far behind the end a step lies, as an index into the tables.
  private func place(_ step: Int) -> Int { (steps.upperBound - 1 - step) * bands.count }

  /// The bands of the step in front, whose readers in the group have theirs.
  private mutating func addBands(_ index: Int) {
    let step = source.steps[index], place = place(index)
    growTables(to: place + bands.count)
    var rows = 0
    // What only later groups read is made as the rows are there that it follows from.
    let isUnread = index == steps.upperBound - 1 || wanted[place + bands.count - 1] == 0
    let total = source.steps[steps.upperBound - 1].rowCount
    for band in bands.indices {
      let end = isUnread ? bands[band].end * step.rowCount / total : wanted[place + band]
      let whole = (end + step.rowGrain - 1) / step.rowGrain * step.rowGrain
      // At the end every value is completed, also where rows are left over that only a later group reads.
      rows = band == bands.count - 1 ? step.rowCount : max(rows, min(whole, step.rowCount))
      done.append(rows)
    }
    constantByteCount += step.constantByteCount
    addRing(index)
    for (operand, value) in step.reads.enumerated() { demand(index, operand, value) }
  }

  private mutating func growTables(to count: Int) {
    guard wanted.count < count else { return }
    wanted.append(contentsOf: repeatElement(0, count: count - wanted.count))
    lowest.append(contentsOf: repeatElement(Int.max, count: count - lowest.count))
  }

  /// What the step's value must keep where the group alone reads it: from the lowest row that a band or any later one reads to the
  /// highest made by then.
  private mutating func addRing(_ index: Int) {
    let step = source.steps[index], layout = source.layouts[step.writes], place = place(index)
    guard source.lastReader[step.writes] < steps.upperBound, layout.order == .interleaved else { return }
    var rows = 0, before = 0
    for band in bands.indices {
      let made = done[place + band]
      if !bands[band].isGap {
        rows = max(rows, made - before)
        if lowest[place + band] < Int.max {
          rows = max(rows, made - lowest[place + band] / step.outputRowsPerRow)
        }
      }
      before = made
    }
    // Whole runs of every kernel that writes or reads: no run wraps.
    let grain = 4 * step.rowGrain
    rows = (rows + grain - 1) / grain * grain * step.outputRowsPerRow
    // A ring of rows serves one image at a time.
    let isWhole = rows >= layout.height
    rings.append(
      Ring(
        value: step.writes, rows: min(rows, layout.height), images: isWhole ? imagesTogether : 1,
        copies: isWhole && imagesPerTask != nil ? source.threadCount : 1))
    ringByteCount += min(rows, layout.height) * layout.bytesPerRow
  }

  /// What a step reads of a value: which rows must be there at the end of each band, and which must still be there. Of a step's rows the
  /// last need not read the highest, nor the first the lowest: a pad mirrors the image.
  private mutating func demand(_ index: Int, _ operand: Int, _ value: Int) {
    let writers = source.writers[value].filter { steps.upperBound - $0 <= Self.mostSteps }
    guard !writers.isEmpty else { return }
    let work = source.steps[index].work, place = place(index), limit = source.layouts[value].height
    var highest = 0, before = 0
    highs.removeAll(keepingCapacity: true)
    lows.removeAll(keepingCapacity: true)
    for band in bands.indices {
      let end = done[place + band]
      var low = Int.max
      if before < end {
        let rows = work.inputRows(operand, for: before..<end).clamped(to: 0..<limit)
        if !rows.isEmpty {
          highest = max(highest, rows.upperBound)
          low = rows.lowerBound
        }
      }
      before = end
      highs.append(highest)
      lows.append(low)
    }
    for writer in writers {
      let perRow = source.steps[writer].outputRowsPerRow, slot = self.place(writer)
      growTables(to: slot + bands.count)
      for band in bands.indices { wanted[slot + band] = max(wanted[slot + band], (highs[band] + perRow - 1) / perRow) }
      guard source.steps[writer].writes == value else { continue }
      var least = Int.max
      for band in bands.indices.reversed() {
        least = min(least, lows[band])
        lowest[slot + band] = min(lowest[slot + band], least)
      }
    }
  }

  /// The work in order.
  var items: [BandSchedule.Item] {
    if steps.count == 1 {
      let region = WorkRegion(images: 0..<batch, rows: 0..<source.steps[steps.lowerBound].rowCount)
      return [BandSchedule.Item(step: steps.lowerBound, region: region)]
    }
    var items: [BandSchedule.Item] = []
    let together = imagesTogether
    for image in stride(from: 0, to: batch, by: together) {
      for band in bands.indices {
        for step in steps {
          let rows = (band == 0 ? 0 : done[place(step) + band - 1])..<done[place(step) + band]
          guard !rows.isEmpty else { continue }
          let images = image..<min(image + together, batch)
          items.append(BandSchedule.Item(step: step, region: WorkRegion(images: images, rows: rows)))
        }
      }
    }
    return items
  }
}
