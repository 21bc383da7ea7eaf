import Execution
import Networks
import Tensors

/// Runs that say where their time goes: the session's graph once more, with a moment taken between each two commands, so that the device
/// does not wait for the host there.
extension CUDASession: TimingSession {
  package func timedRun(_ inputs: [Tensor]) throws(ExecutionError) -> (outputs: [Tensor], timeline: RunTimeline) {
    try stage(inputs)
    // What the moments cost shows beside a run that takes one at each end.
    try work { () throws(CUDAError) in
      if timing == nil { timing = try TimedGraphs(self) }
      guard let timing else { return }
      try stream.launch(timing.whole)
      try stream.synchronize()
      try timing.noteWhole()
    }
    let clock = ContinuousClock(), start = clock.now
    func now() -> Int { (clock.now - start).nanoseconds }
    try stage(inputs)
    let staged = now()
    var launched = 0, intervals: [Int] = []
    try work { () throws(CUDAError) in
      guard let timing = self.timing else { return }
      try stream.launch(timing.each)
      launched = now()
      try stream.synchronize()
    }
    let done = now()
    var outputs: [Tensor] = []
    take(&outputs)
    let end = now()
    var taken = (each: 0, rest: [Int]())
    try work { () throws(CUDAError) in
      guard let timing = self.timing else { return }
      intervals = try timing.intervals()
      taken = MomentCost.takenOff(intervals, whole: timing.leastWhole, all: timing.leastAll)
    }
    let busy = taken.rest.reduce(0, +), excess = intervals.reduce(0, +) - busy
    // The host waits while the device takes moments.
    let waiting = max(done - launched - excess, 0), launching = max(min(launched - staged, done - staged - excess), 0)
    let host = RunTimeline.Host(
      staging: staged, launching: launching, waiting: waiting, taking: end - done, moment: taken.each)
    let whole = staged + launching + waiting + host.taking
    // When it began the host does not know: it was done when the host had waited for it.
    var moment = max(whole - host.taking - busy, 0), events: [RunTimeline.Event] = []
    for (index, duration) in taken.rest.enumerated() {
      events.append(RunTimeline.Event(step: index, start: moment, duration: duration, threadCount: 1))
      moment += duration
    }
    return (outputs, RunTimeline(steps: timelineSteps, events: events, nanoseconds: max(whole, busy), host: host))
  }

  /// The graph's commands in order: the copy there, the kernels, the copy back.
  private var timelineSteps: [RunTimeline.Step] {
    func copy(_ name: String, _ byteCount: Int) -> RunTimeline.Step {
      RunTimeline.Step(
        node: name, kernels: ["copy"], work: Work(.copy), traffic: RunTimeline.Traffic(transferredBytes: byteCount))
    }
    var seen: Set<String> = []
    let joined = program.joinedNodes(of: network.nodes)
    let kernels = program.steps.map { step in
      var result = RunTimeline.Step(
        node: step.node, kernels: [step.kernel.name], work: step.isCopy ? Work(.copy) : step.kernel.work,
        traffic: RunTimeline.Traffic(
          valueBytes: program.movedByteCount(step), heldBytes: program.values[step.writes].layout.ownByteCount))
      result.blocks = RunTimeline.Blocks(
        count: step.grid.blockCount,
        atOnce: step.kernel.blocksPerMultiprocessor * device.multiprocessorCount)
      // The first kernel of a node fetches its weights.
      if !step.isCopy, seen.insert(step.node).inserted {
        result.joined = joined[step.node] ?? []
        result.traffic.constantBytes = constantByteCount(of: [step.node] + result.joined)
      }
      return result
    }
    return [copy("copy to the device", plan.inputByteCount)] + kernels + [
      copy("copy from the device", plan.outputByteCount)
    ]
  }

  private func constantByteCount(of nodes: [String]) -> Int {
    let own = Set(network.nodes.filter { nodes.contains($0.name) }.flatMap(\.parameterNames))
    return zip(program.constants, constantByteCounts).reduce(0) { sum, pair in
      pair.0.parameters.contains(where: own.contains) ? sum + pair.1 : sum
    }
  }
}

/// A session's graph with moments in it: between each two commands, and at its ends alone.
final class TimedGraphs {
  let each: DeviceGraph
  let whole: DeviceGraph
  private let moments: [DeviceEvent]
  private let ends: [DeviceEvent]
  /// The least time from end to end of all runs so far, without moments between the commands and with them.
  private(set) var leastWhole = Int.max
  private(set) var leastAll = Int.max

  init(_ session: CUDASession) throws(CUDAError) {
    let stream = session.stream
    let moments = try stream.events(session.program.steps.count + 3), ends = try stream.events(2)
    each = try session.captured { (index) throws(CUDAError) in try moments[index].record(stream) }
    whole = try session.captured { (index) throws(CUDAError) in
      if index == 0 { try ends[0].record(stream) }
      if index == moments.count - 1 { try ends[1].record(stream) }
    }
    self.moments = moments
    self.ends = ends
  }

  /// After a run of `whole`.
  func noteWhole() throws(CUDAError) { leastWhole = min(leastWhole, try ends[1].nanoseconds(since: ends[0])) }

  /// Of the commands, after a run of `each`.
  func intervals() throws(CUDAError) -> [Int] {
    var result: [Int] = [], last = 0
    for moment in moments.dropFirst() {
      // From the first, so that they add up to the whole.
      let now = max(try moment.nanoseconds(since: moments[0]), last)
      result.append(now - last)
      last = now
    }
    leastAll = min(leastAll, last)
    return result
  }
}

/// What moments between commands cost.
package enum MomentCost {
  /// The intervals without what the moments cost, the same for each, but of none more than a half.
  ///
  /// - Parameters:
  ///   - whole: from end to end without moments between.
  ///   - all: the same with them.
  package static func takenOff(_ intervals: [Int], whole: Int, all: Int) -> (each: Int, rest: [Int]) {
    let excess = all - whole
    guard excess > 0, !intervals.isEmpty, whole >= 0 else { return (0, intervals) }
    var least = 0, most = intervals.max() ?? 0
    // What short ones do not bear the others do.
    while least < most {
      let middle = (least + most + 1) / 2
      if intervals.reduce(0, { $0 + min(middle, $1 / 2) }) <= excess { least = middle } else { most = middle - 1 }
    }
    return (least, intervals.map { $0 - min(least, $0 / 2) })
  }
}

extension Duration {
  fileprivate var nanoseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}

extension CUDAKernel {
  /// What the kernel does, for reports.
  var work: Work {
    switch family {
    case .dense, .denseHopper, .denseWide, .pointwiseHopper: Work(.gatheredProducts, unit: .float16)
    case .denseFloat, .denseWideFloat: Work(.gatheredProducts, unit: .tensorFloat32)
    case .separableFloat: Work(.separable, unit: .tensorFloat32)
    case .headFloat: Work(.head, unit: .tensorFloat32)
    case .tail(.float32): Work(.tail, unit: .tensorFloat32)
    case .separable, .separableBlock, .selection: Work(.separable, unit: .float16)
    case .head: Work(.head, unit: .float16)
    case .tail: Work(.tail, unit: .float16)
    case .pointwisePlanes(let element, _), .depthwise(let element, _, _), .linear(let element, _):
      element == .float32 ? Work(.gatheredProducts) : Work(.gatheredProducts, unit: .float16)
    case .maximumPool, .windows, .meanOfPixels: Work(.pool)
    // A thread an output: the tensor cores stand still.
    case .direct, .tiled, .multiplyMatrices: Work(.gatheredProducts, isVectorised: false)
    case .elementByElement, .normalize: Work(.elementwise)
    // It ends a layer whose products are done.
    case .sumParts: Work(.movement)
    case .reduce: Work(.reduction)
    case .denseIntegers, .depthwiseIntegers: Work(.gatheredProducts, unit: .integers)
    case .directIntegers: Work(.gatheredProducts, unit: .integers, isVectorised: false)
    case .integers: Work(.elementwise)
    case .meanOfIntegers: Work(.pool)
    case .move, .samplesToPlanes, .planesToSamples: Work(.movement)
    case .resample: Work(.resize)
    case .training(let kernel): kernel.work
    case .weightGradientTiles: Work(.gatheredProducts, unit: .float16)
    }
  }
}

extension CUDAKernel.Training {
  fileprivate var work: Work {
    switch self {
    case .weightGradient: Work(.gatheredProducts)
    case .weightGradientOfGroups, .weightGradientOfChannels: Work(.gatheredProducts, isVectorised: false)
    case .maximumPoolGradient: Work(.pool)
    case .channelSums, .channelTotals, .weightTotals: Work(.reduction)
    case .adjoint: Work(.resize)
    case .gather, .commit: Work(.movement)
    case .activationGradient, .dropout, .fakeQuantize, .normalizeBatch, .batchGradient, .movingAverage, .parameterStep:
      Work(.elementwise)
    }
  }
}
