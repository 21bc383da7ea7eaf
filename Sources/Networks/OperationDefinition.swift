import Tensors

/// What every operation answers about itself.
///
/// Callers outside the operations go through `Operation`, which checks attributes and inputs first: `parameters`, `outputShape`
/// and `multiplyAccumulates` of a definition assume legal attributes, and inputs of the right number and of sane extents.
package protocol OperationDefinition: Sendable {
  /// The term users read, and the `type` of the JSON form: `convolution`, `pixelShuffle`.
  var typeName: String { get }
  /// The number of inputs it takes.
  var inputCount: ClosedRange<Int> { get }
  /// How many operands it computes with, from the first; those behind are read for their extents only (see `SizeExpression`). Nil
  /// where it computes with all.
  var elementOperandCount: Int? { get }
  /// The attributes for people, `64 -> 64, kernel 3, padding 1, bias`; empty where there are none.
  var summary: String { get }
  /// The same, where attributes speak of operands: by these names.
  func summary(of operands: [String]) -> String
  /// What is wrong with the attributes, a clause such as `the stride 0 is not in 1...1048576`; nil where they are legal.
  var attributeFault: String? { get }
  /// The parameters it owns, by role (`weight`, `bias`), in a fixed order; the tensor of role r of node n is named `n.r`.
  var parameters: [ParameterRole] { get }
  /// The operation for operands of these shapes, every size that follows from them a number; nil where none does.
  func resolved(_ inputs: [Shape]) throws(ShapeMismatch) -> Operation?
  /// The shape of the output. Throws a reason, without the node's name, where the inputs do not fit.
  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape
  /// Multiply-accumulate operations of one evaluation, products with padding included. Only convolutions and linear layers
  /// count any: elementwise work, pooling, resizing and copies count none.
  func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int
}

extension OperationDefinition {
  package var elementOperandCount: Int? { nil }
  package var summary: String { "" }
  package func summary(of operands: [String]) -> String { summary }
  package func resolved(_ inputs: [Shape]) throws(ShapeMismatch) -> Operation? { nil }
  package var attributeFault: String? { nil }
  package var parameters: [ParameterRole] { [] }
  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { 0 }
}

/// A parameter that an operation owns.
public struct ParameterRole: Hashable, Sendable {
  /// How a new network fills the tensor, as PyTorch does by default.
  public enum InitialValue: Hashable, Sendable {
    case constant(Float)
    /// Uniform between -bound and bound.
    case uniform(bound: Float)
  }

  /// `weight`, `bias`, `runningMean` …
  public var name: String
  public var shape: Shape
  /// False for the running statistics of a batch norm, which count as buffers and not as parameters.
  public var isTrainable: Bool
  public var initialValue: InitialValue

  public init(_ name: String, _ shape: Shape, isTrainable: Bool = true, initialValue: InitialValue = .constant(0)) {
    self.name = name
    self.shape = shape
    self.isTrainable = isTrainable
    self.initialValue = initialValue
  }
}

/// Why the inputs of an operation do not fit it.
public struct ShapeMismatch: Error, Hashable, Sendable {
  public var reason: String
  public init(_ reason: String) { self.reason = reason }
}

/// Bounds far beyond real networks, chosen so that no product of legal attributes and legal shapes overflows `Int`.
package enum Limits {
  /// The largest integer attribute: channels, kernel, stride, padding, factor …
  package static let attribute = 1 << 20
  /// The most axes of a value.
  package static let rank = 8
  /// The largest number of products that one output element of a convolution or linear layer sums.
  package static let products = 1 << 24
  /// The largest number of elements of one value.
  package static let elements = 1 << 36
}

extension Operation {
  /// The term users read, and the `type` of the JSON form: `convolution`, `relu`.
  public var typeName: String { definition.typeName }
  /// The attributes for people, `64 -> 64, kernel 3, padding 1, bias`; empty where there are none.
  public var summary: String { definition.summary }
  /// The number of inputs it takes.
  public var inputCount: ClosedRange<Int> { definition.inputCount }
  /// What is wrong with the attributes; nil where they are legal.
  public var attributeFault: String? { definition.attributeFault }

  /// The operation for operands of these shapes, with every size that follows from them a number. Throws where one is none that the
  /// operation takes.
  public func resolved(_ inputs: [Shape]) throws(ShapeMismatch) -> Operation {
    guard let result = try definition.resolved(inputs) else { return self }
    if let fault = result.attributeFault { throw ShapeMismatch(fault) }
    return result
  }

  /// The parameters it owns, in a fixed order; none where the attributes are illegal.
  public var parameters: [ParameterRole] {
    let definition = definition
    return definition.attributeFault == nil ? definition.parameters : []
  }

  /// The shape of the output for inputs of these shapes. Throws a reason, without the node's name, where attributes or inputs do
  /// not fit; never traps.
  public func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let definition = definition
    if let fault = definition.attributeFault { throw ShapeMismatch(fault) }
    guard definition.inputCount.contains(inputs.count) else {
      throw ShapeMismatch("it takes \(definition.inputCount.text) inputs and gets \(inputs.count)")
    }
    for input in inputs {
      if let fault = input.valueFault { throw ShapeMismatch("the input \(input) \(fault)") }
    }
    let output = try resolved(inputs).definition.outputShape(inputs)
    if let fault = output.valueFault { throw ShapeMismatch("the output \(output) \(fault)") }
    return output
  }

  /// Multiply-accumulate operations of one evaluation; see `OperationDefinition`. Throws where the inputs do not fit.
  public func multiplyAccumulates(_ inputs: [Shape]) throws(ShapeMismatch) -> Int {
    let output = try outputShape(inputs)
    return definition.multiplyAccumulates(inputs, output: output)
  }
}

extension Shape {
  /// What keeps the shape from being that of a value in a network, a clause that follows the shape; nil where nothing does.
  package var valueFault: String? {
    if let empty = extents.first(where: { $0 < 1 }) { return "has an extent of \(empty)" }
    guard let count = checkedCount, count <= Limits.elements else { return "has more than \(Limits.elements) elements" }
    return nil
  }
}

extension ClosedRange<Int> {
  /// `2`, `1 to 3`.
  package var text: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)" }
}
