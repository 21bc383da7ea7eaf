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

/// How large a value can be, and how far float32 arithmetic in any order can bring it from the exact result.
///
/// Theory, not trial: a sum of k products errs by less than `eps · (k + 1) · max|a| · max|b| · k`, of which we allow
/// `2 · eps · (k + 1) · max|a| · max|b|`: rounding errors do not all point one way. Errors of operands are carried through.
package struct Tolerance: Hashable, Sendable {
  /// A bound on |x|.
  package var magnitude: Double
  /// A bound on |x - exact|.
  package var error: Double
  /// A lower bound on |x|, known behind a clip: what may be divided by.
  package var least: Double

  /// Beyond float32's numbers nothing is known: what is infinite on one path need not be on another.
  package init(magnitude: Double, error: Double, least: Double = 0) {
    self.magnitude = magnitude
    self.error = magnitude <= Self.largest ? error : .infinity
    self.least = least
  }

  static let largest = Double(Float.greatestFiniteMagnitude)
  /// What the transforms of Winograd's F(4x4) may make of a product before they add up to small numbers again: the sums of magnitudes in
  /// their rows, 10 of the input's and 19 of the output's, along both axes.
  static let transformGain = 100.0 * 361

  static let epsilon = Double(Float.ulpOfOne)
  /// 8 significant bits.
  package static let bfloat16Epsilon = 1.0 / 256
  /// 11 significant bits.
  package static let float16Epsilon = 1.0 / 2048

  /// The bounds of each output for these inputs. `convolutionFactor` multiplies the rounding term of convolutions, for kernels
  /// with a larger stated bound (Winograd). `storage` is the relative error of each stored value and weight: half a unit in the
  /// last place where they are bfloat16 (`bfloat16Epsilon`) or float16, nothing where they are float32.
  package static func outputs(
    of network: Network, inputs: [Tensor], convolutionFactor: Double = 1, storage: Double = 0
  ) throws(NetworkError) -> [Tolerance] {
    let values = try all(of: network, inputs: inputs, convolutionFactor: convolutionFactor, storage: storage)
    // What no node computes leaves as it is, however it is stored for those that read it.
    var computed: Set<String> = []
    for node in network.nodes {
      if case .constant = node.operation { continue }
      computed.insert(node.name)
    }
    return network.outputs.compactMap { name in
      values[name].map { computed.contains(name) ? $0 : Tolerance(magnitude: $0.magnitude, error: 0) }
    }
  }

  /// The bounds of each value.
  package static func all(
    of network: Network, inputs: [Tensor], convolutionFactor: Double = 1, storage: Double = 0
  ) throws(NetworkError) -> [String: Tolerance] {
    let types = try network.inferredTypes(inputs: inputs.map(\.shape))
    // Integers are stored as they are.
    func stored(_ value: Tolerance, _ name: String) -> Tolerance {
      types[name]?.element.integers == nil ? value.stored(storage) : value
    }
    var values: [String: Tolerance] = [:]
    for (input, tensor) in zip(network.inputs, inputs) {
      values[input.name] = stored(Tolerance(magnitude: tensor.largestMagnitude, error: 0), input.name)
    }
    for name in network.graph.readParameters.keys { values[name] = stored(constant(network.parameters[name]), name) }
    for node in network.nodes {
      let operands = node.inputs.compactMap { values[$0] }
      values[node.name] = stored(bound(node, network, types, operands, convolutionFactor, storage), node.name).known
    }
    return values
  }

  /// The bounds of a node's value, given those of what it reads; see `all`.
  package static func bound(
    _ node: Node, _ network: Network, _ types: [String: ValueType], _ operands: [Tolerance], _ factor: Double,
    _ storage: Double = 0
  ) -> Tolerance {
    reckoned(node, network, types, operands, factor, storage).known
  }

  private static func reckoned(
    _ node: Node, _ network: Network, _ types: [String: ValueType], _ operands: [Tolerance], _ factor: Double, _ storage: Double
  ) -> Tolerance {
    func largest(_ role: ParameterRole) -> Double { network.parameter(role, of: node)?.largestMagnitude ?? 0 }
    if case .constant = node.operation { return constant(network.parameter(.value, of: node)) }
    guard operands.count >= node.elementInputs.count, let x = operands.first else {
      return Tolerance(magnitude: .infinity, error: .infinity)
    }
    let first = node.inputs.first.flatMap { types[$0] }
    if let bound = ofIntegers(node, network, first, operands) { return bound }
    /// The numbers along some axes of the first operand.
    func count(_ axes: [Int]) -> Int {
      guard let shape = first?.shape else { return 1 }
      return axes.reduce(1) { $0 * ($1 < shape.rank ? shape[$1] : 1) }
    }
    switch node.operation {
    case .convolution(let payload):
      let products = payload.inChannels / payload.groups * payload.kernel.height * payload.kernel.width
      return x.summed(products, largest(.weight), bias: largest(.bias), factor, storage: storage)
        .finished(payload.epilogue, operands.dropFirst(), slope: largest(.slope))
    case .separableConvolution(let payload):
      func depthwise(_ x: Tolerance) -> Tolerance {
        x.summed(
          payload.kernel.height * payload.kernel.width, largest(.depthwiseWeight), bias: largest(.depthwiseBias), 1,
          storage: storage)
      }
      func pointwise(_ x: Tolerance) -> Tolerance {
        x.summed(payload.inChannels, largest(.pointwiseWeight), bias: largest(.pointwiseBias), 1, storage: storage)
      }
      let isDepthwiseFirst = payload.order == .depthwiseFirst
      var between = isDepthwiseFirst ? depthwise(x) : pointwise(x)
      if let middle = payload.middle { between = between.activated(middle, slope: largest(.middleSlope)) }
      between = between.stored(storage)
      return (isDepthwiseFirst ? pointwise(between) : depthwise(between))
        .finished(payload.epilogue, operands.dropFirst(), slope: largest(.slope))
    case .transposedConvolution(let payload):
      let products = payload.inChannels / payload.groups * payload.kernel.height * payload.kernel.width
      return x.summed(products, largest(.weight), bias: largest(.bias), factor, storage: storage)
        .finished(payload.epilogue, operands.dropFirst(), slope: largest(.slope))
    case .linear(let payload):
      return x.summed(payload.inFeatures, largest(.weight), bias: largest(.bias), 1, storage: storage)
    case .matrixMultiply:
      let products = first?.shape.extents.last ?? 1
      let carried = Double(products) * x.magnitude * operands[1].error
      var result = x.summed(products, operands[1].magnitude + operands[1].error, bias: 0, 1, hasOneSign: true)
      result.error += carried
      return result
    case .batchNorm(let payload):
      let variance = network.parameter(.runningVariance, of: node)?.floats.min() ?? 0
      let gain = largest(.weight) / (Double(variance) + Double(payload.epsilon)).squareRoot()
      // Folded to one factor and one shift a channel, which round too.
      return Tolerance(magnitude: x.magnitude + largest(.runningMean), error: x.error).summed(
        3, gain, bias: largest(.bias), 1)
    case .activation(let function): return x.activated(function, slope: largest(.slope))
    case .scale(let payload): return x.scaled(abs(Double(payload.factor)))
    case .channelAffine: return x.summed(1, largest(.scale), bias: largest(.shift), 1)
    case .add: return x.added(operands[1])
    case .binary(let function): return x.combined(operands[1], function)
    case .concatenation:
      return Tolerance(magnitude: operands.map(\.magnitude).max() ?? 0, error: operands.map(\.error).max() ?? 0)
    case .resize(let payload):
      switch payload.method {
      case .nearest: return x
      case .bilinear: return x.summed(4, 1, bias: 0, 1, gain: 1)
      // Keys' weights along an axis are those of a = 0, which are not below 0 and sum to 1, and a times others: each is at most 4/27 and
      // the magnitudes of all four sum to 2t(1 - t), at most 1/2.
      case .bicubic:
        let a = abs(Double(payload.cubicCoefficient)), largest = 1 + a * 4 / 27, sum = 1 + a / 2
        return x.summed(16, largest * largest, bias: 0, 1, gain: sum * sum)
      }
    case .averagePool(let pool): return x.summed(pool.kernel.height * pool.kernel.width, 1, bias: 0, 1, gain: 1)
    case .globalAveragePool: return x.summed(count([2, 3]), 1, bias: 0, 1, gain: 1)
    case .reduction(let payload): return x.reduced(payload.function, count: count(payload.axes))
    // As exact as what it compares, or another place.
    case .maximumIndex(let payload):
      let last = Double(count([payload.axis]) - 1)
      return Tolerance(magnitude: last, error: x.error == 0 ? 0 : last)
    case .normalization(let payload): return x.normalized(payload, count: max(count(payload.axes) / payload.groups, 1))
    // Taken care of above.
    case .constant: return x
    // An exponential passes on the absolute error of its argument, rounding of the difference included, as a relative one; by the
    // quotient rule at most half of it stays.
    case .softmax(let payload):
      return Tolerance(
        magnitude: 1, error: x.error + Self.epsilon * (4 * x.magnitude + Double(count([payload.axis])) + 16))
    case .pad(let payload):
      return Tolerance(magnitude: max(x.magnitude, abs(Double(payload.value))), error: x.error)
    case .pixelShuffle, .pixelUnshuffle, .maximumPool, .flatten, .slice, .reshape, .transpose, .expand: return x
    case .training(let operation):
      return trained(operation, node, network, types.mapValues(\.shape), operands, factor, storage)
    // Taken care of above.
    case .integer: return x
    }
  }

  /// The value after an epilogue.
  func finished(_ epilogue: Epilogue, _ extras: ArraySlice<Tolerance>, slope: Double) -> Tolerance {
    var value = self
    var extras = extras
    for step in epilogue.steps {
      switch step {
      case .activation(let function): value = value.activated(function, slope: slope)
      case .scale(let scale): value = value.scaled(abs(Double(scale)))
      case .add: value = value.added(extras.popFirst() ?? Tolerance(magnitude: .infinity, error: .infinity))
      case .pixelShuffle: break
      // Taken care of where the sums are.
      case .rescale, .requantize: break
      case .quantize(let payload): value = value.quantized(payload)
      }
    }
    return value
  }

  /// What is not known, as where nothing is multiplied by what has no bound, has no bound.
  private var known: Tolerance {
    Tolerance(magnitude: magnitude.isNaN ? .infinity : magnitude, error: error.isNaN ? .infinity : error, least: least)
  }

  /// The value rounded where it is stored.
  package func stored(_ storage: Double) -> Tolerance {
    // Nothing is rounded; of what has no bound it would be no number.
    if storage == 0 { return self }
    var result = self
    result.error += storage * (magnitude + error)
    return result
  }

  /// A sum of products with weights up to `weight`, rounded by `storage`; `gain` is the largest sum of their magnitudes. Where they
  /// may have one sign, partial sums grow and equal terms round the same way: then the theory's bound is allowed in full.
  private func summed(
    _ products: Int, _ weight: Double, bias: Double, _ factor: Double, gain: Double? = nil, storage: Double = 0,
    hasOneSign: Bool = false
  ) -> Tolerance {
    let gain = gain ?? Double(products) * weight
    let factor = hasOneSign ? factor * max(Double(products) / 4, 1) : factor
    let rounding = Self.epsilon * (Double(products + 1) * weight * magnitude + bias) * 2 * factor
    let weights = storage * gain * (magnitude + error)
    // Partial sums may overflow where the whole does not.
    let partial = gain * magnitude * (factor > 1 && !hasOneSign ? Self.transformGain : 1)
    let error = partial <= Self.largest ? gain * error + rounding + weights : .infinity
    return Tolerance(magnitude: gain * magnitude + bias, error: error)
  }

  private func scaled(_ factor: Double) -> Tolerance {
    Tolerance(magnitude: factor * magnitude, error: factor * error + Self.epsilon * factor * magnitude)
  }

  private func added(_ other: Tolerance) -> Tolerance {
    let magnitude = magnitude + other.magnitude
    return Tolerance(magnitude: magnitude, error: error + other.error + Self.epsilon * magnitude)
  }

  private func combined(_ other: Tolerance, _ function: BinaryFunction) -> Tolerance {
    switch function {
    case .add, .subtract: return added(other)
    case .minimum, .maximum:
      return Tolerance(magnitude: max(magnitude, other.magnitude), error: max(error, other.error))
    case .multiply:
      let product = magnitude * other.magnitude
      let carried = magnitude * other.error + other.magnitude * error + error * other.error
      return Tolerance(magnitude: product, error: carried + Self.epsilon * product)
    case .divide:
      // A divisor that may be 0: the result may be anything.
      guard other.least > other.error else { return Tolerance(magnitude: .infinity, error: .infinity) }
      let quotient = magnitude / other.least
      let carried = (error + quotient * other.error) / (other.least - other.error)
      // Division by an estimate of the reciprocal, refined, errs by a few ulps.
      return Tolerance(magnitude: quotient, error: carried + 4 * Self.epsilon * quotient)
    case .power:
      guard least > error else { return Tolerance(magnitude: .infinity, error: .infinity) }
      // |b log a|, and what the errors of both make of it.
      let logarithm = max(abs(log(least - error)), abs(log(magnitude + error)))
      let value = exp(min(other.magnitude * logarithm, 700))
      let carried = other.magnitude * error / (least - error) + logarithm * other.error
      return Tolerance(magnitude: value, error: value * (expm1(min(carried, 700)) + 8 * Self.epsilon))
    case .equal, .less, .lessOrEqual: return Tolerance(magnitude: 1, error: error + other.error == 0 ? 0 : 1)
    case .mask: return other.error == 0 ? self : Tolerance(magnitude: magnitude, error: error + magnitude)
    }
  }

  private func activated(_ function: ActivationFunction, slope: Double) -> Tolerance {
    switch function {
    case .relu: self
    case .leakyReLU(let slope): steepest(abs(Double(slope)))
    case .prelu: steepest(slope)
    case .clip(let minimum, let maximum):
      Tolerance(
        magnitude: max(abs(Double(minimum)), abs(Double(maximum))), error: error,
        least: max(Double(minimum), -Double(maximum), 0))
    // Float functions of good libraries err by a few ulps; polynomials of fast kernels by no more than 8.
    case .sigmoid: Tolerance(magnitude: 1, error: error / 4 + 8 * Self.epsilon)
    case .tanh: Tolerance(magnitude: 1, error: error + 8 * Self.epsilon)
    // Product and sum round relative to the line's value; of what the clip cuts off nothing is left.
    case .hardSigmoid(let alpha, let beta):
      Tolerance(
        magnitude: 1,
        error: abs(Double(alpha)) * error + 2 * Self.epsilon * (abs(Double(alpha)) * magnitude + abs(Double(beta))))
    // A factor within 0 and 1, of the functions' accuracy above, times x. The slopes are at most 1.5, 1.13, 1.13 and 1.1.
    case .hardSwish, .gelu, .geluTanh, .silu:
      Tolerance(magnitude: magnitude, error: 1.5 * error + 8 * Self.epsilon * max(magnitude, 1))
    case .softplus: Tolerance(magnitude: magnitude + 0.7, error: error + 8 * Self.epsilon * (magnitude + 1))
    case .elu(let alpha):
      Tolerance(
        magnitude: max(magnitude, abs(Double(alpha))),
        error: max(1, abs(Double(alpha))) * error + 8 * Self.epsilon * (abs(Double(alpha)) + magnitude))
    case .celu(let alpha):
      Tolerance(
        magnitude: max(magnitude, abs(Double(alpha))), error: error + 8 * Self.epsilon * (abs(Double(alpha)) + magnitude))
    // What jumps is as exact as its argument, or off by the jump.
    case .thresholdedReLU(let alpha): Tolerance(magnitude: magnitude, error: error == 0 ? 0 : error + abs(Double(alpha)))
    case .floor, .ceiling, .round: Tolerance(magnitude: magnitude + 1, error: error == 0 ? 0 : error + 1)
    case .sign: Tolerance(magnitude: 1, error: error == 0 ? 0 : 2)
    case .softsign: Tolerance(magnitude: 1, error: error + 4 * Self.epsilon)
    case .errorFunction: Tolerance(magnitude: 1, error: 1.13 * error + 8 * Self.epsilon)
    case .sine, .cosine: Tolerance(magnitude: 1, error: error + 4 * Self.epsilon)
    case .exponential: Self.exponential(self)
    case .logarithm:
      divided(Tolerance(magnitude: max(abs(log(least)), abs(log(magnitude))), error: 0), slope: 1)
    case .reciprocal: divided(Tolerance(magnitude: 1 / least, error: 0), slope: 1 / least)
    // |√a - √b| is at most √|a - b| near 0.
    case .squareRoot:
      Tolerance(
        magnitude: magnitude.squareRoot(),
        error: (least > error ? error / (least - error).squareRoot() : error.squareRoot())
          + 4 * Self.epsilon * magnitude.squareRoot())
    case .power(let exponent):
      divided(
        Tolerance(magnitude: max(pow(least, Double(exponent)), pow(magnitude, Double(exponent))), error: 0),
        slope: abs(Double(exponent)) * max(pow(least, Double(exponent)), pow(magnitude, Double(exponent))))
    }
  }

  static func exponential(_ x: Tolerance) -> Tolerance {
    Tolerance(magnitude: exp(x.magnitude), error: exp(x.magnitude) * (expm1(x.error) + 8 * Self.epsilon))
  }

  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

  /// A function of what is not near 0, whose derivative is at most `slope / x`.
  private func divided(_ value: Tolerance, slope: Double) -> Tolerance {
    guard least > error else { return Tolerance(magnitude: .infinity, error: .infinity) }
    return Tolerance(
      magnitude: value.magnitude,
      error: slope * error / (least - error) + 8 * Self.epsilon * (value.magnitude + 1))
  }

  /// Of a tensor that the network owns.
  package static func constant(_ tensor: Tensor?) -> Tolerance {
    let magnitudes = tensor?.numbers.map(abs) ?? []
    return Tolerance(magnitude: magnitudes.max() ?? 0, error: 0, least: magnitudes.min() ?? 0)
  }

  private func reduced(_ function: Reduction.Function, count: Int) -> Tolerance {
    switch function {
    case .mean: return summed(count, 1, bias: 0, 1, gain: 1)
    case .sum, .sumOfMagnitudes: return summed(count, 1, bias: 0, 1, hasOneSign: true)
    case .sumOfSquares:
      let squares = Tolerance(magnitude: magnitude * magnitude, error: (2 * magnitude + error) * error)
      return squares.summed(count, 1, bias: 0, 1, hasOneSign: true)
    case .product:
      let most = pow(max(magnitude, 1), Double(count))
      return Tolerance(magnitude: most, error: Double(count) * most * (error + Self.epsilon))
    case .maximum, .minimum: return self
    }
  }

  /// The variance may be 0; then the epsilon alone keeps errors down.
  private func normalized(_ payload: Normalization, count: Int) -> Tolerance {
    let mean = summed(count, 1, bias: 0, 1, gain: 1)
    let centred = payload.centres ? added(mean) : self
    let gain = 1 / max(Double(payload.epsilon), 1e-30).squareRoot()
    // The mean of squares errs by as many roundings as it has terms, which its root halves; the result is at most √count.
    let largest = Double(count).squareRoot()
    return Tolerance(magnitude: largest, error: 2 * gain * centred.error + largest * (Double(count) + 16) * Self.epsilon)
  }

  private func steepest(_ slope: Double) -> Tolerance {
    Tolerance(magnitude: max(1, slope) * magnitude, error: max(1, slope) * error + Self.epsilon * slope * magnitude)
  }
}

extension Tensor {
  /// The largest |x|, without bound where one is NaN.
  package var largestMagnitude: Double {
    guard dataType == .float32 else { return numbers.reduce(0) { $1.isNaN ? .infinity : max($0, abs($1)) } }
    return withUnsafeFloats { $0.reduce(0) { $1.isNaN ? .infinity : max($0, abs(Double($1))) } }
  }

  /// The least |x|; of a tensor without elements infinity.
  package var leastMagnitude: Double {
    guard dataType == .float32 else { return numbers.reduce(.infinity) { min($0, abs($1)) } }
    return withUnsafeFloats { $0.reduce(.infinity) { min($0, abs(Double($1))) } }
  }
}
