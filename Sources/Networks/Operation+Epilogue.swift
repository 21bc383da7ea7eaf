extension Operation {
  /// Whether it makes or takes integers by what it is, and not only moves those that it gets.
  package var isOfIntegers: Bool {
    if case .integer = self { return true }
    return epilogue.map { $0.sumsIntegers || $0.quantize != nil } ?? false
  }

  /// What rides on the store of a convolution, a linear layer, the output of a batch normalization or the gradient of a
  /// convolution's or a maximum pool's input; nil for operations that carry none. Setting it leaves those as they are.
  package var epilogue: Epilogue? {
    get {
      switch self {
      case .convolution(let payload): payload.epilogue
      case .separableConvolution(let payload): payload.epilogue
      case .transposedConvolution(let payload): payload.epilogue
      case .linear(let payload): payload.epilogue
      case .training(.batchNormalization(let payload)) where payload.part == .output: payload.epilogue
      case .training(.convolutionProduct(let payload)) where payload.result == .inputGradient: payload.convolution.epilogue
      case .training(.maximumPoolGradient(let payload)): payload.epilogue
      case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle,
        .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
        .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer,
        .training:
        nil
      }
    }
    set {
      guard let newValue else { return }
      switch self {
      case .convolution(var payload):
        payload.epilogue = newValue
        self = .convolution(payload)
      case .separableConvolution(var payload):
        payload.epilogue = newValue
        self = .separableConvolution(payload)
      case .transposedConvolution(var payload):
        payload.epilogue = newValue
        self = .transposedConvolution(payload)
      case .linear(var payload):
        payload.epilogue = newValue
        self = .linear(payload)
      case .training(.batchNormalization(var payload)) where payload.part == .output:
        payload.epilogue = newValue
        self = .training(.batchNormalization(payload))
      case .training(.convolutionProduct(var payload)) where payload.result == .inputGradient:
        payload.convolution.epilogue = newValue
        self = .training(.convolutionProduct(payload))
      case .training(.maximumPoolGradient(var payload)):
        payload.epilogue = newValue
        self = .training(.maximumPoolGradient(payload))
      case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle,
        .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
        .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer,
        .training:
        break
      }
    }
  }
}
