import CKernels
import Execution
import Networks

/// What an optimiser does to a parameter, or to what it remembers of it: one pass over values that lie as tensors do.
final class OptimizerStep: Step {
  enum Kind: Hashable {
    case average(MovingAverage)
    case step(ParameterStep)
    /// A step by averages that it makes, too: of w, the gradient, and the mean and the square as they were.
    case adaptive(ParameterStep, mean: MovingAverage, square: MovingAverage)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let alsoWrites: [Int]
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let average: Kernel
  private let step: Kernel

  private static let elementsPerTask = 1 << 13
  /// What one kernel after the other goes through, so that the level-1 cache has it: of six values.
  private static let elementsTogether = 1 << 10

  /// All values are planar; those of the shape of the output, and behind them the numbers of the step where there are some.
  ///
  /// - Parameter alsoWrites: the new mean and the new square, where the kind makes them.
  init(
    node: String, _ kind: Kind, _ inputs: [(value: Int, layout: ValueLayout)], output: (value: Int, layout: ValueLayout),
    alsoWrites: [Int], table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    writes = output.value
    self.alsoWrites = alsoWrites
    self.inputs = inputs.map(\.layout)
    self.output = output.layout
    average = table.kernel(.movingAverage, .float32, .float32)
    step = table.kernel(.parameterStep, .float32, .float32)
  }

  var isLight: Bool { true }
  var takesWholeBatch: Bool { true }
  var kernelNames: [String] {
    switch kind {
    case .average: [average.name]
    case .step: [step.name]
    case .adaptive: [average.name, step.name]
    }
  }
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
    case .average(let payload): take(payload, elements(0), elements(1), count, to)
    case .step(let payload):
      take(payload, numbers(memory), elements(0), elements(1), payload.epsilon == nil ? nil : elements(2), count, to)
    case .adaptive(let payload, let mean, let square):
      let (w, g, oldMean, oldSquare) = (elements(0), elements(1), elements(2), elements(3))
      let newMean = memory[alsoWrites[0]].floats(0, 0) + first, newSquare = memory[alsoWrites[1]].floats(0, 0) + first
      let numbers = numbers(memory)
      for begin in stride(from: 0, to: count, by: Self.elementsTogether) {
        let count = min(Self.elementsTogether, count - begin)
        take(mean, oldMean + begin, g + begin, count, newMean + begin)
        take(square, oldSquare + begin, g + begin, count, newSquare + begin)
        take(payload, numbers, w + begin, newMean + begin, newSquare + begin, count, to + begin)
      }
    }
  }

  private func numbers(_ memory: RunMemory) -> UnsafePointer<Float> {
    UnsafePointer(memory[reads[reads.count - 1]].floats(0, 0))
  }

  private func take(
    _ payload: MovingAverage, _ old: UnsafePointer<Float>, _ g: UnsafePointer<Float>, _ count: Int,
    _ to: UnsafeMutablePointer<Float>
  ) {
    average.movingAverage(old, payload.keep, g, payload.add, payload.squares ? 1 : 0, count, to)
  }

  private func take(
    _ payload: ParameterStep, _ numbers: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ direction: UnsafePointer<Float>,
    _ square: UnsafePointer<Float>?, _ count: Int, _ to: UnsafeMutablePointer<Float>
  ) {
    let rate = numbers[0], isAdaptive = payload.epsilon != nil
    step.parameterStep(
      w, 1 - rate * payload.decay, direction, square, isAdaptive ? rate * numbers[1] : rate, isAdaptive ? numbers[2] : 0,
      payload.epsilon ?? 0, count, to)
  }
}
