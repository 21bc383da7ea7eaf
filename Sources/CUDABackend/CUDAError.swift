/// Why there is no device, or what it does not do; each is one line with the mend where there is one.
public enum CUDAError: Error, Hashable, Sendable {
  /// The library of the driver is not there.
  case noDriver(library: String, reason: String)
  /// The library is there, and too old for a function.
  case noFunction(String, library: String)
  case noDevice
  case unknownDevice(index: Int, count: Int)
  /// A function of the driver failed.
  case driver(function: String, code: Int, name: String, text: String)
  /// The device is older than the kernels are compiled for.
  case capability(device: String, capability: String, least: String)
}

extension CUDAError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noDriver(let library, let reason):
      "there is no CUDA device: the driver's \(library) cannot be loaded (\(reason)); install NVIDIA's driver, or run on the CPU"
    case .noFunction(let function, let library):
      "NVIDIA's driver is too old: its \(library) has no \(function); install one of version 550 or later"
    case .noDevice: "there is no CUDA device: the driver finds none; run on the CPU"
    case .unknownDevice(let index, let count):
      "there is no CUDA device \(index); \(count == 1 ? "there is one, 0" : "there are \(count), 0 to \(count - 1)")"
    case .driver(let function, 2, _, _):
      "the CUDA device is out of memory (\(function)); take smaller tiles, or end what else uses it"
    case .driver(let function, 222, _, let text):
      "NVIDIA's driver does not know this program's kernels (\(function): \(text)); install one of version 550 or later"
    case .driver(let function, let code, let name, let text):
      "the CUDA device failed: \(function) says \(name.isEmpty ? "error" : name) (\(code))\(text.isEmpty ? "" : ", \(text)")"
    case .capability(let device, let capability, let least):
      "the CUDA device \(device) has compute capability \(capability); the kernels need \(least) or more"
    }
  }
}
