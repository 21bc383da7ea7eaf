import Tensors

/// What a parameter is to the operation that owns it. The parameter of node n is named `n.role`.
public enum ParameterRole: String, Hashable, Codable, Sendable, CaseIterable {
  case weight, bias
  /// Of a prelu, whether a node of its own or a step of an epilogue.
  case slope
  case scale, shift
  /// Of a layer that requantises: the factors from its sums to what it stores.
  case multiplier, rightShift
  case runningMean, runningVariance
  /// Of a constant.
  case value
  // Of a separable convolution.
  case depthwiseWeight, depthwiseBias, pointwiseWeight, pointwiseBias
  /// Of a prelu between the parts of a separable convolution.
  case middleSlope
}

/// A parameter that an operation owns.
public struct Parameter: Hashable, Sendable {
  /// How a new network fills the tensor, as PyTorch does by default.
  public enum InitialValue: Hashable, Sendable {
    case constant(Float)
    /// Uniform between -bound and bound; of integers the nearest.
    case uniform(bound: Float)
  }

  public var role: ParameterRole
  public var type: ValueType
  /// Of integers, what each may be; nil where any will do.
  public var values: ClosedRange<Int>?
  /// False for what training does not change by gradients: running statistics and constants, which count as buffers.
  public var isTrainable: Bool
  public var initialValue: InitialValue

  /// Of float32.
  public init(
    _ role: ParameterRole, _ shape: Shape, isTrainable: Bool = true, initialValue: InitialValue = .constant(0)
  ) {
    self.init(role, ValueType(shape), isTrainable: isTrainable, initialValue: initialValue)
  }

  public init(
    _ role: ParameterRole, _ type: ValueType, values: ClosedRange<Int>? = nil, isTrainable: Bool = true,
    initialValue: InitialValue = .constant(0)
  ) {
    self.role = role
    self.type = type
    self.values = values
    self.isTrainable = isTrainable
    self.initialValue = initialValue
  }

  public var shape: Shape { type.shape }

  /// The first element of a tensor that the operation does not take; nil where it takes all.
  package func surplus(of tensor: Tensor) -> Int? {
    guard let values else { return nil }
    return tensor.integers?.lazy.map(Int.init).first { !values.contains($0) }
  }
}

extension Node {
  /// The name of a parameter, its key in `Network.parameters`: `name.role`.
  public func parameterName(_ role: ParameterRole) -> String { "\(name).\(role.rawValue)" }

  /// The names of all parameters that the node owns.
  public var parameterNames: [String] { operation.parameters.map { parameterName($0.role) } }
}

extension Network {
  /// The parameter of that role of that node (`parameter(.weight, of: node)`); nil where it has none.
  public func parameter(_ role: ParameterRole, of node: Node) -> Tensor? { parameters[node.parameterName(role)] }
}
