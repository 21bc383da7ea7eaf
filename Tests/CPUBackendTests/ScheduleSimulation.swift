@testable import CPUBackend

/// A schedule worked through without data: what each step reads must have been written, and must not have been overwritten since,
/// in its ring or in the arena; every row is written once.
struct ScheduleSimulation {
  private let program: Program
  private let schedule: BandSchedule
  private let arena: ArenaPlan
  /// Of each value what each slot of its ring holds: an image and a row, counted together; -1 for nothing.
  private var slots: [[Int]]
  /// Of each value how often each row of each image has been written, by all steps that complete it.
  private var writes: [[Int]]
  /// Of each value how many steps complete it.
  private var writers: [Int]
  /// Of each line of 64 bytes of the arena the value that it holds.
  private var owners: [Int]

  /// The first thing that goes wrong; nil where nothing does.
  static func fault(_ program: Program, _ schedule: BandSchedule) -> String? {
    var simulation = ScheduleSimulation(program, schedule)
    return simulation.fault()
  }

  private init(_ program: Program, _ schedule: BandSchedule) {
    self.program = program
    self.schedule = schedule
    arena = ArenaPlan(program, schedule)
    owners = [Int](repeating: -1, count: arena.byteCount / 64 + 1)
    slots = program.layouts.indices.map {
      [Int](repeating: -1, count: schedule.ringRows[$0] * (Self.keepsRing(program, schedule, $0) ? 1 : schedule.ringImages[$0]))
    }
    writes = program.layouts.map { [Int](repeating: 0, count: $0.batch * $0.height) }
    writers = [Int](repeating: 0, count: program.layouts.count)
    for step in program.steps { for value in completed(by: step) { writers[value] += 1 } }
  }

  private static func keepsRing(_ program: Program, _ schedule: BandSchedule, _ value: Int) -> Bool {
    schedule.ringRows[value] < program.layouts[value].height
  }

  private func completed(by step: any Step) -> [Int] {
    if case .part(let whole, _) = program.places[step.writes] { return [step.writes, whole] }
    return [step.writes] + step.alsoWrites
  }

  private mutating func fault() -> String? {
    guard schedule.groups.flatMap(\.steps) == Array(program.steps.indices) else {
      return "the groups are not the steps in order"
    }
    for (value, layout) in program.layouts.enumerated() {
      let ring = schedule.ringRows[value]
      guard ring < layout.height else { continue }
      for step in program.steps where step.writes == value && ring % (step.rowGrain * step.outputRowsPerRow) != 0 {
        return "runs of rows of value \(value) wrap in its ring of \(ring)"
      }
      // Windows of up to four rows that begin at multiples of four are read through one pointer.
      if ring % 4 != 0 { return "the ring of value \(value) has \(ring) rows" }
    }
    for group in schedule.groups {
      for item in group.items {
        guard group.steps.contains(item.step) else { return "an item of another group" }
        if let fault = work(item) { return "step \(item.step) (\(program.steps[item.step].node)), \(item.region): \(fault)" }
      }
    }
    for value in program.layouts.indices where writers[value] > 0 {
      if let row = writes[value].firstIndex(where: { $0 != writers[value] }) {
        return "row \(row) of value \(value) is written \(writes[value][row]) times by \(writers[value]) steps"
      }
    }
    return nil
  }

  private mutating func work(_ item: BandSchedule.Item) -> String? {
    let step = program.steps[item.step], region = item.region
    guard region.rows.lowerBound % step.rowGrain == 0,
      region.rows.upperBound % step.rowGrain == 0 || region.rows.upperBound == step.rowCount
    else { return "the rows do not lie on the step's grain of \(step.rowGrain)" }
    // Where values have different numbers of images, all of them are read; a constant serves all images, and so does what is read whole.
    let isWhole =
      step.takesWholeBatch
      || step.reads.enumerated().contains { operand, value in
        if step.readsWhole(operand) { return false }
        if case .constant = program.places[value] { return false }
        return program.layouts[value].batch != program.layouts[step.writes].batch
      }
    for (operand, read) in step.reads.enumerated() {
      let value = program.memoryValue(read), layout = program.layouts[value]
      let rows = step.inputRows(operand, for: region.rows).clamped(to: 0..<layout.height)
      for image in isWhole || step.readsWhole(operand) ? 0..<layout.batch : region.images {
        for row in rows { if let fault = self.read(value, image, row) { return fault } }
      }
      if !rows.isEmpty, let fault = readArena(value) { return fault }
    }
    let layout = program.layouts[step.writes]
    let rows =
      region.rows.lowerBound * step.outputRowsPerRow..<min(region.rows.upperBound * step.outputRowsPerRow, layout.height)
    if rows.count > schedule.ringRows[step.writes] { return "more rows than its ring has" }
    for value in completed(by: step) {
      for image in region.images { for row in rows { write(value, image, row) } }
      own(value)
    }
    return nil
  }

  private func slot(_ value: Int, _ image: Int, _ row: Int) -> Int {
    Self.keepsRing(program, schedule, value)
      ? row % schedule.ringRows[value]
      : image % schedule.ringImages[value] * program.layouts[value].height + row
  }

  private func read(_ value: Int, _ image: Int, _ row: Int) -> String? {
    switch program.places[value] {
    case .input, .constant: return nil
    case .inParts, .view: return "value \(value) lies nowhere"
    case .output, .arena, .part: break
    }
    let place = image * program.layouts[value].height + row
    guard writes[value][place] == writers[value] else {
      return "row \(row) of image \(image) of value \(value) is not made yet"
    }
    guard slots[value][slot(value, image, row)] == place else {
      return "row \(row) of image \(image) of value \(value) is overwritten"
    }
    return nil
  }

  private mutating func write(_ value: Int, _ image: Int, _ row: Int) {
    let place = image * program.layouts[value].height + row
    writes[value][place] += 1
    slots[value][slot(value, image, row)] = place
  }

  /// The lines of the arena that a value of its own fills; what lies in another value goes by that one.
  private func lines(_ value: Int) -> Range<Int>? {
    guard program.places[value] == .arena else { return nil }
    let first = arena.offsets[value] / 64
    return first..<first + (schedule.byteCount(of: value, program.layouts[value]) + 63) / 64
  }

  private mutating func own(_ value: Int) {
    for line in lines(value) ?? 0..<0 { owners[line] = value }
  }

  private func readArena(_ value: Int) -> String? {
    guard let lines = lines(value), lines.upperBound <= owners.count else { return nil }
    return lines.allSatisfy { owners[$0] == value } ? nil : "value \(value) shares its memory with one that lives as long"
  }
}
