import Networks
import Tensors

/// One input position and its weight.
typealias Tap = (index: Int, weight: Double)

extension ReferenceKernel {
  func resize(_ x: Tensor, _ payload: Resize, output: Shape) -> Tensor {
    let (height, width) = (x.shape.height, x.shape.width)
    let (rows, columns) = taps(payload, of: x.shape, output: output)
    if x.dataType != .float32 {
      // Of integers the nearest is moved.
      return Tensor(moving: [x], to: output) { copy in
        for position in 0..<output.count {
          let (plane, pixel) = position.quotientAndRemainder(dividingBy: output.height * output.width)
          let row = rows[pixel / output.width][0].index, column = columns[pixel % output.width][0].index
          copy(position, 0, (plane * height + row) * width + column, 1)
        }
      }
    }
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

  /// The pixels that make each row and each column of the output.
  func taps(_ payload: Resize, of x: Shape, output: Shape) -> (rows: [[Tap]], columns: [[Tap]]) {
    let rows = (0..<output.height).map {
      taps(payload.rowPosition(of: $0, extent: x.height, outputExtent: output.height), payload, extent: x.height)
    }
    let columns = (0..<output.width).map {
      taps(payload.columnPosition(of: $0, extent: x.width, outputExtent: output.width), payload, extent: x.width)
    }
    return (rows, columns)
  }

  /// The pixels that make the value at a position along one axis.
  private func taps(_ position: Resize.Position, _ payload: Resize, extent: Int) -> [Tap] {
    func inside(_ index: Int) -> Int { min(max(index, 0), extent - 1) }
    let (first, fraction) = (position.index, position.fraction)
    switch payload.method {
    case .nearest: return [(inside(position.rounded(payload.rounding)), 1)]
    case .bilinear: return [(inside(first), 1 - fraction), (inside(first + 1), fraction)]
    case .bicubic:
      return (-1...2).map { (inside(first + $0), keys(abs(fraction - Double($0)), Double(payload.cubicCoefficient))) }
    }
  }

  /// Keys' cubic convolution kernel.
  private func keys(_ distance: Double, _ a: Double) -> Double {
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
    if x.dataType.isCode { return averageOfIntegers(x, pool, output: output) }
    return pooled(x, pool, output: output) { values, padded in
      let sum = values.reduce(0) { $0 + Double($1) }
      return Float(sum / Double(pool.countIncludesPadding ? padded : values.count))
    }
  }

  /// `body` of the pixels of each window, and their number with the padding but without what lies beyond it.
  private func pooled(_ x: Tensor, _ pool: Pool, output: Shape, _ body: ([Float], Int) -> Float) -> Tensor {
    Tensor(filling: output) { y in
      x.withFloats { x0 in
        forEachWindow(pool, x.shape, output: output) { index, pixels, padded in y[index] = body(pixels.map { x0[$0] }, padded) }
      }
    }
  }

  /// Calls `body` for each output of a pool with its place, those of the pixels of its window row by row, and their number with the padding
  /// but without what lies beyond it.
  func forEachWindow(_ pool: Pool, _ x: Shape, output: Shape, _ body: (_ index: Int, _ pixels: [Int], _ padded: Int) -> Void) {
    let (height, width) = (x.height, x.width)
    var pixels: [Int] = []
    for index in 0..<output.count {
      let (column, row) = (index % output.width, index / output.width % output.height)
      let plane = index / (output.width * output.height)
      let (top, left) = (row * pool.stride.height - pool.padding.top, column * pool.stride.width - pool.padding.left)
      let bottom = min(top + pool.kernel.height, height + pool.padding.bottom)
      let right = min(left + pool.kernel.width, width + pool.padding.right)
      pixels.removeAll(keepingCapacity: true)
      for i in max(top, 0)..<min(bottom, height) {
        for j in max(left, 0)..<min(right, width) { pixels.append((plane * height + i) * width + j) }
      }
      body(index, pixels, (bottom - top) * (right - left))
    }
  }
}
