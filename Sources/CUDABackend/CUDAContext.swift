import CUDAKernels
import Synchronization

/// A device at work: its memory, its kernels, and the streams that run them. Calls come from any thread.
package final class CUDAContext: @unchecked Sendable {
  package let device: CUDADevice
  let driver: CUDADriver
  private let handle: OpaquePointer
  /// What was copied between the host and the device so far.
  private let copied = Mutex(TransferCount())
  /// By name.
  private let loaded: Mutex<[String: KernelFunction]>

  /// Throws where the driver has no such device, or one that is older than our kernels.
  package init(_ driver: CUDADriver, device index: Int) throws(CUDAError) {
    let device = try driver.device(index)
    let least = CUDADevice.Capability(major: 8, minor: 0)
    guard device.capability >= least else {
      throw .capability(device: device.name, capability: "\(device.capability)", least: "\(least)")
    }
    var number: Int32 = 0, handle: OpaquePointer?
    try driver.check(driver.functions.device(&number, Int32(index)), "cuDeviceGet")
    // Other users of the device in this process share this one; it lasts as long as the process.
    try driver.check(driver.functions.retainContext(&handle, number), "cuDevicePrimaryCtxRetain")
    guard let handle else { throw .noDevice }
    self.device = device
    self.driver = driver
    self.handle = handle
    loaded = Mutex([:])
  }

  /// Calls a function of the driver with this context as the thread's.
  func call(_ name: String, _ body: (DriverFunctions) -> Int32) throws(CUDAError) {
    try driver.check(driver.functions.setContext(handle), "cuCtxSetCurrent")
    try driver.check(body(driver.functions), name)
  }

  /// The same where nobody can do anything about a failure: while something is given back.
  func release(_ body: (DriverFunctions) -> Int32) {
    guard driver.functions.setContext(handle) == 0 else { return }
    _ = body(driver.functions)
  }

  /// What was copied between the host and the device since the context was made.
  package var transfers: TransferCount { copied.withLock { $0 } }

  func count(_ more: TransferCount) { copied.withLock { $0 += more } }

  /// The bytes that the device has free.
  package func freeByteCount() throws(CUDAError) -> Int {
    var free = 0, total = 0
    try call("cuMemGetInfo") { $0.memoryInformation(&free, &total) }
    return free
  }

  /// The kernel, which the driver compiles when it is asked for first.
  func function(_ kernel: CUDAKernel) throws(CUDAError) -> KernelFunction {
    try loaded.withLock { (loaded) throws(CUDAError) in
      if let known = loaded[kernel.name] { return known }
      let file = device.isHopper ? CompiledKernels.forHopper : .forAll
      guard let text = file.module(kernel.name) else { preconditionFailure("no PTX holds \(kernel.name)") }
      var module: OpaquePointer?
      try call("cuModuleLoadDataEx") { functions in
        text.withUnsafeBytes { functions.loadModule(&module, $0.baseAddress!, 0, nil, nil) }
      }
      guard let module else { throw .noDevice }
      var function: OpaquePointer?
      try call("cuModuleGetFunction") { $0.moduleFunction(&function, module, kernel.name) }
      guard let function else { throw .noDevice }
      // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
      if kernel.sharedByteCount > 48 << 10 {
        try call("cuFuncSetAttribute") { $0.setFunctionAttribute(function, 8, Int32(kernel.sharedByteCount)) }
      }
      // The module is there for as long as the context.
      let result = KernelFunction(handle: function)
      loaded[kernel.name] = result
      return result
    }
  }
}

/// Copies between the host and the device.
package struct TransferCount: Hashable, Sendable {
  package var uploads = 0
  package var downloads = 0
  package var uploadedBytes = 0
  package var downloadedBytes = 0

  static func += (a: inout TransferCount, b: TransferCount) {
    a.uploads += b.uploads
    a.downloads += b.downloads
    a.uploadedBytes += b.uploadedBytes
    a.downloadedBytes += b.downloadedBytes
  }

  package static func - (a: TransferCount, b: TransferCount) -> TransferCount {
    TransferCount(
      uploads: a.uploads - b.uploads, downloads: a.downloads - b.downloads,
      uploadedBytes: a.uploadedBytes - b.uploadedBytes,
      downloadedBytes: a.downloadedBytes - b.downloadedBytes)
  }
}

/// A kernel that the device has.
struct KernelFunction: @unchecked Sendable { let handle: OpaquePointer }

/// Memory of the device, given back with the last reference.
final class DeviceMemory: Sendable {
  let context: CUDAContext
  let address: UInt64
  let byteCount: Int

  init(_ context: CUDAContext, byteCount: Int) throws(CUDAError) {
    var address: UInt64 = 0
    try context.call("cuMemAlloc") { $0.allocate(&address, max(byteCount, 1)) }
    self.context = context
    self.address = address
    self.byteCount = byteCount
  }

  deinit { context.release { $0.free(address) } }
}

/// Memory of the host that the device reads and writes beside other work.
final class PinnedMemory: @unchecked Sendable {
  let context: CUDAContext
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  init(_ context: CUDAContext, byteCount: Int) throws(CUDAError) {
    var base: UnsafeMutableRawPointer?
    try context.call("cuMemHostAlloc") { $0.allocatePinned(&base, max(byteCount, 1), 0) }
    guard let base else { throw .noDevice }
    self.context = context
    self.base = base
    self.byteCount = byteCount
  }

  deinit { context.release { $0.freePinned(base) } }
}

/// Commands in order, which the device carries out beside the host.
final class DeviceStream: @unchecked Sendable {
  let context: CUDAContext
  let handle: OpaquePointer
  /// The copies of the graph that is being captured; nil where commands are carried out.
  private var captured: TransferCount?

  init(_ context: CUDAContext) throws(CUDAError) {
    var handle: OpaquePointer?
    // CU_STREAM_NON_BLOCKING
    try context.call("cuStreamCreate") { $0.createStream(&handle, 1) }
    guard let handle else { throw .noDevice }
    self.context = context
    self.handle = handle
  }

  deinit { context.release { $0.destroyStream(handle) } }

  func upload(_ target: UInt64, _ source: UnsafeRawPointer, _ byteCount: Int) throws(CUDAError) {
    try context.call("cuMemcpyHtoDAsync") { $0.upload(target, source, byteCount, handle) }
    count(TransferCount(uploads: 1, uploadedBytes: byteCount))
  }

  func download(_ target: UnsafeMutableRawPointer, _ source: UInt64, _ byteCount: Int) throws(CUDAError) {
    try context.call("cuMemcpyDtoHAsync") { $0.download(target, source, byteCount, handle) }
    count(TransferCount(downloads: 1, downloadedBytes: byteCount))
  }

  /// Within the memory of the device.
  func copy(_ target: UInt64, _ source: UInt64, _ byteCount: Int) throws(CUDAError) {
    try context.call("cuMemcpyDtoDAsync") { $0.copy(target, source, byteCount, handle) }
  }

  /// So many moments, none of which is recorded.
  func events(_ count: Int) throws(CUDAError) -> [DeviceEvent] {
    var events: [DeviceEvent] = []
    for _ in 0..<count { events.append(try DeviceEvent(context)) }
    return events
  }

  /// Whether commands are captured in place of being carried out.
  var isCapturing: Bool { captured != nil }

  private func count(_ more: TransferCount) {
    if captured == nil { context.count(more) } else { captured? += more }
  }

  /// Runs a kernel on a grid of blocks with the bytes of its arguments. Where it overlaps, its blocks begin as soon as there is room, and
  /// wait for the kernel ahead where they read or write values: kernels for compute capability 9.0 do that.
  func launch(_ kernel: CUDAKernel, _ grid: LaunchGrid, _ arguments: [UInt8], overlaps: Bool) throws(CUDAError) {
    let function = try context.function(kernel)
    try context.call("cuLaunchKernelEx") { functions in
      arguments.withUnsafeBytes { bytes in
        var first = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        var attribute = cuda_launch_attribute()
        (attribute.id, attribute.value) = (Int32(cuda_launch_overlaps), 1)
        return withUnsafeMutablePointer(to: &attribute) { attribute in
          var configuration = cuda_launch_configuration()
          (configuration.gridX, configuration.gridY, configuration.gridZ) = (UInt32(grid.x), UInt32(grid.y), UInt32(grid.z))
          (configuration.blockX, configuration.blockY, configuration.blockZ) = (UInt32(kernel.threadCount), 1, 1)
          configuration.sharedBytes = UInt32(kernel.sharedByteCount)
          configuration.stream = UnsafeMutableRawPointer(handle)
          configuration.attributes = attribute
          configuration.attributeCount = overlaps ? 1 : 0
          return functions.launchKernel(&configuration, function.handle, &first, nil)
        }
      }
    }
  }

  /// Lets what is given from now on wait for what stands ahead of an event, in whatever stream.
  func wait(for event: DeviceEvent) throws(CUDAError) {
    try context.call("cuStreamWaitEvent") { $0.streamWait(handle, event.handle, 0) }
  }

  /// Waits until all commands are done.
  func synchronize() throws(CUDAError) {
    try context.call("cuStreamSynchronize") { $0.synchronizeStream(handle) }
  }

  /// The commands that `body` gives, as one that can be given again and again; none of them runs now.
  func captured(_ body: () throws(CUDAError) -> Void) throws(CUDAError) -> DeviceGraph {
    // CU_STREAM_CAPTURE_MODE_RELAXED: other threads go on as they were.
    try context.call("cuStreamBeginCapture") { $0.beginCapture(handle, 2) }
    var failure: CUDAError?
    captured = TransferCount()
    do throws(CUDAError) { try body() } catch { failure = error }
    let copies = captured ?? TransferCount()
    captured = nil
    var graph: OpaquePointer?
    try context.call("cuStreamEndCapture") { $0.endCapture(handle, &graph) }
    defer { if let graph { context.release { $0.destroyGraph(graph) } } }
    if let failure { throw failure }
    guard let graph else { throw .noDevice }
    var executable: OpaquePointer?
    try context.call("cuGraphInstantiateWithFlags") { $0.instantiateGraph(&executable, graph, 0) }
    guard let executable else { throw .noDevice }
    return DeviceGraph(context, executable, copies)
  }

  func launch(_ graph: DeviceGraph) throws(CUDAError) {
    try context.call("cuGraphLaunch") { $0.launchGraph(graph.handle, handle) }
    count(graph.copies)
  }

  /// Nanoseconds of each of some runs of a graph, one waited for after the other.
  ///
  /// - Parameter ahead: runs before them that are not told: the first bring the clocks up.
  func nanoseconds(of graph: DeviceGraph, runs: Int, ahead: Int = 0) throws(CUDAError) -> [Int] {
    let start = try DeviceEvent(context), end = try DeviceEvent(context)
    var times: [Int] = []
    for index in -ahead..<runs {
      try start.record(self)
      try launch(graph)
      try end.record(self)
      try synchronize()
      if index >= 0 { times.append(try end.nanoseconds(since: start)) }
    }
    return times
  }
}

/// Commands that are given at once.
final class DeviceGraph: @unchecked Sendable {
  let context: CUDAContext
  let handle: OpaquePointer
  /// Those between host and device.
  let copies: TransferCount

  init(_ context: CUDAContext, _ handle: OpaquePointer, _ copies: TransferCount) {
    self.context = context
    self.handle = handle
    self.copies = copies
  }

  deinit { context.release { $0.destroyExecutable(handle) } }
}

/// A moment in a stream, or in each run of a graph that is captured from it.
final class DeviceEvent: @unchecked Sendable {
  let context: CUDAContext
  let handle: OpaquePointer

  init(_ context: CUDAContext) throws(CUDAError) {
    var handle: OpaquePointer?
    try context.call("cuEventCreate") { $0.createEvent(&handle, 0) }
    guard let handle else { throw .noDevice }
    self.context = context
    self.handle = handle
  }

  deinit { context.release { $0.destroyEvent(handle) } }

  func record(_ stream: DeviceStream) throws(CUDAError) {
    // CU_EVENT_RECORD_EXTERNAL: the graph's runs take the moment; else it would only say what waits for what while capturing.
    let flags: UInt32 = stream.isCapturing ? 1 : 0
    try context.call("cuEventRecordWithFlags") { $0.recordEvent(handle, stream.handle, flags) }
  }

  /// Waits until what stands ahead of it is done.
  func synchronize() throws(CUDAError) {
    try context.call("cuEventSynchronize") { $0.synchronizeEvent(handle) }
  }

  /// Nanoseconds from another moment to this one; both are over.
  func nanoseconds(since other: DeviceEvent) throws(CUDAError) -> Int {
    var milliseconds: Float = 0
    try context.call("cuEventElapsedTime") { $0.elapsedTime(&milliseconds, other.handle, handle) }
    return Int(Double(milliseconds) * 1e6)
  }
}

/// Blocks along x, y and z.
struct LaunchGrid: Hashable, Sendable {
  var x = 1
  var y = 1
  var z = 1

  var blockCount: Int { x * y * z }
}
