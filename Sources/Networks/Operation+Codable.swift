/// `{"type": "convolution", …attributes}`. An unknown type, and an attribute that the operation does not have, throw: they come from
/// newer versions. Attributes are checked.
extension Operation: Codable {
  private enum TypeKey: String, CodingKey { case type }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type)
    guard let type = OperationType(rawValue: name) else { throw NetworkError.unknownOperation(name) }
    func number(_ key: ActivationFunction.CodingKeys) throws -> Float {
      try decoder.container(keyedBy: ActivationFunction.CodingKeys.self).decode(Float.self, forKey: key)
    }
    switch type {
    case .convolution: self = .convolution(try Convolution(from: decoder))
    case .separableConvolution: self = .separableConvolution(try SeparableConvolution(from: decoder))
    case .transposedConvolution: self = .transposedConvolution(try TransposedConvolution(from: decoder))
    case .linear: self = .linear(try Linear(from: decoder))
    case .batchNorm: self = .batchNorm(try BatchNorm(from: decoder))
    case .scale: self = .scale(try Scale(from: decoder))
    case .channelAffine: self = .channelAffine(try ChannelAffine(from: decoder))
    case .add: self = .add
    case .binary: self = .binary(try BinaryOperation(from: decoder).function)
    case .matrixMultiply: self = .matrixMultiply
    case .concatenation: self = .concatenation(try Concatenation(from: decoder))
    case .pixelShuffle: self = .pixelShuffle(try PixelShuffle(from: decoder))
    case .pixelUnshuffle: self = .pixelUnshuffle(try PixelUnshuffle(from: decoder))
    case .resize: self = .resize(try Resize(from: decoder))
    case .maximumPool: self = .maximumPool(try Pool(from: decoder))
    case .averagePool: self = .averagePool(try Pool(from: decoder))
    case .globalAveragePool: self = .globalAveragePool
    case .flatten: self = .flatten
    case .slice: self = .slice(try Slice(from: decoder))
    case .pad: self = .pad(try Pad(from: decoder))
    case .softmax: self = .softmax(try Softmax(from: decoder))
    case .reshape: self = .reshape(try Reshape(from: decoder))
    case .transpose: self = .transpose(try Transpose(from: decoder))
    case .maximumIndex: self = .maximumIndex(try MaximumIndex(from: decoder))
    case .normalization: self = .normalization(try Normalization(from: decoder))
    case .expand: self = .expand(try Expand(from: decoder))
    case .constant: self = .constant(try Constant(from: decoder))
    case .reduceMean, .reduceSum, .reduceSumOfMagnitudes, .reduceSumOfSquares, .reduceProduct, .reduceMaximum, .reduceMinimum:
      self = .reduction(try Reduction(from: decoder))
    case .quantize: self = .integer(.quantize(try Quantize(from: decoder)))
    case .dequantize: self = .integer(.dequantize)
    case .requantizedAdd: self = .integer(.add(try Requantization(from: decoder)))
    case .lookup: self = .integer(.lookup(try Lookup(from: decoder)))
    case .convolutionOutput, .convolutionInputGradient, .convolutionWeightGradient:
      self = .training(.convolutionProduct(try ConvolutionProduct(from: decoder)))
    case .activationGradient: self = .training(.activationGradient(try ActivationGradient(from: decoder)))
    case .batchMoments, .batchNormalization, .batchNormalizationSums, .batchNormalizationGradient:
      self = .training(.batchNormalization(try BatchNormalization(from: decoder)))
    case .maximumPoolGradient: self = .training(.maximumPoolGradient(try MaximumPoolGradient(from: decoder)))
    case .adjoint: self = .training(.adjoint(try Adjoint(from: decoder)))
    case .channelSum: self = .training(.channelSum)
    case .channelProduct: self = .training(.channelProduct)
    case .dropout: self = .training(.dropout(try Dropout(from: decoder)))
    case .fakeQuantize: self = .training(.fakeQuantize(try FakeQuantize(from: decoder)))
    case .movingAverage: self = .training(.movingAverage(try MovingAverage(from: decoder)))
    case .parameterStep: self = .training(.parameterStep(try ParameterStep(from: decoder)))
    case .relu: self = .activation(.relu)
    case .leakyReLU: self = .activation(.leakyReLU(slope: try number(.slope)))
    case .prelu:
      let container = try decoder.container(keyedBy: ActivationFunction.CodingKeys.self)
      self = .activation(.prelu(channels: try container.decode(Int.self, forKey: .channels)))
    case .clip: self = .activation(.clip(minimum: try number(.minimum), maximum: try number(.maximum)))
    case .sigmoid: self = .activation(.sigmoid)
    case .tanh: self = .activation(.tanh)
    case .hardSigmoid: self = .activation(.hardSigmoid(alpha: try number(.alpha), beta: try number(.beta)))
    case .hardSwish: self = .activation(.hardSwish)
    case .gelu: self = .activation(.gelu)
    case .geluTanh: self = .activation(.geluTanh)
    case .silu: self = .activation(.silu)
    case .softplus: self = .activation(.softplus)
    case .elu: self = .activation(.elu(alpha: try number(.alpha)))
    case .celu: self = .activation(.celu(alpha: try number(.alpha)))
    case .thresholdedReLU: self = .activation(.thresholdedReLU(alpha: try number(.alpha)))
    case .softsign: self = .activation(.softsign)
    case .errorFunction: self = .activation(.errorFunction)
    case .exponential: self = .activation(.exponential)
    case .logarithm: self = .activation(.logarithm)
    case .squareRoot: self = .activation(.squareRoot)
    case .reciprocal: self = .activation(.reciprocal)
    case .power: self = .activation(.power(exponent: try number(.exponent)))
    case .floor: self = .activation(.floor)
    case .ceiling: self = .activation(.ceiling)
    case .round: self = .activation(.round)
    case .sign: self = .activation(.sign)
    case .sine: self = .activation(.sine)
    case .cosine: self = .activation(.cosine)
    }
    let definition = definition
    try decoder.refuseFields(except: definition.attributeNames + [TypeKey.type.rawValue], of: "the operation '\(name)'")
    if let fault = definition.attributeFault { throw NetworkError.invalidDescription("\(name): \(fault)") }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: TypeKey.self)
    let definition = definition
    try container.encode(definition.typeName, forKey: .type)
    try definition.encode(to: encoder)
  }
}
