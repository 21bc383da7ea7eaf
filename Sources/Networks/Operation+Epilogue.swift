extension Operation {
  /// What rides on the store of a convolution or linear layer; nil for operations that carry none. Setting it leaves those as they are.
  package var epilogue: Epilogue? {
    get {
      switch self {
      case .convolution(let payload): payload.epilogue
      case .separableConvolution(let payload): payload.epilogue
      case .transposedConvolution(let payload): payload.epilogue
      case .linear(let payload): payload.epilogue
      case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle,
        .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
        .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .training:
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
      case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle,
        .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
        .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .training:
        break
      }
    }
  }
}
