import Networks
import Tensors

extension Differentiation {
  /// Adds what the gradient of a node's value makes of those of its operands and parameters: one rule for each operation.
  mutating func addGradients(of node: Node, from g: String) throws(DifferentiationError) {
    let inputs = node.inputs
    func refusal(_ reason: String) -> DifferentiationError {
      .notDifferentiable(node: node.name, operation: node.operation.typeName, reason: reason)
    }
    if let epilogue = node.operation.epilogue, !epilogue.isEmpty { throw refusal("an epilogue is fused into it") }
    switch node.operation {
    case .convolution(let payload): try addConvolution(node, payload, g)
    case .separableConvolution: throw refusal("two convolutions are fused in it")
    case .transposedConvolution(let payload):
      if payload.outputPadding.height >= payload.stride.height || payload.outputPadding.width >= payload.stride.width {
        throw refusal("its output padding \(payload.outputPadding) is not smaller than its stride \(payload.stride)")
      }
      try addTransposedConvolution(node, payload, g)
    case .linear(let payload): try addLinear(node, payload, g)
    case .batchNorm(let payload): try addBatchNorm(node, payload, g)
    case .activation(let function): try addActivation(node, function, g)
    case .scale(let payload):
      try contribute(to: inputs[0]) {
        let gradient = $0.step(node, "input", .scale(payload), [g])
        $0.unscaled[gradient] = ScaledGradient(value: g, factor: payload)
        return gradient
      }
    case .channelAffine: try addChannelAffine(node, g)
    case .add: for input in inputs { try contribute(to: input) { _ in g } }
    case .binary(let function): try addBinary(node, function, g)
    case .matrixMultiply: try addMatrixMultiply(node, g)
    case .concatenation(let payload): try addConcatenation(node, payload, g)
    case .pixelShuffle(let payload):
      let inverse = PixelUnshuffle(factor: payload.factor, order: payload.order)
      try contribute(to: inputs[0]) { $0.step(node, "input", .pixelUnshuffle(inverse), [g]) }
    case .pixelUnshuffle(let payload):
      let inverse = PixelShuffle(factor: payload.factor, order: payload.order)
      try contribute(to: inputs[0]) { $0.step(node, "input", .pixelShuffle(inverse), [g]) }
    case .maximumPool(let pool):
      let gradient = TrainingOperation.maximumPoolGradient(MaximumPoolGradient(pool))
      try contribute(to: inputs[0]) { $0.step(node, "input", .training(gradient), [g, inputs[0]]) }
    case .averagePool, .globalAveragePool, .slice, .pad, .resize, .flatten, .reshape, .expand: try addAdjoint(node, g)
    case .reduction(let payload): try addReduction(node, payload, g)
    case .softmax(let payload): try addSoftmax(node, payload, g)
    case .transpose(let payload):
      let inverse = payload.permutation.indices.map { axis in payload.permutation.firstIndex(of: axis) ?? axis }
      try contribute(to: inputs[0]) { $0.step(node, "input", .transpose(Transpose(inverse)), [g]) }
    case .normalization(let payload): try addNormalization(node, payload, g)
    // A place does not change with what it is the place of, but for where it jumps.
    case .maximumIndex, .constant: break
    case .integer:
      throw .notDifferentiable(node: node.name, operation: node.operation.typeName, reason: "it is of integers")
    case .training(let operation): try addTraining(node, operation, g)
    }
  }

  /// A node of the gradient of another.
  mutating func step(_ node: Node, _ name: String, _ operation: Operation, _ inputs: [String]) -> String {
    add("\(node.name).gradient.\(name)", operation, inputs)
  }

  mutating func binary(_ node: Node, _ name: String, _ function: BinaryFunction, _ a: String, _ b: String) -> String {
    step(node, name, .binary(function), [a, b])
  }

  // MARK: Layers

  private mutating func addConvolution(_ node: Node, _ payload: Convolution, _ g: String) throws(DifferentiationError) {
    let x = node.inputs[0], weight = node.parameterName(.weight)
    // A factor of all pixels is one of what they come to, which is less, or rides on the store.
    let plain = unscaled[g]?.value ?? g, factor = unscaled[g]?.factor
    try contribute(to: x) {
      let product = $0.step(
        node, "input", .product(.inputGradient, payload),
        [plain, weight, payload.keepsSize ? plain : $0.valueOfSize(of: x)])
      let gradient = $0.scaled(node, product, factor)
      if payload.isPointwise {
        // The sum over the pixels is a product of the weight and that of g.
        if $0.balanced.contains(plain) { $0.balanced.insert(gradient) }
        if payload.keepsSize {
          $0.products[gradient] = PointwiseGradient(value: plain, weight: weight, payload: payload, factor: factor)
        }
      }
      return gradient
    }
    try contribute(to: weight) {
      let product = $0.step(
        node, "weight", .product(.weightGradient, payload), [$0.computedAgain(x, for: payload), plain])
      return $0.scaled(node, product, factor)
    }
    if payload.hasBias { try addBias(node, plain, factor) }
  }

  private mutating func scaled(_ node: Node, _ value: String, _ factor: Scale?) -> String {
    factor.map { step(node, "scaled", .scale($0), [value]) } ?? value
  }

  /// What has the height and width of a value, and is not the middle of a separable convolution, which is joined where nothing else reads that.
  private func valueOfSize(of value: String) -> String {
    guard let node = network.nodes.first(where: { $0.name == value }), case .convolution(let payload) = node.operation,
      payload.keepsSize
    else { return value }
    return valueOfSize(of: node.inputs[0])
  }

  /// The operand of a convolution, computed again where that takes less time than to keep it until here: the middle of a separable convolution, by
  /// few products from what is kept for the gradient of another weight.
  private mutating func computedAgain(_ value: String, for reader: Convolution) -> String {
    if let again = recomputed[value] { return again }
    guard let node = network.nodes.first(where: { $0.name == value }), case .convolution(let payload) = node.operation,
      payload.epilogue.isEmpty, isNeeded(node.parameterName(.weight))
    else { return value }
    let isMiddle = payload.isPointwise && reader.isDepthwise || payload.isDepthwise && reader.isPointwise
    let products = payload.inChannels / payload.groups * payload.kernel.height * payload.kernel.width
    guard isMiddle, products <= Self.mostProductsAgain else { return value }
    let parameters = [node.parameterName(.weight)] + (payload.hasBias ? [node.parameterName(.bias)] : [])
    let again = step(
      node, "again", .product(.output, payload), [computedAgain(node.inputs[0], for: payload)] + parameters)
    recomputed[value] = again
    return again
  }

  /// Products of an element that take about as long as to write it to memory and to read it again.
  private static let mostProductsAgain = 32

  /// The sum of the gradient over all pixels of a channel; 0 before a batch normalization, which takes the mean off again.
  private mutating func addBias(_ node: Node, _ g: String, _ factor: Scale? = nil) throws(DifferentiationError) {
    let bias = node.parameterName(.bias)
    if factor == nil, !balanced.contains(g), isNeeded(bias), let product = products[g], sums[product.value] != nil {
      return biasesOfProducts.append((node, product))
    }
    try contribute(to: bias) {
      if $0.balanced.contains(g), let shape = $0.network.parameters[bias]?.shape {
        return $0.constant(Tensor(zeros: shape), "\(node.name).gradient.bias")
      }
      let sum = $0.step(node, "bias", .training(.channelSum), [g])
      $0.sums[g] = sum
      return $0.scaled(node, sum, factor)
    }
  }

  /// The gradients of biases before 1x1 convolutions that have biases, too: of a gradient that is a product of all pixels, the sum over the pixels is
  /// that product of the sum, an image of one pixel. Behind all others, so that nothing stands between steps that go on row by row.
  mutating func addBiasesOfProducts() throws(DifferentiationError) {
    for (node, product) in biasesOfProducts {
      guard let sum = sums[product.value] else { continue }
      let channels = product.payload.inChannels
      try contribute(to: node.parameterName(.bias)) {
        let pixel = $0.step(node, "biasPixel", .reshape(Reshape([1, product.payload.outChannels, 1, 1])), [sum])
        let gradient = TrainingOperation.convolutionProduct(
          ConvolutionProduct(.inputGradient, of: product.payload, size: Pair(1)))
        let moved = $0.step(node, "biasPixel", .training(gradient), [pixel, product.weight])
        return $0.step(node, "bias", .reshape(Reshape([channels])), [$0.scaled(node, moved, product.factor)])
      }
    }
  }

  /// The adjoint of a convolution from its output's channels to its input's, with the same weight.
  private mutating func addTransposedConvolution(
    _ node: Node, _ payload: TransposedConvolution, _ g: String
  ) throws(DifferentiationError) {
    let x = node.inputs[0], weight = node.parameterName(.weight)
    let convolution = Convolution(
      inChannels: payload.outChannels, outChannels: payload.inChannels, kernel: payload.kernel, stride: payload.stride,
      padding: payload.padding, dilation: payload.dilation, groups: payload.groups, hasBias: false)
    try contribute(to: x) { $0.step(node, "input", .product(.output, convolution), [g, weight]) }
    try contribute(to: weight) { $0.step(node, "weight", .product(.weightGradient, convolution), [g, x]) }
    if payload.hasBias { try addBias(node, g) }
  }

  private mutating func addLinear(_ node: Node, _ payload: Linear, _ g: String) throws(DifferentiationError) {
    let x = node.inputs[0], weight = node.parameterName(.weight)
    try contribute(to: x) { $0.step(node, "input", .matrixMultiply, [g, weight]) }
    try contribute(to: weight) {
      let transposed = $0.step(node, "transposed", .transpose(Transpose([1, 0])), [g])
      return $0.step(node, "weight", .matrixMultiply, [transposed, x])
    }
    if payload.hasBias { try addBias(node, g) }
  }

  /// By running statistics, which stay: an affine function of each channel.
  private mutating func addBatchNorm(_ node: Node, _ payload: BatchNorm, _ g: String) throws(DifferentiationError) {
    let x = node.inputs[0], weight = node.parameterName(.weight)
    guard isNeeded(x) || isNeeded(weight) || isNeeded(node.parameterName(.bias)) else { return }
    let epsilon = number(payload.epsilon, rank: 1, "\(node.name).gradient.epsilon")
    let variance = binary(node, "variance", .add, node.parameterName(.runningVariance), epsilon)
    let deviation = step(node, "deviation", .activation(.power(exponent: -0.5)), [variance])
    try contribute(to: x) {
      let factor = $0.binary(node, "factor", .multiply, weight, deviation)
      return $0.step(node, "input", .training(.channelProduct), [g, factor])
    }
    try contribute(to: weight) {
      let product = $0.binary(node, "product", .multiply, g, x)
      let sum = $0.step(node, "productSum", .training(.channelSum), [product])
      let total = $0.step(node, "sum", .training(.channelSum), [g])
      let ofMean = $0.binary(node, "meanSum", .multiply, total, node.parameterName(.runningMean))
      let centred = $0.binary(node, "centred", .subtract, sum, ofMean)
      return $0.binary(node, "weight", .multiply, centred, deviation)
    }
    try addBias(node, g)
  }

  private mutating func addChannelAffine(_ node: Node, _ g: String) throws(DifferentiationError) {
    let x = node.inputs[0], scale = node.parameterName(.scale)
    try contribute(to: x) { $0.step(node, "input", .training(.channelProduct), [g, scale]) }
    try contribute(to: scale) {
      let product = $0.binary(node, "product", .multiply, g, x)
      return $0.step(node, "scale", .training(.channelSum), [product])
    }
    try contribute(to: node.parameterName(.shift)) { $0.step(node, "shift", .training(.channelSum), [g]) }
  }

  // MARK: Functions

  private mutating func addActivation(
    _ node: Node, _ function: ActivationFunction, _ g: String
  ) throws(DifferentiationError) {
    let x = node.inputs[0]
    switch function {
    case .floor, .ceiling, .round, .sign: return
    case .prelu(let channels):
      let slope = node.parameterName(.slope)
      try contribute(to: x) {
        $0.step(node, "input", .training(.activationGradient(ActivationGradient(function))), [g, x, slope])
      }
      try contribute(to: slope) {
        let negative = ActivationFunction.clip(minimum: -.greatestFiniteMagnitude, maximum: 0)
        let below = $0.step(node, "below", .activation(negative), [x])
        let product = $0.binary(node, "product", .multiply, g, below)
        if channels != 1 { return $0.step(node, "slope", .training(.channelSum), [product]) }
        let axes = Array(0..<($0.shapes[x]?.rank ?? 4))
        let sum = $0.step(node, "sum", .reduction(Reduction(.sum, axes: axes)), [product])
        return $0.step(node, "slope", .training(.adjoint(Adjoint(.reshape))), [sum, slope])
      }
    case .relu, .leakyReLU, .clip, .sigmoid, .tanh, .hardSigmoid, .hardSwish, .gelu, .geluTanh, .silu, .softplus, .elu, .celu,
      .thresholdedReLU, .softsign, .errorFunction, .exponential, .logarithm, .squareRoot, .reciprocal, .power, .sine, .cosine:
      try contribute(to: x) {
        // The output is kept anyway by those that read it.
        let argument = function.gradientFollowsOutput ? node.name : x
        return $0.step(node, "input", .training(.activationGradient(ActivationGradient(function))), [g, argument])
      }
    }
  }

  private mutating func addSoftmax(_ node: Node, _ payload: Softmax, _ g: String) throws(DifferentiationError) {
    try contribute(to: node.inputs[0]) {
      let product = $0.binary(node, "product", .multiply, g, node.name)
      let sum = $0.step(node, "sum", .reduction(Reduction(.sum, axes: [payload.axis])), [product])
      return $0.binary(node, "input", .multiply, $0.binary(node, "centred", .subtract, g, sum), node.name)
    }
  }

  /// The gradient of an operand that was repeated to fit the other: summed over what it was repeated for.
  private mutating func repeated(_ node: Node, _ part: String, to operand: String) -> String {
    if shapes[operand] == shapes[node.name] { return part }
    return step(node, "repeated", .training(.adjoint(Adjoint(.repetition))), [part, operand])
  }

  private mutating func addBinary(_ node: Node, _ function: BinaryFunction, _ g: String) throws(DifferentiationError) {
    let a = node.inputs[0], b = node.inputs[1]
    func ofBoth(
      _ this: inout Differentiation, _ first: (inout Differentiation) -> String, _ second: (inout Differentiation) -> String
    ) throws(DifferentiationError) {
      try this.contribute(to: a) { $0.repeated(node, first(&$0), to: a) }
      try this.contribute(to: b) { $0.repeated(node, second(&$0), to: b) }
    }
    func negative(_ this: inout Differentiation, _ value: String) -> String {
      this.step(node, "negative", .scale(Scale(factor: -1)), [value])
    }
    switch function {
    case .add: try ofBoth(&self, { _ in g }, { _ in g })
    case .subtract: try ofBoth(&self, { _ in g }, { negative(&$0, g) })
    case .multiply:
      try ofBoth(&self, { $0.binary(node, "first", .multiply, g, b) }, { $0.binary(node, "second", .multiply, g, a) })
    case .divide:
      try ofBoth(
        &self, { $0.binary(node, "first", .divide, g, b) },
        {
          let product = $0.binary(node, "product", .multiply, g, node.name)
          return negative(&$0, $0.binary(node, "second", .divide, product, b))
        })
    case .minimum: try ofBoth(&self, { $0.share(node, g, a, before: b) }, { $0.share(node, g, b, before: a) })
    case .maximum: try ofBoth(&self, { $0.share(node, g, b, before: a) }, { $0.share(node, g, a, before: b) })
    case .power:
      let rank = shapes[b]?.rank ?? 4
      try ofBoth(
        &self,
        {
          let minusOne = $0.number(-1, rank: rank, "\(node.name).gradient.minusOne")
          let exponent = $0.binary(node, "exponent", .add, b, minusOne)
          let slope = $0.binary(node, "slope", .multiply, $0.binary(node, "power", .power, a, exponent), b)
          return $0.binary(node, "first", .multiply, g, slope)
        },
        {
          let logarithm = $0.step(node, "logarithm", .activation(.logarithm), [a])
          let slope = $0.binary(node, "second", .multiply, $0.binary(node, "product", .multiply, g, node.name), logarithm)
          // 0 to any power stays 0.
          return $0.binary(node, "masked", .mask, slope, a)
        })
    case .mask: try contribute(to: a) { $0.repeated(node, $0.binary(node, "first", .mask, g, b), to: a) }
    case .equal, .less, .lessOrEqual: break
    }
  }

  /// The gradient where the one is smaller, half of it where both are equal.
  private mutating func share(_ node: Node, _ g: String, _ smaller: String, before larger: String) -> String {
    let less = binary(node, "less", .less, smaller, larger)
    let notMore = binary(node, "notMore", .lessOrEqual, smaller, larger)
    let twice = binary(node, "twice", .add, less, notMore)
    return binary(node, "share", .multiply, g, step(node, "factor", .scale(Scale(factor: 0.5)), [twice]))
  }

  private mutating func addMatrixMultiply(_ node: Node, _ g: String) throws(DifferentiationError) {
    let a = node.inputs[0], b = node.inputs[1], rank = shapes[a]?.rank ?? 2
    let swapped = Transpose(Array(0..<rank - 2) + [rank - 1, rank - 2])
    func fitted(_ this: inout Differentiation, _ part: String, to operand: String) -> String {
      let isWhole = this.shapes[a]?.extents.dropLast(2) == this.shapes[b]?.extents.dropLast(2)
      return isWhole ? part : this.step(node, "repeated", .training(.adjoint(Adjoint(.repetition))), [part, operand])
    }
    try contribute(to: a) {
      let transposed = $0.step(node, "transposedSecond", .transpose(swapped), [b])
      return fitted(&$0, $0.step(node, "first", .matrixMultiply, [g, transposed]), to: a)
    }
    try contribute(to: b) {
      let transposed = $0.step(node, "transposedFirst", .transpose(swapped), [a])
      return fitted(&$0, $0.step(node, "second", .matrixMultiply, [transposed, g]), to: b)
    }
  }

  // MARK: What moves elements

  private mutating func addConcatenation(
    _ node: Node, _ payload: Concatenation, _ g: String
  ) throws(DifferentiationError) {
    // Operand 0 of the slice is the gradient.
    var start: SizeExpression = 0
    for (index, input) in node.inputs.enumerated() {
      let extent: SizeExpression = .extent(operand: index + 1, axis: payload.axis)
      let end = index == 0 ? extent : start + extent
      let span = Slice.Span(axis: payload.axis, from: start, to: end)
      try contribute(to: input) {
        $0.step(node, "input", .slice(Slice([span])), [g] + node.inputs.prefix(index + 1))
      }
      start = end
    }
  }

  private mutating func addAdjoint(_ node: Node, _ g: String) throws(DifferentiationError) {
    guard let map = Adjoint.Map(node.operation) else {
      throw .notDifferentiable(node: node.name, operation: node.operation.typeName, reason: "it is not linear")
    }
    // Extents that the shape of the output follows from do not matter to what follows from shapes alone.
    let operands = map.operation == nil ? [node.inputs[0]] : node.inputs
    try contribute(to: node.inputs[0]) { $0.step(node, "input", .training(.adjoint(Adjoint(map))), [g] + operands) }
  }

  private mutating func addReduction(_ node: Node, _ payload: Reduction, _ g: String) throws(DifferentiationError) {
    let x = node.inputs[0]
    func spread(_ this: inout Differentiation, _ value: String) -> String {
      var sum = payload
      sum.function = .sum
      return this.step(node, "spread", .training(.adjoint(Adjoint(.reduction(sum)))), [value, x])
    }
    switch payload.function {
    case .mean, .sum: try addAdjoint(node, g)
    case .sumOfMagnitudes:
      try contribute(to: x) {
        let sign = $0.step(node, "sign", .activation(.sign), [x])
        return $0.binary(node, "input", .multiply, spread(&$0, g), sign)
      }
    case .sumOfSquares:
      try contribute(to: x) {
        $0.binary(node, "input", .multiply, spread(&$0, g), $0.step(node, "twice", .scale(Scale(factor: 2)), [x]))
      }
    // NaN where an element is 0.
    case .product:
      try contribute(to: x) {
        let product = $0.binary(node, "product", .multiply, spread(&$0, g), spread(&$0, node.name))
        return $0.binary(node, "input", .divide, product, x)
      }
    // Those that are as large share it, as in `torch.amax`.
    case .maximum, .minimum:
      try contribute(to: x) {
        let equal = $0.binary(node, "equal", .equal, x, spread(&$0, node.name))
        var count = payload
        count.function = .sum
        let number = $0.step(node, "count", .reduction(count), [equal])
        let share = $0.binary(node, "share", .divide, g, number)
        return $0.binary(node, "input", .multiply, equal, spread(&$0, share))
      }
    }
  }

  /// `(g - mean g - y · mean (g · y)) / √(σ² + ε)`, the means as those of the normalisation.
  private mutating func addNormalization(
    _ node: Node, _ payload: Normalization, _ g: String
  ) throws(DifferentiationError) {
    let x = node.inputs[0]
    guard isNeeded(x), let shape = shapes[x] else { return }
    var axes = payload.axes
    /// Channels in groups as an axis more.
    func split(_ this: inout Differentiation, _ value: String) -> String {
      guard payload.groups > 1 else { return value }
      var extents: [SizeExpression] = [0, SizeExpression(payload.groups), SizeExpression(shape[1] / payload.groups)]
      for axis in 2..<max(shape.rank, 2) { extents.append(.extent(operand: 0, axis: axis)) }
      return this.step(node, "split", .reshape(Reshape(extents)), [value])
    }
    if payload.groups > 1 { axes = axes.map { $0 + 1 } }
    func mean(_ this: inout Differentiation, _ value: String) -> String {
      this.step(node, "mean", .reduction(Reduction(.mean, axes: axes)), [value])
    }
    try contribute(to: x) {
      let gradient = split(&$0, g), output = split(&$0, node.name)
      var centred = split(&$0, x), inner = gradient
      if payload.centres {
        centred = $0.binary(node, "centred", .subtract, centred, mean(&$0, centred))
        inner = $0.binary(node, "inner", .subtract, inner, mean(&$0, gradient))
      }
      let projection = mean(&$0, $0.binary(node, "product", .multiply, gradient, output))
      inner = $0.binary(node, "inner", .subtract, inner, $0.binary(node, "along", .multiply, output, projection))
      let variance = mean(&$0, $0.binary(node, "square", .multiply, centred, centred))
      let rank = shape.rank + (payload.groups > 1 ? 1 : 0)
      let epsilon = $0.number(payload.epsilon, rank: rank, "\(node.name).gradient.epsilon")
      let sum = $0.binary(node, "variance", .add, variance, epsilon)
      let factor = $0.step(node, "factor", .activation(.power(exponent: -0.5)), [sum])
      let result = $0.binary(node, "input", .multiply, inner, factor)
      return payload.groups > 1 ? $0.step(node, "joined", .training(.adjoint(Adjoint(.reshape))), [result, x]) : result
    }
  }

  // MARK: Training

  private mutating func addTraining(
    _ node: Node, _ operation: TrainingOperation, _ g: String
  ) throws(DifferentiationError) {
    let inputs = node.inputs
    switch operation {
    case .convolutionProduct(let payload):
      let convolution = payload.convolution
      switch payload.result {
      case .output:
        try contribute(to: inputs[0]) {
          $0.step(node, "input", .product(.inputGradient, convolution), [g, inputs[1], inputs[0]])
        }
        try contribute(to: inputs[1]) { $0.step(node, "weight", .product(.weightGradient, convolution), [inputs[0], g]) }
        if convolution.hasBias { try contribute(to: inputs[2]) { $0.step(node, "bias", .training(.channelSum), [g]) } }
      case .inputGradient:
        try contribute(to: inputs[0]) { $0.step(node, "output", .product(.output, convolution), [g, inputs[1]]) }
        try contribute(to: inputs[1]) { $0.step(node, "weight", .product(.weightGradient, convolution), [g, inputs[0]]) }
      case .weightGradient:
        try contribute(to: inputs[0]) {
          $0.step(node, "input", .product(.inputGradient, convolution), [inputs[1], g, inputs[0]])
        }
        try contribute(to: inputs[1]) { $0.step(node, "output", .product(.output, convolution), [inputs[0], g]) }
      }
    case .channelProduct:
      try contribute(to: inputs[0]) { $0.step(node, "input", .training(.channelProduct), [g, inputs[1]]) }
      try contribute(to: inputs[1]) {
        let product = $0.binary(node, "product", .multiply, g, inputs[0])
        return $0.step(node, "factor", .training(.channelSum), [product])
      }
    case .fakeQuantize(let payload):
      // Straight through what rounds.
      let gradient = ActivationGradient(payload.clip)
      try contribute(to: inputs[0]) { $0.step(node, "input", .training(.activationGradient(gradient)), [g, inputs[0]]) }
    case .dropout(let payload):
      try contribute(to: inputs[0]) { $0.step(node, "input", .training(.dropout(payload)), [g, inputs[1]]) }
    case .batchNormalization(let payload) where payload.part == .output: try addBatchNormalization(node, payload, g)
    case .batchNormalization, .activationGradient, .maximumPoolGradient, .adjoint, .channelSum, .movingAverage, .parameterStep:
      throw .notDifferentiable(
        node: node.name, operation: node.operation.typeName, reason: "it is part of a gradient already")
    }
  }

  /// With what the input does to the moments: nothing else may follow from these.
  private mutating func addBatchNormalization(
    _ node: Node, _ payload: BatchNormalization, _ g: String
  ) throws(DifferentiationError) {
    let x = node.inputs[0], moments = node.inputs[1], weight = node.parameterName(.weight)
    let bias = node.parameterName(.bias)
    guard isNeeded(x) || isNeeded(weight) || isNeeded(bias) else { return }
    func part(_ part: BatchNormalization.Part) -> Operation {
      var payload = payload
      payload.part = part
      return .training(.batchNormalization(payload))
    }
    let sums = step(node, "sums", part(.gradientSums), [g, x, moments])
    func row(_ this: inout Differentiation, _ row: Int, _ name: String, _ like: String) -> String {
      let slice = this.step(node, "row", .slice(Slice([Slice.Span(axis: 0, start: row, end: row + 1)])), [sums])
      return this.step(node, name, .reshape(Reshape([payload.channels])), [slice])
    }
    try contribute(to: weight) { row(&$0, 1, "weight", weight) }
    try contribute(to: bias) { row(&$0, 0, "bias", bias) }
    // Behind them, so that nothing stands between it and what goes on from it row by row.
    try contribute(to: x) {
      let gradient = $0.step(node, "input", part(.inputGradient), [g, x, moments, sums, weight])
      $0.balanced.insert(gradient)
      return gradient
    }
  }
}

extension Operation {
  fileprivate static func product(_ result: ConvolutionProduct.Result, _ convolution: Convolution) -> Operation {
    .training(.convolutionProduct(ConvolutionProduct(result, of: convolution)))
  }
}

extension Convolution {
  /// Whether images keep their height and width.
  fileprivate var keepsSize: Bool {
    stride == Pair(1) && padding.top + padding.bottom == dilation.height * (kernel.height - 1)
      && padding.left + padding.right == dilation.width * (kernel.width - 1) && epilogue.pixelShuffleFactor == 1
  }

  fileprivate var isPointwise: Bool { groups == 1 && kernel == Pair(1) && padding == Padding(0) }
  fileprivate var isDepthwise: Bool { groups > 1 && groups == inChannels && groups == outChannels }
}
