import Tensors

/// The product of two values as stacks of matrices.
///
///     y[…, i, j] = Σ over k of a[…, i, k] · b[…, k, j]
///
/// A product with a parameter is `linear`, or a convolution of kernel 1, where one of them fits.
/// - Input: `[…, M, K]` and `[…, K, N]` of one rank, at least 2; along the axes before, the extents are equal or one of them is 1 and
///   repeated. Output: `[…, M, N]`.
/// - Cost: one MAC for each of the `K` products of each output element.
/// - Source: `torch.matmul`, ONNX `MatMul`, without new axes.
struct MatrixMultiply: WithoutAttributes, WithoutParameters, WithoutSizes, WithoutPlaces, OnFloat32 {
  var type: OperationType { .matrixMultiply }
  var inputCount: ClosedRange<Int> { 2...2 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let left = inputs[0], right = inputs[1], rank = left.rank
    var output = left
    guard rank >= 2, right.rank == rank, left[rank - 1] == right[rank - 2],
      (0..<rank - 2).allSatisfy({ left[$0] == right[$0] || left[$0] == 1 || right[$0] == 1 })
    else { throw TypeMismatch("\(left) and \(right) are not [..., M, K] and [..., K, N]") }
    guard left[rank - 1] <= Limits.products else {
      throw TypeMismatch("each element of \(left) by \(right) sums more than \(Limits.products) products")
    }
    for axis in 0..<rank - 2 { output[axis] = max(left[axis], right[axis]) }
    output[rank - 1] = right[rank - 1]
    return output
  }

  func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { output.count * inputs[0][inputs[0].rank - 1] }
}
