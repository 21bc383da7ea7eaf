import CUDAKernels
import Execution
import Networks
import Tensors

/// Integers of 8 bits: what makes them and reads them, and layers that sum them.
extension DevicePlanner {
  /// What a layer that sums integers needs beside what others need.
  struct IntegerProduct {
    /// Holds the factors that make numbers of the sums.
    var multiplier: ParameterRole
    /// The integer of the input that stands for 0.
    var inputZero: Int
    /// What the integers that are added stand for; nil where numbers are added, or nothing is.
    var added: ValueType.Quantization?
  }

  /// Of a layer that sums integers; nil of one that sums float32.
  func integers(_ node: Node, _ epilogue: Epilogue) -> IntegerProduct? {
    guard epilogue.sumsIntegers else { return nil }
    let added = node.inputs.count > 1 ? types[node.inputs[1]]?.quantization : nil
    return IntegerProduct(
      multiplier: .multiplier, inputZero: types[node.inputs[0]]?.quantization?.zeroPoint ?? 0, added: added)
  }

  /// What pads a value: of integers the one that stands for it.
  func padding(_ payload: Pad, of name: String) -> Float {
    guard let type = types[name], type.element.isCode else { return payload.value }
    let quantization = type.quantization ?? .init(scale: 1)
    return Float(
      payload.value == 0 ? quantization.zeroPoint : Quantize(type.element, quantization).stored(payload.value))
  }

  // MARK: Element by element

  mutating func planInteger(_ node: Node, _ operation: IntegerOperation) throws(ExecutionError) {
    let operands = try node.elementInputs.map { (name) throws(ExecutionError) in try value(name) }
    let output = try output(node), quantizations = node.elementInputs.map { types[$0]?.quantization }
    func known(_ index: Int) throws(ExecutionError) -> ValueType.Quantization {
      guard index < quantizations.count, let result = quantizations[index] else { throw unknown(node.name) }
      return result
    }
    switch operation {
    case .quantize(let payload): quantize(node, operands[0], to: output, payload)
    case .dequantize:
      let from = try known(0)
      appendIntegers(node, operands, to: output) { a, _ in
        (a.function, a.firstScale, a.firstZero) = (1, from.scale, Int32(from.zeroPoint))
      }
    case .add(let payload):
      let first = try known(0), second = try known(1)
      appendIntegers(node, operands, to: output) { a, _ in
        (a.function, a.store) = (2, IntegerStore(payload))
        (a.firstScale, a.firstZero) = (payload.ratio(of: first), Int32(first.zeroPoint))
        (a.secondScale, a.secondZero) = (payload.ratio(of: second), Int32(second.zeroPoint))
      }
    case .lookup:
      let name = node.parameterName(.table), least = layout(operands[0]).element.dataType.integers?.lowerBound ?? 0
      let table = program.add(DeviceProgram.Constant(key: name, parameters: [name]) { $0.parameters[name]?.bytes ?? [] })
      appendIntegers(node, operands, to: output) { a, addresses in
        (a.function, a.firstZero) = (3, Int32(least))
        a.table = UnsafeRawPointer(bitPattern: UInt(addresses.constants[table]))
      }
    }
  }

  mutating func quantize(_ node: Node, _ input: Int, to output: Int, _ payload: Quantize) {
    appendIntegers(node, [input], to: output) { a, _ in
      (a.function, a.firstScale) = (0, payload.quantization.scale)
      a.store = IntegerStore(Requantization(payload.element, payload.quantization))
    }
  }

  private mutating func appendIntegers(
    _ node: Node, _ operands: [Int], to output: Int,
    _ change: @escaping (inout IntegerArguments, DeviceProgram.Addresses) -> Void
  ) {
    let layouts = operands.map { layout($0) }, to = layout(output)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.integers), grid: elementGrid(to), reads: operands, writes: output
      ) { addresses, _ in
        var a = IntegerArguments()
        a.first = layouts[0].view(addresses.values[operands[0]])
        if operands.count > 1 { a.second = layouts[1].view(addresses.values[operands[1]]) }
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        change(&a, addresses)
        return argumentBytes(a)
      })
  }

  // MARK: Layers

  /// One part after the other: what lies between is integers.
  mutating func planSeparable(
    _ node: Node, _ payload: SeparableConvolution, between middle: Requantization
  ) throws(ExecutionError) {
    let parts = payload.parts, roles = payload.linearParts
    guard let shape = try? parts.first.shapeBeforeShuffle(try shape(node.inputs[0])),
      let wholeInput = wholeShapes[node.inputs[0]], let wholeShape = try? parts.first.shapeBeforeShuffle(wholeInput),
      let element = DeviceElement(middle.element, precision)
    else { throw unknown(node.name) }
    var integers = integers(node, Epilogue([.rescale])), epilogue = CanonicalEpilogue()
    (epilogue.rescales, epilogue.before, epilogue.requantization) = (true, payload.middle, middle)
    integers?.multiplier = roles[0].multiplierRole
    let first = Product(
      form: .convolution(parts.first.withoutEpilogue), weight: roles[0].weightRole,
      bias: roles[0].hasBias ? roles[0].biasRole : nil, epilogue: epilogue, slope: .middleSlope, integers: integers)
    integers?.multiplier = roles[1].multiplierRole
    integers?.inputZero = middle.quantization.zeroPoint
    let second = Product(
      form: .convolution(parts.second.withoutEpilogue), weight: roles[1].weightRole,
      bias: roles[1].hasBias ? roles[1].biasRole : nil, epilogue: canonical(payload.epilogue), integers: integers)
    let between = program.add(DeviceLayout(image: shape, element)), input = try value(node.inputs[0])
    let layer = DeviceLayer(
      form: first.form, input: layout(input), output: layout(between), epilogue: epilogue, residual: nil, device: device)
    try emit(
      node, first, layer, choice(of: layer, input: wholeInput, output: wholeShape), from: input, to: between, adding: nil)
    try planProduct(node, second, from: between, wholeInput: wholeShape)
  }

  /// What the kernels of pixels of integers take.
  mutating func emitIntegers(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, _ kernel: CUDAKernel, from input: Int, to output: Int,
    adding residual: Int?
  ) {
    guard let integers = product.integers else { preconditionFailure("a layer of integers") }
    let to = layer.output, from = layer.input, computed = layer.computed, epilogue = layer.epilogue
    let isSpread: Bool, isDepthwise: Bool
    if case .transposed = product.form { isSpread = true } else { isSpread = false }
    if case .depthwiseIntegers = kernel.family { isDepthwise = true } else { isDepthwise = false }
    let isShuffled = isSpread || epilogue.shuffle == 2
    let groups = (isShuffled ? 4 : 1) * to.groupCount
    let size: Int
    switch kernel.family {
    case .denseIntegers(let side, _), .depthwiseIntegers(let side, _): size = side
    default: preconditionFailure("a kernel of pixels of integers")
    }
    let key = "\(node.name).\(product.weight.rawValue) \(kernel.family)"
    let weightName = node.parameterName(product.weight), biasName = product.bias.map(node.parameterName)
    let channels = from.shape.channels, planner = self
    /// The output channel of the node that a lane computes, and which of four pixels it goes to.
    func place(_ lane: Int) -> (channel: Int, run: Int)? { planner.channel(lane, layer, isShuffled: isShuffled) }
    func ordered<T>(_ values: [T], otherwise other: T) -> [T] {
      (0..<groups * DeviceLayout.groupLanes).map { lane in
        guard let place = place(lane) else { return other }
        if isSpread { return values[place.channel] }
        return values[isShuffled ? place.channel * 4 + place.run : place.channel]
      }
    }
    /// The int8 weight of a lane, an input channel and a tap; 0 where there is none.
    func weight(_ values: [Int32], _ shape: Shape) -> (Int, Int, Int, Int) -> Int32 {
      { lane, input, row, column in
        guard input < channels, let place = place(lane) else { return 0 }
        if isSpread { return values[((input * shape[1] + place.channel) * 2 + place.run / 2) * 2 + place.run % 2] }
        let output = isShuffled ? place.channel * 4 + place.run : place.channel
        return values[((output * (shape.rank == 2 ? shape[1] : channels) + input) * size + row) * size + column]
      }
    }
    let weights = program.add(
      DeviceProgram.Constant(key: key, parameters: [weightName]) { network in
        guard let tensor = network.parameters[weightName], let values = tensor.integers else { return [] }
        guard isDepthwise else {
          return WeightPacking.denseIntegers(groups: groups, inputs: channels, size: size, weight(values, tensor.shape))
        }
        var bytes: [UInt8] = []
        for tap in 0..<size * size {
          for lane in 0..<to.lanes {
            bytes.append(lane < to.shape.channels ? UInt8(truncatingIfNeeded: values[lane * size * size + tap]) : 0)
          }
        }
        return bytes
      })
    // Inputs are taken as int8, those of uint8 less 128: what the zero point and that add to the sums is in the bias.
    let offset = Int32(integers.inputZero) - (from.element == .uint8 ? 128 : 0)
    let bias = program.add(
      DeviceProgram.Constant(key: "\(key) bias \(offset)", parameters: [weightName] + (biasName.map { [$0] } ?? [])) {
        network in
        guard let tensor = network.parameters[weightName], let values = tensor.integers else { return [] }
        let given = biasName.flatMap { network.parameters[$0]?.integers }.map { ordered($0, otherwise: 0) }
        let at = weight(values, tensor.shape)
        return (0..<groups * DeviceLayout.groupLanes).map { lane in
          var sum = given?[lane] ?? 0
          if isDepthwise { return sum }
          for input in 0..<channels {
            for tap in 0..<size * size { sum = sum &- offset &* at(lane, input, tap / size, tap % size) }
          }
          return sum
        }.bytes
      })
    let multiplierName = node.parameterName(integers.multiplier)
    let multipliers = program.add(
      DeviceProgram.Constant(key: "\(key) multipliers", parameters: [multiplierName]) { network in
        network.parameters[multiplierName].map { ordered($0.floats, otherwise: 0).bytes } ?? []
      })
    let slopes = laneSlopes(node, product, key) { ordered($0, otherwise: 1) }
    let across = computed.width.ceilingDivided(by: max(kernel.tileWidth, 1))
    let down = computed.height.ceilingDivided(by: max(kernel.tileHeight, 1)), images = to.shape.batch
    let grid =
      isDepthwise
      ? LaunchGrid(x: (computed.height * computed.width * to.lanes / 16).ceilingDivided(by: 256), y: images)
      : LaunchGrid(x: across, y: down, z: images * groups)
    let requantization = epilogue.requantization
    var common = IntegerLayerArguments()
    (common.layer.height, common.layer.width) = (Int32(from.shape.height), Int32(from.shape.width))
    (common.layer.outputHeight, common.layer.outputWidth) = (Int32(computed.height), Int32(computed.width))
    (common.layer.inputChannels, common.layer.inputStride) = (Int32(from.lanes), Int32(from.pixelStride))
    (common.layer.outputChannels, common.layer.outputStride) = (Int32(to.lanes), Int32(to.pixelStride))
    (common.layer.groups, common.layer.shuffle, common.layer.splits) = (Int32(groups), isShuffled ? 2 : 1, 1)
    (common.layer.tilesAcross, common.layer.tilesDown, common.layer.images) = (Int32(across), Int32(down), Int32(images))
    common.layer.rectifies = epilogue.after == .relu ? 1 : 0
    common.rectifiesFirst = epilogue.before == .relu ? 1 : 0
    common.sign = from.element == .uint8 ? 0x8080_8080 : 0
    common.border = UInt32(UInt8(truncatingIfNeeded: integers.inputZero)) &* 0x0101_0101
    common.residualIsSigned = layer.residual?.element == .int8 ? 1 : 0
    if let added = integers.added, let requantization {
      (common.residualZero, common.residualScale) = (Float(added.zeroPoint), requantization.ratio(of: added))
    } else {
      common.residualScale = 1
    }
    if let requantization { common.store = IntegerStore(requantization) }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: kernel, grid: grid, reads: [input] + (residual.map { [$0] } ?? []), writes: output
      ) { [common] addresses, _ in
        var a = common
        a.layer.input = UnsafeRawPointer(addresses.pointer(input))
        a.layer.weights = UnsafeRawPointer(addresses.floats(weights))
        a.layer.bias = addresses.floats(bias)
        a.layer.residual = residual.flatMap { UnsafeRawPointer(addresses.pointer($0)) }
        a.layer.output = addresses.pointer(output)
        if requantization == nil { a.numbers = to.view(addresses.values[output]) }
        (a.multipliers, a.slopes) = (addresses.floats(multipliers), addresses.floats(slopes))
        return argumentBytes(a)
      })
  }

  /// What numbers below 0 are multiplied by first, for each lane; nil where they are not.
  private mutating func laneSlopes(
    _ node: Node, _ product: Product, _ key: String, _ ordered: @escaping ([Float]) -> [Float]
  ) -> Int? {
    let count: Int
    switch product.form {
    case .convolution(let payload): count = payload.outChannels
    case .transposed(let payload): count = payload.outChannels
    case .separable, .maximumPool, .averagePool: return nil
    }
    let slope: Float
    switch product.epilogue.before {
    case .leakyReLU(let value)?: slope = value
    case .prelu?:
      let name = node.parameterName(product.slope)
      return program.add(
        DeviceProgram.Constant(key: "\(key) slopes", parameters: [name]) { network in
          guard let values = network.parameters[name]?.floats else { return [] }
          return ordered(values.count == 1 ? [Float](repeating: values[0], count: count) : values).bytes
        })
    default: return nil
    }
    return program.add(
      DeviceProgram.Constant(key: "\(key) slopes \(slope)", parameters: []) { _ in
        ordered([Float](repeating: slope, count: count)).bytes
      })
  }

  /// A kernel of any shape, an element a thread.
  mutating func emitDirectIntegers(
    _ node: Node, _ product: Product, _ layer: DeviceLayer, from input: Int, to output: Int, adding residual: Int?
  ) throws(ExecutionError) {
    guard let integers = product.integers else { preconditionFailure("a layer of integers") }
    let from = layer.input, to = layer.output, epilogue = layer.epilogue
    let kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, groups: Int, isTransposed: Bool
    switch product.form {
    case .convolution(let p):
      (kernel, stride, dilation, padding, groups, isTransposed) = (p.kernel, p.stride, p.dilation, p.padding, p.groups, false)
    case .transposed(let p):
      (kernel, stride, dilation, padding, groups, isTransposed) = (p.kernel, p.stride, p.dilation, p.padding, p.groups, true)
    case .separable, .maximumPool, .averagePool: preconditionFailure("a layer of one convolution")
    }
    let name = node.parameterName(product.weight), outputs = to.shape.channels, inputs = from.shape.channels / groups
    let outputsOfGroup = outputs / groups
    let weights = program.add(
      DeviceProgram.Constant(key: "\(name) direct", parameters: [name]) { network in
        guard let values = network.parameters[name]?.integers else { return [] }
        var bytes: [UInt8] = []
        for tap in 0..<kernel.height * kernel.width {
          for i in 0..<inputs {
            for o in 0..<outputs {
              let place =
                isTransposed ? (o / outputsOfGroup * inputs + i) * outputsOfGroup + o % outputsOfGroup : o * inputs + i
              bytes.append(UInt8(truncatingIfNeeded: values[place * kernel.height * kernel.width + tap]))
            }
          }
        }
        return bytes
      })
    let bias = product.bias.map { role in
      let name = node.parameterName(role)
      return program.add(
        DeviceProgram.Constant(key: name, parameters: [name]) { ($0.parameters[name]?.integers ?? []).bytes })
    }
    let multipliers = try parameterConstant(node, integers.multiplier)
    let slope = try slopeConstant(node, product.slope, [epilogue.before, epilogue.after])
    let requantization = epilogue.requantization
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.directIntegers), grid: elementGrid(to),
        reads: [input] + (residual.map { [$0] } ?? []), writes: output
      ) { [addedLayout = layer.residual] addresses, _ in
        var a = DirectIntegersArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        if let residual, let addedLayout { a.residual = addedLayout.view(addresses.values[residual]) }
        a.weights = UnsafeRawPointer(addresses.floats(weights))
        a.bias = addresses.integers(bias)
        a.multipliers = addresses.floats(multipliers)
        a.element = ElementArguments(to)
        (a.height, a.width) = (Int32(from.shape.height), Int32(from.shape.width))
        (a.inputChannels, a.groups) = (Int32(from.shape.channels), Int32(groups))
        (a.kernelHeight, a.kernelWidth) = (Int32(kernel.height), Int32(kernel.width))
        (a.strideHeight, a.strideWidth) = (Int32(stride.height), Int32(stride.width))
        (a.dilationHeight, a.dilationWidth) = (Int32(dilation.height), Int32(dilation.width))
        (a.top, a.left) = (Int32(padding.top), Int32(padding.left))
        (a.transposed, a.inputZero) = (isTransposed ? 1 : 0, Int32(integers.inputZero))
        a.scale = epilogue.scale
        a.residualScale = 1
        if let added = integers.added, let requantization {
          (a.residualZero, a.residualScale) = (Float(added.zeroPoint), requantization.ratio(of: added))
        }
        a.before = ActivationArguments(epilogue.before, slope: addresses.floats(slope))
        a.after = ActivationArguments(epilogue.after, slope: addresses.floats(slope))
        if let requantization { a.store = IntegerStore(requantization) }
        return argumentBytes(a)
      })
  }
}

extension IntegerStore {
  init(_ requantization: Requantization) {
    let zero = requantization.quantization.zeroPoint
    self.init(
      least: Float(requantization.minimum - zero), most: Float(requantization.maximum - zero), zeroPoint: Float(zero),
      isInteger: 1)
  }
}

extension Tensor {
  /// As they lie in memory.
  var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
