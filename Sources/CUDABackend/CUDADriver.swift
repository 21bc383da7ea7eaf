#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// NVIDIA's driver, loaded while the program runs: neither building nor running needs a toolkit, and where there is no driver
/// everything else works.
public struct CUDADriver: Sendable {
  let functions: DriverFunctions

  /// What the library is called.
  public static let library = "libcuda.so.1"

  /// The driver of this machine. Throws where there is none, or one that is too old.
  public static func load() throws(CUDAError) -> CUDADriver {
    guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "no reason is given"
      // `libcuda.so.1: cannot open shared object file: No such file or directory`
      throw .noDriver(library: library, reason: reason.split(separator: ": ").last.map(String.init) ?? reason)
    }
    return try CUDADriver { dlsym(handle, $0) }
  }

  /// A driver of functions that `find` knows by name: tests have one without a device.
  package init(_ find: (String) -> UnsafeMutableRawPointer?) throws(CUDAError) {
    functions = try DriverFunctions(library: Self.library, find)
    try check(functions.initialize(0), "cuInit")
  }

  /// Throws what the driver says of a call that failed.
  func check(_ status: Int32, _ function: String) throws(CUDAError) {
    if status == 0 { return }
    // No device is found as soon as the driver starts.
    if status == 100 { throw .noDevice }
    func text(_ read: @convention(c) @Sendable (Int32, DriverFunctions.TextResult) -> Int32) -> String {
      var result: UnsafePointer<CChar>?
      return read(status, &result) == 0 ? result.map { String(cString: $0) } ?? "" : ""
    }
    throw .driver(function: function, code: Int(status), name: text(functions.errorName), text: text(functions.errorText))
  }

  /// The newest version of CUDA that the driver knows: 12.4.
  public func version() throws(CUDAError) -> String {
    var number: Int32 = 0
    try check(functions.driverVersion(&number), "cuDriverGetVersion")
    return "\(number / 1000).\(number % 1000 / 10)"
  }

  /// All devices, in the driver's order.
  public func devices() throws(CUDAError) -> [CUDADevice] {
    var count: Int32 = 0
    try check(functions.deviceCount(&count), "cuDeviceGetCount")
    var result: [CUDADevice] = []
    for index in 0..<Int(count) { result.append(try properties(of: index)) }
    return result
  }

  /// The device at `index`. Throws where there is none.
  public func device(_ index: Int) throws(CUDAError) -> CUDADevice {
    let all = try devices()
    guard !all.isEmpty else { throw .noDevice }
    guard all.indices.contains(index) else { throw .unknownDevice(index: index, count: all.count) }
    return all[index]
  }

  private func properties(of index: Int) throws(CUDAError) -> CUDADevice {
    var handle: Int32 = 0
    try check(functions.device(&handle, Int32(index)), "cuDeviceGet")
    var name = [CChar](repeating: 0, count: 256)
    try check(functions.deviceName(&name, Int32(name.count), handle), "cuDeviceGetName")
    var bytes = 0
    try check(functions.deviceMemory(&bytes, handle), "cuDeviceTotalMem")
    func attribute(_ number: Int32) throws(CUDAError) -> Int {
      var value: Int32 = 0
      try check(functions.deviceAttribute(&value, number, handle), "cuDeviceGetAttribute")
      return Int(value)
    }
    // The numbers are those of CUdevice_attribute in cuda.h.
    return CUDADevice(
      index: index, name: String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self),
      capability: CUDADevice.Capability(major: try attribute(75), minor: try attribute(76)), memoryByteCount: bytes,
      multiprocessorCount: try attribute(16), mostThreadsPerBlock: try attribute(1),
      mostThreadsPerMultiprocessor: try attribute(39),
      mostBlockExtents: [try attribute(2), try attribute(3), try attribute(4)],
      mostGridExtents: [try attribute(5), try attribute(6), try attribute(7)], warpSize: try attribute(10),
      sharedByteCount: try attribute(8), mostSharedByteCount: try attribute(97),
      sharedByteCountPerMultiprocessor: try attribute(81), cacheByteCount: try attribute(38), clockKilohertz: try attribute(13),
      memoryClockKilohertz: try attribute(36), memoryBusBits: try attribute(37))
  }
}
