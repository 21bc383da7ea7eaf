import Networks
import Tensors

extension ReferenceKernel {
  /// `MatrixMultiply`.
  func multiply(_ a: Tensor, _ b: Tensor, output: Shape) -> Tensor {
    let (rows, columns) = (output[output.rank - 2], output[output.rank - 1]), products = a.shape[a.shape.rank - 1]
    let (lefts, rights) = (matrices(a.shape, of: output), matrices(b.shape, of: output))
    return Tensor(filling: output) { y in
      a.withFloats { a in
        b.withFloats { b in
          for index in 0..<output.count {
            let (matrix, row, column) = (index / columns / rows, index / columns % rows, index % columns)
            let (left, right) = (a + (lefts[matrix] * rows + row) * products, b + rights[matrix] * products * columns)
            var sum = 0.0
            for k in 0..<products { sum += Double(left[k]) * Double(right[k * columns + column]) }
            y[index] = Float(sum)
          }
        }
      }
    }
  }

  /// For each matrix of a stack the one of an operand that it is made of, which may be repeated.
  private func matrices(_ shape: Shape, of output: Shape) -> [Int] {
    let stack = output.extents.dropLast(2), own = Array(shape.extents.dropLast(2))
    return (0..<stack.reduce(1, *)).map { matrix in
      var (rest, index, stride) = (matrix, 0, 1)
      for (axis, extent) in stack.enumerated().reversed() {
        index += own[axis] == 1 ? 0 : rest % extent * stride
        stride *= own[axis]
        rest /= extent
      }
      return index
    }
  }
}
