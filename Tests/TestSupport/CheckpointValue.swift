import Tensors

/// A value of a checkpoint, as `torch.save` is given it.
package indirect enum CheckpointValue: Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case tensor(Tensor, Element = .float32)
  case parameter(Tensor, Element = .float32)
  case list([CheckpointValue])
  case tuple([CheckpointValue])
  case dictionary([(String, CheckpointValue)])
  case orderedDictionary([(String, CheckpointValue)])
  /// A pickled `nn.Module` of this class.
  case module(String, parameters: [(String, CheckpointValue)], modules: [(String, CheckpointValue)])

  /// What the elements are stored as.
  package enum Element: String, CaseIterable, Sendable {
    case float32 = "FloatStorage"
    case double = "DoubleStorage"
    case half = "HalfStorage"
    case bfloat16 = "BFloat16Storage"
    case int64 = "LongStorage"

    package func bytes(_ value: Float) -> [UInt8] {
      var result: [UInt8] = []
      switch self {
      case .float32: result.append(Int(value.bitPattern), bytes: 4)
      case .double: result.append(Int(truncatingIfNeeded: Double(value).bitPattern), bytes: 8)
      case .half: result.append(Self.rounded(value, bits: 10).halfBits, bytes: 2)
      case .bfloat16: result.append(Int(Self.rounded(value, bits: 7).bitPattern >> 16), bytes: 2)
      case .int64: result.append(Int(value), bytes: 8)
      }
      return result
    }

    /// The value as it comes back.
    package func stored(_ value: Float) -> Float {
      switch self {
      case .float32, .double: value
      case .half: Self.rounded(value, bits: 10)
      case .bfloat16: Self.rounded(value, bits: 7)
      case .int64: value.rounded(.towardZero)
      }
    }

    /// Rounded to a significand of that many bits behind the point, ties to even. Of half precision numbers below 2^-14, which have
    /// fewer, the nearest multiple of 2^-24.
    private static func rounded(_ value: Float, bits: Int) -> Float {
      if bits == 10, abs(value) < 0x1p-14 { return (value * 0x1p24).rounded(.toNearestOrEven) * 0x1p-24 }
      let unit: UInt32 = 1 << (23 - UInt32(bits))
      let pattern = value.bitPattern
      let isOdd: UInt32 = pattern & unit == 0 ? 0 : 1
      return Float(bitPattern: (pattern &+ (unit / 2 - 1 + isOdd)) & ~(unit - 1))
    }
  }

  /// Tensors by name, in that order; those of integers stay integers.
  package static func stateDict(_ tensors: [String: Tensor], _ element: Element = .float32) -> CheckpointValue {
    .orderedDictionary(
      tensors.sorted { $0.key < $1.key }.map { ($0.key, .tensor($0.value, $0.value.dataType == .float32 ? element : .int64)) })
  }

  /// The modules whose `state_dict()` has these tensors.
  package static func module(_ tensors: [String: Tensor], _ element: Element = .float32) -> CheckpointValue {
    var parameters: [(String, CheckpointValue)] = []
    var inside: [String: [String: Tensor]] = [:]
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
      if parts.count == 1 {
        parameters.append((name, .parameter(tensor, tensor.dataType == .float32 ? element : .int64)))
      } else {
        inside[parts[0], default: [:]][parts[1]] = tensor
      }
    }
    let modules = inside.sorted { $0.key < $1.key }.map { ($0.key, module($0.value, element)) }
    return .module("net.Net", parameters: parameters, modules: modules)
  }
}

extension Float {
  /// The bits of a float that half precision holds.
  fileprivate var halfBits: Int {
    let sign = Int(bitPattern >> 31) << 15
    if abs(self) < 0x1p-14 { return sign | Int(abs(self) * 0x1p24) }
    let exponent = Int(bitPattern >> 23 & 0xFF) - 112
    return sign | min(exponent, 31) << 10 | (exponent >= 31 ? 0 : Int(bitPattern >> 13 & 0x3FF))
  }
}
