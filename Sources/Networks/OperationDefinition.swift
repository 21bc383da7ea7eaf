import Tensors

/// What every operation answers about itself.
///
/// Nothing here has a default that a new operation could inherit by being silent: what an operation does not have, it says so, with
/// one of the protocols below that is named for it.
///
/// Callers outside the operations go through `Operation`, which checks attributes and inputs first: `parameters`, `outputShape`
/// and `multiplyAccumulates` of a definition assume legal attributes, and inputs of the right number and of sane extents.
package protocol OperationDefinition: Codable, Sendable {
  var type: OperationType { get }
  /// The names of all attributes in the JSON form, `type` left out: a file that has others is of a newer version.
  var attributeNames: [String] { get }
  /// The number of inputs it takes.
  var inputCount: ClosedRange<Int> { get }
  /// How many operands it computes with, from the first; those behind are read for their extents only (see `SizeExpression`).
  var elementOperandCount: Int { get }
  /// The attributes for people, `64 -> 64, kernel 3, padding 1, bias`, empty where there are none; where they speak of operands, by
  /// these names.
  func summary(of operands: [String]) -> String
  /// What is wrong with the attributes, a clause such as `the stride 0 is not in 1...1048576`; nil where they are legal.
  var attributeFault: String? { get }
  /// The parameters it owns, each role once, in a fixed order.
  var parameters: [Parameter] { get }
  /// The parts that sum products with weights, from the one that reads the first operand to the one whose sums are the output, but
  /// for an epilogue.
  var linearParts: [LinearPart] { get }
  /// The operation for operands of these shapes, every size that follows from them a number; nil where none does.
  func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation?
  /// The shape of the output. Throws a reason, without the node's name, where the inputs do not fit.
  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape
  /// Which elements it takes and makes: with the shape, the type of the output.
  var elements: ElementRule { get }
  /// Multiply-accumulate operations of one evaluation, products with padding included. Only convolutions, linear layers and products
  /// of matrices count any: elementwise work, pooling, resizing and copies count none.
  func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int
  /// What it looks at for pixels of its output; nil where these do not lie along pixels of the first operand, or where that depends
  /// on more of the image.
  var window: SpatialWindow? { get }
  /// Where the channels of an operand go.
  func channelFlow(of operand: Int) -> ChannelFlow
}

/// An operation without attributes.
package protocol WithoutAttributes: OperationDefinition {}

extension WithoutAttributes {
  package var attributeNames: [String] { [] }
  package func summary(of operands: [String]) -> String { "" }
  package var attributeFault: String? { nil }
}

/// An operation that reckons with float32 numbers.
package protocol OnFloat32: OperationDefinition {}

extension OnFloat32 {
  package var elements: ElementRule { .float32 }
}

/// An operation that moves elements of any type.
package protocol OnAnyElements: OperationDefinition {}

extension OnAnyElements {
  package var elements: ElementRule { .moved }
}

/// An operation that makes elements of some others of their type, which it moves, compares or takes the mean of.
package protocol OnPooledElements: OperationDefinition {}

extension OnPooledElements {
  package var elements: ElementRule { .pooled }
}

/// An operation that owns no parameters.
package protocol WithoutParameters: OperationDefinition {}

extension WithoutParameters {
  package var parameters: [Parameter] { [] }
  package var linearParts: [LinearPart] { [] }
}

/// An operation that counts no multiply-accumulates.
package protocol WithoutProducts: OperationDefinition {}

extension WithoutProducts {
  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { 0 }
}

/// An operation no size of which follows from the extents of operands: it computes with all of them.
package protocol WithoutSizes: OperationDefinition {}

extension WithoutSizes {
  package var elementOperandCount: Int { inputCount.upperBound }
  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? { nil }
}

/// An operation that makes each element of the output of the element at the same place in each operand, or of the only one there is
/// along an axis.
package protocol Elementwise: OperationDefinition {}

extension Elementwise {
  package var window: SpatialWindow? { .pixel }
  package func channelFlow(of operand: Int) -> ChannelFlow { .kept }
}

/// An operation whose output is no image that lies along its operand, nor keeps its channels.
package protocol WithoutPlaces: OperationDefinition {}

extension WithoutPlaces {
  package var window: SpatialWindow? { nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { .mixed }
}

/// Why the inputs of an operation do not fit it, by shape or by elements.
public struct TypeMismatch: Error, Hashable, Sendable {
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

extension OperationDefinition {
  package var typeName: String { type.rawValue }

  /// The attributes where the names of operands are not known.
  package var summary: String { summary(of: SizeExpression.places(inputCount.upperBound)) }
}

extension Operation {
  /// The term users read, and the `type` of the JSON form: `convolution`, `relu`.
  public var type: OperationType { definition.type }
  /// The same as text.
  public var typeName: String { definition.typeName }
  /// The attributes for people, `64 -> 64, kernel 3, padding 1, bias`; empty where there are none.
  public var summary: String { definition.summary }
  /// The number of inputs it takes.
  public var inputCount: ClosedRange<Int> { definition.inputCount }
  /// What is wrong with the attributes; nil where they are legal.
  public var attributeFault: String? { definition.attributeFault }

  /// The operation for operands of these shapes, with every size that follows from them a number. Throws where one is none that the
  /// operation takes.
  public func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation {
    guard let result = try definition.resolved(inputs) else { return self }
    if let fault = result.attributeFault { throw TypeMismatch(fault) }
    return result
  }

  /// The parameters it owns, in a fixed order; none where the attributes are illegal.
  public var parameters: [Parameter] {
    let definition = definition
    return definition.attributeFault == nil ? definition.parameters : []
  }

  /// The parts that sum products with weights; see `OperationDefinition`.
  package var linearParts: [LinearPart] { definition.linearParts }
  /// What it looks at for pixels of its output; see `OperationDefinition`.
  package var window: SpatialWindow? { definition.window }

  /// The shape of the output for inputs of these shapes. Throws a reason, without the node's name, where attributes or inputs do
  /// not fit; never traps.
  public func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let definition = definition
    if let fault = definition.attributeFault { throw TypeMismatch(fault) }
    guard definition.inputCount.contains(inputs.count) else {
      throw TypeMismatch("it takes \(definition.inputCount.text) inputs and gets \(inputs.count)")
    }
    for input in inputs {
      if let fault = input.valueFault { throw TypeMismatch("the input \(input) \(fault)") }
    }
    let output = try resolved(inputs).definition.outputShape(inputs)
    if let fault = output.valueFault { throw TypeMismatch("the output \(output) \(fault)") }
    return output
  }

  /// The type of the output for inputs of these types. Throws as `outputShape`, and where elements do not fit.
  public func outputType(_ inputs: [ValueType]) throws(TypeMismatch) -> ValueType {
    let shape = try outputShape(inputs.map(\.shape))
    let definition = definition
    return try definition.elements.output(shape, of: inputs.prefix(definition.elementOperandCount))
  }

  /// Multiply-accumulate operations of one evaluation; see `OperationDefinition`. Throws where the inputs do not fit.
  public func multiplyAccumulates(_ inputs: [Shape]) throws(TypeMismatch) -> Int {
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
