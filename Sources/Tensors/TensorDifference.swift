/// How far two float32 tensors of one shape lie apart.
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
  /// The difference from `other`, the reference. Both are float32 of one shape; traps otherwise.
  public func difference(from other: Tensor) -> TensorDifference {
    precondition(shape == other.shape, "\(shape) is compared with \(other.shape)")
    return withUnsafeFloats { a in
      other.withUnsafeFloats { b in
        var result = TensorDifference(maximum: 0, mean: 0, scale: 0, worstIndex: 0)
        for index in 0..<a.count {
          let distance: Double
          if a[index].bitPattern == b[index].bitPattern {
            distance = 0
          } else {
            distance = abs(Double(a[index]) - Double(b[index]))
          }
          result.mean += distance
          result.scale = max(result.scale, abs(Double(b[index])))
          if distance > result.maximum || (distance.isNaN && !result.maximum.isNaN) {
            result.maximum = distance
            result.worstIndex = index
          }
        }
        if !a.isEmpty { result.mean /= Double(a.count) }
        return result
      }
    }
  }
}
