import Execution

/// What one of several runs that are under way at once has for itself: memory of the host and of the device that inputs and outputs are copied
/// between, and the kernels that read and write there. All values between are shared: kernels of two runs come one after the other.
final class RunPlace {
  let stage: PinnedMemory
  let addresses: DeviceProgram.Addresses
  /// The kernels, made when all else is there.
  var graph: DeviceGraph?
  /// From its beginning until somebody has waited for its end.
  private(set) var isUnderWay = false
  private let inputs: DeviceMemory
  private let outputs: DeviceMemory
  /// Behind the copy there, the kernels, and the copy back.
  private let ends: [DeviceEvent]
  /// Ahead of each of them, where somebody watches.
  private let beginnings: [DeviceEvent]
  private let watch: DeviceWatch?
  /// The watch's number of the run.
  private var number: Int?

  init(
    _ stage: PinnedMemory, _ inputs: DeviceMemory, _ outputs: DeviceMemory, _ addresses: DeviceProgram.Addresses,
    watch: DeviceWatch?
  ) throws(CUDAError) {
    self.stage = stage
    self.inputs = inputs
    self.outputs = outputs
    self.addresses = addresses
    func events() throws(CUDAError) -> [DeviceEvent] {
      [try DeviceEvent(inputs.context), try DeviceEvent(inputs.context), try DeviceEvent(inputs.context)]
    }
    ends = try events()
    beginnings = try events()
    self.watch = watch
  }

  deinit { tell([]) }

  private func tell(_ parts: [DeviceAccount.Interval]) {
    if let number { watch?.note(parts, ofRun: number) }
    number = nil
  }

  /// Gives all commands of a run.
  func begin(there: DeviceStream, _ kernels: DeviceStream, back: DeviceStream) throws(CUDAError) {
    number = watch?.beginRun()
    isUnderWay = true
    try during(0, there) { () throws(CUDAError) in
      if inputs.byteCount > 0 { try there.upload(inputs.address, stage.base, inputs.byteCount) }
    }
    try kernels.wait(for: ends[0])
    try during(1, kernels) { () throws(CUDAError) in
      if let graph { try kernels.launch(graph) }
    }
    try back.wait(for: ends[1])
    try during(2, back) { () throws(CUDAError) in
      if outputs.byteCount > 0 { try back.download(stage.base + inputs.byteCount, outputs.address, outputs.byteCount) }
    }
  }

  private func during(
    _ part: Int, _ stream: DeviceStream, _ body: () throws(CUDAError) -> Void
  ) throws(CUDAError) {
    if watch != nil { try beginnings[part].record(stream) }
    try body()
    try ends[part].record(stream)
  }

  /// Waits for the run, and tells who watches what the device did.
  func finish(_ clock: DeviceClock?) throws(CUDAError) {
    try ends[2].synchronize()
    isUnderWay = false
    guard let clock else { return }
    var parts: [DeviceAccount.Interval] = []
    for (part, owner) in [DeviceAccount.Owner.copies, .kernels, .copies].enumerated() {
      parts.append(
        DeviceAccount.Interval(owner, from: try clock.moment(beginnings[part]), to: try clock.moment(ends[part])))
    }
    tell(parts)
  }
}

/// What the host's clock says of moments of the device.
final class DeviceClock {
  private let start: DeviceEvent
  private var nanoseconds = 0

  init(_ context: CUDAContext) throws(CUDAError) { start = try DeviceEvent(context) }

  /// Compares the clocks, while the device does nothing.
  func set(_ stream: DeviceStream) throws(CUDAError) {
    try start.record(stream)
    try start.synchronize()
    nanoseconds = Int(ThreadPool.nanoseconds)
  }

  /// A moment since then that is over.
  func moment(_ event: DeviceEvent) throws(CUDAError) -> Int { nanoseconds + (try event.nanoseconds(since: start)) }
}
