import CUDAKernels
import Execution
import Networks
import Tensors

/// Layers that sum products, and pools.
extension DevicePlanner {
  /// A convolution with the parameters that it owns, or one part of a separable one.
  struct Product {
    var form: DeviceLayer.Form
    var weight: ParameterRole
    var bias: ParameterRole?
    var epilogue: CanonicalEpilogue
    var slope = ParameterRole.slope
    /// The two parts that the form is the composition of.
    var composed: SeparableConvolution?
    /// Where integers are summed.
    var integers: IntegerProduct?
    /// The values that weight and bias are, where the node reads them, with a convolution of the weight as it is, where it is turned around.
    var weightValue: String?
    var biasValue: String?
    var turned: Convolution?
    /// Whether a kernel of 2x2 is one of 1x1, whose inputs are the four pixels.
    var isOfSquares = false
    /// The operand that the epilogue adds.
    var addedInput = 1

    func weightName(_ node: Node) -> String { weightValue ?? node.parameterName(weight) }
    func biasName(_ node: Node) -> String? { biasValue ?? bias.map(node.parameterName) }

    /// The weight as the form has it; nil where the network has none of that name.
    func weight(named name: String, of network: Network) -> Tensor? {
      guard let tensor = network.parameters[name] else { return nil }
      if isOfSquares { return Tensor([tensor.shape[0], tensor.shape[1] * 4, 1, 1], tensor.floats) }
      return turned?.weightTurnedAround(tensor) ?? tensor
    }
  }

  mutating func planConvolution(_ node: Node, _ payload: Convolution) throws(ExecutionError) {
    try planProduct(
      node,
      Product(
        form: .convolution(payload), weight: .weight, bias: payload.hasBias ? .bias : nil,
        epilogue: canonical(payload.epilogue),
        integers: integers(node, payload.epilogue)))
  }

  mutating func planTransposed(_ node: Node, _ payload: TransposedConvolution) throws(ExecutionError) {
    try planProduct(
      node,
      Product(
        form: .transposed(payload), weight: .weight, bias: payload.hasBias ? .bias : nil, epilogue: canonical(payload.epilogue),
        integers: integers(node, payload.epilogue)))
  }

  /// A layer of one pixel an image.
  mutating func planLinear(_ node: Node, _ payload: Linear) throws(ExecutionError) {
    let convolution = Convolution(
      inChannels: payload.inFeatures, outChannels: payload.outFeatures, kernel: 1, hasBias: payload.hasBias)
    try planProduct(
      node,
      Product(
        form: .convolution(convolution), weight: .weight, bias: payload.hasBias ? .bias : nil,
        epilogue: canonical(payload.epilogue), integers: integers(node, payload.epilogue)))
  }

  /// At once where a kernel does both parts and the estimate of that is not above those of one part after the other: a kernel that does
  /// both makes the depthwise part anew for every 64 output channels.
  mutating func planSeparable(_ node: Node, _ payload: SeparableConvolution) throws(ExecutionError) {
    let whole = Product(
      form: .separable(payload), weight: .pointwiseWeight, bias: nil, epilogue: canonical(payload.epilogue))
    if let middle = payload.middleRequantization { return try planSeparable(node, payload, between: middle) }
    if try plannedAsOneConvolution(node, payload) { return }
    let parts = payload.parts, roles = payload.linearParts
    func role(_ index: Int) -> ParameterRole? { roles[index].hasBias ? roles[index].biasRole : nil }
    guard let shape = try? parts.first.shapeBeforeShuffle(try shape(node.inputs[0])),
      let wholeInput = wholeShapes[node.inputs[0]], let wholeShape = try? parts.first.shapeBeforeShuffle(wholeInput)
    else { throw unknown(node.name) }
    let middleLayout = DeviceLayout(image: shape, precision.element), input = try value(node.inputs[0])
    var epilogue = CanonicalEpilogue()
    epilogue.before = payload.middle
    let first = Product(
      form: .convolution(parts.first.withoutEpilogue), weight: roles[0].weightRole, bias: role(0), epilogue: epilogue,
      slope: .middleSlope)
    let second = Product(
      form: .convolution(parts.second.withoutEpilogue), weight: roles[1].weightRole, bias: role(1),
      epilogue: canonical(payload.epilogue))
    let residual = try residual(of: node, whole), output = try output(node)
    let layer = DeviceLayer(
      form: first.form, input: layout(input), output: middleLayout, epilogue: first.epilogue, residual: nil, device: device,
      products: precision.products)
    let choice = self.choice(of: layer, input: wholeInput, output: wholeShape)
    let atOnce = self.layer(whole, from: input, to: output, adding: residual)
    if !isMade(node), let chosen = self.choice(of: atOnce, input: wholeInput, output: wholeShapes[node.name]) {
      var after = atOnce
      (after.form, after.input) = (second.form, middleLayout)
      let next = self.choice(of: after, input: wholeShape, output: wholeShapes[node.name])
      let apart = choice.flatMap { a in next.map { a.nanoseconds + $0.nanoseconds + DeviceLayer.launch } }
      if chosen.isPreferred || chosen.nanoseconds <= apart ?? .infinity {
        return try emit(node, whole, atOnce, chosen, from: input, to: output, adding: residual)
      }
    }
    let middle = program.add(middleLayout)
    try emit(node, first, layer, choice, from: input, to: middle, adding: nil)
    try planProduct(node, second, from: middle, wholeInput: wholeShape)
  }

  /// A separable convolution of a few planes as a dense one: more products, and far fewer bytes than what lies between has.
  private mutating func plannedAsOneConvolution(_ node: Node, _ payload: SeparableConvolution) throws(ExecutionError) -> Bool {
    let input = try value(node.inputs[0])
    guard layout(input).isPlanar, payload.isOneConvolution, !isMade(node) else { return false }
    let convolution = payload.asOneConvolution
    var product = Product(
      form: .convolution(convolution), weight: .pointwiseWeight, bias: nil, epilogue: canonical(payload.epilogue))
    product.composed = payload
    let residual = try residual(of: node, product), output = try self.output(node)
    let layer = self.layer(product, from: input, to: output, adding: residual)
    guard let choice = choice(of: layer, input: wholeShapes[node.inputs[0]], output: wholeShapes[node.name]),
      choice.kernel.family.isHead
    else { return false }
    try emit(node, product, layer, choice, from: input, to: output, adding: residual)
    return true
  }

  mutating func planPool(_ node: Node, _ form: DeviceLayer.Form) throws(ExecutionError) {
    let product = Product(form: form, weight: .weight, bias: nil, epilogue: CanonicalEpilogue())
    try planProduct(node, product)
  }

  /// Epilogues of other orders are refused before anything is planned.
  func canonical(_ epilogue: Epilogue) -> CanonicalEpilogue { CanonicalEpilogue(epilogue) ?? CanonicalEpilogue() }

  /// - Parameter target: what is written, that of the node unless given.
  mutating func planProduct(
    _ node: Node, _ product: Product, from given: Int? = nil, wholeInput: Shape? = nil, to target: Int? = nil
  ) throws(ExecutionError) {
    let input: Int
    if let given { input = given } else { input = try value(node.inputs[0]) }
    if let payload = product.epilogue.quantize {
      // Numbers, which another kernel makes integers of.
      var plain = product
      plain.epilogue.quantize = nil
      let numbers = program.add(DeviceLayout(image: try shape(node.name), precision.element))
      try planProduct(node, plain, from: input, wholeInput: wholeInput, to: numbers)
      return quantize(node, numbers, to: try output(node), payload)
    }
    if try planned(node, product, from: input, wholeInput: wholeInput, to: target) { return }
    // No kernel shuffles so: what is computed lies as it is, and moves.
    let factor = product.epilogue.shuffle
    guard factor > 1 else {
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: CUDAEngine.backendName, reason: "no kernel takes its size"
      )
    }
    var plain = product
    plain.epilogue.shuffle = 1
    let output = try self.target(target, node), final = layout(output).shape, element = layout(output).element
    let before = program.add(DeviceLayout(image: final.beforeShuffle(factor), element.isCode ? element : precision.element))
    let wholeFinal = wholeShapes[node.name] ?? final
    let residual = try residual(of: node, product)
    let layer = self.layer(plain, from: input, to: before, adding: residual)
    let choice = self.choice(
      of: layer, input: wholeInput ?? wholeShapes[node.inputs[0]], output: wholeFinal.beforeShuffle(factor))
    try emit(node, plain, layer, choice, from: input, to: before, adding: residual)
    try shuffle(node.name, before, to: output, PixelShuffle(factor: factor))
  }

  /// Plans the layer as one step; false where no kernel does that.
  private mutating func planned(
    _ node: Node, _ product: Product, from input: Int, wholeInput: Shape?, to target: Int?
  ) throws(ExecutionError) -> Bool {
    let residual = try residual(of: node, product), output = try self.target(target, node)
    let layer = self.layer(product, from: input, to: output, adding: residual)
    guard let choice = choice(of: layer, input: wholeInput ?? wholeShapes[node.inputs[0]], output: wholeShapes[node.name])
    else {
      return false
    }
    try emit(node, product, layer, choice, from: input, to: output, adding: residual)
    return true
  }

  /// What a layer writes: that value, else the node's.
  private mutating func target(_ given: Int?, _ node: Node) throws(ExecutionError) -> Int {
    if let given { given } else { try output(node) }
  }

  func residual(of node: Node, _ product: Product) throws(ExecutionError) -> Int? {
    product.epilogue.adds ? try value(node.inputs[product.addedInput]) : nil
  }

  private func layer(_ product: Product, from input: Int, to output: Int, adding residual: Int?) -> DeviceLayer {
    DeviceLayer(
      form: product.form, input: layout(input), output: layout(output), epilogue: product.epilogue,
      residual: residual.map { layout($0) }, device: device, products: precision.products)
  }

  /// What does a layer.
  struct Choice {
    var kernel: CUDAKernel
    /// Blocks that share the input channels of a tile.
    var splits: Int
    /// Of the image that the layer's is cut from, by estimate.
    var nanoseconds: Double
    /// Whether the engine was told to take it.
    var isPreferred: Bool
  }

  /// The kernel of the image that the layer's is cut from; it has to run the layer, too.
  func choice(of layer: DeviceLayer, input: Shape?, output: Shape?) -> Choice? {
    var whole = layer
    if let input = input.flatMap(DeviceLayout.image) { whole.input = layer.input.with(input) }
    if let output = output.flatMap(DeviceLayout.image) {
      whole.output = layer.output.with(output)
      whole.residual = layer.residual.map { $0.with(output) }
    }
    let told = preferred.first { whole.refusal(of: $0) == nil }
    guard let kernel = told ?? whole.chosen else { return nil }
    let splits = preferredSplits.flatMap { whole.allows($0, of: kernel) ? $0 : nil } ?? whole.splits(of: kernel)
    return Choice(
      kernel: kernel, splits: splits, nanoseconds: whole.nanoseconds(of: kernel, splits: splits), isPreferred: told != nil)
  }

  mutating func emit(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ choice: Choice?, from input: Int, to output: Int,
    adding residual: Int?
  ) throws(ExecutionError) {
    guard let choice else {
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: CUDAEngine.backendName, reason: "no kernel takes its size"
      )
    }
    let kernel = choice.kernel, start = program.steps.count
    // Behind what packs its weights.
    defer {
      if let index = program.steps[start...].firstIndex(where: { $0.kernel == kernel }) { weighed[index] = layer }
    }
    switch kernel.family {
    case .dense, .denseFloat, .denseHopper, .denseWide, .denseWideFloat, .pointwiseHopper, .separable, .separableFloat,
      .separableBlock,
      .selection, .head,
      .headFloat, .tail:
      try emitTiled(node, product, layer, choice, from: input, to: output, adding: residual)
    case .depthwise, .pointwisePlanes, .linear:
      try emitUntiled(node, product, layer, kernel, from: input, to: output, adding: residual)
    case .direct, .tiled:
      try emitDirect(node, product, layer, kernel, from: input, to: output, adding: residual)
    case .denseIntegers, .depthwiseIntegers:
      emitIntegers(node, product, layer, kernel, from: input, to: output, adding: residual)
    case .directIntegers: try emitDirectIntegers(node, product, layer, from: input, to: output, adding: residual)
    case .maximumPool, .meanOfPixels, .windows, .meanOfIntegers: emitPool(node, layer, kernel, from: input, to: output)
    case .elementByElement, .move, .resample, .sumParts, .reduce, .normalize, .multiplyMatrices, .integers, .training,
      .samplesToPlanes, .planesToSamples, .weightGradientTiles:
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: CUDAEngine.backendName,
        reason: "\(kernel.name) sums nothing")
    }
  }
}

extension Shape {
  /// Of what a pixel shuffle makes this shape of.
  fileprivate func beforeShuffle(_ factor: Int) -> Shape {
    Shape(batch: batch, channels: channels * factor * factor, height: height / factor, width: width / factor)
  }
}

extension Convolution {
  var withoutEpilogue: Convolution {
    var result = self
    result.epilogue = Epilogue()
    return result
  }
}

extension DeviceLayout {
  /// The same for another image of as many channels.
  func with(_ image: Shape) -> DeviceLayout {
    var result = isPlanar ? DeviceLayout(planesOf: image, element) : DeviceLayout(image: image, element)
    result.pixelStride = pixelStride
    return result
  }
}
