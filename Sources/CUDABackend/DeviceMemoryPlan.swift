import Execution
import Networks

/// Where the values of a program lie: inputs one behind the other, outputs likewise, so that each are one copy; what is packed in the run
/// by itself, all others in an arena.
struct DeviceMemoryPlan {
  /// Of each value from the beginning of its place, but for parts and constants.
  private(set) var offsets: [Int: Int] = [:]
  private(set) var inputByteCount = 0
  private(set) var outputByteCount = 0
  /// Of what is packed in the run.
  private(set) var ownByteCount = 0
  let arena: MemoryPlan
  let arenaValues: [Int]

  /// What the device's widest loads need, and lines of its cache.
  private static let alignment = 256

  init(_ program: DeviceProgram) {
    // A part keeps the whole alive.
    var first: [Int: Int] = [:], last: [Int: Int] = [:]
    for (index, step) in program.steps.enumerated() {
      for value in (step.reads + [step.writes]).map(program.root) {
        first[value] = min(first[value] ?? index, index)
        last[value] = index
      }
    }
    var arenaValues: [Int] = []
    var requests: [MemoryPlan.Request] = []
    for (value, entry) in program.values.enumerated() {
      // What was planned and then made another way is nowhere.
      guard case .arena = entry.place, let begin = first[value] else { continue }
      arenaValues.append(value)
      requests.append(MemoryPlan.Request(byteCount: entry.layout.byteCount, lifetime: begin...(last[value] ?? begin)))
    }
    arena = MemoryPlan(requests, alignment: Self.alignment)
    self.arenaValues = arenaValues
    for (value, offset) in zip(arenaValues, arena.offsets) { offsets[value] = offset }
    func place(_ values: [Int], _ total: inout Int) {
      for value in values {
        offsets[value] = total
        total += program.values[value].layout.byteCount.ceilingDivided(by: Self.alignment) * Self.alignment
      }
    }
    place(program.inputs, &inputByteCount)
    place(program.outputs + program.conversionNotes + (program.notes.map { [$0] } ?? []), &outputByteCount)
    place(program.values.indices.filter { program.values[$0].place == .own }, &ownByteCount)
  }
}
