import CUDAKernels
import Execution
import Networks
import Tensors

/// What only networks hold that are trained.
extension DevicePlanner {
  mutating func planTraining(_ node: Node, _ operation: TrainingOperation) throws(ExecutionError) {
    switch operation {
    case .convolutionProduct(let payload):
      switch payload.result {
      case .output: try planProductOfValues(node, payload)
      case .inputGradient: try planInputGradient(node, payload)
      case .weightGradient: try planWeightGradient(node, payload.convolution)
      }
    case .activationGradient(let payload): try planActivationGradient(node, payload.function)
    case .batchNormalization(let payload): try planBatchNormalization(node, payload)
    case .maximumPoolGradient(let payload): try planMaximumPoolGradient(node, payload)
    case .adjoint(let payload): try planAdjoint(node, payload.map)
    case .channelSum: try planChannelSum(node)
    case .channelProduct: try planChannelProduct(node)
    case .dropout(let payload): try planDropout(node, payload)
    case .fakeQuantize(let payload): try planFakeQuantize(node, payload)
    case .movingAverage(let payload): try planMovingAverage(node, payload)
    case .parameterStep(let payload): try planParameterStep(node, payload)
    }
  }

  // MARK: Convolutions

  /// The convolution of a value by another.
  private mutating func planProductOfValues(_ node: Node, _ payload: ConvolutionProduct) throws(ExecutionError) {
    var product = Product(
      form: .convolution(payload.convolution), weight: .weight, bias: nil, epilogue: CanonicalEpilogue())
    product.weightValue = node.inputs[1]
    if payload.convolution.hasBias { product.biasValue = node.inputs[2] }
    let input = try value(node.inputs[0])
    guard isOfSquares(payload.convolution, layout(input).shape, try shape(node.name)) else {
      return try planProduct(node, product)
    }
    let squares = squares(of: input)
    product.form = .convolution(ofSquares(payload.convolution))
    product.isOfSquares = true
    try planProduct(node, product, from: squares, wholeInput: layout(squares).shape)
  }

  /// Whether the convolution is of 2x2 with stride 2, as gradients through transposed ones are, and no kernel on tensor cores: what four pixels hold
  /// is brought into one (`squares`), and the kernel is of 1x1 (`ofSquares`). The weights lie in the same order.
  private func isOfSquares(_ convolution: Convolution, _ input: Shape, _ output: Shape) -> Bool {
    convolution.kernel == Pair(2) && convolution.stride == Pair(2) && convolution.padding == Padding(0)
      && convolution.dilation == Pair(1) && convolution.groups == 1 && input.channels * 4 > DeviceLayout.mostPlanes
      && input.height == 2 * output.height && input.width == 2 * output.width
  }

  /// The same convolution of `[N, 4 inChannels, H / 2, W / 2]`.
  private func ofSquares(_ convolution: Convolution) -> Convolution {
    Convolution(
      inChannels: convolution.inChannels * 4, outChannels: convolution.outChannels, kernel: 1, hasBias: convolution.hasBias)
  }

  /// The value `[N, 4 C, H / 2, W / 2]` of one of `[N, C, H, W]`, made once.
  private mutating func squares(of input: Int) -> Int {
    if let known = squares[input] { return known }
    let from = layout(input), x = from.shape
    let result = program.add(
      DeviceLayout(
        image: Shape(batch: x.batch, channels: x.channels * 4, height: x.height / 2, width: x.width / 2),
        from.isPlanar ? precision.element : from.element))
    appendMove(current, input, to: result) { a, _ in (a.kind, a.factor) = (2, 2) }
    squares[input] = result
    return result
  }

  /// Of stride 1 a convolution by the weights turned around, else a transposed one. Kernels of 1x1 and 3x3 that are padded by half their size do that
  /// as a convolution of stride 1, too, whose input has zeros between the pixels: more products, on tensor cores.
  private mutating func planInputGradient(_ node: Node, _ payload: ConvolutionProduct) throws(ExecutionError) {
    let convolution = payload.convolution, form: DeviceLayer.Form
    let reach = Pair(
      height: convolution.dilation.height * (convolution.kernel.height - 1),
      width: convolution.dilation.width * (convolution.kernel.width - 1))
    let turned = Padding(
      top: reach.height - convolution.padding.top, left: reach.width - convolution.padding.left,
      bottom: reach.height - convolution.padding.bottom, right: reach.width - convolution.padding.right)
    let isUsual =
      [Pair(1), Pair(3)].contains(convolution.kernel) && convolution.padding == Padding(convolution.kernel.height / 2)
      && convolution.dilation == Pair(1)
      && (convolution.groups == 1
        || convolution.groups == convolution.inChannels && convolution.groups == convolution.outChannels)
    let isSpread = convolution.stride != Pair(1) && isUsual
    let isTurned =
      isSpread || convolution.stride == Pair(1) && min(turned.top, turned.left, turned.bottom, turned.right) >= 0
    if isTurned {
      form = .convolution(
        Convolution(
          inChannels: convolution.outChannels, outChannels: convolution.inChannels, kernel: convolution.kernel, padding: turned,
          dilation: convolution.dilation, groups: convolution.groups, hasBias: false))
    } else {
      let g = try shape(node.inputs[0]), x = try shape(node.name), stride = convolution.stride
      // Rows and columns that no output reads.
      let rest = Pair(
        height: x.height - (g.height - 1) * stride.height + convolution.padding.top + convolution.padding.bottom - reach.height
          - 1,
        width: x.width - (g.width - 1) * stride.width + convolution.padding.left + convolution.padding.right - reach.width - 1)
      form = .transposed(
        TransposedConvolution(
          inChannels: convolution.outChannels, outChannels: convolution.inChannels, kernel: convolution.kernel, stride: stride,
          padding: convolution.padding, outputPadding: rest, dilation: convolution.dilation, groups: convolution.groups,
          hasBias: false))
    }
    var product = Product(form: form, weight: .weight, bias: nil, epilogue: canonical(convolution.epilogue))
    product.weightValue = node.inputs[1]
    product.turned = isTurned ? convolution : nil
    product.addedInput = 2
    guard isSpread else { return try planProduct(node, product) }
    let gradient = try value(node.inputs[0]), from = layout(gradient), x = try shape(node.name), stride = convolution.stride
    let image = Shape(batch: x.batch, channels: from.shape.channels, height: x.height, width: x.width)
    let spread = program.add(from.isPlanar ? DeviceLayout(planesOf: image) : DeviceLayout(image: image, from.element))
    pick(node, gradient, to: spread) { axis in
      guard axis >= 2 else { return nil }
      let step = axis == 2 ? stride.height : stride.width, extent = axis == 2 ? from.shape.height : from.shape.width
      return (0..<(axis == 2 ? x.height : x.width)).map { $0 % step == 0 && $0 / step < extent ? $0 / step : -1 }
    }
    try planProduct(node, product, from: spread, wholeInput: image)
  }

  /// Runs of pixels: as many as give a large device work, and none so short that adding them up would be the work. By shapes alone.
  private func runs(_ pixels: Int, blocks: Int, leastPixels: Int) -> (count: Int, pixels: Int) {
    let most = max(pixels / leastPixels, 1), wanted = min(max(Self.busyBlocks / max(blocks, 1), 1), most)
    let length = pixels.ceilingDivided(by: wanted)
    return (pixels.ceilingDivided(by: length), length)
  }

  /// Four blocks for each multiprocessor of the largest devices.
  private static let busyBlocks = 528

  private mutating func planWeightGradient(_ node: Node, _ whole: Convolution) throws(ExecutionError) {
    let given = try value(node.inputs[0]), gradient = try value(node.inputs[1]), output = try output(node), g = layout(gradient)
    let isSquares =
      isOfSquares(whole, layout(given).shape, g.shape) && layout(output) == DeviceLayout(planesOf: layout(output).shape)
    let input = isSquares ? squares(of: given) : given, convolution = isSquares ? ofSquares(whole) : whole
    let to =
      isSquares
      ? DeviceLayout(planesOf: Shape(batch: convolution.outChannels, channels: convolution.inChannels, height: 1, width: 1))
      : layout(output)
    let x = layout(input)
    let inputs = convolution.inChannels / convolution.groups, outputs = convolution.outChannels
    let columns = inputs * convolution.kernel.height * convolution.kernel.width
    let kernel = weightGradientKernel(convolution, x, g)
    let across: Int, down: Int
    // What runs are of: pixels, rows or tiles, and the fewest of them that are one.
    var pixels = g.shape.batch * g.shape.height * g.shape.width, least = 128
    switch kernel.family {
    case .weightGradientTiles(_, let size, _):
      across = outputs.ceilingDivided(by: DeviceLayout.groupLanes)
      down = inputs.ceilingDivided(by: size == 1 ? 64 : DeviceLayout.laneUnit)
      pixels =
        g.shape.batch * g.shape.height.ceilingDivided(by: kernel.tileHeight)
        * g.shape.width.ceilingDivided(by: kernel.tileWidth)
      least = 4
    case .training(.weightGradientOfChannels):
      (across, down) = (outputs.ceilingDivided(by: 32), 1)
      (pixels, least) = (g.shape.batch * g.shape.height, 8)
    case .training(.weightGradientOfGroups): (across, down) = (outputs.ceilingDivided(by: 32), columns)
    default: (across, down) = (outputs.ceilingDivided(by: kernel.tileWidth), columns.ceilingDivided(by: kernel.tileHeight))
    }
    let runs = runs(pixels, blocks: across * down, leastPixels: least)
    let sums = numbers(runs.count * columns * outputs)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: kernel, grid: LaunchGrid(x: across, y: down, z: runs.count), reads: [input, gradient],
        writes: sums
      ) { addresses, _ in
        var a = WeightGradientArguments()
        a.input = x.view(addresses.values[input])
        a.gradient = g.view(addresses.values[gradient])
        a.sums = addresses.floats(of: sums)
        (a.height, a.width) = (Int32(x.shape.height), Int32(x.shape.width))
        (a.outputHeight, a.outputWidth) = (Int32(g.shape.height), Int32(g.shape.width))
        (a.pixels, a.runPixels) = (Int32(pixels), Int32(runs.pixels))
        (a.inputs, a.outputs, a.groups) = (Int32(inputs), Int32(outputs), Int32(convolution.groups))
        (a.kernelHeight, a.kernelWidth) = (Int32(convolution.kernel.height), Int32(convolution.kernel.width))
        (a.strideHeight, a.strideWidth) = (Int32(convolution.stride.height), Int32(convolution.stride.width))
        (a.dilationHeight, a.dilationWidth) = (Int32(convolution.dilation.height), Int32(convolution.dilation.width))
        (a.top, a.left) = (Int32(convolution.padding.top), Int32(convolution.padding.left))
        return argumentBytes(a)
      })
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.weightTotals)),
        grid: LaunchGrid(x: (columns * outputs).ceilingDivided(by: 256)), reads: [sums], writes: output
      ) { addresses, _ in
        var a = WeightTotalsArguments()
        a.sums = UnsafePointer(addresses.floats(of: sums))
        a.output = to.view(addresses.values[output])
        (a.runs, a.inputs, a.outputs) = (Int32(runs.count), Int32(inputs), Int32(outputs))
        (a.kernelHeight, a.kernelWidth) = (Int32(convolution.kernel.height), Int32(convolution.kernel.width))
        return argumentBytes(a)
      })
  }

  /// Tensor cores where both values are pixels of 16 bits, and else what suits the groups.
  private func weightGradientKernel(_ convolution: Convolution, _ input: DeviceLayout, _ gradient: DeviceLayout) -> CUDAKernel {
    let size = convolution.kernel.height, stride = convolution.stride.height
    let isSquare = convolution.kernel == Pair(size) && convolution.stride == Pair(stride) && convolution.dilation == Pair(1)
    if convolution.groups == 1 {
      let tiles = CUDAKernel.allCases.first {
        $0.family == .weightGradientTiles(input.element, size: size, stride: stride)
          && $0.sharedByteCount <= device.mostSharedByteCount
      }
      if let tiles, isSquare, !input.isPlanar, !gradient.isPlanar, gradient.element == input.element { return tiles }
      return .any(.training(.weightGradient))
    }
    let isOfChannels =
      isSquare && size == 3 && stride == 1 && convolution.groups == convolution.inChannels
      && convolution.groups == convolution.outChannels
    return .any(.training(isOfChannels ? .weightGradientOfChannels : .weightGradientOfGroups))
  }

  /// So many numbers of float32.
  private mutating func numbers(_ count: Int) -> Int {
    program.add(DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: count)))
  }

  // MARK: Statistics of channels

  /// Which of a kernel's functions, on the way to what the channels are.
  private struct Statistic {
    var sum: Int32
    var total: Int32
    var moments: Int?
    var gradient: Int?
    var rectified: (weight: Int, bias: Int)?
    var epsilon: Float = 0
  }

  private mutating func sumChannels(_ node: Node, _ input: Int, _ statistic: Statistic, to output: Int) {
    let x = layout(input), gradientLayout = statistic.gradient.map { layout($0) }
    let pixels = x.shape.batch * x.shape.height * x.shape.width, channels = x.shape.channels
    // The pixels of a plane lie together, and so do the channels of a pixel.
    let atOnce = x.isPlanar ? 1 : 32, blocks = channels.ceilingDivided(by: atOnce)
    let runs = runs(pixels, blocks: blocks, leastPixels: 256)
    let sums = numbers(runs.count * (statistic.gradient == nil ? 1 : 2) * channels)
    let parameters = [statistic.moments, statistic.gradient, statistic.rectified?.weight, statistic.rectified?.bias]
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.channelSums)), grid: LaunchGrid(x: blocks, y: runs.count),
        reads: [input] + parameters.compactMap { $0 }, writes: sums
      ) { addresses, _ in
        var a = ChannelSumsArguments()
        a.input = x.view(addresses.values[input])
        if let gradient = statistic.gradient, let gradientLayout {
          a.gradient = gradientLayout.view(addresses.values[gradient])
        }
        a.moments = statistic.moments.flatMap { UnsafePointer(addresses.floats(of: $0)) }
        a.weights = statistic.rectified.flatMap { UnsafePointer(addresses.floats(of: $0.weight)) }
        a.biases = statistic.rectified.flatMap { UnsafePointer(addresses.floats(of: $0.bias)) }
        a.sums = addresses.floats(of: sums)
        (a.pixels, a.runPixels) = (Int32(pixels), Int32(runs.pixels))
        (a.imagePixels, a.channels) = (Int32(x.shape.height * x.shape.width), Int32(channels))
        (a.channelsAtOnce, a.function, a.rectifies) = (Int32(atOnce), statistic.sum, statistic.rectified == nil ? 0 : 1)
        a.epsilon = statistic.epsilon
        return argumentBytes(a)
      })
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.channelTotals)), grid: LaunchGrid(x: channels.ceilingDivided(by: 32)),
        reads: [sums], writes: output
      ) { addresses, _ in
        var a = ChannelTotalsArguments()
        a.sums = UnsafePointer(addresses.floats(of: sums))
        a.output = addresses.floats(of: output)
        (a.runs, a.channels, a.function) = (Int32(runs.count), Int32(channels), statistic.total)
        a.count = Float(pixels)
        return argumentBytes(a)
      })
  }

  private mutating func planChannelSum(_ node: Node) throws(ExecutionError) {
    sumChannels(node, try value(node.inputs[0]), Statistic(sum: 0, total: 0), to: try output(node))
  }

  private mutating func planBatchNormalization(_ node: Node, _ payload: BatchNormalization) throws(ExecutionError) {
    let output = try output(node)
    var operands: [Int] = []
    for name in node.elementInputs { operands.append(try value(name)) }
    switch payload.part {
    case .moments:
      sumChannels(node, operands[0], Statistic(sum: 0, total: 1), to: output)
      sumChannels(node, operands[0], Statistic(sum: 1, total: 2, moments: output), to: output)
    case .gradientSums:
      var statistic = Statistic(
        sum: 2, total: 3, moments: try plain(node.inputs[2]), gradient: operands[0], epsilon: payload.epsilon)
      if payload.rectifies { statistic.rectified = (try plain(node.inputs[3]), try plain(node.inputs[4])) }
      sumChannels(node, operands[1], statistic, to: output)
    case .output:
      let weights = try parameterConstant(node, .weight), biases = try parameterConstant(node, .bias)
      emitBatch(
        node, .normalizeBatch, payload, input: operands[0], other: operands.count > 2 ? operands[2] : nil,
        numbers: [try plain(node.inputs[1])], to: output
      ) { a, addresses in
        (a.weights, a.biases) = (addresses.floats(weights), addresses.floats(biases))
      }
    case .inputGradient:
      var numbers: [Int] = []
      for name in node.inputs[2...] { numbers.append(try plain(name)) }
      emitBatch(node, .batchGradient, payload, input: operands[1], other: operands[0], numbers: numbers, to: output) {
        [numbers] a, addresses in
        a.sums = UnsafePointer(addresses.floats(of: numbers[1]))
        a.weights = UnsafePointer(addresses.floats(of: numbers[2]))
        if numbers.count > 3 { a.biases = UnsafePointer(addresses.floats(of: numbers[3])) }
      }
    }
  }

  /// - Parameter numbers: values of float32 for each channel, the moments first.
  private mutating func emitBatch(
    _ node: Node, _ kernel: CUDAKernel.Training, _ payload: BatchNormalization, input: Int, other: Int?, numbers: [Int],
    to output: Int, _ complete: @escaping (inout BatchArguments, DeviceProgram.Addresses) -> Void
  ) {
    let x = layout(input), to = layout(output), otherLayout = other.map { layout($0) }
    let epilogue = kernel == .normalizeBatch ? canonical(payload.epilogue) : CanonicalEpilogue()
    let count = x.shape.count / max(x.shape.channels, 1)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(kernel)), grid: elementGrid(to),
        reads: [input] + (other.map { [$0] } ?? []) + numbers, writes: output
      ) { addresses, _ in
        var a = BatchArguments()
        a.input = x.view(addresses.values[input])
        if let other, let otherLayout { a.other = otherLayout.view(addresses.values[other]) }
        a.output = to.view(addresses.values[output])
        a.moments = UnsafePointer(addresses.floats(of: numbers[0]))
        a.element = ElementArguments(to)
        (a.epsilon, a.count, a.scale) = (payload.epsilon, Float(count), epilogue.scale)
        a.rectifies = kernel == .batchGradient && payload.rectifies ? 1 : 0
        a.before = ActivationArguments(epilogue.before)
        a.after = ActivationArguments(epilogue.after)
        complete(&a, addresses)
        return argumentBytes(a)
      })
  }

  private mutating func planChannelProduct(_ node: Node) throws(ExecutionError) {
    let input = try value(node.inputs[0]), factors = try plain(node.inputs[1]), output = try output(node)
    let from = layout(input), to = layout(output), ofFactors = layout(factors)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.elementByElement), grid: elementGrid(to), reads: [input, factors], writes: output
      ) { addresses, _ in
        var a = ElementwiseArguments()
        a.first = from.view(addresses.values[input])
        a.second = ofFactors.view(addresses.values[factors])
        (a.second.imageStep, a.second.channelStep, a.second.rowStep, a.second.columnStep) = (0, 1, 0, 0)
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        (a.function, a.scale) = (BinaryFunction.multiply.deviceNumber, 1)
        return argumentBytes(a)
      })
  }
}

extension DeviceProgram.Addresses {
  /// A value of float32.
  func floats(of value: Int) -> UnsafeMutablePointer<Float>? { UnsafeMutablePointer(bitPattern: UInt(values[value])) }
}
