/// `{"type": "convolution", …attributes}`. An unknown type throws `NetworkError.unknownOperation`; attributes are checked.
extension Operation: Codable {
  private enum TypeKey: String, CodingKey { case type }
  private enum ActivationKey: String, CodingKey { case slope, channels, minimum, maximum, alpha, beta, exponent }

  public init(from decoder: any Decoder) throws {
    let type = try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type)
    switch type {
    case "convolution": self = .convolution(try Convolution(from: decoder))
    case "separableConvolution": self = .separableConvolution(try SeparableConvolution(from: decoder))
    case "transposedConvolution": self = .transposedConvolution(try TransposedConvolution(from: decoder))
    case "linear": self = .linear(try Linear(from: decoder))
    case "batchNorm": self = .batchNorm(try BatchNorm(from: decoder))
    case "scale": self = .scale(try Scale(from: decoder))
    case "channelAffine": self = .channelAffine(try ChannelAffine(from: decoder))
    case "add": self = .add
    case "binary": self = .binary(try BinaryOperation(from: decoder).function)
    case "matrixMultiply": self = .matrixMultiply
    case "concatenation": self = .concatenation(try Concatenation(from: decoder))
    case "pixelShuffle": self = .pixelShuffle(try PixelShuffle(from: decoder))
    case "pixelUnshuffle": self = .pixelUnshuffle(try PixelUnshuffle(from: decoder))
    case "resize": self = .resize(try Resize(from: decoder))
    case "maximumPool": self = .maximumPool(try Pool(from: decoder))
    case "averagePool": self = .averagePool(try Pool(from: decoder))
    case "globalAveragePool": self = .globalAveragePool
    case "flatten": self = .flatten
    case "slice": self = .slice(try Slice(from: decoder))
    case "pad": self = .pad(try Pad(from: decoder))
    case "softmax": self = .softmax(try Softmax(from: decoder))
    case "reshape": self = .reshape(try Reshape(from: decoder))
    case "transpose": self = .transpose(try Transpose(from: decoder))
    case "normalization": self = .normalization(try Normalization(from: decoder))
    case "expand": self = .expand(try Expand(from: decoder))
    case "constant": self = .constant(try Constant(from: decoder))
    case "hardSigmoid":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(
        .hardSigmoid(
          alpha: try container.decode(Float.self, forKey: .alpha), beta: try container.decode(Float.self, forKey: .beta)))
    case "leakyReLU":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.leakyReLU(slope: try container.decode(Float.self, forKey: .slope)))
    case "prelu":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.prelu(channels: try container.decode(Int.self, forKey: .channels)))
    case "clip":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(
        .clip(
          minimum: try container.decode(Float.self, forKey: .minimum),
          maximum: try container.decode(Float.self, forKey: .maximum)))
    case "elu":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.elu(alpha: try container.decode(Float.self, forKey: .alpha)))
    case "celu":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.celu(alpha: try container.decode(Float.self, forKey: .alpha)))
    case "thresholdedReLU":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.thresholdedReLU(alpha: try container.decode(Float.self, forKey: .alpha)))
    case "power":
      let container = try decoder.container(keyedBy: ActivationKey.self)
      self = .activation(.power(exponent: try container.decode(Float.self, forKey: .exponent)))
    default:
      if let function = ActivationFunction.plain.first(where: { $0.typeName == type }) {
        self = .activation(function)
      } else if Reduction.Function(typeName: type) != nil {
        self = .reduction(try Reduction(from: decoder))
      } else {
        throw NetworkError.unknownOperation(type)
      }
    }
    if let fault = attributeFault { throw NetworkError.invalidDescription("\(type): \(fault)") }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: TypeKey.self)
    try container.encode(typeName, forKey: .type)
    switch self {
    case .convolution(let payload): try payload.encode(to: encoder)
    case .separableConvolution(let payload): try payload.encode(to: encoder)
    case .transposedConvolution(let payload): try payload.encode(to: encoder)
    case .linear(let payload): try payload.encode(to: encoder)
    case .batchNorm(let payload): try payload.encode(to: encoder)
    case .scale(let payload): try payload.encode(to: encoder)
    case .channelAffine(let payload): try payload.encode(to: encoder)
    case .pixelShuffle(let payload): try payload.encode(to: encoder)
    case .pixelUnshuffle(let payload): try payload.encode(to: encoder)
    case .resize(let payload): try payload.encode(to: encoder)
    case .maximumPool(let payload), .averagePool(let payload): try payload.encode(to: encoder)
    case .add, .matrixMultiply, .globalAveragePool, .flatten: break
    case .binary(let function): try BinaryOperation(function: function).encode(to: encoder)
    case .slice(let payload): try payload.encode(to: encoder)
    case .pad(let payload): try payload.encode(to: encoder)
    case .softmax(let payload): try payload.encode(to: encoder)
    case .reshape(let payload): try payload.encode(to: encoder)
    case .transpose(let payload): try payload.encode(to: encoder)
    case .reduction(let payload): try payload.encode(to: encoder)
    case .normalization(let payload): try payload.encode(to: encoder)
    case .expand(let payload): try payload.encode(to: encoder)
    case .constant(let payload): try payload.encode(to: encoder)
    case .concatenation(let payload): try payload.encode(to: encoder)
    case .activation(let function):
      var container = encoder.container(keyedBy: ActivationKey.self)
      switch function {
      case .leakyReLU(let slope): try container.encode(slope, forKey: .slope)
      case .prelu(let channels): try container.encode(channels, forKey: .channels)
      case .clip(let minimum, let maximum):
        try container.encode(minimum, forKey: .minimum)
        try container.encode(maximum, forKey: .maximum)
      case .hardSigmoid(let alpha, let beta):
        try container.encode(alpha, forKey: .alpha)
        try container.encode(beta, forKey: .beta)
      case .elu(let alpha), .celu(let alpha), .thresholdedReLU(let alpha): try container.encode(alpha, forKey: .alpha)
      case .power(let exponent): try container.encode(exponent, forKey: .exponent)
      case .relu, .sigmoid, .tanh, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .softsign, .errorFunction, .exponential,
        .logarithm, .squareRoot, .reciprocal, .floor, .ceiling, .round, .sign, .sine, .cosine:
        break
      }
    }
  }
}
