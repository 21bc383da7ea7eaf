import Tensors

/// The adjoint of an operation that is linear and has no weights: what makes the gradient of its input from that of its output.
///
///     y[i] = Σ over o of a[o, i] · g[o]      where the operation is  out[o] = Σ over i of a[o, i] · x[i]
///
/// - Input: g, and where `extents` is nil a value of the shape of x, the operation's input; behind it what the operation's size follows from.
/// - Output: the shape of x. Cost: no MACs.
public struct Adjoint: Hashable, Sendable {
  /// The operation.
  public enum Map: Hashable, Sendable {
    case averagePool(Pool)
    case globalAveragePool
    /// What is padded with is no part of the map.
    case pad(Pad)
    case slice(Slice)
    case resize(Resize)
    /// Sum or mean along axes.
    case reduction(Reduction)
    /// Extents of 1 repeated to those of g, as functions of two values do and `Expand`.
    case repetition
    /// Another shape for the same elements.
    case reshape
  }

  public var map: Map
  /// The shape of the operation's input; nil where it follows from an operand.
  public var extents: [Int]?

  public init(_ map: Map, extents: [Int]? = nil) {
    self.map = map
    self.extents = extents
  }
}

extension Adjoint.Map {
  /// The operation by itself; nil for what follows from shapes alone.
  package var operation: Operation? {
    switch self {
    case .averagePool(let pool): .averagePool(pool)
    case .globalAveragePool: .globalAveragePool
    case .pad(let payload): .pad(payload)
    case .slice(let payload): .slice(payload)
    case .resize(let payload): .resize(payload)
    case .reduction(let payload): .reduction(payload)
    case .repetition, .reshape: nil
    }
  }

  /// The map that an operation is; nil where it is none.
  package init?(_ operation: Operation) {
    switch operation {
    case .averagePool(let pool): self = .averagePool(pool)
    case .globalAveragePool: self = .globalAveragePool
    case .pad(let payload): self = .pad(payload)
    case .slice(let payload): self = .slice(payload)
    case .resize(let payload): self = .resize(payload)
    case .reduction(let payload): self = .reduction(payload)
    case .expand: self = .repetition
    case .flatten, .reshape: self = .reshape
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .activation, .scale, .channelAffine,
      .add, .binary, .matrixMultiply, .concatenation, .pixelShuffle, .pixelUnshuffle, .maximumPool, .softmax, .transpose,
      .maximumIndex, .normalization, .constant, .integer, .training:
      return nil
    }
  }

  private static let reshapeName = "reshape", repetitionName = "repetition"
}

extension Adjoint: WithoutParameters, WithoutProducts, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .adjoint }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package var inputCount: ClosedRange<Int> {
    let count = extents == nil ? 1 + (map.operation?.inputCount.upperBound ?? 1) : 1
    return count...count
  }

  package var elementOperandCount: Int { 1 }

  package func summary(of operands: [String]) -> String {
    var text =
      switch map {
      case .repetition: "of a repetition"
      case .reshape: "of a reshape"
      case .averagePool, .globalAveragePool, .pad, .slice, .resize, .reduction:
        map.operation.map { operation in
          let summary = operation.definition.summary(of: Array(operands.dropFirst()))
          return "of \(operation.typeName)" + (summary.isEmpty ? "" : " \(summary)")
        } ?? ""
      }
    if let extents { text += ", to [\(extents.map(String.init).joined(separator: ", "))]" }
    return text
  }

  package var attributeFault: String? {
    if let fault = map.operation?.attributeFault { return fault }
    if case .reduction(let payload) = map, payload.function != .mean, payload.function != .sum {
      return "\(payload.typeName) is not linear"
    }
    guard let extents else { return nil }
    if extents.count > Limits.rank { return "\(extents.count) axes are more than \(Limits.rank)" }
    if let extent = extents.first(where: { $0 < 1 || $0 > Limits.elements }) {
      return "the extent \(extent) is not in 1...\(Limits.elements)"
    }
    return Shape(extents).valueFault.map { "the shape \(Shape(extents)) \($0)" }
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard extents == nil else { return nil }
    var resolved = Adjoint(map, extents: inputs[1].extents)
    if let operation = try map.operation?.resolved(Array(inputs.dropFirst())), let map = Map(operation) { resolved.map = map }
    return .training(.adjoint(resolved))
  }

  /// The shape that x has; checks that g is of what the map makes of it.
  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let g = inputs[0], x = extents.map { Shape($0) } ?? inputs[1]
    var output = g
    switch map {
    case .averagePool, .globalAveragePool, .pad, .slice, .resize, .reduction:
      if let operation = map.operation {
        let operands = extents == nil ? Array(inputs.dropFirst()) : [x]
        output = try operation.resolved(operands).outputShape(Array(operands.prefix(operation.definition.elementOperandCount)))
      }
    case .repetition:
      guard x.rank == g.rank, (0..<x.rank).allSatisfy({ x[$0] == g[$0] || x[$0] == 1 }) else {
        throw TypeMismatch("\(g) is not \(x) repeated")
      }
    case .reshape:
      guard x.count == g.count else { throw TypeMismatch("\(g) does not have the elements of \(x)") }
    }
    guard output == g else { throw TypeMismatch("the gradient \(g) is not \(output), that of \(x)") }
    return x
  }

  package var linearParts: [LinearPart] { [] }
}

/// The map is an operation in its JSON form, or just the type `repetition` or `reshape`.
extension Adjoint: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case map, extents }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Map.self, forKey: .map), extents: try container.decodeIfPresent([Int].self, forKey: .extents))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(map, forKey: .map)
    try container.encodeIfPresent(extents, forKey: .extents)
  }
}

extension Adjoint.Map: Codable {
  private enum TypeKey: String, CodingKey, CaseIterable { case type }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type)
    if name == Self.repetitionName || name == Self.reshapeName {
      try decoder.refuseFields(except: [TypeKey.type.rawValue], of: "the map '\(name)'")
      self = name == Self.repetitionName ? .repetition : .reshape
      return
    }
    let operation = try Operation(from: decoder)
    guard operation.typeName != Self.reshapeName, let map = Self(operation), map.operation != nil else {
      throw NetworkError.invalidDescription("\(name) is no linear operation that has an adjoint")
    }
    self = map
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: TypeKey.self)
    switch self {
    case .repetition: try container.encode(Self.repetitionName, forKey: .type)
    case .reshape: try container.encode(Self.reshapeName, forKey: .type)
    case .averagePool, .globalAveragePool, .pad, .slice, .resize, .reduction: try operation?.encode(to: encoder)
    }
  }
}
