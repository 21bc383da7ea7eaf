import Tensors

/// Batch normalisation by running statistics, as in inference.
///
///     y[n, c, i, j] = weight[c] · (x[n, c, i, j] - runningMean[c]) / √(runningVariance[c] + epsilon) + bias[c]
///
/// - Input: `[N, channels, H, W]` or `[N, channels]`. Output: the same shape.
/// - Parameters: `weight`, `bias`, and the buffers `runningMean`, `runningVariance`, each `[channels]`.
/// - Cost: no MACs.
/// - Source: Ioffe and Szegedy 2015, `torch.nn.BatchNorm2d`.
public struct BatchNorm: Hashable, Codable, Sendable {
  public var channels: Int
  /// Added to the variance.
  public var epsilon: Float

  public init(channels: Int, epsilon: Float = 1e-5) {
    self.channels = channels
    self.epsilon = epsilon
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case channels, epsilon }
}

extension BatchNorm {
  /// `y = scale[c] · x + shift[c]`, in Double: the same function.
  package func affine(
    weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
  ) -> (scale: [Double], shift: [Double]) {
    let weights = weight.floats, biases = bias.floats, means = mean.floats, variances = variance.floats
    let scale = (0..<channels).map { Double(weights[$0]) / (Double(variances[$0]) + Double(epsilon)).squareRoot() }
    return (scale, (0..<channels).map { Double(biases[$0]) - Double(means[$0]) * scale[$0] })
  }
}

extension BatchNorm: WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .batchNorm }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(channels), epsilon \(epsilon)" }

  package var attributeFault: String? {
    if let fault = firstFault([("channels", channels, 1)]) { return fault }
    return epsilon.isFinite && epsilon >= 0 ? nil : "the epsilon \(epsilon) is negative or not finite"
  }

  package var parameters: [Parameter] {
    [
      Parameter(.weight, [channels], initialValue: .constant(1)),
      Parameter(.bias, [channels]),
      Parameter(.runningMean, [channels], isTrainable: false),
      Parameter(.runningVariance, [channels], isTrainable: false, initialValue: .constant(1)),
    ]
  }

  package var linearParts: [LinearPart] { [] }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { try channelwise(inputs[0], channels) }
}
