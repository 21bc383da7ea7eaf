import Execution
import Networks
import Tensors

/// A program with its memory and its threads. A run allocates nothing but the output tensors.
final class CPUSession: Session {
  let inputShapes: [Shape]
  let outputShapes: [Shape]
  let peakMemoryByteCount: Int

  private let program: Program
  private let inputNames: [String]
  private let pool: ThreadPool
  private let arena: TensorStorage
  private let arenaOffsets: [Int]
  private let scratchOffset: Int
  private let scratchStride: Int
  private let values: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  init(_ program: Program, network: Network, shapes: [String: Shape], threadCount: Int) {
    self.program = program
    inputNames = network.inputs.map(\.name)
    inputShapes = network.inputs.compactMap { shapes[$0.name] }
    outputShapes = network.outputs.compactMap { shapes[$0] }
    pool = ThreadPool(threadCount: threadCount)

    // A value lives from the step that writes it to the last that reads it.
    var first = [Int](repeating: 0, count: program.layouts.count), last = first
    for (index, step) in program.steps.enumerated() {
      first[step.writes] = index
      last[step.writes] = max(last[step.writes], index)
      for value in step.reads { last[value] = index }
    }
    let inArena = program.layouts.indices.filter { program.places[$0] == .arena }
    let plan = MemoryPlan(
      inArena.map { MemoryPlan.Request(byteCount: program.layouts[$0].byteCount, lifetime: first[$0]...max(last[$0], first[$0])) })
    var offsets = [Int](repeating: 0, count: program.layouts.count)
    for (value, offset) in zip(inArena, plan.offsets) { offsets[value] = offset }
    arenaOffsets = offsets
    scratchOffset = plan.byteCount
    // A page between workers keeps the prefetcher of one away from the lines of the other.
    scratchStride = ((program.steps.map(\.scratchByteCount).max() ?? 0) + 4095) / 4096 * 4096 + 4096
    // Zeroed scratch: register tiles past the last pixel read whatever lies there, and denormals or NaNs would be slow. The pages
    // of values are left untouched until a step writes them.
    arena = TensorStorage(byteCount: plan.byteCount + scratchStride * threadCount, zeroed: false)
    (arena.base + scratchOffset).initializeMemory(as: UInt8.self, repeating: 0, count: scratchStride * threadCount)
    values = .allocate(capacity: max(program.layouts.count, 1))
    let tensors = (inputShapes + outputShapes).reduce(0) { $0 + $1.count * 4 }
    peakMemoryByteCount = arena.byteCount + program.steps.reduce(0) { $0 + $1.constantByteCount } + tensors
  }

  deinit {
    pool.stop()
    values.deallocate()
  }

  func run(_ inputs: [Tensor]) throws(ExecutionError) -> [Tensor] {
    guard inputs.count == inputShapes.count else { throw .inputCount(expected: inputShapes.count, got: inputs.count) }
    for (index, tensor) in inputs.enumerated() {
      guard tensor.shape == inputShapes[index], tensor.dataType == .float32 else {
        throw .inputShape(name: inputNames[index], expected: inputShapes[index], got: tensor.shape)
      }
    }
    let outputs = outputShapes.map { Tensor(unsafeUninitialized: $0) { _ in } }
    for (value, place) in program.places.enumerated() {
      let base: UnsafeMutableRawPointer =
        switch place {
        // Steps never write an input.
        case .input(let index): inputs[index].storage.base
        case .output(let index): outputs[index].storage.base
        case .arena: arena.base + arenaOffsets[value]
        }
      values[value] = base.assumingMemoryBound(to: Float.self)
    }
    let memory = RunMemory(values: values)
    let scratch = arena.base + scratchOffset
    withExtendedLifetime((inputs, outputs)) {
      for step in program.steps {
        pool.run(count: step.taskCount) { worker, task in
          step.perform(task, memory, scratch: scratch + worker * scratchStride)
        }
      }
    }
    return outputs
  }
}
