import Tensors

/// Whole numbers, the nearest that there are between two ends: what integers do to a value in units of their scale, for training in float32.
///
///     y = roundToNearestEven(clamp(x, minimum, maximum))
///
/// NaN stays NaN, so that training sees it. The gradient is by the straight-through rule that of the clamp alone, as though nothing was rounded:
/// `g` where minimum <= x <= maximum, else 0. A value of a scale is divided by it before and multiplied by it behind, or behind the sums that read it;
/// by the chain rule the gradient of the scale is then `round(x / s) - x / s` inside of the ends and the end outside, as in LSQ.
/// - Input: any shape. Output: the same shape.
/// - Cost: no MACs.
/// - Source: the straight-through rule of Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, 2013; simulated integers
///   of Jacob et al. 2018; scales that are learned of Esser et al., Learned Step Size Quantization, 2020.
public struct FakeQuantize: Hashable, Codable, Sendable {
  /// The ends, within ±2^24: float32 has all whole numbers between them.
  public var minimum: Int
  public var maximum: Int

  public init(minimum: Int, maximum: Int) {
    self.minimum = minimum
    self.maximum = maximum
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case minimum, maximum }
}

extension FakeQuantize {
  /// The largest magnitude of an end.
  package static let most = 1 << 24

  /// What cuts off: the whole of it as gradients see it.
  package var clip: ActivationFunction { .clip(minimum: Float(minimum), maximum: Float(maximum)) }

  /// Of one number.
  package func value(_ x: Float) -> Float {
    x.isNaN ? x : min(max(x, Float(minimum)), Float(maximum)).rounded(.toNearestOrEven)
  }
}

extension FakeQuantize: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .fakeQuantize }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(minimum)...\(maximum)" }

  package var attributeFault: String? {
    guard minimum <= maximum else { return "the minimum \(minimum) is more than the maximum \(maximum)" }
    let ends = -Self.most...Self.most
    guard ends.contains(minimum), ends.contains(maximum) else { return "\(minimum)...\(maximum) is no part of \(ends)" }
    return nil
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { inputs[0] }
}
