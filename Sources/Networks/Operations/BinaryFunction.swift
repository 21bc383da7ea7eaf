import Tensors

/// A function of two values, element by element; an extent of 1 is repeated along the other's.
///
///     y[n, c, i, j] = f(a[n, c, i, j], b[n, c, 0, 0])      for instance: a channel attention b [N, C, 1, 1]
///
/// - Input: two values of one rank; along each axis the extents are equal or one of them is 1. Output: the larger extents.
/// - Cost: no MACs.
/// - Source: the broadcasting of NumPy, PyTorch and ONNX, without new axes.
public enum BinaryFunction: String, Hashable, Codable, Sendable, CaseIterable {
  /// `a + b`. Values that always have the same shape are added by `.add`, which a convolution can take in.
  case add
  /// `a - b`
  case subtract
  /// `a · b`
  case multiply
  /// `a / b`
  case divide
  /// The smaller of both, NaN where one is.
  case minimum
  /// The larger of both, NaN where one is.
  case maximum
  /// `a` to the power `b`, as C's `pow`: NaN for `a < 0` unless `b` is an integer.
  case power
  /// `a` where `b` is not 0, else 0, whatever `a` is.
  case mask
  /// 1 where `a = b`, else 0, as where one is NaN.
  case equal
  /// 1 where `a < b`, else 0.
  case less
  /// 1 where `a <= b`, else 0.
  case lessOrEqual
}

/// See `BinaryFunction`.
struct BinaryOperation: WithoutParameters, WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  var function: BinaryFunction

  enum CodingKeys: String, CodingKey, CaseIterable { case function }

  var type: OperationType { .binary }
  var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  var inputCount: ClosedRange<Int> { 2...2 }
  func summary(of operands: [String]) -> String { function.rawValue }
  var attributeFault: String? { nil }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    var output = inputs[0]
    let other = inputs[1]
    guard output.rank == other.rank else { throw TypeMismatch("\(output) and \(other) are not of the same rank") }
    for axis in 0..<output.rank where output[axis] != other[axis] {
      guard output[axis] == 1 || other[axis] == 1 else {
        throw TypeMismatch("\(inputs[0]) and \(other) differ along axis \(axis), and neither is 1 there")
      }
      output[axis] = max(output[axis], other[axis])
    }
    return output
  }
}
