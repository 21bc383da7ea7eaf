import Execution
import Networks
import Tensors

/// Runs that say where their time goes: the same commands as the graph's, one by one, with a moment taken between each two.
extension CUDASession: TimingSession {
  package func timedRun(_ inputs: [Tensor]) throws(ExecutionError) -> (outputs: [Tensor], timeline: RunTimeline) {
    let copies = [Self.copy(program.inputs, "input"), Self.copy(program.outputs, "output")]
    var moments: [DeviceEvent] = []
    var outputs: [Tensor] = []
    try run(inputs, into: &outputs) { () throws(CUDAError) in
      for _ in 0..<program.steps.count + 3 { moments.append(try DeviceEvent(stream.context)) }
      try moments[0].record(stream)
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      try moments[1].record(stream)
      for (index, step) in program.steps.enumerated() {
        try launch(step, overlaps: false)
        try moments[index + 2].record(stream)
      }
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
      }
      try moments[program.steps.count + 2].record(stream)
      try stream.synchronize()
    }
    let steps = [copies[0]] + program.steps.map(timelineStep) + [copies[1]]
    let ends = try onDevice { () throws(CUDAError) in
      var ends: [Int] = []
      for moment in moments { ends.append(try moment.nanoseconds(since: moments[0])) }
      return ends
    }
    let events = steps.indices.map {
      RunTimeline.Event(step: $0, start: ends[$0], duration: ends[$0 + 1] - ends[$0], threadCount: 1)
    }
    return (outputs, RunTimeline(steps: steps, events: events, nanoseconds: ends[ends.count - 1]))
  }

  /// Nanoseconds of each of some runs of the kernels alone, as one graph on values that are on the device: what PyTorch's captured graphs are
  /// timed by.
  package func kernelNanoseconds(_ inputs: [Tensor], runs: Int) throws(ExecutionError) -> [Int] {
    var outputs: [Tensor] = [], times: [Int] = []
    try run(inputs, into: &outputs) { () throws(CUDAError) in
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      let graph = try stream.captured { () throws(CUDAError) in
        for step in program.steps { try launch(step, overlaps: overlaps) }
      }
      let start = try DeviceEvent(stream.context), end = try DeviceEvent(stream.context)
      // The first ones bring the clocks up.
      for index in -3..<runs {
        try start.record(stream)
        try stream.launch(graph)
        try end.record(stream)
        try stream.synchronize()
        if index >= 0 { times.append(try end.nanoseconds(since: start)) }
      }
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
        try stream.synchronize()
      }
    }
    return times
  }

  private func launch(_ step: DeviceProgram.Step, overlaps: Bool) throws(CUDAError) {
    try stream.launch(step.kernel, step.grid, step.arguments(addresses, step), overlaps: overlaps)
  }

  /// How long a layer's kernel takes in the midst of others.
  package struct LayerTime: Sendable {
    package var node: String
    package var layer: DeviceLayer
    package var kernel: CUDAKernel
    /// Blocks that share the input channels of a tile.
    package var splits: Int
    package var nanoseconds: Double
  }

  /// The layers that were weighed, each run again and again as one graph, with the kernel that adds its parts: the least time of a run.
  ///
  /// - Parameter isWanted: which layers; the others take no time.
  package func layerTimes(
    _ inputs: [Tensor], isWanted: (DeviceLayer, CUDAKernel, Int) -> Bool
  ) throws(ExecutionError) -> [LayerTime] {
    let repeats = 16
    var outputs: [Tensor] = [], times: [LayerTime] = []
    try run(inputs, into: &outputs) { () throws(CUDAError) in
      if plan.inputByteCount > 0 { try stream.upload(inputAddress, stage.base, plan.inputByteCount) }
      for step in program.steps { try launch(step, overlaps: overlaps) }
      let start = try DeviceEvent(stream.context), end = try DeviceEvent(stream.context)
      for (index, layer) in weighed.sorted(by: { $0.key < $1.key }) {
        let step = program.steps[index]
        var steps = [step], splits = 1
        if index + 1 < program.steps.count, case .sumParts = program.steps[index + 1].kernel.family {
          steps.append(program.steps[index + 1])
          splits = program.values[step.writes].layout.shape.batch / layer.output.shape.batch
        }
        guard isWanted(layer, step.kernel, splits) else { continue }
        let graph = try stream.captured { () throws(CUDAError) in
          for _ in 0..<repeats { for step in steps { try launch(step, overlaps: overlaps) } }
        }
        var least = Int.max
        for _ in 0..<4 {
          try start.record(stream)
          try stream.launch(graph)
          try end.record(stream)
          try stream.synchronize()
          least = min(least, try end.nanoseconds(since: start))
        }
        times.append(
          LayerTime(
            node: step.node, layer: layer, kernel: step.kernel, splits: splits, nanoseconds: Double(least) / Double(repeats)))
      }
      if plan.outputByteCount > 0 {
        try stream.download(stage.base + plan.inputByteCount, outputAddress, plan.outputByteCount)
        try stream.synchronize()
      }
    }
    return times
  }

  /// All inputs, or all outputs, at once.
  private static func copy(_ values: [Int], _ name: String) -> RunTimeline.Step {
    RunTimeline.Step(node: name, kernels: ["copy"], work: Work(.copy))
  }

  private func timelineStep(_ step: DeviceProgram.Step) -> RunTimeline.Step {
    RunTimeline.Step(
      node: step.node, kernels: [step.kernel.name],
      work: step.isCopy ? Work(.copy) : step.kernel.work,
      traffic: RunTimeline.Traffic(
        valueBytes: program.movedByteCount(step), heldBytes: program.values[step.writes].layout.ownByteCount))
  }
}

extension DeviceLayout {
  /// Without what lies between its pixels where it is part of a concatenation.
  var ownByteCount: Int {
    isPlanar ? byteCount : shape.batch * shape.height * shape.width * lanes * element.byteCount
  }
}

extension CUDAKernel {
  /// What the kernel does, for reports.
  fileprivate var work: Work {
    switch family {
    case .dense, .denseHopper, .denseWide, .pointwiseHopper: Work(.gatheredProducts, unit: .float16)
    case .denseFloat: Work(.gatheredProducts)
    case .separable, .separableBlock, .selection: Work(.separable, unit: .float16)
    case .head: Work(.head, unit: .float16)
    case .tail: Work(.tail, unit: .float16)
    case .maximumPool, .windows: Work(.pool)
    case .direct, .tiled: Work(.gatheredProducts, isVectorised: false)
    case .elementByElement, .sumParts, .normalize: Work(.elementwise)
    case .reduce: Work(.reduction)
    case .multiplyMatrices: Work(.gatheredProducts, isVectorised: false)
    case .move: Work(.movement)
    case .resample: Work(.resize)
    }
  }
}
