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

/// What only training runs.
extension ReferenceKernel {
  func train(_ operation: TrainingOperation, _ inputs: [Tensor], output: Shape) -> Tensor? {
    let x = inputs[0]
    switch operation {
    case .convolutionProduct(let payload):
      let value = product(payload, inputs, output: output)
      return finished(
        value, payload.convolution.epilogue, extras: inputs.prefix(payload.elementOperandCount).dropFirst(2))
    case .activationGradient(let payload): return activationGradient(payload.function, inputs)
    case .batchNormalization(let payload): return normalize(payload, inputs, output: output)
    case .maximumPoolGradient(let payload):
      return finished(maximumPoolGradient(payload.pool, x, inputs[1]), payload.epilogue, extras: inputs.dropFirst(2))
    case .adjoint(let payload): return adjoint(payload.map, x, output: output)
    case .channelSum:
      let axes = x.shape.extents.indices.filter { $0 != 1 }
      return axes.isEmpty ? x : reduce(x, Reduction(.sum, axes: axes, keepsAxes: false), output: output)
    case .channelProduct:
      let factors = inputs[1].floats
      return mapped(x) { value, channel in value * Double(factors[channel]) }
    case .movingAverage(let payload):
      let (a, g) = (x.floats, inputs[1].floats)
      return Tensor(
        output,
        a.indices.map { index in
          let value = Double(g[index])
          return Float(
            Double(payload.keep) * Double(a[index]) + Double(payload.add) * (payload.squares ? value * value : value))
        })
    case .parameterStep(let payload):
      let numbers = (inputs.last?.floats ?? []).map { Double($0) }, w = x.floats, direction = inputs[1].floats
      let square = payload.epsilon == nil ? [] : inputs[2].floats
      return Tensor(
        output,
        w.indices.map { index in
          let kept = (1 - numbers[0] * Double(payload.decay)) * Double(w[index])
          guard let epsilon = payload.epsilon else { return Float(kept - numbers[0] * Double(direction[index])) }
          let deviation = Double(square[index]).squareRoot() * numbers[2] + Double(epsilon)
          return Float(kept - numbers[0] * numbers[1] * Double(direction[index]) / deviation)
        })
    case .fakeQuantize(let payload): return Tensor(output, x.floats.map(payload.value))
    case .dropout(let payload):
      let factor = payload.factors(step: inputs[1].floats[0])
      let values = x.floats
      return Tensor(output, values.indices.map { values[$0] * factor($0) })
    }
  }

  // MARK: Convolutions

  private func product(_ payload: ConvolutionProduct, _ inputs: [Tensor], output: Shape) -> Tensor {
    let a = inputs[0], b = inputs[1], x: Shape, y: Shape
    switch payload.result {
    case .output: (x, y) = (a.shape, output)
    case .inputGradient: (x, y) = (output, a.shape)
    case .weightGradient: (x, y) = (a.shape, b.shape)
    }
    var sums = [Double](repeating: 0, count: output.count)
    if payload.convolution.hasBias {
      let bias = inputs[2].floats, plane = output.height * output.width
      for index in sums.indices { sums[index] = Double(bias[index / plane % output.channels]) }
    }
    a.withFloats { a in
      b.withFloats { b in
        forEachProduct(payload.convolution, x: x, y: y) { x, weight, y in
          switch payload.result {
          case .output: sums[y] += Double(a[x]) * Double(b[weight])
          case .inputGradient: sums[x] += Double(a[y]) * Double(b[weight])
          case .weightGradient: sums[weight] += Double(a[x]) * Double(b[y])
          }
        }
      }
    }
    return Tensor(output, sums.map { Float($0) })
  }

  /// The places in input, weight and output of every product of a convolution, those with padding left out.
  private func forEachProduct(_ payload: Convolution, x: Shape, y: Shape, _ body: (_ x: Int, _ weight: Int, _ y: Int) -> Void) {
    let (groupInputs, groupOutputs) = (payload.inChannels / payload.groups, payload.outChannels / payload.groups)
    for batch in 0..<x.batch {
      for outChannel in 0..<payload.outChannels {
        for index in 0..<groupInputs {
          let inChannel = outChannel / groupOutputs * groupInputs + index
          for u in 0..<payload.kernel.height {
            for v in 0..<payload.kernel.width {
              let weight = ((outChannel * groupInputs + index) * payload.kernel.height + u) * payload.kernel.width + v
              for i in 0..<y.height {
                let row = i * payload.stride.height + u * payload.dilation.height - payload.padding.top
                guard row >= 0, row < x.height else { continue }
                for j in 0..<y.width {
                  let column = j * payload.stride.width + v * payload.dilation.width - payload.padding.left
                  guard column >= 0, column < x.width else { continue }
                  body(
                    ((batch * x.channels + inChannel) * x.height + row) * x.width + column, weight,
                    ((batch * y.channels + outChannel) * y.height + i) * y.width + j)
                }
              }
            }
          }
        }
      }
    }
  }

  // MARK: Functions

  private func activationGradient(_ function: ActivationFunction, _ inputs: [Tensor]) -> Tensor? {
    let g = inputs[0].floats, x = inputs[1].floats
    let slopes = inputs.count > 2 ? inputs[2].floats : []
    let shape = inputs[0].shape
    let inner = shape.rank > 1 ? shape.extents[2...].reduce(1, *) : 1, channels = shape.rank > 1 ? shape[1] : 1
    return Tensor(
      shape,
      g.indices.map { index in
        let slope = slopes.isEmpty ? 0 : Double(slopes[slopes.count == 1 ? 0 : index / inner % channels])
        return Float(Double(g[index]) * derivative(function, Double(x[index]), slope: slope))
      })
  }

  private func derivative(_ function: ActivationFunction, _ x: Double, slope: Double) -> Double {
    func normal(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
    switch function {
    case .relu: return x > 0 ? 1 : 0
    case .leakyReLU(let slope): return x > 0 ? 1 : x == 0 && slope == -1 ? 0 : Double(slope)
    case .prelu: return x > 0 ? 1 : slope
    case .clip(let minimum, let maximum): return x >= Double(minimum) && x <= Double(maximum) ? 1 : 0
    case .sigmoid:
      let y = 1 / (1 + exp(-x))
      return y * (1 - y)
    case .tanh: return 1 - tanh(x) * tanh(x)
    case .hardSigmoid(let alpha, let beta):
      let line = Double(alpha) * x + Double(beta)
      return line > 0 && line < 1 ? Double(alpha) : 0
    case .hardSwish: return x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1
    case .gelu: return 0.5 * (1 + erf(x / 2.0.squareRoot())) + x * normal(x)
    case .geluTanh:
      let factor = (2 / Double.pi).squareRoot()
      let inner = tanh(factor * (x + 0.044715 * x * x * x))
      return 0.5 * (1 + inner) + 0.5 * x * (1 - inner * inner) * factor * (1 + 3 * 0.044715 * x * x)
    case .silu:
      let y = 1 / (1 + exp(-x))
      return y * (1 + x * (1 - y))
    case .softplus: return 1 / (1 + exp(-x))
    case .elu(let alpha): return x > 0 ? 1 : Double(alpha) * exp(x)
    case .celu(let alpha): return x > 0 ? 1 : exp(x / Double(alpha))
    case .thresholdedReLU(let alpha): return x > Double(alpha) ? 1 : 0
    case .softsign: return 1 / ((1 + abs(x)) * (1 + abs(x)))
    case .errorFunction: return 2 / Double.pi.squareRoot() * exp(-x * x)
    case .exponential: return exp(x)
    case .logarithm: return 1 / x
    case .squareRoot: return 0.5 / x.squareRoot()
    case .reciprocal: return -1 / (x * x)
    case .power(let exponent): return exponent == 0 ? 0 : Double(exponent) * pow(x, Double(exponent) - 1)
    case .floor, .ceiling, .round, .sign: return 0
    case .sine: return cos(x)
    case .cosine: return -sin(x)
    }
  }

  // MARK: Batch normalisation

  private func normalize(_ payload: BatchNormalization, _ inputs: [Tensor], output: Shape) -> Tensor? {
    let values = inputs.map(\.floats), channels = payload.channels
    let shape = inputs[payload.part == .moments || payload.part == .output ? 0 : 1].shape
    let inner = shape.extents[2...].reduce(1, *), count = shape.count / channels
    func channel(_ index: Int) -> Int { index / inner % channels }
    if payload.part == .moments {
      var moments = [Double](repeating: 0, count: 3 * channels)
      for (index, value) in values[0].enumerated() { moments[channel(index)] += Double(value) / Double(count) }
      for (index, value) in values[0].enumerated() {
        let difference = Double(value) - moments[channel(index)]
        moments[channels + channel(index)] += difference * difference / Double(count)
      }
      let unbiased = Double(count) / Double(max(count - 1, 1))
      for channel in 0..<channels { moments[2 * channels + channel] = moments[channels + channel] * unbiased }
      return Tensor(output, moments.map { Float($0) })
    }
    func unit(_ x: [Float], _ moments: [Float], _ index: Int) -> Double {
      let channel = channel(index)
      return (Double(x[index]) - Double(moments[channel])) * factor(moments, channel)
    }
    func factor(_ moments: [Float], _ channel: Int) -> Double {
      1 / (Double(moments[channels + channel]) + Double(payload.epsilon)).squareRoot()
    }
    func normalized(_ x: [Float], _ moments: [Float], _ weight: [Float], _ bias: [Float], _ index: Int) -> Float {
      Float(Double(weight[channel(index)]) * unit(x, moments, index) + Double(bias[channel(index)]))
    }
    /// The gradient of what comes before the ReLU, where there is one.
    func gradient(_ weight: Int, _ bias: Int) -> [Float] {
      guard payload.rectifies else { return values[0] }
      return values[0].indices.map {
        normalized(values[1], values[2], values[weight], values[bias], $0) > 0 ? values[0][$0] : 0
      }
    }
    switch payload.part {
    case .moments: return nil
    case .output:
      guard let weight = parameter(.weight)?.floats, let bias = parameter(.bias)?.floats else { return nil }
      let value = Tensor(shape, values[0].indices.map { normalized(values[0], values[1], weight, bias, $0) })
      return finished(value, payload.epilogue, extras: inputs.dropFirst(2))
    case .gradientSums:
      var sums = [Double](repeating: 0, count: 2 * channels)
      for (index, g) in gradient(3, 4).enumerated() {
        sums[channel(index)] += Double(g)
        sums[channels + channel(index)] += Double(g) * unit(values[1], values[2], index)
      }
      return Tensor(output, sums.map { Float($0) })
    case .inputGradient:
      let sums = values[3], weight = values[4], g = gradient(4, 5)
      return Tensor(
        output,
        values[0].indices.map { index in
          let channel = channel(index)
          let inner =
            Double(g[index])
            - (Double(sums[channel]) + unit(values[1], values[2], index) * Double(sums[channels + channel])) / Double(count)
          return Float(Double(weight[channel]) * factor(values[2], channel) * inner)
        })
    }
  }

  // MARK: Pools and other linear maps

  private func maximumPoolGradient(_ pool: Pool, _ g: Tensor, _ x: Tensor) -> Tensor {
    let gradients = g.floats, values = x.floats
    var sums = [Double](repeating: 0, count: x.count)
    forEachWindow(pool, x.shape, output: g.shape) { index, pixels, _ in
      var place = pixels[0]
      // A NaN wins, the last of several, as in PyTorch.
      for pixel in pixels.dropFirst() where values[pixel] > values[place] || values[pixel].isNaN { place = pixel }
      sums[place] += Double(gradients[index])
    }
    return Tensor(x.shape, sums.map { Float($0) })
  }

  /// Each element of g, times its weight, is added to those elements of x that the map makes it of.
  private func adjoint(_ map: Adjoint.Map, _ g: Tensor, output x: Shape) -> Tensor? {
    switch map {
    case .reshape: return g.reshaped(x)
    case .repetition:
      let axes = x.extents.indices.filter { x[$0] != g.shape[$0] }
      return axes.isEmpty ? g : reduce(g, Reduction(.sum, axes: axes), output: x)
    case .reduction(let payload):
      var kept = x
      for axis in payload.axes { kept[axis] = 1 }
      let spread = expand(g.reshaped(kept), output: x)
      guard payload.function == .mean else { return spread }
      let count = Double(x.count / g.count)
      return mapped(spread) { $0 / count }
    case .globalAveragePool: return averagePoolGradient(Pool(kernel: Pair(height: x.height, width: x.width)), g, x)
    case .averagePool(let pool): return averagePoolGradient(pool, g, x)
    case .slice(let payload):
      var strides = x.strides, first = 0
      for span in payload.spans {
        first += (span.range(extent: x[span.axis])?.start ?? 0) * strides[span.axis]
        strides[span.axis] *= span.step
      }
      return scattered(g, to: x) { index in [(first + offset(index, strides), 1)] }
    case .pad(let payload):
      let before = [0, payload.channelsBefore, payload.padding.top, payload.padding.left], strides = x.strides
      return scattered(g, to: x) { index in
        var position = 0
        for axis in 0..<4 {
          guard let source = payload.source(of: index[axis] - before[axis], extent: x[axis]), source < x[axis], source >= 0
          else { return [] }
          position += source * strides[axis]
        }
        return [(position, 1)]
      }
    case .resize(let payload):
      let (rows, columns) = taps(payload, of: x, output: g.shape), strides = x.strides
      return scattered(g, to: x) { index in
        let plane = index[0] * strides[0] + index[1] * strides[1]
        return rows[index[2]].flatMap { row in
          columns[index[3]].map { (plane + row.index * x.width + $0.index, row.weight * $0.weight) }
        }
      }
    }
  }

  private func averagePoolGradient(_ pool: Pool, _ g: Tensor, _ x: Shape) -> Tensor {
    let gradients = g.floats
    var sums = [Double](repeating: 0, count: x.count)
    forEachWindow(pool, x, output: g.shape) { index, pixels, padded in
      let share = Double(gradients[index]) / Double(pool.countIncludesPadding ? padded : pixels.count)
      for pixel in pixels { sums[pixel] += share }
    }
    return Tensor(x, sums.map { Float($0) })
  }

  private func scattered(_ g: Tensor, to x: Shape, _ places: ([Int]) -> [(position: Int, weight: Double)]) -> Tensor {
    var sums = [Double](repeating: 0, count: x.count)
    g.withFloats { g0 in
      forEachIndex(g.shape) { position, index in
        for place in places(index) { sums[place.position] += place.weight * Double(g0[position]) }
      }
    }
    return Tensor(x, sums.map { Float($0) })
  }
}
