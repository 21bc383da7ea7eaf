/// A small seeded generator of random numbers: the same seed gives the same numbers on every machine and in every version.
///
/// - Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A multiple of 2^-24 from [0, 1).
  public mutating func nextUnit() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// Uniform between `-bound` and `bound`.
  public mutating func nextUniform(bound: Float) -> Float { (2 * nextUnit() - 1) * bound }
}

extension Tensor {
  /// A float32 tensor of uniform random numbers between `-bound` and `bound`.
  public init(uniform shape: Shape, bound: Float, using generator: inout SplitMix64) {
    self.init(zeros: shape)
    withUnsafeMutableFloats { elements in
      for index in elements.indices { elements[index] = generator.nextUniform(bound: bound) }
    }
  }
}
