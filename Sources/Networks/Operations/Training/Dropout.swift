import Tensors

/// Elements left out at random, the others made larger, so that the mean stays.
///
///     y[k] = x[k] / (1 - rate) where the number of (seed, step, k) is not below the rate, else 0
///
/// The number is `SplitMix64`'s of a counter, so that it depends on nothing but seed, step and the element's place in NCHW order: not on
/// threads, nor on what ran before. The gradient of the input is the same function of the gradient.
/// - Input: x of any shape, and the step `[1]`, a whole number from 0 to 2^24. Output: x's shape.
/// - Cost: no MACs.
/// - Source: Srivastava et al. 2014, `torch.nn.Dropout`.
public struct Dropout: Hashable, Codable, Sendable {
  /// The share of elements that is left out: 0 to below 1.
  public var rate: Float
  /// Two layers of one network have two. 0 to below 2^53.
  public var seed: Int

  public init(rate: Float, seed: Int) {
    self.rate = rate
    self.seed = seed
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case rate, seed }
}

extension Dropout {
  /// The factor of each element in turn.
  package func factors(step: Float) -> (_ index: Int) -> Float {
    var start = SplitMix64(seed: UInt64(seed) ^ (UInt64(max(0, min(step, 0x1p24))) << 40))
    let key = start.next()
    // 24 bits, as many as float32 counts.
    let limit = UInt64((Double(rate) * 0x1p24).rounded(.up))
    let kept = 1 / (1 - rate)
    return { index in
      var generator = SplitMix64(seed: key &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
      return generator.next() >> 40 < limit ? 0 : kept
    }
  }
}

extension Dropout: WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  package var type: OperationType { .dropout }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 2...2 }
  package func summary(of operands: [String]) -> String { "rate \(rate), seed \(seed)" }

  package var attributeFault: String? {
    guard rate >= 0, rate < 1 else { return "the rate \(rate) is not in 0..<1" }
    return (0..<1 << 53).contains(seed) ? nil : "the seed \(seed) is not in 0..<\(1 << 53)"
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard inputs[1] == [1] else { throw TypeMismatch("the step \(inputs[1]) is not [1]") }
    return inputs[0]
  }
}
