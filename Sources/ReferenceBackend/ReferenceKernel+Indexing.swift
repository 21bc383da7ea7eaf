import Networks
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Android)
  import Android
#else
  import Darwin
#endif

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
    case .power: pow(a, b)
    case .mask: b != 0 ? a : 0
    case .equal: a == b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    }
  }

  func slice(_ x: Tensor, _ payload: Slice, output: Shape) -> Tensor {
    var strides = x.shape.strides, first = 0
    for span in payload.spans {
      first += (span.range(extent: x.shape[span.axis])?.start ?? 0) * strides[span.axis]
      strides[span.axis] *= span.step
    }
    return gather(x, output) { first + offset($0, strides) }
  }

  func pad(_ x: Tensor, _ payload: Pad, output: Shape) -> Tensor {
    let before = [0, payload.channelsBefore, payload.padding.top, payload.padding.left], strides = x.shape.strides
    func source(_ index: [Int]) -> Int? {
      var position = 0
      for axis in 0..<4 {
        guard let source = payload.source(of: index[axis] - before[axis], extent: x.shape[axis]) else { return nil }
        position += source * strides[axis]
      }
      return position
    }
    if let integers = x.integers {
      let quantization = quantizations[0] ?? .init(scale: 1)
      let value = payload.value == 0 ? quantization.zeroPoint : Quantize(x.dataType, quantization).stored(payload.value)
      var result = [Int](repeating: value, count: output.count)
      forEachIndex(output) { position, index in if let place = source(index) { result[position] = Int(integers[place]) } }
      return Tensor(output, x.dataType, integers: result)
    }
    return Tensor(filling: output) { y in
      x.withFloats { x in
        forEachIndex(output) { position, index in y[position] = source(index).map { x[$0] } ?? payload.value }
      }
    }
  }

  func transpose(_ x: Tensor, _ payload: Transpose, output: Shape) -> Tensor {
    let strides = x.shape.strides, permuted = payload.permutation.map { strides[$0] }
    return gather(x, output) { offset($0, permuted) }
  }

  /// `output` has the elements of the shape with extents of 1 along the axes, whether these are kept or not.
  func reduce(_ x: Tensor, _ payload: Reduction, output: Shape) -> Tensor {
    let initial: Double =
      switch payload.function {
      case .mean, .sum, .sumOfMagnitudes, .sumOfSquares: 0
      case .product: 1
      case .maximum: -.infinity
      case .minimum: .infinity
      }
    var results = [Double](repeating: initial, count: output.count)
    x.withFloats { source in
      forEachGroup(x.shape, axes: payload.axes) { position, group in
        let value = Double(source[position])
        switch payload.function {
        case .mean, .sum: results[group] += value
        case .sumOfMagnitudes: results[group] += abs(value)
        case .sumOfSquares: results[group] += value * value
        case .product: results[group] *= value
        case .maximum: results[group] = self.value(results[group], value, .maximum)
        case .minimum: results[group] = self.value(results[group], value, .minimum)
        }
      }
    }
    let number = payload.function == .mean ? Double(x.count / output.count) : 1
    return Tensor(filling: output) { y in
      for index in results.indices { y[index] = Float(results[index] / number) }
    }
  }

  func maximumIndex(_ x: Tensor, _ payload: MaximumIndex, output: Shape) -> Tensor {
    let extent = x.shape[payload.axis], inner = x.shape.extents[(payload.axis + 1)...].reduce(1, *)
    return Tensor(filling: output) { y in
      x.withFloats { source in
        for line in 0..<output.count {
          let first = line / inner * extent * inner + line % inner
          var place = 0
          for index in 1..<max(extent, 1) where source[first + index * inner] > source[first + place * inner] { place = index }
          y[line] = Float(place)
        }
      }
    }
  }

  func normalize(_ x: Tensor, _ payload: Normalization) -> Tensor {
    // Channels in groups are an axis more.
    var shape = x.shape, axes = payload.axes
    if payload.groups > 1 {
      shape = Shape([shape[0], payload.groups, shape[1] / payload.groups] + shape.extents.dropFirst(2))
      axes = axes.map { $0 >= 1 ? $0 + 1 : $0 }
    }
    let groupCount = shape.extents.indices.filter { !axes.contains($0) }.reduce(1) { $0 * shape[$1] }
    let number = Double(shape.count / groupCount)
    var means = [Double](repeating: 0, count: groupCount), squares = means
    return Tensor(filling: x.shape) { y in
      x.withFloats { source in
        if payload.centres {
          forEachGroup(shape, axes: axes) { position, group in means[group] += Double(source[position]) / number }
        }
        forEachGroup(shape, axes: axes) { position, group in
          let difference = Double(source[position]) - means[group]
          squares[group] += difference * difference / number
        }
        forEachGroup(shape, axes: axes) { position, group in
          y[position] = Float(
            (Double(source[position]) - means[group]) / (squares[group] + Double(payload.epsilon)).squareRoot())
        }
      }
    }
  }

  func expand(_ x: Tensor, output: Shape) -> Tensor {
    let strides = zip(x.shape.extents, x.shape.strides).map { extent, stride in extent == 1 ? 0 : stride }
    return gather(x, output) { offset($0, strides) }
  }

  /// Calls `body` for each element in order with its position and the number of its group: those that differ along the axes are one.
  private func forEachGroup(_ shape: Shape, axes: [Int], _ body: (_ position: Int, _ group: Int) -> Void) {
    var kept = shape
    for axis in axes { kept[axis] = 1 }
    let strides = zip(kept.extents, kept.strides).map { extent, stride in extent == 1 ? 0 : stride }
    forEachIndex(shape) { position, index in body(position, offset(index, strides)) }
  }

  /// Each element of the output is the input's at `source` of its index; of any type.
  private func gather(_ x: Tensor, _ output: Shape, source: ([Int]) -> Int) -> Tensor {
    Tensor(moving: [x], to: output) { copy in
      forEachIndex(output) { position, index in copy(position, 0, source(index), 1) }
    }
  }

  func offset(_ index: [Int], _ strides: [Int]) -> Int {
    var sum = 0
    for axis in index.indices { sum += index[axis] * strides[axis] }
    return sum
  }

  /// Calls `body` for each element in order with its position and its index along each axis.
  func forEachIndex(_ shape: Shape, _ body: (Int, [Int]) -> Void) {
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
  var strides: [Int] {
    var result = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { result[axis] = result[axis + 1] * extents[axis + 1] }
    return result
  }
}
