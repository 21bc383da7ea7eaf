import Tensors

/// What makes integers of 8 bits, reads them as numbers, or reckons with them, beside the layers that sum them (`Requantization`).
///
/// Each is exact, or a few correctly rounded operations of float32, so that every engine has the same bits.
public enum IntegerOperation: Hashable, Sendable {
  /// Integers of numbers.
  case quantize(Quantize)
  /// The numbers that integers stand for.
  case dequantize
  /// The sum of two values as integers.
  case add(Requantization)
  /// A function as a table.
  case lookup(Lookup)

  /// The payload as what every operation can answer.
  var definition: any OperationDefinition {
    switch self {
    case .quantize(let payload): payload
    case .dequantize: Dequantize()
    case .add(let payload): RequantizedAddition(requantization: payload)
    case .lookup(let payload): payload
    }
  }
}

/// Integers that stand for numbers, the nearest that there are.
///
///     y = clamp(roundToNearestEven(x / scale) + zeroPoint, least, largest)
///
/// with the ends of the element; what is no number becomes the least.
/// - Input: any shape, of float32. Output: the same shape. Cost: no MACs.
/// - Source: ONNX `QuantizeLinear`.
public struct Quantize: Hashable, Codable, Sendable {
  /// int8 or uint8.
  public var element: DataType
  public var quantization: ValueType.Quantization

  public init(_ element: DataType, _ quantization: ValueType.Quantization) {
    self.element = element
    self.quantization = quantization
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case element, quantization }

  /// The integer of one number.
  package func stored(_ number: Float) -> Int { Requantization(element, quantization).stored(number / quantization.scale) }
}

extension Quantize: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise {
  package var type: OperationType { .quantize }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { Requantization(element, quantization).summary }
  package var attributeFault: String? { Requantization(element, quantization).fault }
  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { inputs[0] }

  package var elements: ElementRule { .converted(.init(.float32, to: element, quantization)) }
}

/// The numbers that integers stand for: `y = Float(x - zeroPoint) · scale`, one product. Any shape, of int8 or uint8; no MACs.
/// Source: ONNX `DequantizeLinear`.
struct Dequantize: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, Elementwise {
  var type: OperationType { .dequantize }
  var inputCount: ClosedRange<Int> { 1...1 }
  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { inputs[0] }
  var elements: ElementRule { .converted(.init(.scaledCodes, to: .float32, nil)) }
}

/// Elementwise sum of two values of one shape, of integers with a scale each, as integers of another scale.
///
///     t = Float(a - z_a) · (scale_a / scale_y) + Float(b - z_b) · (scale_b / scale_y)
///     y = clamp(roundToNearestEven(t) + zeroPoint, minimum, maximum)
///
/// Quotients, products and sum are rounded to float32 one by one. Cost: no MACs.
struct RequantizedAddition: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise {
  var requantization: Requantization

  var type: OperationType { .requantizedAdd }
  var attributeNames: [String] { Requantization.CodingKeys.allCases.map(\.rawValue) }
  var inputCount: ClosedRange<Int> { 2...2 }
  func summary(of operands: [String]) -> String { requantization.summary }
  var attributeFault: String? { requantization.fault }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { try Addition().outputShape(inputs) }

  var elements: ElementRule {
    .converted(.init(.scaledCodes, others: .scaledCodes, to: requantization.element, requantization.quantization))
  }
}

extension RequantizedAddition {
  init(from decoder: any Decoder) throws { requantization = try Requantization(from: decoder) }
  func encode(to encoder: any Encoder) throws { try requantization.encode(to: encoder) }
}

/// A function of integers of 8 bits as a table: `y = table[x - least]`, with the least integer of the input's element.
///
/// Activations that no minimum states, and another scale before a concatenation.
/// - Input: any shape, of int8 or uint8. Output: the same shape, of the table's element. Cost: no MACs.
/// - Parameters: `table [256]`, of the element.
public struct Lookup: Hashable, Codable, Sendable {
  /// int8 or uint8.
  public var element: DataType
  public var quantization: ValueType.Quantization

  public init(_ element: DataType, _ quantization: ValueType.Quantization) {
    self.element = element
    self.quantization = quantization
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case element, quantization }

  /// The entries.
  package static let count = 256
}

extension Lookup: WithoutProducts, WithoutSizes, Elementwise {
  package var type: OperationType { .lookup }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { Requantization(element, quantization).summary }
  package var attributeFault: String? { Requantization(element, quantization).fault }
  package var linearParts: [LinearPart] { [] }
  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { inputs[0] }

  package var parameters: [Parameter] {
    [Parameter(.table, ValueType([Self.count], element), isTrainable: false)]
  }

  package var elements: ElementRule { .converted(.init(.codes, to: element, quantization)) }
}
