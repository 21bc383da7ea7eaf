import Tensors

/// The product of two values as stacks of matrices.
///
///     y[…, i, j] = Σ over k of a[…, i, k] · b[…, k, j]
///
/// A product with a parameter is `linear`, or a convolution of kernel 1.
/// - Input: `[…, M, K]` and `[…, K, N]` of one rank, at least 2, equal along the axes before. Output: `[…, M, N]`.
/// - Cost: one MAC for each of the `K` products of each output element.
/// - Source: `torch.matmul`, ONNX `MatMul`, without broadcasting.
struct MatrixMultiply: OperationDefinition {
  var typeName: String { "matrixMultiply" }
  var inputCount: ClosedRange<Int> { 2...2 }

  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let left = inputs[0], right = inputs[1], rank = left.rank
    guard rank >= 2, right.rank == rank, left[rank - 1] == right[rank - 2],
      left.extents.dropLast(2) == right.extents.dropLast(2)
    else { throw ShapeMismatch("\(left) and \(right) are not [..., M, K] and [..., K, N]") }
    guard left[rank - 1] <= Limits.products else {
      throw ShapeMismatch("each element of \(left) by \(right) sums more than \(Limits.products) products")
    }
    var output = left
    output[rank - 1] = right[rank - 1]
    return output
  }

  func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int { output.count * inputs[0][inputs[0].rank - 1] }
}
