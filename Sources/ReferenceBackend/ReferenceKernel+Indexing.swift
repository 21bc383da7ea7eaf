import Networks
import Tensors

/// Operations that say for each element of the output, by its index along each axis, which elements of the input make it.
extension ReferenceKernel {
  func combine(_ a: Tensor, _ b: Tensor, _ function: BinaryFunction, output: Shape) -> Tensor {
    let strides = [a.shape, b.shape].map { shape in
      zip(shape.extents, shape.strides).map { extent, stride in extent == 1 ? 0 : stride }
    }
    return Tensor(filling: output) { y in
      a.withFloats { a in
        b.withFloats { b in
          forEachIndex(output) { position, index in
            let (x, z) = (Double(a[offset(index, strides[0])]), Double(b[offset(index, strides[1])]))
            y[position] = Float(value(x, z, function))
          }
        }
      }
    }
  }

  private func value(_ a: Double, _ b: Double, _ function: BinaryFunction) -> Double {
    switch function {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .minimum: a.isNaN || a < b ? a : b
    case .maximum: a.isNaN || a > b ? a : b
    }
  }

  func slice(_ x: Tensor, _ payload: Slice, output: Shape) -> Tensor {
    var strides = x.shape.strides, first = 0
    for span in payload.spans {
      first += span.range(extent: x.shape[span.axis]).start * strides[span.axis]
      strides[span.axis] *= span.step
    }
    return gather(x, output) { first + offset($0, strides) }
  }

  func pad(_ x: Tensor, _ payload: Pad, output: Shape) -> Tensor {
    let before = [0, payload.channelsBefore, payload.padding.top, payload.padding.left], strides = x.shape.strides
    return gather(x, output, otherwise: payload.value) { index in
      var position = 0
      for axis in 0..<4 {
        guard let source = payload.source(of: index[axis] - before[axis], extent: x.shape[axis]) else { return nil }
        position += source * strides[axis]
      }
      return position
    }
  }

  func transpose(_ x: Tensor, _ payload: Transpose, output: Shape) -> Tensor {
    let strides = x.shape.strides, permuted = payload.permutation.map { strides[$0] }
    return gather(x, output) { offset($0, permuted) }
  }

  /// `output` has the elements of the shape with extents of 1 along the axes, whether these are kept or not.
  func mean(_ x: Tensor, axes: [Int], output: Shape) -> Tensor {
    var kept = x.shape
    for axis in axes { kept[axis] = 1 }
    let target = kept.strides
    var sums = [Double](repeating: 0, count: output.count)
    x.withFloats { source in
      forEachIndex(x.shape) { position, index in
        var place = 0
        for axis in index.indices where kept[axis] != 1 { place += index[axis] * target[axis] }
        sums[place] += Double(source[position])
      }
    }
    let number = Double(x.count / output.count)
    return Tensor(filling: output) { y in
      for index in sums.indices { y[index] = Float(sums[index] / number) }
    }
  }

  /// Each element of the output is the input's at `source` of its index, or the constant where that is nil.
  private func gather(_ x: Tensor, _ output: Shape, otherwise: Float = 0, source: ([Int]) -> Int?) -> Tensor {
    Tensor(filling: output) { y in
      x.withFloats { x in
        forEachIndex(output) { position, index in y[position] = source(index).map { x[$0] } ?? otherwise }
      }
    }
  }

  private func offset(_ index: [Int], _ strides: [Int]) -> Int {
    var sum = 0
    for axis in index.indices { sum += index[axis] * strides[axis] }
    return sum
  }

  /// Calls `body` for each element in order with its position and its index along each axis.
  private func forEachIndex(_ shape: Shape, _ body: (Int, [Int]) -> Void) {
    var index = [Int](repeating: 0, count: shape.rank)
    for position in 0..<shape.count {
      body(position, index)
      var axis = shape.rank - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
        axis -= 1
      }
    }
  }
}

extension Shape {
  /// The distance in elements between neighbours along each axis.
  fileprivate var strides: [Int] {
    var result = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { result[axis] = result[axis + 1] * extents[axis + 1] }
    return result
  }
}
