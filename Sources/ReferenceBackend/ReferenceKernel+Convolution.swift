import Networks
import Tensors

/// The positions `first..<end` along one axis of which `position · stride + offset` lies inside `0..<extent`.
private func inside(count: Int, stride: Int, offset: Int, extent: Int) -> (first: Int, end: Int) {
  let first = offset >= 0 ? 0 : (-offset + stride - 1) / stride
  let end = extent - 1 - offset < 0 ? 0 : min(count, (extent - 1 - offset) / stride + 1)
  return (first, max(first, end))
}

extension ReferenceKernel {
  /// `Convolution` without its epilogue. One plane of Double sums at a time; products with padding are left out.
  func convolve(_ payload: Convolution, _ x: Tensor, weight: Tensor, bias: Tensor?, output: Shape) -> Tensor {
    let (height, width, outHeight, outWidth) = (x.shape.height, x.shape.width, output.height, output.width)
    let (groupInputs, groupOutputs) = (payload.inChannels / payload.groups, payload.outChannels / payload.groups)
    let kernel = payload.kernel
    let biases = bias?.floats
    var sums = [Double](repeating: 0, count: outHeight * outWidth)
    return Tensor(filling: output) { y in
      x.withFloats { x in
        weight.withFloats { weight in
          sums.withUnsafeMutableBufferPointer { sums in
            for batch in 0..<output.batch {
              for outChannel in 0..<payload.outChannels {
                sums.update(repeating: Double(biases?[outChannel] ?? 0))
                for index in 0..<groupInputs {
                  let inChannel = outChannel / groupOutputs * groupInputs + index
                  let plane = x + (batch * payload.inChannels + inChannel) * height * width
                  for tap in 0..<kernel.height * kernel.width {
                    let (u, v) = (tap / kernel.width, tap % kernel.width)
                    let factor = Double(weight[(outChannel * groupInputs + index) * kernel.height * kernel.width + tap])
                    let top = u * payload.dilation.height - payload.padding.top
                    let left = v * payload.dilation.width - payload.padding.left
                    let rows = inside(count: outHeight, stride: payload.stride.height, offset: top, extent: height)
                    let columns = inside(count: outWidth, stride: payload.stride.width, offset: left, extent: width)
                    for row in rows.first..<rows.end {
                      let source = plane + (row * payload.stride.height + top) * width + left
                      var column = columns.first
                      while column < columns.end {
                        sums[row * outWidth + column] += factor * Double(source[column * payload.stride.width])
                        column += 1
                      }
                    }
                  }
                }
                let target = y + (batch * payload.outChannels + outChannel) * outHeight * outWidth
                for index in sums.indices { target[index] = Float(sums[index]) }
              }
            }
          }
        }
      }
    }
  }

  /// `TransposedConvolution`: each input pixel is spread over the output; what falls on the padding is left out.
  func transposedConvolve(
    _ payload: TransposedConvolution, _ x: Tensor, weight: Tensor, bias: Tensor?, output: Shape
  ) -> Tensor {
    let (height, width, outHeight, outWidth) = (x.shape.height, x.shape.width, output.height, output.width)
    let (groupInputs, groupOutputs) = (payload.inChannels / payload.groups, payload.outChannels / payload.groups)
    let kernel = payload.kernel
    let biases = bias?.floats
    var sums = [Double](repeating: 0, count: outHeight * outWidth)
    return Tensor(filling: output) { y in
      x.withFloats { x in
        weight.withFloats { weight in
          sums.withUnsafeMutableBufferPointer { sums in
            for batch in 0..<output.batch {
              for outChannel in 0..<payload.outChannels {
                sums.update(repeating: Double(biases?[outChannel] ?? 0))
                for index in 0..<groupInputs {
                  let inChannel = outChannel / groupOutputs * groupInputs + index
                  let plane = x + (batch * payload.inChannels + inChannel) * height * width
                  for tap in 0..<kernel.height * kernel.width {
                    let (u, v) = (tap / kernel.width, tap % kernel.width)
                    let filter = inChannel * groupOutputs + outChannel % groupOutputs
                    let factor = Double(weight[filter * kernel.height * kernel.width + tap])
                    let top = u * payload.dilation.height - payload.padding.top
                    let left = v * payload.dilation.width - payload.padding.left
                    let rows = inside(count: height, stride: payload.stride.height, offset: top, extent: outHeight)
                    let columns = inside(count: width, stride: payload.stride.width, offset: left, extent: outWidth)
                    for row in rows.first..<rows.end {
                      let start = (row * payload.stride.height + top) * outWidth + left
                      var column = columns.first
                      while column < columns.end {
                        sums[start + column * payload.stride.width] += factor * Double(plane[row * width + column])
                        column += 1
                      }
                    }
                  }
                }
                let target = y + (batch * payload.outChannels + outChannel) * outHeight * outWidth
                for index in sums.indices { target[index] = Float(sums[index]) }
              }
            }
          }
        }
      }
    }
  }

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

  /// `Linear`.
  func multiply(_ payload: Linear, _ x: Tensor, weight: Tensor, bias: Tensor?, output: Shape) -> Tensor {
    let biases = bias?.floats
    return Tensor(filling: output) { y in
      x.withFloats { x in
        weight.withFloats { weight in
          for row in 0..<output[0] {
            for feature in 0..<payload.outFeatures {
              var sum = Double(biases?[feature] ?? 0)
              for index in 0..<payload.inFeatures {
                sum += Double(weight[feature * payload.inFeatures + index]) * Double(x[row * payload.inFeatures + index])
              }
              y[row * payload.outFeatures + feature] = Float(sum)
            }
          }
        }
      }
    }
  }
}
