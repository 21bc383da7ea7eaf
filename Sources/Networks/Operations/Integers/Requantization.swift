import Tensors

/// What numbers become that an integer layer has rescaled: integers of 8 bits, the step that closes its epilogue.
///
///     sum = Σ weight · (x - z) + bias[o]                               in int32, exact
///     t = Float(sum) · multiplier[o]                                   the step `rescale`
///     …                                                                ReLU, leaky ReLU, PReLU, an addition
///     y = clamp(roundToNearestEven(t) + zeroPoint, minimum, maximum)   this step
///
/// The scheme: values are int8 or uint8, with one scale and zero point each; weights are int8, with a scale a channel and zero point 0;
/// sums and biases are int32. `z` is the zero point of the input, which is also what padding holds: its products are 0. The scales of
/// input, weights and output meet in the multiplier, so that t is in units of the output's scale; the biases are integers of the
/// sums' scale. What is added is Float(r - z_r) · (scale_r / scale_y), the quotient and the product rounded to float32, too.
///
/// **The same bits everywhere.** The sum is exact in any order, and each operation behind it is one correctly rounded operation of IEEE
/// 754 in float32: a conversion, a product, a sum, a rounding. There is no sum of products that a compiler could contract, so that every
/// processor gives the same integers, and three instructions a vector do what a product of 64 bits with its shift needs nine for.
/// A simulation of the layer in float32 has the same bits, too, as long as sums stay within ±2^24. A ReLU or clip that closes the
/// layer is `minimum` and `maximum`.
/// - Parameters: `multiplier [channels]` of float32, 0 or within 2^-64 … 2^64; `bias [channels]` of int32, within
///   ±(2^31 - 1 - 255 · 128 · terms), so that no order of summing overflows int32; `slope` of a PReLU.
/// - Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018; the
///   multiplier as in QLinearConv of ONNX Runtime.
public struct Requantization: Hashable, Sendable {
  /// int8 or uint8.
  public var element: DataType
  /// What the integers that are stored stand for.
  public var quantization: ValueType.Quantization
  /// The least and the largest integer that is stored.
  public var minimum: Int
  public var maximum: Int

  /// Unless given, all that the element holds is stored.
  public init(_ element: DataType, _ quantization: ValueType.Quantization, minimum: Int? = nil, maximum: Int? = nil) {
    self.element = element
    self.quantization = quantization
    self.minimum = minimum ?? element.integers?.lowerBound ?? 0
    self.maximum = maximum ?? element.integers?.upperBound ?? 0
  }
}

extension Requantization {
  static let typeName = "requantize"
  /// The largest magnitude of a product: a difference of two integers of 8 bits, times an int8.
  package static let largestProduct = 255 * 128
  /// What fits int32 in any order of summing, with a bias of 0.
  package static let mostTerms = Int(Int32.max) / largestProduct
  /// What multipliers may be, 0 apart: with sums of 31 bits no product leaves the normal numbers of float32.
  package static let multipliers: ClosedRange<Float> = 0x1p-64...0x1p64

  /// One number in units of the scale as it is stored. What is no number is the least.
  package func stored(_ number: Float) -> Int {
    let least = Float(minimum - quantization.zeroPoint), most = Float(maximum - quantization.zeroPoint)
    let clamped = number > least ? min(number, most) : least
    return Int(clamped.rounded(.toNearestOrEven)) + quantization.zeroPoint
  }

  /// The factor that makes a number in units of this scale of an integer of another, less its zero point.
  package func ratio(of other: ValueType.Quantization) -> Float { other.scale / quantization.scale }

  /// The biases that leave room for so many products.
  package static func biases(terms: Int) -> ClosedRange<Int> {
    let most = max(Int(Int32.max) - largestProduct * terms, 0)
    return -most...most
  }

  /// What is wrong; nil where nothing is.
  var fault: String? {
    guard element.isCode, let integers = element.integers else {
      return "\(element.rawValue) is not requantised to; int8 and uint8 are"
    }
    if let fault = quantization.fault(of: element) { return fault }
    guard integers.contains(minimum), integers.contains(maximum), minimum <= maximum else {
      return "\(minimum)...\(maximum) is no part of \(integers), as \(element.rawValue) is"
    }
    return nil
  }

  /// `uint8 0.5 · (q - 3), 3...127`: what differs from the defaults behind the type.
  var summary: String {
    let isAll = minimum...max(minimum, maximum) == element.integers
    return "\(element.rawValue) \(quantization)" + (isAll ? "" : ", \(minimum)...\(maximum)")
  }
}

/// `{"element": "int8", "quantization": {"scale": 0.5}}`, as a step with its type; what has its default value is left out.
extension Requantization: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case element, quantization, minimum, maximum }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(DataType.self, forKey: .element),
      try container.decode(ValueType.Quantization.self, forKey: .quantization),
      minimum: try container.decodeIfPresent(Int.self, forKey: .minimum),
      maximum: try container.decodeIfPresent(Int.self, forKey: .maximum))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(element, forKey: .element)
    try container.encode(quantization, forKey: .quantization)
    if minimum != element.integers?.lowerBound { try container.encode(minimum, forKey: .minimum) }
    if maximum != element.integers?.upperBound { try container.encode(maximum, forKey: .maximum) }
  }
}
