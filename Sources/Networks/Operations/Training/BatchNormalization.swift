import Tensors

/// Batch normalisation by the statistics of the batch, as in training, in parts that each go through memory once.
///
///     moments:        m[0, c] = mean of x[:, c], m[1, c] = mean of (x[:, c] - m[0, c])², m[2, c] = m[1, c] · M / (M - 1)
///     output:         y[n, c, i, j] = weight[c] · x̂[n, c, i, j] + bias[c],  x̂ = (x - m[0, c]) / √(m[1, c] + epsilon)
///     gradientSums:   s[0, c] = Σ g[:, c],  s[1, c] = Σ g[:, c] · x̂[:, c]
///     inputGradient:  weight[c] / √(m[1, c] + epsilon) · (g - s[0, c] / M - x̂ · s[1, c] / M)
///
/// with M the number of elements of a channel. An epilogue follows the output. Where it is a ReLU, the gradients may be of what leaves that: g
/// then counts only where weight · x̂ + bias is more than 0, which takes no other value from memory. Row 2 of the moments is the variance that running statistics take; where M is 1 it is
/// m[1, c]. The sums are the gradients of bias and weight, and the input's gradient counts what it does to the moments.
/// - Input: x `[N, channels, H, W]` or `[N, channels]`, g of its shape; `moments` takes x, `output` x, moments and what its epilogue adds,
///   `gradientSums` g, x and moments, `inputGradient` g, x, moments, sums and weight. Behind a ReLU `gradientSums` takes weight and bias, too, and
///   `inputGradient` the bias.
/// - Parameters: `output` owns what `BatchNorm` does; training updates the running statistics by `momentum`.
/// - Output: `[3, channels]`, x's shape, `[2, channels]`, x's shape. Cost: no MACs.
/// - Source: Ioffe and Szegedy 2015, `torch.nn.BatchNorm2d` in training.
public struct BatchNormalization: Hashable, Sendable {
  public enum Part: Hashable, Sendable, CaseIterable {
    case moments, output, gradientSums, inputGradient
  }

  public var part: Part
  public var channels: Int
  /// Added to the variance.
  public var epsilon: Float
  /// What is done to the output; of what the gradients are: a ReLU, or none.
  public var epilogue: Epilogue

  public init(_ part: Part, channels: Int, epsilon: Float = 1e-5, epilogue: Epilogue = Epilogue()) {
    self.part = part
    self.channels = channels
    self.epsilon = epsilon
    self.epilogue = epilogue
  }

  /// Whether a ReLU alone follows the output.
  package var rectifies: Bool { epilogue.steps == [.activation(.relu)] }
}

extension BatchNormalization: WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType {
    switch part {
    case .moments: .batchMoments
    case .output: .batchNormalization
    case .gradientSums: .batchNormalizationSums
    case .inputGradient: .batchNormalizationGradient
    }
  }

  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package var inputCount: ClosedRange<Int> {
    switch part {
    case .moments: 1...1
    case .output: 2 + epilogue.extraInputCount...2 + epilogue.extraInputCount
    case .gradientSums: rectifies ? 5...5 : 3...3
    case .inputGradient: rectifies ? 6...6 : 5...5
    }
  }

  package func summary(of operands: [String]) -> String {
    let summary = BatchNorm(channels: channels, epsilon: epsilon).summary(of: operands)
    return ([summary] + epilogue.steps.map(\.text)).joined(separator: " | ")
  }

  package var attributeFault: String? {
    if let fault = BatchNorm(channels: channels, epsilon: epsilon).attributeFault { return fault }
    guard part == .output else {
      return epilogue.isEmpty || part != .moments && rectifies
        ? nil : "moments have no epilogue, and gradients know a relu alone"
    }
    for step in epilogue.steps {
      switch step {
      case .activation(.prelu), .pixelShuffle, .rescale, .requantize, .quantize:
        return "the epilogue of a batch normalization takes no \(step.typeName)"
      case .activation, .scale, .add: continue
      }
    }
    return epilogue.fault(channels: channels, terms: 1)
  }

  package var parameters: [Parameter] {
    part == .output ? BatchNorm(channels: channels, epsilon: epsilon).parameters : []
  }

  package var linearParts: [LinearPart] { [] }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    func check(_ shape: Shape, _ expected: Shape, _ name: String) throws(TypeMismatch) {
      guard shape == expected else { throw TypeMismatch("the \(name) \(shape) are not \(expected)") }
    }
    let x = try channelwise(inputs[part == .moments || part == .output ? 0 : 1], channels)
    switch part {
    case .moments: return [3, channels]
    case .output:
      try check(inputs[1], [3, channels], "moments")
      return try epilogue.outputShape(of: x, extras: inputs.dropFirst(2))
    case .gradientSums:
      guard inputs[0] == x else { throw TypeMismatch("the gradient \(inputs[0]) is not that of \(x)") }
      try check(inputs[2], [3, channels], "moments")
      if rectifies {
        try check(inputs[3], [channels], "weights")
        try check(inputs[4], [channels], "biases")
      }
      return [2, channels]
    case .inputGradient:
      guard inputs[0] == x else { throw TypeMismatch("the gradient \(inputs[0]) is not that of \(x)") }
      try check(inputs[2], [3, channels], "moments")
      try check(inputs[3], [2, channels], "sums")
      try check(inputs[4], [channels], "weights")
      if rectifies { try check(inputs[5], [channels], "biases") }
      return x
    }
  }
}

/// The part is the `type`, which the operation writes; an empty epilogue is left out.
extension BatchNormalization: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case channels, epsilon, epilogue }
  private enum TypeKey: String, CodingKey { case type }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type)
    guard let part = Part.allCases.first(where: { Self($0, channels: 1).type.rawValue == name }) else {
      throw NetworkError.unknownOperation(name)
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      part, channels: try container.decode(Int.self, forKey: .channels),
      epsilon: try container.decode(Float.self, forKey: .epsilon),
      epilogue: try container.decodeIfPresent(Epilogue.self, forKey: .epilogue) ?? Epilogue())
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(channels, forKey: .channels)
    try container.encode(epsilon, forKey: .epsilon)
    if !epilogue.isEmpty { try container.encode(epilogue, forKey: .epilogue) }
  }
}
