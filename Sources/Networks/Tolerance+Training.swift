import Tensors

extension Tolerance {
  /// The bounds of what only training runs.
  static func trained(
    _ operation: TrainingOperation, _ node: Node, _ network: Network, _ shapes: [String: Shape], _ operands: [Tolerance],
    _ factor: Double, _ storage: Double
  ) -> Tolerance {
    let x = operands[0], sizes = node.inputs.compactMap { shapes[$0] }
    func largest(_ role: ParameterRole) -> Double { network.parameter(role, of: node)?.largestMagnitude ?? 0 }
    /// The elements of a channel of an operand.
    func channelCount(_ operand: Int) -> Int { sizes[operand].count / max(sizes[operand].channels, 1) }
    switch operation {
    case .convolutionProduct(let payload):
      let taps = payload.convolution.kernel.height * payload.convolution.kernel.width
      let products =
        switch payload.result {
        case .output: payload.convolution.inChannels / payload.convolution.groups * taps
        case .inputGradient: payload.convolution.outChannels / payload.convolution.groups * taps
        case .weightGradient: sizes[1].batch * sizes[1].height * sizes[1].width
        }
      let sum = x.multiplied(operands[1], products: products, factor)
      if payload.result == .inputGradient {
        return sum.finished(
          payload.convolution.epilogue, operands.dropFirst(2).prefix(payload.elementOperandCount - 2), slope: 0)
      }
      return payload.convolution.hasBias ? sum.plus(operands[2]) : sum
    case .activationGradient(let payload):
      let slope = operands.count > 2 ? operands[2] : Tolerance(magnitude: 0, error: 0)
      return x.multiplied(payload.function.derivative(of: operands[1], slope: slope), products: 1, 1)
    case .batchNormalization(let payload):
      let epsilon = Double(payload.epsilon)
      /// x less its mean, times what the variance makes of it, which may be 0 but for the epsilon.
      func normalized(_ x: Tolerance, _ moments: Tolerance, count: Int) -> Tolerance {
        let gain = 1 / max(epsilon, 1e-30).squareRoot(), most = Double(count).squareRoot()
        let error = gain * (x.error + moments.error + Self.epsilon * 2 * x.magnitude)
        // The derivative of (v + ε)^-½ is at most ε^-3/2 / 2.
        let ofVariance = 2 * x.magnitude * gain * gain * gain / 2 * moments.error
        return Tolerance(magnitude: most, error: min(error + ofVariance + 8 * Self.epsilon * most, 2 * most + error))
      }
      /// The gradient of what comes before the ReLU, where there is one: any may count that is not exact.
      func rectified(_ g: Tolerance, _ unit: Tolerance) -> Tolerance {
        guard payload.rectifies else { return g }
        return g.multiplied(ActivationFunction.relu.derivative(of: unit, slope: unit), products: 1, 1)
      }
      switch payload.part {
      case .moments:
        let count = channelCount(0), square = 4 * x.magnitude * x.magnitude
        let mean = Self.epsilon * Double(count + 1) * 2 * x.magnitude + x.error
        let magnitude = max(x.magnitude, square * (count > 1 ? Double(count) / Double(count - 1) : 1))
        let variance = (4 * x.magnitude * (x.error + mean) + Self.epsilon * Double(count + 8) * square) * 2
        return Tolerance(magnitude: magnitude, error: max(mean, variance))
      case .output:
        let unit = normalized(x, operands[1], count: channelCount(0))
        return Tolerance(
          magnitude: unit.magnitude * largest(.weight) + largest(.bias),
          error: unit.error * largest(.weight) + 4 * Self.epsilon * (unit.magnitude * largest(.weight) + largest(.bias))
        ).finished(payload.epilogue, operands.dropFirst(2), slope: 0)
      case .gradientSums:
        let unit = normalized(operands[1], operands[2], count: channelCount(0))
        let larger = Tolerance(magnitude: max(unit.magnitude, 1), error: unit.error)
        return rectified(x, unit).multiplied(larger, products: channelCount(0), 1)
      case .inputGradient:
        let count = Double(channelCount(0)), unit = normalized(operands[1], operands[2], count: channelCount(0))
        let sums = operands[3], gain = operands[4].magnitude / max(epsilon, 1e-30).squareRoot()
        let mean = Tolerance(magnitude: sums.magnitude / count, error: sums.error / count)
        let inner = rectified(x, unit).plus(mean).plus(unit.multiplied(mean, products: 1, 1))
        let ofVariance =
          operands[4].magnitude / (2 * max(epsilon, 1e-30) * max(epsilon, 1e-30).squareRoot()) * operands[2].error
        let magnitude = gain * inner.magnitude
        return Tolerance(
          magnitude: magnitude,
          error: gain * inner.error + ofVariance * inner.magnitude + operands[4].error / max(epsilon, 1e-30).squareRoot()
            * inner.magnitude + 16 * Self.epsilon * magnitude)
      }
    case .maximumPoolGradient(let payload):
      // Each pixel may be the largest of all windows that it is in; where values are not exact another may be.
      func windows(_ kernel: Int, _ stride: Int) -> Int { (kernel + stride - 1) / stride }
      let most =
        windows(payload.pool.kernel.height, payload.pool.stride.height)
        * windows(payload.pool.kernel.width, payload.pool.stride.width)
      let sum = x.repeated(most)
      let gradient = operands[1].error == 0 ? sum : Tolerance(magnitude: sum.magnitude, error: 2 * sum.magnitude)
      return gradient.finished(payload.epilogue, operands.dropFirst(2), slope: 0)
    case .adjoint(let payload): return x.adjoint(payload.map, from: sizes[0], to: shapes[node.name] ?? sizes[0])
    case .channelSum: return x.repeated(channelCount(0))
    case .channelProduct: return x.multiplied(operands[1], products: 1, 1)
    case .movingAverage(let payload):
      let g = payload.squares ? operands[1].multiplied(operands[1], products: 1, 1) : operands[1]
      func times(_ value: Tolerance, _ factor: Float) -> Tolerance {
        value.multiplied(Tolerance(magnitude: abs(Double(factor)), error: 0), products: 1, 1)
      }
      return times(x, payload.keep).plus(times(g, payload.add))
    case .parameterStep(let payload):
      let s = operands[operands.count - 1], rate = s.magnitude
      let kept = 1 + rate * abs(Double(payload.decay))
      var step = operands[1]
      if let epsilon = payload.epsilon.map(Double.init) {
        // The root of a square that is 0 leaves the epsilon alone below.
        let root = operands[2].error.squareRoot() + Self.epsilon * operands[2].magnitude.squareRoot()
        step = Tolerance(
          magnitude: rate * operands[1].magnitude / epsilon,
          error: rate * (operands[1].error / epsilon + operands[1].magnitude * root * rate / (epsilon * epsilon)))
      }
      let magnitude = kept * x.magnitude + rate * step.magnitude
      return Tolerance(magnitude: magnitude, error: kept * x.error + rate * step.error + 8 * Self.epsilon * magnitude)
    case .fakeQuantize(let payload):
      // Another whole number where the error reaches the middle between two.
      let most = Double(max(abs(payload.minimum), abs(payload.maximum)))
      return Tolerance(magnitude: most, error: x.error == 0 ? 0 : min(x.error + 1, Double(payload.maximum - payload.minimum)))
    case .dropout(let payload):
      let kept = 1 / (1 - Double(payload.rate))
      return Tolerance(magnitude: kept * x.magnitude, error: kept * x.error + 2 * Self.epsilon * kept * x.magnitude)
    }
  }

  private func plus(_ other: Tolerance) -> Tolerance {
    let sum = magnitude + other.magnitude
    return Tolerance(magnitude: sum, error: error + other.error + Self.epsilon * sum)
  }

  /// A sum of products with others, of any signs.
  private func multiplied(_ other: Tolerance, products: Int, _ factor: Double) -> Tolerance {
    let count = Double(products), product = magnitude * other.magnitude
    let carried = magnitude * other.error + other.magnitude * error + error * other.error
    // Gradients may all have one sign: the theory's bound is allowed in full, as for sums.
    let rounding = Self.epsilon * (count + 1) * product * 2 * factor * max(count / 4, 1)
    return Tolerance(magnitude: count * product, error: count * carried + rounding)
  }

  /// A sum of so many.
  private func repeated(_ count: Int) -> Tolerance { multiplied(Tolerance(magnitude: 1, error: 0), products: count, 1) }

  private func adjoint(_ map: Adjoint.Map, from g: Shape, to x: Shape) -> Tolerance {
    switch map {
    case .averagePool(let pool):
      func windows(_ kernel: Int, _ stride: Int) -> Int { (kernel + stride - 1) / stride }
      return repeated(
        windows(pool.kernel.height, pool.stride.height) * windows(pool.kernel.width, pool.stride.width))
    case .globalAveragePool, .slice, .reshape: return repeated(1)
    case .reduction: return repeated(1)
    // An edge takes the gradient of all that repeats it.
    case .pad: return repeated(max(1, g.count / max(x.count / max(x.height * x.width, 1), 1)))
    case .repetition: return repeated(max(1, g.count / x.count))
    case .resize(let payload):
      let support = payload.method == .bicubic ? 5 : 3
      func reached(_ larger: Int, _ smaller: Int) -> Int { support * (larger / max(smaller, 1) + 2) }
      let count = reached(g.height, x.height) * reached(g.width, x.width)
      let weight = payload.method == .bicubic ? 1 + abs(Double(payload.cubicCoefficient)) : 1
      return multiplied(Tolerance(magnitude: weight * weight, error: 0), products: count, 1)
    }
  }
}

extension ActivationFunction {
  /// The bounds of the derivative, which may jump where the argument is not exact.
  fileprivate func derivative(of x: Tolerance, slope: Tolerance) -> Tolerance {
    let jumps = x.error > 0
    func step(_ most: Double) -> Tolerance { Tolerance(magnitude: most, error: jumps ? 2 * most : 0) }
    func smooth(_ most: Double, curvature: Double) -> Tolerance {
      Tolerance(magnitude: most, error: curvature * x.error + 16 * Tolerance.epsilon * max(most, 1))
    }
    /// Where the derivative has no bound near 0.
    func apart(_ most: (Double) -> Double) -> Tolerance {
      guard x.least > x.error else { return Tolerance(magnitude: .infinity, error: .infinity) }
      let value = most(x.least - x.error)
      return Tolerance(magnitude: value, error: 4 * value * x.error / (x.least - x.error) + 16 * Tolerance.epsilon * value)
    }
    switch self {
    case .relu, .clip, .thresholdedReLU: return step(1)
    case .leakyReLU(let slope): return step(max(1, abs(Double(slope))))
    case .prelu: return Tolerance(magnitude: max(1, slope.magnitude), error: slope.error + step(max(1, slope.magnitude)).error)
    case .hardSigmoid(let alpha, _): return step(abs(Double(alpha)))
    // Jumps by a half at both ends.
    case .hardSwish:
      return Tolerance(magnitude: 1.5, error: (jumps ? 0.5 + x.error / 3 : 0) + 4 * Tolerance.epsilon * 1.5)
    case .sigmoid: return smooth(0.25, curvature: 0.1)
    case .tanh: return smooth(1, curvature: 0.8)
    case .gelu, .geluTanh, .silu: return smooth(1.2, curvature: 1)
    case .softplus: return smooth(1, curvature: 0.25)
    case .elu(let alpha):
      let most = max(1, abs(Double(alpha)))
      return Tolerance(
        magnitude: most, error: (jumps ? abs(1 - Double(alpha)) + most * x.error : 0) + 16 * Tolerance.epsilon * most)
    case .celu(let alpha): return smooth(1, curvature: 1 / abs(Double(alpha)))
    case .softsign: return smooth(1, curvature: 2)
    case .errorFunction: return smooth(1.13, curvature: 1)
    case .sine, .cosine: return smooth(1, curvature: 1)
    case .exponential: return Tolerance.exponential(x)
    case .logarithm: return apart { 1 / $0 }
    case .squareRoot: return apart { 0.5 / $0.squareRoot() }
    case .reciprocal: return apart { 1 / ($0 * $0) }
    case .power(let exponent):
      let power = Double(exponent)
      return apart { least in abs(power) * max(Tolerance.power(least, power - 1), Tolerance.power(x.magnitude, power - 1)) }
    case .floor, .ceiling, .round, .sign: return Tolerance(magnitude: 0, error: 0)
    }
  }
}
