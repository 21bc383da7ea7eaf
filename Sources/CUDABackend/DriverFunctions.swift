import CUDAKernels

/// The functions of the driver that we call, as its header declares them.
struct DriverFunctions: Sendable {
  typealias Status = Int32
  typealias Handle = OpaquePointer
  typealias HandleResult = UnsafeMutablePointer<OpaquePointer?>
  typealias TextResult = UnsafeMutablePointer<UnsafePointer<CChar>?>

  let initialize: @convention(c) @Sendable (UInt32) -> Status
  let driverVersion: @convention(c) @Sendable (UnsafeMutablePointer<Int32>) -> Status
  let deviceCount: @convention(c) @Sendable (UnsafeMutablePointer<Int32>) -> Status
  let device: @convention(c) @Sendable (UnsafeMutablePointer<Int32>, Int32) -> Status
  let deviceName: @convention(c) @Sendable (UnsafeMutablePointer<CChar>, Int32, Int32) -> Status
  let deviceAttribute: @convention(c) @Sendable (UnsafeMutablePointer<Int32>, Int32, Int32) -> Status
  let deviceMemory: @convention(c) @Sendable (UnsafeMutablePointer<Int>, Int32) -> Status
  let retainContext: @convention(c) @Sendable (HandleResult, Int32) -> Status
  let setContext: @convention(c) @Sendable (Handle?) -> Status
  let memoryInformation: @convention(c) @Sendable (UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>) -> Status
  let allocate: @convention(c) @Sendable (UnsafeMutablePointer<UInt64>, Int) -> Status
  let free: @convention(c) @Sendable (UInt64) -> Status
  let allocatePinned: @convention(c) @Sendable (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int, UInt32) -> Status
  let freePinned: @convention(c) @Sendable (UnsafeMutableRawPointer) -> Status
  let upload: @convention(c) @Sendable (UInt64, UnsafeRawPointer, Int, Handle) -> Status
  let download: @convention(c) @Sendable (UnsafeMutableRawPointer, UInt64, Int, Handle) -> Status
  let copy: @convention(c) @Sendable (UInt64, UInt64, Int, Handle) -> Status
  let loadModule:
    @convention(c) @Sendable (
      HandleResult, UnsafeRawPointer, UInt32, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Status
  let moduleFunction: @convention(c) @Sendable (HandleResult, Handle, UnsafePointer<CChar>) -> Status
  let setFunctionAttribute: @convention(c) @Sendable (Handle, Int32, Int32) -> Status
  let createStream: @convention(c) @Sendable (HandleResult, UInt32) -> Status
  let destroyStream: @convention(c) @Sendable (Handle) -> Status
  let synchronizeStream: @convention(c) @Sendable (Handle) -> Status
  let beginCapture: @convention(c) @Sendable (Handle, Int32) -> Status
  let endCapture: @convention(c) @Sendable (Handle, HandleResult) -> Status
  let instantiateGraph: @convention(c) @Sendable (HandleResult, Handle, UInt64) -> Status
  let destroyGraph: @convention(c) @Sendable (Handle) -> Status
  let destroyExecutable: @convention(c) @Sendable (Handle) -> Status
  let launchGraph: @convention(c) @Sendable (Handle, Handle) -> Status
  let launchKernel:
    @convention(c) @Sendable (
      UnsafePointer<cuda_launch_configuration>, Handle, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
      UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> Status
  let createEvent: @convention(c) @Sendable (HandleResult, UInt32) -> Status
  let destroyEvent: @convention(c) @Sendable (Handle) -> Status
  let recordEvent: @convention(c) @Sendable (Handle, Handle, UInt32) -> Status
  /// Lets a stream wait for what an event was last recorded behind.
  let streamWait: @convention(c) @Sendable (Handle, Handle, UInt32) -> Status
  let synchronizeEvent: @convention(c) @Sendable (Handle) -> Status
  let elapsedTime: @convention(c) @Sendable (UnsafeMutablePointer<Float>, Handle, Handle) -> Status
  let errorName: @convention(c) @Sendable (Status, TextResult) -> Status
  let errorText: @convention(c) @Sendable (Status, TextResult) -> Status

  /// Throws where `find` has no function of a name.
  init(library: String, _ find: (String) -> UnsafeMutableRawPointer?) throws(CUDAError) {
    func function<F>(_ name: String) throws(CUDAError) -> F {
      guard let address = find(name) else { throw .noFunction(name, library: library) }
      return unsafeBitCast(address, to: F.self)
    }
    initialize = try function("cuInit")
    driverVersion = try function("cuDriverGetVersion")
    deviceCount = try function("cuDeviceGetCount")
    device = try function("cuDeviceGet")
    deviceName = try function("cuDeviceGetName")
    deviceAttribute = try function("cuDeviceGetAttribute")
    deviceMemory = try function("cuDeviceTotalMem_v2")
    retainContext = try function("cuDevicePrimaryCtxRetain")
    setContext = try function("cuCtxSetCurrent")
    memoryInformation = try function("cuMemGetInfo_v2")
    allocate = try function("cuMemAlloc_v2")
    free = try function("cuMemFree_v2")
    allocatePinned = try function("cuMemHostAlloc")
    freePinned = try function("cuMemFreeHost")
    upload = try function("cuMemcpyHtoDAsync_v2")
    download = try function("cuMemcpyDtoHAsync_v2")
    copy = try function("cuMemcpyDtoDAsync_v2")
    loadModule = try function("cuModuleLoadDataEx")
    moduleFunction = try function("cuModuleGetFunction")
    setFunctionAttribute = try function("cuFuncSetAttribute")
    createStream = try function("cuStreamCreate")
    destroyStream = try function("cuStreamDestroy_v2")
    synchronizeStream = try function("cuStreamSynchronize")
    beginCapture = try function("cuStreamBeginCapture_v2")
    endCapture = try function("cuStreamEndCapture")
    instantiateGraph = try function("cuGraphInstantiateWithFlags")
    destroyGraph = try function("cuGraphDestroy")
    destroyExecutable = try function("cuGraphExecDestroy")
    launchGraph = try function("cuGraphLaunch")
    launchKernel = try function("cuLaunchKernelEx")
    createEvent = try function("cuEventCreate")
    destroyEvent = try function("cuEventDestroy_v2")
    recordEvent = try function("cuEventRecordWithFlags")
    streamWait = try function("cuStreamWaitEvent")
    synchronizeEvent = try function("cuEventSynchronize")
    elapsedTime = try function("cuEventElapsedTime")
    errorName = try function("cuGetErrorName")
    errorText = try function("cuGetErrorString")
  }
}
