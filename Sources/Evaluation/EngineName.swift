import CPUBackend
import CUDABackend

/// What an engine is called: `reference`, `cpu`, `cpu:avx2`, `cpu:avx512:bfloat16`, `cuda`, `cuda:1:float16`.
public enum EngineName: Hashable, Sendable {
  case reference
  /// Nil where the name leaves it open.
  case cpu(InstructionSet? = nil, Precision? = nil)
  /// The number of the device; nil where the name leaves it open.
  case cuda(Int? = nil, CUDAPrecision? = nil)

  /// Throws where there is no such engine.
  public init(_ text: String) throws(EvaluationError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch Kind(rawValue: parts[0]) {
    case nil: throw .unknownEngine(name: text)
    case .reference:
      guard parts.count == 1 else { throw .unknownEngine(name: text) }
      self = .reference
    case .cpu:
      var instructionSet: InstructionSet?
      var precision: Precision?
      for part in parts.dropFirst() {
        if let value = InstructionSet(rawValue: part), instructionSet == nil {
          instructionSet = value
        } else if let value = Precision(rawValue: part), precision == nil {
          precision = value
        } else {
          throw .unknownEngine(name: text)
        }
      }
      self = .cpu(instructionSet, precision)
    case .cuda:
      var device: Int?
      var precision: CUDAPrecision?
      for part in parts.dropFirst() {
        if let value = Int(part), value >= 0, device == nil, precision == nil {
          device = value
        } else if let value = CUDAPrecision(rawValue: part), precision == nil {
          precision = value
        } else {
          throw .unknownEngine(name: text)
        }
      }
      self = .cuda(device, precision)
    }
  }

  /// What the name begins with.
  public enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
    case reference
    case cpu
    case cuda

    /// With what may follow.
    fileprivate var help: String {
      switch self {
      case .reference: rawValue
      case .cpu:
        "\(rawValue), with an instruction set (\(InstructionSet.allCases.map(\.rawValue).joined(separator: ", "))), a precision "
          + "(\(Precision.allCases.map(\.rawValue).joined(separator: ", "))) or both, as in cpu:avx2:bfloat16"
      case .cuda:
        "\(rawValue), with the number of a device, a precision (\(CUDAPrecision.allCases.map(\.rawValue).joined(separator: ", "))) "
          + "or both, as in cuda:0:float16"
      }
    }
  }

  public var kind: Kind {
    switch self {
    case .reference: .reference
    case .cpu: .cpu
    case .cuda: .cuda
    }
  }

  /// All that there are, in words.
  public static var all: String { Kind.allCases.map(\.help).joined(separator: "; ") }
}

extension EngineName: CustomStringConvertible {
  public var description: String {
    switch self {
    case .reference: kind.rawValue
    case .cpu(let instructionSet, let precision):
      [kind.rawValue, instructionSet?.rawValue, precision?.rawValue].compactMap(\.self).joined(separator: ":")
    case .cuda(let device, let precision):
      [kind.rawValue, device.map(String.init), precision?.rawValue].compactMap(\.self).joined(separator: ":")
    }
  }
}

extension EngineName: Codable {
  public init(from decoder: any Decoder) throws {
    self = try EngineName(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
