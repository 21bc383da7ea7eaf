import Tensors

/// What integer sums of products become: the step that closes a convolution or linear layer of integers.
///
///     y = clamp(⌊((sum + bias[o]) · multiplier[o] + 2^(30 + rightShift[o])) / 2^(31 + rightShift[o])⌋ + zeroPoint, minimum, maximum)
///
/// The scheme: values are int8 or uint8, with one scale and zero point each; weights are int8, with a scale a channel and zero point 0;
/// sums and biases are int32. `sum` is Σ weight · (x - z) with `z` the zero point of the input, which is also what padding holds:
/// its products are 0. The scales of input, weights and output meet in multiplier and shift (`FixedPointFactor`), the biases are
/// integers of the sums' scale.
///
/// The quotient is rounded to the nearest integer, ties upwards: one product of 64 bits, one addition, one arithmetic shift, none of
/// which can overflow, so that every processor has the same bits. A ReLU or clip behind the layer is `minimum` and `maximum`.
/// - Parameters, all int32: `multiplier` and `rightShift`, `[channels]` each or `[1]`, within 0 … 2^31 - 1 and -30 … 31; and `bias
///   [channels]` of the layer, within ±(2^31 - 1 - 255 · 128 · terms), so that no order of summing overflows int32.
/// - Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, whose
///   rounding doubling high product is taken apart: it rounds twice.
public struct Requantization: Hashable, Sendable {
  /// int8 or uint8.
  public var element: DataType
  /// What the integers that are stored stand for.
  public var quantization: ValueType.Quantization
  /// The least and the largest integer that is stored.
  public var minimum: Int
  public var maximum: Int
  /// Whether each channel has a multiplier and a shift of its own, as weights have scales.
  public var isPerChannel: Bool

  /// Unless given, all that the element holds is stored.
  public init(
    _ element: DataType, _ quantization: ValueType.Quantization, minimum: Int? = nil, maximum: Int? = nil,
    isPerChannel: Bool = true
  ) {
    self.element = element
    self.quantization = quantization
    self.minimum = minimum ?? element.integers?.lowerBound ?? 0
    self.maximum = maximum ?? element.integers?.upperBound ?? 0
    self.isPerChannel = isPerChannel
  }
}

extension Requantization {
  static let typeName = "requantize"
  /// The largest magnitude of a product: a difference of two integers of 8 bits, times an int8.
  static let largestProduct = 255 * 128
  /// What fits int32 in any order of summing, with a bias of 0.
  static let mostTerms = Int(Int32.max) / largestProduct

  /// One sum, the bias included, as it is stored.
  package func stored(_ sum: Int32, multiplier: Int32, rightShift: Int32) -> Int {
    let shift = 31 + Int64(rightShift)
    let quotient = (Int64(sum) * Int64(multiplier) + 1 << (shift - 1)) >> shift
    return Int(min(max(quotient + Int64(quantization.zeroPoint), Int64(minimum)), Int64(maximum)))
  }

  func type(_ shape: Shape) -> ValueType { ValueType(shape, element, quantization: quantization) }

  /// Multipliers and shifts. A new network's outputs spread over some of the integers.
  func parameters(channels: Int, terms: Int) -> [Parameter] {
    let shape: Shape = [isPerChannel ? channels : 1]
    // Of `terms` products of numbers around ±73 the sum is around 2^12.4 · √terms.
    let shift = Float(6 + (Int.bitWidth - terms.leadingZeroBitCount) / 2)
    return [
      Parameter(
        .multiplier, ValueType(shape, .int32), values: 0...Int(Int32.max), isTrainable: false, initialValue: .constant(0x1p30)),
      Parameter(
        .rightShift, ValueType(shape, .int32), values: FixedPointFactor.shifts, isTrainable: false,
        initialValue: .constant(min(shift, 31))),
    ]
  }

  /// The biases that leave room for so many products.
  func biases(terms: Int) -> ClosedRange<Int> {
    let most = max(Int(Int32.max) - Self.largestProduct * terms, 0)
    return -most...most
  }

  /// What is wrong with the step behind sums of so many products; nil where nothing is.
  func fault(terms: Int) -> String? {
    guard element.isCode, let integers = element.integers else {
      return "\(element.rawValue) is not requantised to; int8 and uint8 are"
    }
    if let fault = quantization.fault(of: element) { return fault }
    guard integers.contains(minimum), integers.contains(maximum), minimum <= maximum else {
      return "\(minimum)...\(maximum) is no part of \(integers), as \(element.rawValue) is"
    }
    guard terms <= Self.mostTerms else {
      return "sums of \(terms) products of integers may not fit int32; at most \(Self.mostTerms) do"
    }
    return nil
  }

  /// `requantize uint8 0.5 · (q - 3), 3...127, one multiplier`: what differs from the defaults behind the type.
  var text: String {
    var text = "\(Self.typeName) \(element.rawValue) \(quantization)"
    if minimum...max(minimum, maximum) != element.integers { text += ", \(minimum)...\(maximum)" }
    return text + (isPerChannel ? "" : ", one multiplier")
  }
}

/// `{"type": "requantize", "element": "int8", "quantization": {"scale": 0.5}}`; what has its default value is left out.
extension Requantization: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case type, element, quantization, minimum, maximum
    case isPerChannel = "perChannel"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the step '\(Self.typeName)'")
    self.init(
      try container.decode(DataType.self, forKey: .element),
      try container.decode(ValueType.Quantization.self, forKey: .quantization),
      minimum: try container.decodeIfPresent(Int.self, forKey: .minimum),
      maximum: try container.decodeIfPresent(Int.self, forKey: .maximum),
      isPerChannel: try container.decodeIfPresent(Bool.self, forKey: .isPerChannel) ?? true)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.typeName, forKey: .type)
    try container.encode(element, forKey: .element)
    try container.encode(quantization, forKey: .quantization)
    if minimum != element.integers?.lowerBound { try container.encode(minimum, forKey: .minimum) }
    if maximum != element.integers?.upperBound { try container.encode(maximum, forKey: .maximum) }
    if !isPerChannel { try container.encode(isPerChannel, forKey: .isPerChannel) }
  }
}

/// A factor as requantising multiplies by it: `multiplier / 2^(31 + rightShift)`.
///
///     let factor = try FixedPointFactor(Double(input.scale) * weightScale / Double(output.scale))
public struct FixedPointFactor: Hashable, Sendable {
  /// Within 0 … 2^31 - 1; from 2^30 on where the factor is 2^-32 or more, so that 31 bits are significant.
  public var multiplier: Int32
  /// Within -30 … 31.
  public var rightShift: Int32

  static let shifts = -30...31

  /// Why a number is no such factor.
  public struct OutOfRange: Error, Hashable, Sendable, CustomStringConvertible {
    public var factor: Double
    public var description: String { "the factor \(factor) from sums to integers is not within 0 and 2^30; check the scales" }
  }

  /// The nearest to the factor, that of the input's scale times the weights' over the output's. Throws where it is negative, not finite, or
  /// 2^30 and more. No factor below 2^-32 makes an int32 anything but 0; they keep what bits are left.
  public init(_ factor: Double) throws(OutOfRange) {
    guard factor.isFinite, factor >= 0 else { throw OutOfRange(factor: factor) }
    guard factor > 0 else {
      (multiplier, rightShift) = (0, 0)
      return
    }
    // factor = significand · 2^exponent with 1 <= significand < 2.
    var shift = min(max(Int(factor.exponent), -1000), 1000)
    shift = min(-1 - shift, Self.shifts.upperBound)
    var scaled = (factor * Double(sign: .plus, exponent: 31 + shift, significand: 1)).rounded()
    if scaled == 0x1p31 {
      scaled = 0x1p30
      shift -= 1
    }
    guard shift >= Self.shifts.lowerBound else { throw OutOfRange(factor: factor) }
    (multiplier, rightShift) = (Int32(scaled), Int32(shift))
  }

  /// The factor that these stand for.
  public var value: Double { Double(sign: .plus, exponent: -31 - Int(rightShift), significand: 1) * Double(multiplier) }
}
