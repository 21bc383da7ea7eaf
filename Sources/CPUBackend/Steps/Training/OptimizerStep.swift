import CKernels
import Execution
import Networks

/// What an optimiser does to a parameter, or to what it remembers of it: one pass over values that lie as tensors do.
final class OptimizerStep: Step {
  enum Kind: Hashable {
    case average(MovingAverage)
    case step(ParameterStep)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let kernel: Kernel

  private static let elementsPerTask = 1 << 13

  /// All values are planar; those of the shape of the output, and behind them the numbers of the step where there are some.
  init(
    node: String, _ kind: Kind, _ inputs: [(value: Int, layout: ValueLayout)], output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    writes = output.value
    self.inputs = inputs.map(\.layout)
    self.output = output.layout
    switch kind {
    case .average: kernel = table.kernel(.movingAverage, .float32, .float32)
    case .step: kernel = table.kernel(.parameterStep, .float32, .float32)
    }
  }

  var isLight: Bool { true }
  var takesWholeBatch: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<inputs[index].height }
  private var count: Int { output.byteCount / 4 }
  func taskCount(_ region: WorkRegion) -> Int { (count + Self.elementsPerTask - 1) / Self.elementsPerTask }
  var scratchByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let first = task * Self.elementsPerTask, count = min(Self.elementsPerTask, count - first)
    func elements(_ index: Int) -> UnsafeMutablePointer<Float> { memory[reads[index]].floats(0, 0) + first }
    let to = memory[writes].floats(0, 0) + first
    switch kind {
    case .average(let payload):
      kernel.movingAverage(elements(0), payload.keep, elements(1), payload.add, payload.squares ? 1 : 0, count, to)
    case .step(let payload):
      let numbers = memory[reads[reads.count - 1]].floats(0, 0), rate = numbers[0]
      let isAdaptive = payload.epsilon != nil
      kernel.parameterStep(
        elements(0), 1 - rate * payload.decay, elements(1), isAdaptive ? UnsafePointer(elements(2)) : nil,
        isAdaptive ? rate * numbers[1] : rate, isAdaptive ? numbers[2] : 0, payload.epsilon ?? 0, count, to)
    }
  }
}
