import Execution

/// Where the values of a program lie while its schedule is worked through: no two that are needed at the same time overlap. A pure
/// function of both.
struct ArenaPlan {
  /// The byte offset of each value in the arena; 0 for those that lie elsewhere.
  let offsets: [Int]
  let byteCount: Int

  init(_ program: Program, _ schedule: BandSchedule) {
    // Steps of one group take turns.
    let lives = program.arenaLives(in: schedule.groups.map { $0.steps.lowerBound...$0.steps.upperBound - 1 })
    let inArena = program.layouts.indices.filter { program.places[$0] == .arena && lives[$0] != nil }
    let plan = MemoryPlan(
      inArena.map { value in
        MemoryPlan.Request(
          byteCount: schedule.byteCount(of: value, program.layouts[value]),
          lifetime: lives[value] ?? 0...0)
      })
    var offsets = [Int](repeating: 0, count: program.layouts.count)
    for (value, offset) in zip(inArena, plan.offsets) { offsets[value] = offset }
    self.offsets = offsets
    byteCount = plan.byteCount
  }
}

extension Program {
  /// Of each value the groups, of the steps given, from the one that writes it first to the last that reads it; nil where none does either. What
  /// parts and views lie in lives from the first of them on and as long as any.
  func arenaLives(in groups: [ClosedRange<Int>]) -> [ClosedRange<Int>?] {
    var lives = [ClosedRange<Int>?](repeating: nil, count: layouts.count)
    func extend(_ value: Int, to group: Int) {
      lives[value] = lives[value].map { $0.lowerBound...max($0.upperBound, group) } ?? group...group
    }
    for (index, group) in groups.enumerated() {
      for step in steps[group] { for value in step.reads + [step.writes] { extend(value, to: index) } }
    }
    // Views first, which may be of parts.
    for value in places.indices.filter({ memoryValue($0) != $0 }) + places.indices.filter({ memoryValue($0) == $0 }) {
      guard let life = lives[value] else { continue }
      let whole: Int
      switch places[value] {
      case .part(let value, _), .view(let value, _): whole = value
      case .input, .output, .arena, .inParts, .constant: continue
      }
      let all = lives[whole] ?? life
      lives[whole] = min(all.lowerBound, life.lowerBound)...max(all.upperBound, life.upperBound)
    }
    return lives
  }
}

extension BandSchedule {
  /// What a value of that layout takes: its ring, or the images that are kept of it.
  func byteCount(of value: Int, _ layout: ValueLayout) -> Int {
    let ring = ringRows[value]
    return ring < layout.height ? ring * layout.bytesPerRow : copies[value] * ringImages[value] * layout.bytesPerImage
  }
}
