import Execution
import Networks
import Tensors

/// A program with its memory on the device, as one graph: the copy of all inputs there, the kernels, the copy of all outputs back.
package final class CUDASession: StagedSession {
  package let inputShapes: [Shape]
  package let outputShapes: [Shape]
  package let peakMemoryByteCount: Int
  /// The kernels in order, with the nodes that they work for.
  package let kernels: [(node: String, kernel: String)]

  private let inputNames: [String]
  private let inputTypes: [DataType]
  private let outputTypes: [DataType]
  /// The network without its numbers, for reports.
  let network: NetworkGraph
  /// Bytes of each of the program's constants.
  let constantByteCounts: [Int]
  package let device: CUDADevice
  let stream: DeviceStream
  /// The steps, and where their values lie, to run them one by one.
  let program: DeviceProgram
  let addresses: DeviceProgram.Addresses
  let plan: DeviceMemoryPlan
  /// What kernels were weighed for, by the place of the step.
  let weighed: [Int: DeviceLayer]
  /// Whether a kernel begins before the one ahead of it is done.
  let overlaps: Bool
  /// What a run is, made when all else is there.
  private var graph: DeviceGraph?
  /// Where somebody watches, and the moments of the graph for that: of its beginning, after the copy there, after the kernels, of its end.
  private let watch: DeviceWatch?
  private var moments: [DeviceEvent] = []
  /// Of the first input, and of the first output.
  let inputAddress: UInt64
  let outputAddress: UInt64
  /// Kept for as long as the graph reads them.
  private let memories: [DeviceMemory]
  /// Whose parameters runs change.
  private let model: CUDAModel
  let stage: PinnedMemory
  /// Those of which several are under way; empty where runs come one after the other.
  private var places: [RunPlace] = []
  /// Beside `stream`, which runs kernels then.
  private let copies: (there: DeviceStream, back: DeviceStream)?
  private var clock: DeviceClock?
  private let inputOffsets: [Int]
  private let outputOffsets: [Int]
  /// What runs are timed by, made when it is needed first.
  var timing: TimedGraphs?
  /// What a failed run leaves on the device is not known: the next one says so again.
  private var failure: ExecutionError?

  /// - Parameters:
  ///   - conversion: what `program` was planned with.
  ///   - places: runs that may be under way at once.
  init(
    _ program: DeviceProgram, weighed: [Int: DeviceLayer], network: Network, types: [String: ValueType],
    conversion: SampleConversion, places placeCount: Int, model: CUDAModel
  ) throws(ExecutionError) {
    if conversion.isEmpty {
      inputShapes = network.inputs.compactMap { types[$0.name]?.shape }
      outputShapes = network.outputs.compactMap { types[$0]?.shape }
      inputTypes = network.inputs.compactMap { types[$0.name]?.element }
      outputTypes = network.outputs.compactMap { types[$0]?.element }
      inputNames = network.inputs.map(\.name)
    } else {
      // What enters and leaves is not what the network says.
      func layouts(_ values: [Int]) -> [DeviceLayout] { values.map { program.values[$0].layout } }
      let ends = (layouts(program.inputs), layouts(program.outputs + program.conversionNotes))
      inputShapes = ends.0.map(\.shape)
      outputShapes = ends.1.map(\.shape)
      inputTypes = ends.0.map(\.element.dataType)
      outputTypes = ends.1.map(\.element.dataType)
      inputNames = network.inputs.map(\.name) + (conversion.output == nil ? [] : ["what is kept"])
    }
    self.network = network.graph
    device = model.engine.device
    kernels = program.steps.map { ($0.node, $0.kernel.name) }
    self.program = program
    self.weighed = weighed
    overlaps = model.engine.overlapsKernels && model.engine.device.isHopper
    let context = model.engine.context, plan = DeviceMemoryPlan(program)
    self.plan = plan

    self.model = model
    let needed = plan.arena.byteCount + placeCount * (plan.inputByteCount + plan.outputByteCount) + plan.ownByteCount
    let available = try onDevice { () throws(CUDAError) in try context.freeByteCount() }
    guard needed <= available else { throw .deviceMemory(needed: needed, free: available) }
    // What the run packs itself is a value.
    let constants = try model.constants(program.constants.filter { $0.value == nil })
    let parameters = try program.readsParameters ? model.parameterMemory() : nil
    peakMemoryByteCount = needed + constants.reduce(0) { $0 + $1.byteCount } + (parameters?.memory.byteCount ?? 0)
    var given = constants[...]
    let ofConstants = program.constants.map { $0.value == nil ? given.popFirst() : nil }
    constantByteCounts = zip(program.constants, ofConstants).map { constant, memory in
      memory?.byteCount ?? constant.value.map { program.values[$0].layout.byteCount } ?? 0
    }

    let separates = model.engine.separatesValues
    let made = try onDevice(context, taking: needed) { () throws(CUDAError) in
      let arena = try DeviceMemory(context, byteCount: separates ? 0 : plan.arena.byteCount)
      let inputs = try DeviceMemory(context, byteCount: plan.inputByteCount)
      let outputs = try DeviceMemory(context, byteCount: plan.outputByteCount)
      let packs = try DeviceMemory(context, byteCount: plan.ownByteCount)
      var own: [Int: DeviceMemory] = [:]
      if separates {
        for value in plan.arenaValues {
          own[value] = try DeviceMemory(context, byteCount: program.values[value].layout.byteCount)
        }
      }
      func address(_ value: Int, _ inputs: DeviceMemory, _ outputs: DeviceMemory) -> UInt64 {
        switch program.values[value].place {
        case .arena: own[value]?.address ?? arena.address + UInt64(plan.offsets[value] ?? 0)
        case .input: inputs.address + UInt64(plan.offsets[value] ?? 0)
        case .output: outputs.address + UInt64(plan.offsets[value] ?? 0)
        case .part(let whole, let offset): address(whole, inputs, outputs) + UInt64(offset)
        case .constant(let index): ofConstants[index]?.address ?? 0
        case .own: packs.address + UInt64(plan.offsets[value] ?? 0)
        case .parameter(let name): parameters?.address(of: name) ?? 0
        }
      }
      func addresses(_ inputs: DeviceMemory, _ outputs: DeviceMemory) -> DeviceProgram.Addresses {
        DeviceProgram.Addresses(
          values: program.values.indices.map { address($0, inputs, outputs) },
          constants: zip(program.constants, ofConstants).map { constant, memory in
            memory?.address ?? constant.value.map { address($0, inputs, outputs) } ?? 0
          })
      }
      let stage = try PinnedMemory(context, byteCount: plan.inputByteCount + plan.outputByteCount)
      let stream = try DeviceStream(context)
      var places: [RunPlace] = []
      if placeCount > 1 {
        places.append(try RunPlace(stage, inputs, outputs, addresses(inputs, outputs), watch: model.engine.watch))
        for _ in 1..<placeCount {
          let more = try DeviceMemory(context, byteCount: plan.inputByteCount)
          let made = try DeviceMemory(context, byteCount: plan.outputByteCount)
          let stage = try PinnedMemory(context, byteCount: plan.inputByteCount + plan.outputByteCount)
          places.append(try RunPlace(stage, more, made, addresses(more, made), watch: model.engine.watch))
        }
      }
      let copies = try placeCount > 1 ? (there: DeviceStream(context), back: DeviceStream(context)) : nil
      // Compiled before the capture, which takes launches alone.
      for step in program.steps { _ = try context.function(step.kernel) }
      return (
        memories: [arena, inputs, outputs, packs] + own.values, addresses: addresses(inputs, outputs), stage: stage,
        stream: stream, places: places, copies: copies
      )
    }
    addresses = made.addresses
    inputAddress = made.memories[1].address
    outputAddress = made.memories[2].address
    memories = made.memories + constants + (parameters.map { [$0.memory] } ?? [])
    stage = made.stage
    stream = made.stream
    copies = made.copies
    watch = model.engine.watch
    inputOffsets = program.inputs.map { plan.offsets[$0] ?? 0 }
    outputOffsets = (program.outputs + program.conversionNotes).map { plan.inputByteCount + (plan.offsets[$0] ?? 0) }
    try onDevice(context, taking: needed) { () throws(CUDAError) in
      for place in made.places {
        place.graph = try stream.captured { () throws(CUDAError) in
          for step in program.steps { try launch(step, place.addresses, overlaps: overlaps) }
        }
      }
      places = made.places
      if watch != nil {
        moments = try stream.events(4)
        clock = try places.isEmpty ? nil : DeviceClock(context)
      }
      let last = program.steps.count + 2
      graph = try captured { (index) throws(CUDAError) in
        guard !moments.isEmpty else { return }
        if index < 2 { try moments[index].record(stream) }
        // The same where there is no kernel.
        if index == last - 1 { try moments[2].record(stream) }
        if index == last { try moments[3].record(stream) }
      }
    }
  }

  deinit {
    // The device reads and writes what goes now.
    if places.contains(where: \.isUnderWay) { try? copies?.back.synchronize() }
  }

  /// All that a run does, as one graph.
  ///
  /// - Parameter moment: called with the number of commands that are given so far, before the first (0) and after each: the copy there, the
  ///   kernels, the copy back.
  func captured(_ moment: (Int) throws(CUDAError) -> Void) throws(CUDAError) -> DeviceGraph {
    try stream.captured { () throws(CUDAError) in
      try moment(0)
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      try moment(1)
      for (index, step) in program.steps.enumerated() {
        try launch(step, addresses, overlaps: overlaps)
        try moment(index + 2)
      }
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
      }
      try moment(program.steps.count + 2)
    }
  }

  package func run(_ inputs: [Tensor], into outputs: inout [Tensor]) throws(ExecutionError) {
    try watch.during(.handOver) { () throws(ExecutionError) in
      try run(inputs, into: &outputs) { () throws(CUDAError) in try runGraph() }
    }
  }

  /// Waits for the graph, and tells who watches what the device did.
  private func runGraph() throws(CUDAError) {
    if let graph { try stream.launch(graph) }
    try stream.synchronize()
    guard let watch, !moments.isEmpty else { return }
    func duration(_ index: Int) throws(CUDAError) -> Int { try moments[index + 1].nanoseconds(since: moments[index]) }
    watch.note([(.copies, try duration(0)), (.kernels, try duration(1)), (.copies, try duration(2))])
  }

  /// Puts the inputs where the device takes them from, lets `body` do the work, and takes the outputs.
  func run(
    _ inputs: [Tensor], into outputs: inout [Tensor], _ body: () throws(CUDAError) -> Void
  ) throws(ExecutionError) {
    try stage(inputs)
    try work(body)
    take(&outputs)
  }

  /// Puts the inputs where the device takes them from.
  func stage(_ inputs: [Tensor]) throws(ExecutionError) {
    if let failure { throw failure }
    guard inputs.count == inputShapes.count else { throw .inputCount(expected: inputShapes.count, got: inputs.count) }
    for (index, (tensor, shape)) in zip(inputs, inputShapes).enumerated() {
      guard tensor.shape == shape else { throw .inputShape(name: inputNames[index], expected: shape, got: tensor.shape) }
      guard tensor.dataType == inputTypes[index] else {
        throw .invalidNetwork(
          "the input '\(inputNames[index])' is of \(inputTypes[index].rawValue) and gets \(tensor.dataType.rawValue)")
      }
    }
    for (tensor, offset) in zip(inputs, inputOffsets) {
      tensor.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { (stage.base + offset).copyMemory(from: base, byteCount: bytes.count) }
      }
    }
  }

  /// Lets the device work; where that fails, no later run does anything.
  func work(_ body: () throws(CUDAError) -> Void) throws(ExecutionError) {
    do throws(CUDAError) {
      try body()
    } catch {
      failure = ExecutionError(error)
      throw ExecutionError(error)
    }
    noteUpdates()
  }

  /// Tells the model which of its parameters have changed, and whether their numbers are finite.
  private func noteUpdates() {
    guard let notes = program.notes else { return }
    let base = (stage.base + plan.inputByteCount + (plan.offsets[notes] ?? 0)).assumingMemoryBound(to: Float.self)
    var finite: [String: Bool] = [:]
    for update in program.updates { finite[update.parameter] = update.notes.allSatisfy { base[$0] == 0 } }
    model.noteUpdates(finite)
  }

  /// Takes the outputs from where the device left them.
  func take(_ outputs: inout [Tensor]) {
    var results: [Tensor] = []
    for (index, shape) in outputShapes.enumerated() {
      let source = stage.base + outputOffsets[index]
      if index < outputs.count, outputs[index].isOverwritable(as: shape, outputTypes[index]) {
        outputs[index].withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: $0.count)) }
        results.append(outputs[index])
      } else {
        results.append(
          Tensor(unsafeUninitialized: shape, outputTypes[index]) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: $0.count))
          })
      }
    }
    outputs = results
  }
}

// MARK: Runs that are under way at once

extension CUDASession {
  package var placeCount: Int { max(places.count, 1) }

  private func stage(_ place: Int) -> PinnedMemory { places.isEmpty ? stage : places[place].stage }

  package func inputPlaces(_ place: Int) -> [UnsafeMutableRawPointer] {
    let base = stage(place).base
    return inputOffsets.map { base + $0 }
  }

  /// The copy there, the kernels and the copy back, each in a stream of its own behind the one ahead.
  package func begin(_ place: Int) throws(ExecutionError) {
    if let failure { throw failure }
    guard let copies else { return }
    try watch.during(.handOver) { () throws(ExecutionError) in
      try work { () throws(CUDAError) in
        if !places.contains(where: { $0.isUnderWay }) { try clock?.set(copies.there) }
        try places[place].begin(there: copies.there, stream, back: copies.back)
      }
    }
  }

  package func finish(_ place: Int) throws(ExecutionError) -> [UnsafeRawPointer] {
    if let failure { throw failure }
    try watch.during(.handOver) { () throws(ExecutionError) in
      try work { () throws(CUDAError) in
        if places.isEmpty { try runGraph() } else { try places[place].finish(clock) }
      }
    }
    let base = stage(place).base
    return outputOffsets.map { UnsafeRawPointer(base + $0) }
  }
}
