import CPUBackend
import CUDABackend

/// The precisions of all engines, by name.
public enum PrecisionName: String, Hashable, Sendable, CaseIterable {
  case float32
  case tensorFloat32 = "tf32"
  case bfloat16, float16

  /// That of the CPU engine; nil where it has none of the name.
  public var cpu: Precision? { Precision(rawValue: rawValue) }
  /// That of a CUDA device.
  public var cuda: CUDAPrecision {
    switch self {
    case .float32: .float32
    case .tensorFloat32: .tensorFloat32
    case .bfloat16: .bfloat16
    case .float16: .float16
    }
  }
}

/// Where a network runs: `cpu`, `cuda`, `cuda:1`.
public enum DeviceName: Hashable, Sendable {
  case cpu
  case cuda(Int)

  /// Nil where there is no such place.
  public init?(_ text: String) {
    switch text {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    default:
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0] == "cuda", let index = Int(parts[1]), index >= 0 else { return nil }
      self = .cuda(index)
    }
  }

  /// Its place among the driver's devices; nil for the CPU.
  public var index: Int? { if case .cuda(let index) = self { index } else { nil } }

  /// The engine there.
  public var engine: EngineName {
    switch self {
    case .cpu: .cpu()
    case .cuda(let index): .cuda(index)
    }
  }
}
