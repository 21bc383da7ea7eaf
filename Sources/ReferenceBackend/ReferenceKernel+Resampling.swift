import Networks
import Tensors

/// One input position and its weight.
private typealias Tap = (index: Int, weight: Double)

extension ReferenceKernel {
  func resize(_ x: Tensor, _ payload: Resize, output: Shape) -> Tensor {
    let (height, width) = (x.shape.height, x.shape.width)
    let rows = (0..<output.height).map { taps($0, payload, extent: height) }
    let columns = (0..<output.width).map { taps($0, payload, extent: width) }
    return Tensor(filling: output) { y in
      x.withFloats { x in
        for plane in 0..<output.batch * output.channels {
          let source = x + plane * height * width
          for (i, row) in rows.enumerated() {
            for (j, column) in columns.enumerated() {
              var sum = 0.0
              for vertical in row {
                for horizontal in column {
                  sum += vertical.weight * horizontal.weight * Double(source[vertical.index * width + horizontal.index])
                }
              }
              y[(plane * output.height + i) * output.width + j] = Float(sum)
            }
          }
        }
      }
    }
  }

  /// The input positions that make output position `index` along one axis.
  private func taps(_ index: Int, _ payload: Resize, extent: Int) -> [Tap] {
    let position = (Double(index) + 0.5) / Double(payload.factor) - 0.5
    switch payload.method {
    case .nearest: return [(index / payload.factor, 1)]
    case .bilinear:
      let clamped = max(position, 0)
      let first = min(Int(clamped), extent - 1)
      let share = clamped - Double(first)
      return [(first, 1 - share), (min(first + 1, extent - 1), share)]
    case .bicubic:
      let first = Int(position.rounded(.down))
      return (first - 1...first + 2).map { neighbour in
        (min(max(neighbour, 0), extent - 1), keys(abs(position - Double(neighbour))))
      }
    }
  }

  /// Keys' cubic convolution kernel with a = -0.75.
  private func keys(_ distance: Double) -> Double {
    let a = -0.75
    if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
    if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
    return 0
  }

  func maximumPool(_ x: Tensor, _ pool: Pool, output: Shape) -> Tensor {
    pooled(x, pool, output: output) { values, _ in
      var result = -Float.infinity
      // A NaN wins, as in PyTorch.
      for value in values where value > result || value.isNaN { result = value }
      return result
    }
  }

  func averagePool(_ x: Tensor, _ pool: Pool, output: Shape) -> Tensor {
    pooled(x, pool, output: output) { values, padded in
      let sum = values.reduce(0) { $0 + Double($1) }
      return Float(sum / Double(pool.countIncludesPadding ? padded : values.count))
    }
  }

  /// `body` of the pixels of each window, and their number with the padding but without what lies beyond it.
  private func pooled(_ x: Tensor, _ pool: Pool, output: Shape, _ body: ([Float], Int) -> Float) -> Tensor {
    let (height, width) = (x.shape.height, x.shape.width)
    var values: [Float] = []
    return Tensor(filling: output) { y in
      x.withFloats { x in
        for index in 0..<output.count {
          let (column, row) = (index % output.width, index / output.width % output.height)
          let plane = index / (output.width * output.height)
          let (top, left) = (row * pool.stride.height - pool.padding.top, column * pool.stride.width - pool.padding.left)
          let bottom = min(top + pool.kernel.height, height + pool.padding.bottom)
          let right = min(left + pool.kernel.width, width + pool.padding.right)
          values.removeAll(keepingCapacity: true)
          for i in max(top, 0)..<min(bottom, height) {
            for j in max(left, 0)..<min(right, width) { values.append(x[(plane * height + i) * width + j]) }
          }
          y[index] = body(values, (bottom - top) * (right - left))
        }
      }
    }
  }
}
