import Tensors

/// An elementwise function. Output shape = input shape; no MACs.
public enum ActivationFunction: Hashable, Sendable {
  /// `max(x, 0)`
  case relu
  /// `x` for `x >= 0`, else `slope · x`
  case leakyReLU(slope: Float)
  /// `x` for `x >= 0`, else `slope[c] · x`; parameter `slope [channels]` of the node, shared by all channels where `channels` is 1.
  case prelu(channels: Int)
  /// `min(max(x, minimum), maximum)`
  case clip(minimum: Float, maximum: Float)
  /// `1 / (1 + exp(-x))`
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
}

extension ActivationFunction: OperationDefinition {
  package var typeName: String {
    switch self {
    case .relu: "relu"
    case .leakyReLU: "leakyReLU"
    case .prelu: "prelu"
    case .clip: "clip"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    }
  }

  package var inputCount: ClosedRange<Int> { 1...1 }

  package var summary: String {
    switch self {
    case .leakyReLU(let slope): "\(slope)"
    case .prelu(let channels): "\(channels)"
    case .clip(let minimum, let maximum): "\(minimum) to \(maximum)"
    case .relu, .sigmoid, .tanh: ""
    }
  }

  package var attributeFault: String? {
    switch self {
    case .leakyReLU(let slope): slope.isFinite ? nil : "the slope \(slope) is not finite"
    case .prelu(let channels): firstFault([("channels", channels, 1)])
    case .clip(let minimum, let maximum):
      minimum.isFinite && maximum.isFinite && minimum <= maximum ? nil : "\(minimum) to \(maximum) is no finite range"
    case .relu, .sigmoid, .tanh: nil
    }
  }

  package var parameters: [ParameterRole] {
    guard case .prelu(let channels) = self else { return [] }
    return [ParameterRole("slope", [channels], initialValue: .constant(0.25))]
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    if case .prelu(let channels) = self, channels != 1 { return try channelwise(inputs[0], channels) }
    return inputs[0]
  }
}
