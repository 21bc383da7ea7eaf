import Execution

/// Elements put where they belong in a value that is 0 elsewhere, along any axes: the adjoint of slices that are no cut of images.
final class ScatterStep: Step {
  /// An axis and what a step along it is, in floats.
  struct Axis: BitwiseCopyable {
    var extent: Int
    var from: Int
    var to: Int
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames = ["scatter"]
  private let axes: [Axis]
  private let offset: Int
  private let input: ValueLayout
  private let output: ValueLayout

  /// Both values are float32.
  init(
    node: String, axes: [Axis], offset: Int, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.axes = axes
    self.offset = offset
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
  }

  var isLight: Bool { true }
  var takesWholeBatch: Bool { true }
  var work: Work { Work(.movement, isVectorised: false) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<input.height }
  func taskCount(_ region: WorkRegion) -> Int { 1 }
  var scratchByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let from = memory[reads[0]].floats(0, 0), to = memory[writes].floats(0, 0)
    to.update(repeating: 0, count: output.byteCount / 4)
    scatter(from, to + offset, 0)
  }

  private func scatter(_ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ level: Int) {
    guard level < axes.count else {
      to.pointee = from.pointee
      return
    }
    let axis = axes[level]
    for index in 0..<axis.extent { scatter(from + index * axis.from, to + index * axis.to, level + 1) }
  }
}
