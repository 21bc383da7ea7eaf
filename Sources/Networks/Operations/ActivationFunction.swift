import Tensors

/// An elementwise function. Output shape = input shape; no MACs.
public enum ActivationFunction: Hashable, Sendable {
  /// `max(x, 0)`
  case relu
  /// `x` for `x >= 0`, else `slope · x`; with a slope of -1 the absolute value.
  case leakyReLU(slope: Float)
  /// `x` for `x >= 0`, else `slope[c] · x`; parameter `slope [channels]` of the node, shared by all channels where `channels` is 1.
  case prelu(channels: Int)
  /// `min(max(x, minimum), maximum)`
  case clip(minimum: Float, maximum: Float)
  /// `1 / (1 + exp(-x))`
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// `min(max(alpha · x + beta, 0), 1)`: 1/6 and 1/2 in PyTorch, 0.2 and 1/2 by default in ONNX.
  case hardSigmoid(alpha: Float, beta: Float)
  /// `x · min(max(x / 6 + 1/2, 0), 1)`
  case hardSwish
  /// `x · Φ(x) = x / 2 · (1 + erf(x / √2))`, Φ the distribution function of the normal distribution. Hendrycks and Gimpel 2016.
  case gelu
  /// Its approximation `x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 · x³)))`, a function of its own: they differ by up to 5e-4.
  case geluTanh
  /// `x / (1 + exp(-x))`, known as swish, too.
  case silu
  /// `log(1 + exp(x))`
  case softplus
  /// `x` for `x > 0`, else `alpha · (exp(x) - 1)`
  case elu(alpha: Float)
  /// `x` for `x > 0`, else `alpha · (exp(x / alpha) - 1)`
  case celu(alpha: Float)
  /// `x` for `x > alpha`, else 0
  case thresholdedReLU(alpha: Float)
  /// `x / (1 + |x|)`
  case softsign
  /// `erf(x) = 2 / √π · ∫ exp(-t²) dt from 0 to x`
  case errorFunction
  /// `exp(x)`
  case exponential
  /// The natural logarithm: -∞ at 0, NaN below.
  case logarithm
  /// `√x`, NaN below 0.
  case squareRoot
  /// `1 / x`
  case reciprocal
  /// `x` to that power, as C's `pow`: NaN for `x < 0` unless the exponent is an integer.
  case power(exponent: Float)
  /// The largest integer that is not above `x`.
  case floor
  /// The smallest integer that is not below `x`.
  case ceiling
  /// The nearest integer, ties to even.
  case round
  /// -1, 0 or 1; NaN stays.
  case sign
  /// The sine of an angle in radians.
  case sine
  /// The cosine of an angle in radians.
  case cosine
}

extension ActivationFunction {
  /// Those without attributes.
  package static let plain: [ActivationFunction] = [
    .relu, .sigmoid, .tanh, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .softsign, .errorFunction, .exponential, .logarithm,
    .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign, .sine, .cosine,
  ]

  /// Whether it makes a finite number of every finite number of any practical size. Others ride on no convolution's store: the lanes
  /// of a vector that hold no channel go through it, too, and must stay finite.
  package var keepsFinite: Bool {
    switch self {
    case .exponential, .logarithm, .squareRoot, .reciprocal, .power: false
    case .relu, .leakyReLU, .prelu, .clip, .sigmoid, .tanh, .hardSigmoid, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .elu,
      .celu, .thresholdedReLU, .softsign, .errorFunction, .floor, .ceiling, .round, .sign, .sine, .cosine:
      true
    }
  }
}

extension ActivationFunction: WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType {
    switch self {
    case .relu: .relu
    case .leakyReLU: .leakyReLU
    case .prelu: .prelu
    case .clip: .clip
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .hardSigmoid: .hardSigmoid
    case .hardSwish: .hardSwish
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .silu: .silu
    case .softplus: .softplus
    case .elu: .elu
    case .celu: .celu
    case .thresholdedReLU: .thresholdedReLU
    case .softsign: .softsign
    case .errorFunction: .errorFunction
    case .exponential: .exponential
    case .logarithm: .logarithm
    case .squareRoot: .squareRoot
    case .reciprocal: .reciprocal
    case .power: .power
    case .floor: .floor
    case .ceiling: .ceiling
    case .round: .round
    case .sign: .sign
    case .sine: .sine
    case .cosine: .cosine
    }
  }

  package var attributeNames: [String] { attributes.map(\.key.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package func summary(of operands: [String]) -> String {
    switch self {
    case .leakyReLU(let slope): "\(slope)"
    case .prelu(let channels): "\(channels)"
    case .clip(let minimum, let maximum): "\(minimum) to \(maximum)"
    case .hardSigmoid(let alpha, let beta): "\(alpha), \(beta)"
    case .elu(let alpha), .celu(let alpha), .thresholdedReLU(let alpha): "\(alpha)"
    case .power(let exponent): "\(exponent)"
    case .relu, .sigmoid, .tanh, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .softsign, .errorFunction, .exponential,
      .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign, .sine, .cosine:
      ""
    }
  }

  package var attributeFault: String? {
    switch self {
    case .leakyReLU(let slope): slope.isFinite ? nil : "the slope \(slope) is not finite"
    case .prelu(let channels): firstFault([("channels", channels, 1)])
    case .clip(let minimum, let maximum):
      minimum.isFinite && maximum.isFinite && minimum <= maximum ? nil : "\(minimum) to \(maximum) is no finite range"
    case .hardSigmoid(let alpha, let beta):
      alpha.isFinite && beta.isFinite ? nil : "the line \(alpha) · x + \(beta) is not finite"
    case .elu(let alpha), .thresholdedReLU(let alpha): alpha.isFinite ? nil : "the alpha \(alpha) is not finite"
    case .celu(let alpha):
      alpha.isFinite && (1 / alpha).isFinite ? nil : "the alpha \(alpha) or its reciprocal is not finite"
    case .power(let exponent): exponent.isFinite ? nil : "the exponent \(exponent) is not finite"
    case .relu, .sigmoid, .tanh, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .softsign, .errorFunction, .exponential,
      .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign, .sine, .cosine:
      nil
    }
  }

  package var parameters: [Parameter] {
    guard case .prelu(let channels) = self else { return [] }
    return [Parameter(.slope, [channels], initialValue: .constant(0.25))]
  }

  package var linearParts: [LinearPart] { [] }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    if case .prelu(let channels) = self, channels != 1 { return try channelwise(inputs[0], channels) }
    return inputs[0]
  }
}

/// The function is the `type`, which the operation writes.
extension ActivationFunction: Codable {
  enum CodingKeys: String, CodingKey { case type, slope, channels, minimum, maximum, alpha, beta, exponent }

  public init(from decoder: any Decoder) throws {
    let operation = try Operation(from: decoder)
    guard case .activation(let function) = operation else {
      throw NetworkError.invalidDescription("\(operation.typeName) is no activation function")
    }
    self = function
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(type.rawValue, forKey: .type)
    for (key, value) in attributes {
      switch value {
      case .integer(let value): try container.encode(value, forKey: key)
      case .number(let value): try container.encode(value, forKey: key)
      }
    }
  }

  private enum AttributeValue {
    case integer(Int)
    case number(Float)
  }

  private var attributes: [(key: CodingKeys, value: AttributeValue)] {
    switch self {
    case .leakyReLU(let slope): [(.slope, .number(slope))]
    case .prelu(let channels): [(.channels, .integer(channels))]
    case .clip(let minimum, let maximum): [(.minimum, .number(minimum)), (.maximum, .number(maximum))]
    case .hardSigmoid(let alpha, let beta): [(.alpha, .number(alpha)), (.beta, .number(beta))]
    case .elu(let alpha), .celu(let alpha), .thresholdedReLU(let alpha): [(.alpha, .number(alpha))]
    case .power(let exponent): [(.exponent, .number(exponent))]
    case .relu, .sigmoid, .tanh, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .softsign, .errorFunction, .exponential,
      .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign, .sine, .cosine:
      []
    }
  }
}
