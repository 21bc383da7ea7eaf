import Tensors

/// What a parameter is to the operation that owns it. The parameter of node n is named `n.role`.
public enum ParameterRole: String, Hashable, Codable, Sendable, CaseIterable {
  case weight, bias
  /// Of a prelu, whether a node of its own or a step of an epilogue.
  case slope
  case scale, shift
  /// Of a layer that sums integers: the factors from its sums to numbers.
  case multiplier
  /// Of a lookup.
  case table
  case runningMean, runningVariance
  /// Of a constant.
  case value
  // Of a separable convolution.
  case depthwiseWeight, depthwiseBias, depthwiseMultiplier, pointwiseWeight, pointwiseBias, pointwiseMultiplier
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
  /// Of float32, within which each must be that is not 0; nil where any will do.
  public var numbers: ClosedRange<Float>?
  /// False for what training does not change by gradients: running statistics and constants, which count as buffers.
  public var isTrainable: Bool
  public var initialValue: InitialValue

  /// Of float32.
  public init(
    _ role: ParameterRole, _ shape: Shape, numbers: ClosedRange<Float>? = nil, isTrainable: Bool = true,
    initialValue: InitialValue = .constant(0)
  ) {
    self.init(role, ValueType(shape), isTrainable: isTrainable, initialValue: initialValue)
    self.numbers = numbers
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

  /// What is wrong with the elements of a tensor of the parameter's shape and type, by that name; nil where nothing is.
  func fault(of tensor: Tensor, _ name: String) -> NetworkError? {
    if let values, let value = tensor.integers?.lazy.map(Int.init).first(where: { !values.contains($0) }) {
      return .parameterValue(name, value, values)
    }
    if let numbers, tensor.dataType == .float32,
      let number = tensor.withUnsafeFloats({ $0.first { $0 != 0 && !numbers.contains($0) } })
    {
      return .parameterNumber(name, number, numbers)
    }
    return nil
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
