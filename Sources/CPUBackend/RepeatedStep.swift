import Execution

/// A step of a program in which values are there more than once: the same work, on other instances of its values.
///
/// The step knows its values by their slots; the session sees to it that these are the instances while it runs.
final class RepeatedStep: Step {
  let base: any Step
  let reads: [Int]
  let writes: Int

  init(_ base: any Step, reads: [Int], writes: Int) {
    self.base = base
    self.reads = reads
    self.writes = writes
  }

  var node: String { base.node }
  var alsoWrites: [Int] { base.alsoWrites }
  var kernelNames: [String] { base.kernelNames }
  var work: Work { base.work }
  var scratchByteCount: Int { base.scratchByteCount }
  var packs: [Pack] { base.packs }
  var tableByteCount: Int { base.tableByteCount }
  var rowCount: Int { base.rowCount }
  var outputRowsPerRow: Int { base.outputRowsPerRow }
  var isLight: Bool { base.isLight }
  var takesWholeBatch: Bool { base.takesWholeBatch }
  func readsWhole(_ index: Int) -> Bool { base.readsWhole(index) }
  var setsPace: Bool { base.setsPace }
  var rowGrain: Int { base.rowGrain }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { base.inputRows(index, for: rows) }
  func taskCount(_ region: WorkRegion) -> Int { base.taskCount(region) }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    base.perform(task, of: region, memory, scratch: scratch)
  }
  func stageCount(_ region: WorkRegion) -> Int { base.stageCount(region) }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int { base.taskCount(region, stage: stage) }
  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    base.perform(task, of: region, stage: stage, memory, scratch: scratch)
  }
  var sharedByteCount: Int { base.sharedByteCount }
}
