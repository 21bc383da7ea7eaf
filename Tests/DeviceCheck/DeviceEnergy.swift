#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a device has used, as NVIDIA's management library says that comes with the driver.
struct DeviceEnergy {
  private typealias Status = Int32
  private typealias Handle = OpaquePointer

  private let handle: OpaquePointer
  private let total: @convention(c) (OpaquePointer, UnsafeMutablePointer<UInt64>) -> Int32

  /// Nil where the library is not there, or knows not one device of the name but none or several.
  init?(deviceNamed name: String) {
    guard let library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL) else { return nil }
    func function<F>(_ name: String, _: F.Type) -> F? { dlsym(library, name).map { unsafeBitCast($0, to: F.self) } }
    guard let initialize = function("nvmlInit_v2", (@convention(c) () -> Status).self),
      let count = function("nvmlDeviceGetCount_v2", (@convention(c) (UnsafeMutablePointer<UInt32>) -> Status).self),
      let device = function(
        "nvmlDeviceGetHandleByIndex_v2", (@convention(c) (UInt32, UnsafeMutablePointer<Handle?>) -> Status).self),
      let deviceName = function(
        "nvmlDeviceGetName", (@convention(c) (Handle, UnsafeMutablePointer<CChar>, UInt32) -> Status).self),
      let total = function(
        "nvmlDeviceGetTotalEnergyConsumption", (@convention(c) (Handle, UnsafeMutablePointer<UInt64>) -> Status).self)
    else { return nil }
    var number: UInt32 = 0
    guard initialize() == 0, count(&number) == 0 else { return nil }
    var found: [Handle] = []
    for index in 0..<number {
      var handle: Handle?
      var text = [CChar](repeating: 0, count: 96)
      guard device(index, &handle) == 0, let handle, deviceName(handle, &text, UInt32(text.count)) == 0 else { continue }
      if String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) == name { found.append(handle) }
    }
    guard found.count == 1 else { return nil }
    handle = found[0]
    self.total = total
    guard joules != nil else { return nil }
  }

  /// Since the driver was loaded; nil where the device does not tell.
  var joules: Double? {
    var millijoules: UInt64 = 0
    return total(handle, &millijoules) == 0 ? Double(millijoules) / 1e3 : nil
  }
}
