/// How far two tensors of one shape lie apart.
public struct TensorDifference: Hashable, Codable, Sendable {
  /// The largest |a - b|; NaN where either tensor holds a NaN that the other does not.
  public var maximum: Double
  /// The mean of |a - b|.
  public var mean: Double
  /// The largest |b|: the scale to hold `maximum` against.
  public var scale: Double
  /// The row-major index of the largest difference.
  public var worstIndex: Int

  /// `maximum / scale`, or `maximum` where `b` is all zero.
  public var relative: Double { scale > 0 ? maximum / scale : maximum }
}

extension Tensor {
  /// The difference from `other`, the reference, whatever types both are of. Both are of one shape; traps otherwise.
  public func difference(from other: Tensor) -> TensorDifference {
    precondition(shape == other.shape, "\(shape) is compared with \(other.shape)")
    guard dataType == .float32, other.dataType == .float32 else { return Self.difference(numbers, from: other.numbers) }
    return withUnsafeFloats { a in other.withUnsafeFloats { b in Self.difference(a, from: b) } }
  }

  private static func difference<Number: BinaryFloatingPoint>(
    _ a: some RandomAccessCollection<Number>, from b: some RandomAccessCollection<Number>
  ) -> TensorDifference {
    var result = TensorDifference(maximum: 0, mean: 0, scale: 0, worstIndex: 0)
    for (index, (x, y)) in zip(a, b).enumerated() {
      // Equal infinities are no distance apart, nor is a NaN from itself: its bits are.
      let isSame = x == y || (x.isNaN && y.isNaN && Double(x).bitPattern == Double(y).bitPattern)
      let distance = isSame ? 0 : abs(Double(x) - Double(y))
      result.mean += distance
      result.scale = max(result.scale, abs(Double(y)))
      if distance > result.maximum || (distance.isNaN && !result.maximum.isNaN) {
        result.maximum = distance
        result.worstIndex = index
      }
    }
    if !a.isEmpty { result.mean /= Double(a.count) }
    return result
  }
}
