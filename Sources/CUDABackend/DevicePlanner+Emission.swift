import CUDAKernels
import Execution
import Networks
import Tensors

/// The steps of layers: arguments, grids and packed weights.
extension DevicePlanner {
  /// A kernel of tiles of 64 output channels, or of all planes; where blocks share the input channels of a tile another one follows, which
  /// adds what they leave and ends the layer.
  mutating func emitTiled(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ choice: Choice, from input: Int, to output: Int,
    adding residual: Int?
  ) throws(ExecutionError) {
    let to = layer.output, from = layer.input, computed = layer.computed, kernel = choice.kernel, splits = choice.splits
    let isTail = to.isPlanar
    let isSpread: Bool
    if case .transposed = product.form { isSpread = true } else { isSpread = false }
    // Four runs of groups of 64 channels where pixels are shuffled, or spread.
    let isShuffled = isSpread || layer.epilogue.shuffle == 2
    let groups = isTail ? 1 : (isShuffled ? 4 : 1) * to.groupCount
    let weights = try constant(packedWeights(node, product, layer, kernel, groups: groups, isShuffled: isShuffled))
    let bias = try constant(packedBias(node, product, layer, kernel, groups: groups, isShuffled: isShuffled))
    let across = computed.width.ceilingDivided(by: kernel.tileWidth),
      down = computed.height.ceilingDivided(by: kernel.tileHeight)
    let images = to.shape.batch, epilogue = layer.epilogue
    let unit = from.element == .float32 ? 8 : 16
    let inputChannels = from.isPlanar ? from.shape.channels : from.shape.channels.ceilingDivided(by: unit) * unit
    let grid: LaunchGrid
    if case .denseHopper = kernel.family {
      // Blocks stay: four tiles at a time each, one block a multiprocessor for each group.
      let most = (across * down * images).ceilingDivided(by: 4)
      grid = LaunchGrid(x: min(most, max(device.multiprocessorCount / groups, 1)), y: groups, z: 1)
    } else if case .pointwiseHopper = kernel.family {
      // Runs of pixels, those of all images one behind the other.
      let runs = (computed.height * computed.width * images).ceilingDivided(by: kernel.tileWidth)
      grid = LaunchGrid(x: runs * groups / kernel.groupsPerBlock, y: splits)
    } else {
      grid = LaunchGrid(x: across, y: down, z: images * groups / kernel.groupsPerBlock * splits)
    }
    // What is the same for the kernel and for the one that adds.
    var common = ConvolutionArguments()
    (common.height, common.width) = (Int32(from.shape.height), Int32(from.shape.width))
    (common.outputHeight, common.outputWidth) = (Int32(computed.height), Int32(computed.width))
    (common.inputChannels, common.inputStride) = (Int32(inputChannels), Int32(from.pixelStride))
    (common.outputChannels, common.outputStride) = (Int32(isTail ? to.shape.channels : to.lanes), Int32(to.pixelStride))
    (common.groups, common.shuffle, common.splits) = (Int32(groups), isShuffled ? 2 : 1, Int32(splits))
    (common.tilesAcross, common.tilesDown, common.images) = (Int32(across), Int32(down), Int32(images))
    (common.slope, common.scale) = (epilogue.leakySlope ?? 1, epilogue.scale)
    common.rectifies = epilogue.after == .relu ? 1 : 0
    var target = output
    if splits > 1 {
      let shape = Shape(
        batch: splits * images, channels: groups * DeviceLayout.groupLanes, height: computed.height, width: computed.width)
      target = program.add(DeviceLayout(image: shape, .float32))
    }
    let added = residual.map { [$0] } ?? []
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: kernel, grid: grid, reads: [input] + (splits > 1 ? [] : added), writes: target,
        takesSecond: splits == 1 && !isTail && epilogue.after == nil
      ) { [common] addresses, step in
        var a = common
        a.input = UnsafeRawPointer(addresses.pointer(input))
        a.weights = UnsafeRawPointer(addresses.floats(weights))
        a.bias = addresses.floats(bias)
        a.residual = splits > 1 ? nil : residual.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.second = step.second.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.output = addresses.pointer(step.writes)
        return argumentBytes(a)
      })
    guard splits > 1 else { return }
    let count = computed.height * computed.width * groups * DeviceLayout.groupLanes / 4
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.sumParts(to.element)), grid: LaunchGrid(x: count.ceilingDivided(by: 256), y: images),
        reads: [target] + added, writes: output, takesSecond: epilogue.after == nil
      ) { [common, target] addresses, step in
        var a = common
        a.input = UnsafeRawPointer(addresses.pointer(target))
        a.residual = residual.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.second = step.second.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.output = addresses.pointer(step.writes)
        return argumentBytes(a)
      })
  }

  /// The output channel of the node that a lane computes, and which of four pixels it goes to; nil where there is no such channel.
  func channel(_ lane: Int, _ layer: DeviceLayer, isShuffled: Bool) -> (channel: Int, run: Int)? {
    guard isShuffled else {
      // Of planes that pixels are shuffled to there are more before.
      let count = layer.output.shape.channels * (layer.output.isPlanar ? layer.epilogue.shuffle * layer.epilogue.shuffle : 1)
      return lane < count ? (lane, 0) : nil
    }
    let (run, channel) = lane.quotientAndRemainder(dividingBy: layer.output.groupCount * DeviceLayout.groupLanes)
    return channel < layer.output.shape.channels ? (channel, run) : nil
  }

  func packedWeights(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ kernel: CUDAKernel, groups: Int, isShuffled: Bool,
    leastInputs: Int = 0
  ) -> DeviceProgram.Constant {
    let inputs = layer.input.shape.channels, unit = layer.input.element == .float32 ? 8 : 16
    let padded = max(inputs.ceilingDivided(by: unit) * unit, leastInputs)
    let name = product.weightName(node), depthwiseName = node.parameterName(.depthwiseWeight)
    var names = [name]
    if case .separable = product.form { names.append(depthwiseName) }
    let composed = product.composed
    if composed != nil { names.append(depthwiseName) }
    let form = product.form, family = kernel.family, planner = self
    let bytes: (Network) -> [UInt8] = { network in
      guard let tensor = product.weight(named: name, of: network) else { return [] }
      let depthwise = network.parameters[depthwiseName]?.floats ?? []
      let values = composed?.composedWeights(pointwise: tensor.floats, depthwise: depthwise) ?? tensor.floats
      // Those of a linear layer have two axes.
      let shape =
        tensor.shape.rank == 4
        ? [tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3]]
        : [tensor.shape[0], tensor.shape[1], 1, 1]
      let rows = composed?.kernel.height ?? shape[2], columns = composed?.kernel.width ?? shape[3]
      let weight: WeightPacking.Weight = { lane, input, row, column in
        guard input < inputs, let place = planner.channel(lane, layer, isShuffled: isShuffled) else { return 0 }
        if case .transposed = form {
          return values[((input * shape[1] + place.channel) * 2 + place.run / 2) * 2 + place.run % 2]
        }
        let output = isShuffled ? place.channel * 4 + place.run : place.channel
        return values[((output * shape[1] + input) * rows + row) * columns + column]
      }
      let channelWeight: WeightPacking.ChannelWeight = { lane, row, column in
        if case .selection = family {
          guard let place = planner.channel(lane, layer, isShuffled: isShuffled) else { return 0 }
          return depthwise[((isShuffled ? place.channel * 4 + place.run : place.channel) * 3 + row) * 3 + column]
        }
        return lane < inputs ? depthwise[(lane * 3 + row) * 3 + column] : 0
      }
      switch family {
      case .dense(let element, let size, _):
        return WeightPacking.dense(groups: groups, inputs: padded, size: size, element, weight)
      case .denseFloat(let products, let size, _):
        return WeightPacking.denseFloat(groups: groups, inputs: padded, size: size, products, weight)
      case .denseHopper(let element):
        return WeightPacking.denseHopper(groups: groups, inputs: 64, inputsAtOnce: 64, outputsAtOnce: 64, element, weight)
      case .denseWide(let element, let atOnce):
        return WeightPacking.denseHopper(
          groups: groups, inputs: padded, inputsAtOnce: 16, outputsAtOnce: atOnce * 64, element, weight)
      case .denseWideFloat(let products, let atOnce):
        return WeightPacking.denseWideFloat(groups: groups, inputs: padded, outputsAtOnce: atOnce * 64, products, weight)
      case .separableFloat(let products):
        return WeightPacking.separableFloat(
          groups: groups, inputs: padded, products, depthwise: channelWeight, pointwise: weight)
      case .pointwiseHopper(let element, let atOnce):
        return WeightPacking.denseHopper(
          groups: groups, inputs: padded.ceilingDivided(by: 32) * 32, inputsAtOnce: 32, outputsAtOnce: atOnce * 64, taps: 1,
          element, weight)
      case .separable(let element), .separableBlock(let element):
        return WeightPacking.separable(
          groups: groups, inputs: padded, element, isForHopper: kernel.isForHopper, depthwise: channelWeight, pointwise: weight)
      case .selection(let element):
        return WeightPacking.selection(groups: groups, inputs: padded, element, pointwise: weight, depthwise: channelWeight)
      case .headFloat(let planes): return WeightPacking.headFloat(groups: groups, planes: planes, weight)
      case .tail(.float32): return WeightPacking.tailFloat(inputs: padded, weight)
      case .head(let element, let size, _): return WeightPacking.head(groups: groups, size: size, element, weight)
      case .depthwise(let element, let size, _):
        return WeightPacking.depthwise(lanes: layer.output.lanes, size: size, element, weight)
      case .pointwisePlanes(let element, let most):
        return WeightPacking.rows(outputs: most, inputs: padded, element, weight)
      case .linear(let element, _):
        return WeightPacking.rows(outputs: planner.computedChannels(layer), inputs: padded, element, weight)
      case .tail(let element): return WeightPacking.tail(inputs: padded, element, weight)
      case .maximumPool, .meanOfPixels, .direct, .elementByElement, .move, .resample, .windows, .sumParts, .reduce,
        .normalize, .multiplyMatrices, .tiled, .denseIntegers, .depthwiseIntegers, .directIntegers, .meanOfIntegers, .integers,
        .samplesToPlanes, .planesToSamples, .training, .weightGradientTiles:
        return []
      }
    }
    return DeviceProgram.Constant(
      key: "\(node.name).\(product.weight.rawValue) \(family) \(kernel.isForHopper)", parameters: names, bytes: bytes,
      precision: family.packPrecision)
  }

  func packedBias(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ kernel: CUDAKernel, groups: Int, isShuffled: Bool
  ) -> DeviceProgram.Constant {
    let planner = self, family = kernel.family
    let lanes = layer.output.isPlanar ? max(16, computedChannels(layer)) : groups * 64
    let pointwise = node.parameterName(.pointwiseWeight)
    let biasName = product.biasName(node)
    var names = [biasName].compactMap { $0 }
    let separable: SeparableConvolution?
    if case .separable(let payload) = product.form { separable = payload } else { separable = product.composed }
    if separable != nil {
      names = [node.parameterName(.depthwiseBias), node.parameterName(.pointwiseBias), pointwise]
    }
    return DeviceProgram.Constant(
      key: "\(node.name).\(product.weight.rawValue).bias \(family)", parameters: names
    ) { network in
      func ordered(_ values: [Float]?) -> [Float] {
        (0..<lanes).map { lane in
          guard let values, let place = planner.channel(lane, layer, isShuffled: isShuffled) else { return 0 }
          if case .transposed = product.form { return values[place.channel] }
          return values[isShuffled ? place.channel * 4 + place.run : place.channel]
        }
      }
      func parameter(_ role: ParameterRole) -> [Float]? { network.parameter(role, of: node)?.floats }
      guard let payload = separable else { return ordered(biasName.flatMap { network.parameters[$0]?.floats }).bytes }
      // A first part that has a bias is not composed.
      if product.composed?.order == .pointwiseFirst { return ordered(parameter(.depthwiseBias)).bytes }
      if payload.order == .pointwiseFirst {
        let first = ordered(parameter(.pointwiseBias)), second = ordered(parameter(.depthwiseBias))
        var both: [Float] = []
        for start in stride(from: 0, to: groups * 64, by: 64) {
          both += first[start..<start + 64]
          both += second[start..<start + 64]
        }
        return both.bytes
      }
      // The depthwise part's bias goes through the pointwise part.
      var bias = (parameter(.pointwiseBias) ?? [Float](repeating: 0, count: payload.outChannels)).map(Double.init)
      if let before = parameter(.depthwiseBias), let weights = network.parameters[pointwise]?.floats {
        for output in bias.indices {
          for input in before.indices { bias[output] += Double(weights[output * before.count + input]) * Double(before[input]) }
        }
      }
      return ordered(bias.map(Float.init)).bytes
    }
  }

  /// The kernels of any layout: one of any shape, an element a thread, and one of tiles.
  mutating func emitDirect(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ chosen: CUDAKernel, from input: Int,
    to output: Int,
    adding residual: Int?
  ) throws(ExecutionError) {
    let from = layer.input, to = layer.output, epilogue = layer.epilogue
    let attributes: (kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, groups: Int, isTransposed: Bool)
    switch product.form {
    case .convolution(let p): attributes = (p.kernel, p.stride, p.dilation, p.padding, p.groups, false)
    case .transposed(let p): attributes = (p.kernel, p.stride, p.dilation, p.padding, p.groups, true)
    case .separable, .maximumPool, .averagePool: preconditionFailure("a layer of one convolution")
    }
    // Where values are stored in 16 bits weights are rounded alike; those that the run makes stay as they are.
    let name = product.weightName(node), element = isMade(name) ? .float32 : precision.element
    let outputs = to.shape.channels, inputs = from.shape.channels / attributes.groups
    let kernel = attributes.kernel, outputsOfGroup = outputs / attributes.groups
    let weights = try constant(
      DeviceProgram.Constant(key: "\(node.name).\(product.weight.rawValue) direct", parameters: [name]) { network in
        guard let values = product.weight(named: name, of: network)?.floats else { return [] }
        return WeightPacking.direct(outputs: outputs, inputs: inputs, kernel: (kernel.height, kernel.width), element) {
          o, i, v, u in
          let place =
            attributes.isTransposed
            ? (o / outputsOfGroup * inputs + i) * outputsOfGroup + o % outputsOfGroup : o * inputs + i
          return values[(place * kernel.height + v) * kernel.width + u]
        }
      })
    let bias = try product.biasName(node).map { (name) throws(ExecutionError) in try parameterConstant(name) }
    let slope = try slopeConstant(node, product.slope, [epilogue.before, epilogue.after])
    var grid = elementGrid(to)
    if chosen.tileWidth > 0 {
      grid = LaunchGrid(
        x: to.shape.width.ceilingDivided(by: chosen.tileWidth),
        y: to.shape.height.ceilingDivided(by: chosen.tileHeight),
        z: to.shape.batch * to.lanes.ceilingDivided(by: DeviceLayer.tiledOutputs))
    }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: chosen, grid: grid, reads: [input] + (residual.map { [$0] } ?? []),
        writes: output
      ) { [addedLayout = layer.residual] addresses, _ in
        var a = DirectArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        if let residual, let addedLayout { a.residual = addedLayout.view(addresses.values[residual]) }
        a.weights = addresses.floats(weights)
        a.bias = addresses.floats(bias)
        a.element = ElementArguments(to)
        (a.height, a.width) = (Int32(from.shape.height), Int32(from.shape.width))
        (a.inputChannels, a.groups) = (Int32(from.shape.channels), Int32(attributes.groups))
        (a.kernelHeight, a.kernelWidth) = (Int32(kernel.height), Int32(kernel.width))
        (a.strideHeight, a.strideWidth) = (Int32(attributes.stride.height), Int32(attributes.stride.width))
        (a.dilationHeight, a.dilationWidth) = (Int32(attributes.dilation.height), Int32(attributes.dilation.width))
        (a.top, a.left) = (Int32(attributes.padding.top), Int32(attributes.padding.left))
        a.transposed = attributes.isTransposed ? 1 : 0
        a.scale = epilogue.scale
        a.before = ActivationArguments(epilogue.before, slope: addresses.floats(slope))
        a.after = ActivationArguments(epilogue.after, slope: addresses.floats(slope))
        return argumentBytes(a)
      })
  }

  mutating func emitPool(_ node: Node, _ layer: DeviceLayer, _ kernel: CUDAKernel, from input: Int, to output: Int) {
    let from = layer.input, to = layer.output, zeroPoint = types[node.inputs[0]]?.quantization?.zeroPoint ?? 0
    let pool: Pool, takesMean: Bool
    switch layer.form {
    case .maximumPool(let payload): (pool, takesMean) = (payload, false)
    case .averagePool(let payload): (pool, takesMean) = (payload, true)
    case .convolution, .separable, .transposed: preconditionFailure("a pool")
    }
    if case .meanOfPixels = kernel.family {
      program.steps.append(
        DeviceProgram.Step(
          node: node.name, kernel: kernel, grid: LaunchGrid(x: to.lanes.ceilingDivided(by: 64), y: to.shape.batch),
          reads: [input], writes: output
        ) { addresses, _ in
          var a = PoolArguments()
          a.input = UnsafeRawPointer(addresses.pointer(input))
          a.output = addresses.pointer(output)
          (a.height, a.width, a.channels) = (Int32(from.shape.height), Int32(from.shape.width), Int32(to.lanes))
          (a.outputHeight, a.outputWidth) = (1, 1)
          (a.inputStride, a.outputStride) = (Int32(from.pixelStride), Int32(to.pixelStride))
          return argumentBytes(a)
        })
      return
    }
    if case .maximumPool = kernel.family {
      let count = to.shape.height * to.shape.width * to.lanes / 8
      program.steps.append(
        DeviceProgram.Step(
          node: node.name, kernel: kernel, grid: LaunchGrid(x: count.ceilingDivided(by: 256), y: to.shape.batch),
          reads: [input],
          writes: output
        ) { addresses, _ in
          var a = PoolArguments()
          a.input = UnsafeRawPointer(addresses.pointer(input))
          a.output = addresses.pointer(output)
          (a.height, a.width) = (Int32(from.shape.height), Int32(from.shape.width))
          (a.outputHeight, a.outputWidth) = (Int32(to.shape.height), Int32(to.shape.width))
          (a.channels, a.padding) = (Int32(to.lanes), Int32(pool.padding.top))
          (a.inputStride, a.outputStride) = (Int32(from.pixelStride), Int32(to.pixelStride))
          return argumentBytes(a)
        })
      return
    }
    program.steps.append(
      DeviceProgram.Step(node: node.name, kernel: kernel, grid: elementGrid(to), reads: [input], writes: output) {
        addresses, _ in
        var a = WindowArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        (a.height, a.width) = (Int32(from.shape.height), Int32(from.shape.width))
        (a.kernelHeight, a.kernelWidth) = (Int32(pool.kernel.height), Int32(pool.kernel.width))
        (a.strideHeight, a.strideWidth) = (Int32(pool.stride.height), Int32(pool.stride.width))
        (a.top, a.left) = (Int32(pool.padding.top), Int32(pool.padding.left))
        (a.bottom, a.right) = (Int32(pool.padding.bottom), Int32(pool.padding.right))
        (a.takesMean, a.countsPadding) = (takesMean ? 1 : 0, pool.countIncludesPadding ? 1 : 0)
        guard case .meanOfIntegers = kernel.family else { return argumentBytes(a) }
        var integers = IntegerWindowArguments()
        (integers.window, integers.zeroPoint) = (a, Int32(zeroPoint))
        integers.store = IntegerStore(Requantization(to.element.dataType, .init(scale: 1, zeroPoint: zeroPoint)))
        return argumentBytes(integers)
      })
  }

  /// A parameter as it is, in float32.
  mutating func parameterConstant(_ node: Node, _ role: ParameterRole) throws(ExecutionError) -> Int {
    try parameterConstant(node.parameterName(role))
  }

  mutating func parameterConstant(_ name: String) throws(ExecutionError) -> Int {
    if let value = flatValue(name) {
      // As it lies.
      return program.add(DeviceProgram.Constant(key: name, parameters: [], bytes: { _ in [] }, value: value))
    }
    return try constant(
      DeviceProgram.Constant(key: name, parameters: [name]) { ($0.parameters[name]?.floats ?? []).bytes })
  }

  /// The slopes where one of the functions is a prelu.
  mutating func slopeConstant(
    _ node: Node, _ role: ParameterRole, _ functions: [ActivationFunction?]
  ) throws(ExecutionError) -> Int? {
    for case .prelu? in functions { return try parameterConstant(node, role) }
    return nil
  }
}

extension ElementArguments {
  init(_ layout: DeviceLayout) {
    self.init(
      height: Int32(layout.shape.height), width: Int32(layout.shape.width), channels: Int32(layout.shape.channels),
      lanes: Int32(layout.lanes))
  }
}

/// Blocks of threads that make one element each.
func elementGrid(_ layout: DeviceLayout) -> LaunchGrid {
  LaunchGrid(x: (layout.shape.height * layout.shape.width * layout.lanes).ceilingDivided(by: 256), y: layout.shape.batch)
}
