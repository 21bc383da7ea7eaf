import Execution

/// Where the values of a program lie while its schedule is worked through: no two that are needed at the same time overlap. A pure
/// function of both.
struct ArenaPlan {
  /// The byte offset of each value in the arena; 0 for those that lie elsewhere.
  let offsets: [Int]
  let byteCount: Int

  init(_ program: Program, _ schedule: BandSchedule) {
    // A value lives from the group that writes it to the last that reads it: steps of one group take turns.
    var first = [Int](repeating: Int.max, count: program.layouts.count)
    var last = [Int](repeating: 0, count: program.layouts.count)
    for (index, group) in schedule.groups.enumerated() {
      for step in program.steps[group.steps] {
        first[step.writes] = min(first[step.writes], index)
        for value in step.reads + [step.writes] { last[value] = index }
      }
    }
    // What parts lie in lives from the first of them on and as long as any.
    for value in program.layouts.indices {
      guard case .part(let whole, _) = program.places[value] else { continue }
      first[whole] = min(first[whole], first[value])
      last[whole] = max(last[whole], last[value])
    }
    let inArena = program.layouts.indices.filter { program.places[$0] == .arena }
    let plan = MemoryPlan(
      inArena.map { value in
        MemoryPlan.Request(
          byteCount: schedule.byteCount(of: value, program.layouts[value]),
          lifetime: min(first[value], last[value])...last[value])
      })
    var offsets = [Int](repeating: 0, count: program.layouts.count)
    for (value, offset) in zip(inArena, plan.offsets) { offsets[value] = offset }
    self.offsets = offsets
    byteCount = plan.byteCount
  }
}

extension BandSchedule {
  /// What a value of that layout takes: its ring, or the images that are kept of it.
  func byteCount(of value: Int, _ layout: ValueLayout) -> Int {
    let ring = ringRows[value]
    return ring < layout.height ? ring * layout.bytesPerRow : copies[value] * ringImages[value] * layout.bytesPerImage
  }
}
