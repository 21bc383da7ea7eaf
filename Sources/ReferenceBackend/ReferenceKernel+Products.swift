import Networks
import Tensors

/// What products are summed of and in.
protocol ProductSums {
  associatedtype Element
  associatedtype Sum: Numeric
  static func number(_ element: Element) -> Sum
}

/// Of float32, in Double.
enum FloatSums: ProductSums {
  static func number(_ element: Float) -> Double { Double(element) }
}

/// Of integers, what stands for 0 taken off, in Int32. No sum overflows: attributes and parameters are checked (`Requantization`).
enum IntegerSums: ProductSums {
  static func number(_ element: Int32) -> Int32 { element }
}

/// What an operation sums products of, and what becomes of the sums.
struct ProductOperands<Kind: ProductSums> {
  let x: UnsafePointer<Kind.Element>
  /// Of `x`.
  let shape: Shape
  let weight: UnsafePointer<Kind.Element>
  /// One for each channel of the output; none where there are none.
  let biases: [Kind.Sum]?
  /// Of the sums.
  let output: Shape
  /// Takes the sums of a channel that lie at a position of the output and behind it.
  let store: (_ sums: UnsafeBufferPointer<Kind.Sum>, _ channel: Int, _ position: Int) -> Void

  func start(_ channel: Int) -> Kind.Sum { biases?[channel] ?? 0 }
}

extension ReferenceKernel {
  /// The sums of an operation as float32: by `float` of float32 and rounded to that, or by `integer` of integers and rescaled. Nil where a
  /// parameter is missing.
  func summed(
    _ x: Tensor, output: Shape, weight weightRole: ParameterRole = .weight, bias biasRole: ParameterRole = .bias,
    integers scale: IntegerSums.Scale? = nil, float: (ProductOperands<FloatSums>) -> Void,
    integer: (ProductOperands<IntegerSums>) -> Void
  ) -> Tensor? {
    guard let weight = parameter(weightRole) else { return nil }
    let bias = parameter(biasRole), shape = x.shape
    guard let scale else {
      return Tensor(filling: output) { y in
        x.withFloats { numbers in
          weight.withFloats { weights in
            float(
              ProductOperands(
                x: numbers, shape: shape, weight: weights, biases: bias?.floats.map(Double.init), output: output
              ) {
                sums, _, position in
                for index in sums.indices { y[position + index] = Float(sums[index]) }
              })
          }
        }
      }
    }
    guard let multipliers = parameter(scale.multiplier)?.floats, let integers = x.integers, let weights = weight.integers
    else { return nil }
    let numbers = integers.map { $0 - Int32(scale.zeroPoint) }
    return Tensor(filling: output) { y in
      numbers.withUnsafeBufferPointer { numbers in
        weights.withUnsafeBufferPointer { weights in
          guard let x = numbers.baseAddress, let weight = weights.baseAddress else { return }
          integer(
            ProductOperands(x: x, shape: shape, weight: weight, biases: bias?.integers, output: output) {
              sums, channel, position in
              for index in sums.indices { y[position + index] = Float(sums[index]) * multipliers[channel] }
            })
        }
      }
    }
  }

  /// `Convolution` without its epilogue. One plane of sums at a time; products with padding are left out.
  func convolve<Kind>(_ payload: Convolution, _ operands: ProductOperands<Kind>) {
    let (height, width) = (operands.shape.height, operands.shape.width)
    let (outHeight, outWidth) = (operands.output.height, operands.output.width)
    let (groupInputs, groupOutputs) = (payload.inChannels / payload.groups, payload.outChannels / payload.groups)
    let kernel = payload.kernel
    planes(of: operands) { batch, outChannel, sums in
      for index in 0..<groupInputs {
        let inChannel = outChannel / groupOutputs * groupInputs + index
        let plane = operands.x + (batch * payload.inChannels + inChannel) * height * width
        for tap in 0..<kernel.height * kernel.width {
          let (u, v) = (tap / kernel.width, tap % kernel.width)
          let factor = Kind.number(operands.weight[(outChannel * groupInputs + index) * kernel.height * kernel.width + tap])
          let top = u * payload.dilation.height - payload.padding.top
          let left = v * payload.dilation.width - payload.padding.left
          let rows = inside(count: outHeight, stride: payload.stride.height, offset: top, extent: height)
          let columns = inside(count: outWidth, stride: payload.stride.width, offset: left, extent: width)
          for row in rows.first..<rows.end {
            let source = plane + (row * payload.stride.height + top) * width + left
            var column = columns.first
            while column < columns.end {
              sums[row * outWidth + column] += factor * Kind.number(source[column * payload.stride.width])
              column += 1
            }
          }
        }
      }
    }
  }

  /// `TransposedConvolution` without its epilogue: each input pixel is spread over the output; what falls on the padding is left out.
  func convolve<Kind>(_ payload: TransposedConvolution, _ operands: ProductOperands<Kind>) {
    let (height, width) = (operands.shape.height, operands.shape.width)
    let (outHeight, outWidth) = (operands.output.height, operands.output.width)
    let (groupInputs, groupOutputs) = (payload.inChannels / payload.groups, payload.outChannels / payload.groups)
    let kernel = payload.kernel
    planes(of: operands) { batch, outChannel, sums in
      for index in 0..<groupInputs {
        let inChannel = outChannel / groupOutputs * groupInputs + index
        let plane = operands.x + (batch * payload.inChannels + inChannel) * height * width
        for tap in 0..<kernel.height * kernel.width {
          let (u, v) = (tap / kernel.width, tap % kernel.width)
          let filter = inChannel * groupOutputs + outChannel % groupOutputs
          let factor = Kind.number(operands.weight[filter * kernel.height * kernel.width + tap])
          let top = u * payload.dilation.height - payload.padding.top
          let left = v * payload.dilation.width - payload.padding.left
          let rows = inside(count: height, stride: payload.stride.height, offset: top, extent: outHeight)
          let columns = inside(count: width, stride: payload.stride.width, offset: left, extent: outWidth)
          for row in rows.first..<rows.end {
            let start = (row * payload.stride.height + top) * outWidth + left
            var column = columns.first
            while column < columns.end {
              sums[start + column * payload.stride.width] += factor * Kind.number(plane[row * width + column])
              column += 1
            }
          }
        }
      }
    }
  }

  /// Each plane of an image's sums in turn, from the biases on.
  private func planes<Kind>(
    of operands: ProductOperands<Kind>, _ body: (_ batch: Int, _ channel: Int, UnsafeMutableBufferPointer<Kind.Sum>) -> Void
  ) {
    let output = operands.output, area = output.height * output.width
    var sums = [Kind.Sum](repeating: 0, count: area)
    sums.withUnsafeMutableBufferPointer { sums in
      for batch in 0..<output.batch {
        for channel in 0..<output.channels {
          sums.update(repeating: operands.start(channel))
          body(batch, channel, sums)
          operands.store(UnsafeBufferPointer(sums), channel, (batch * output.channels + channel) * area)
        }
      }
    }
  }

  /// `Linear` without its epilogue.
  func multiply<Kind>(_ payload: Linear, _ operands: ProductOperands<Kind>) {
    for row in 0..<operands.output[0] {
      for feature in 0..<payload.outFeatures {
        let (x, weight) = (operands.x + row * payload.inFeatures, operands.weight + feature * payload.inFeatures)
        var sum = operands.start(feature)
        for index in 0..<payload.inFeatures { sum += Kind.number(weight[index]) * Kind.number(x[index]) }
        withUnsafePointer(to: sum) {
          operands.store(UnsafeBufferPointer(start: $0, count: 1), feature, row * payload.outFeatures + feature)
        }
      }
    }
  }
}

/// The positions `first..<end` along one axis of which `position · stride + offset` lies inside `0..<extent`.
private func inside(count: Int, stride: Int, offset: Int, extent: Int) -> (first: Int, end: Int) {
  let first = offset >= 0 ? 0 : (-offset + stride - 1) / stride
  let end = extent - 1 - offset < 0 ? 0 : min(count, (extent - 1 - offset) / stride + 1)
  return (first, max(first, end))
}
