import Tensors

/// The gradient of an elementwise function's argument.
///
///     y = g · f'(x)
///
/// Where f has a kink or a jump, f' is what PyTorch takes: 0 for ReLU at 0 and for the absolute value, the slope for a leaky ReLU, 1 for
/// a clip at its ends, 0 for what is constant on both sides.
/// - Input: g and x of one shape; for a `.prelu` the slopes `[channels]` behind them. Output: that shape. For functions that keep the sign, of
///   which only that decides (`ActivationFunction.gradientFollowsOutput`), x may be f(x) as well.
/// - Cost: no MACs.
public struct ActivationGradient: Hashable, Sendable {
  public var function: ActivationFunction

  public init(_ function: ActivationFunction) { self.function = function }
}

extension ActivationFunction {
  /// Whether the gradient is the same for the output in place of the argument.
  package var gradientFollowsOutput: Bool {
    switch self {
    case .relu: true
    case .leakyReLU(let slope): slope > 0
    case .prelu, .clip, .sigmoid, .tanh, .hardSigmoid, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .elu, .celu,
      .thresholdedReLU, .softsign, .errorFunction, .exponential, .logarithm, .squareRoot, .reciprocal, .power, .floor, .ceiling,
      .round, .sign, .sine, .cosine:
      false
    }
  }
}

extension ActivationGradient: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .activationGradient }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package var inputCount: ClosedRange<Int> {
    if case .prelu = function { return 3...3 }
    return 2...2
  }

  package func summary(of operands: [String]) -> String {
    let summary = function.summary(of: operands)
    return function.typeName + (summary.isEmpty ? "" : " \(summary)")
  }

  package var attributeFault: String? { function.attributeFault }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[0] == inputs[1] else { throw TypeMismatch("the gradient \(inputs[0]) is not that of \(inputs[1])") }
    if case .prelu(let channels) = function {
      guard inputs[2] == Shape([channels]) else { throw TypeMismatch("the slopes \(inputs[2]) are not [\(channels)]") }
    }
    return try function.outputShape([inputs[0]])
  }
}

extension ActivationGradient: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case function }
}
