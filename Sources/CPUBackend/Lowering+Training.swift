import Execution
import Networks
import Tensors

/// What only training runs. Its steps know interleaved float32 values alone.
extension Lowering {
  mutating func lowerTraining(
    _ node: Node, _ operation: TrainingOperation, _ inputs: [Int]
  ) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name)
    switch operation {
    case .convolutionProduct(let payload): return try lowerProduct(node, payload, inputs, output: shape)
    case .activationGradient(let payload):
      var slopes: (value: Int, count: Int)?
      if case .prelu(let channels) = payload.function { slopes = (float32(node, inputs[2]), channels) }
      let (g, x, output) = (trained(node, inputs[0]), trained(node, inputs[1]), trainedOutput(shape))
      result.steps.append(
        ActivationGradientStep(
          node: node.name, payload.function, g: g, x: x, slopes: slopes, output: output, table: table))
      return convert(output.value, to: valueLayout(shape), node: node.name)
    case .batchNormalization(let payload): return try lowerBatchNormalization(node, payload, inputs, output: shape)
    case .maximumPoolGradient(let payload):
      let (g, x, output) = (trained(node, inputs[0]), trained(node, inputs[1]), trainedOutput(shape))
      let added = payload.epilogue.isEmpty ? nil : trained(node, inputs[2])
      result.steps.append(
        MaximumPoolGradientStep(node: node.name, payload.pool, g: g, x: x, added: added, output: output, table: table))
      return convert(output.value, to: valueLayout(shape), node: node.name)
    case .adjoint(let payload): return try lowerAdjoint(node, payload.map, inputs[0], output: shape)
    case .channelSum:
      return statistics(node, .sum, [trained(node, inputs[0])], output: shape)
    case .channelProduct:
      return try combination(node, .product, [trained(node, inputs[0]), plain(node, inputs[1])], output: shape)
    case .movingAverage(let payload):
      // Its step makes it.
      if adaptiveSteps.merged.contains(node.name) { return addValue(ValueLayout(shape, .planar)) }
      return try lowerOptimizer(node, .average(payload), inputs, output: shape)
    case .parameterStep(let payload):
      guard let averages = adaptiveSteps.averages[node.name],
        case .training(.movingAverage(let mean)) = averages.mean.operation,
        case .training(.movingAverage(let square)) = averages.square.operation
      else { return try lowerOptimizer(node, .step(payload), inputs, output: shape) }
      let names = [node.inputs[0]] + [averages.mean.inputs[1], averages.mean.inputs[0], averages.square.inputs[0]]
      var operands: [Int] = []
      for name in names { operands.append(try value(name)) }
      return try lowerOptimizer(
        node, .adaptive(payload, mean: mean, square: square), operands + [inputs[3]], names: names + [node.inputs[3]],
        alsoWrites: [inputs[1], inputs[2]], output: shape)
    case .fakeQuantize(let payload):
      var epilogue = CanonicalEpilogue()
      (epilogue.before, epilogue.after) = (payload.clip, .round)
      return try elementwise(node, inputs[0], valueLayout(shape), epilogue: epilogue)
    case .dropout(let payload):
      let input = float32(node, inputs[0]), output = addFloat32(result.layouts[input])
      result.steps.append(
        DropoutStep(
          node: node.name, payload, input: (input, result.layouts[input]), step: float32(node, inputs[1]), output: output))
      return convert(output.value, to: valueLayout(shape), node: node.name)
    }
  }

  private typealias Operand = (value: Int, layout: ValueLayout)

  /// The value as interleaved float32.
  private mutating func trained(_ node: Node, _ input: Int) -> Operand {
    let value = convert(input, to: ValueLayout(result.layouts[input].shape, .interleaved), node: node.name)
    return (value, result.layouts[value])
  }

  /// Rows of numbers, which lie alike in either order.
  private mutating func plain(_ node: Node, _ input: Int) -> Operand {
    let value = float32(node, input)
    return (value, result.layouts[value])
  }

  private mutating func trainedOutput(_ shape: Shape) -> Operand {
    let layout = ValueLayout(shape, .interleaved)
    return (addValue(layout), layout)
  }

  /// Planar: so parameters are read where their tensors lie, and written where the new ones will.
  ///
  /// - Parameter names: of the inputs, where they are not those of the node.
  private mutating func lowerOptimizer(
    _ node: Node, _ kind: OptimizerStep.Kind, _ inputs: [Int], names: [String]? = nil, alsoWrites: [Int] = [],
    output shape: Shape
  ) throws(ExecutionError) -> Int {
    let layout = ValueLayout(shape, .planar)
    var operands: [Operand] = []
    for (index, input) in inputs.enumerated() {
      let own = ValueLayout(try self.shape(of: (names ?? node.inputs)[index]), .planar)
      let value = sharedConstant(input, own) ?? convert(input, to: own, node: node.name)
      operands.append((value, result.layouts[value]))
    }
    let output = addValue(layout)
    result.steps.append(
      OptimizerStep(node: node.name, kind, operands, output: (output, layout), alsoWrites: alsoWrites, table: table))
    return readByOthers.contains(node.name) ? convert(output, to: valueLayout(shape), node: node.name) : output
  }

  // MARK: Convolutions

  private mutating func lowerProduct(
    _ node: Node, _ payload: ConvolutionProduct, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    let convolution = payload.convolution
    func parameters(_ weight: ParameterTensor, bias: ParameterTensor? = nil) -> ConvolutionParameters {
      ConvolutionParameters(
        weight: engine.precision == .float32 ? weight : .rounded(weight, engine.precision), bias: bias, slopes: nil)
    }
    switch payload.result {
    case .output:
      let bias: ParameterTensor? = convolution.hasBias ? .parameter(node.inputs[2]) : nil
      return try lowerConvolution(
        node, convolution, parameters(.parameter(node.inputs[1]), bias: bias), [inputs[0]], output: shape)
    case .inputGradient:
      let weight = ParameterTensor.parameter(node.inputs[1]), operands = [inputs[0]] + inputs[2...]
      if var turned = convolution.turnedAround {
        turned.epilogue = convolution.epilogue
        return try lowerConvolution(
          node, turned, parameters(.turnedAround(weight, isDepthwise: turned.groups > 1)), operands, output: shape)
      }
      var transposed = convolution.transposed(from: try self.shape(of: node.inputs[0]), to: shape)
      transposed.epilogue = convolution.epilogue
      return try lowerTransposedConvolution(node, transposed, parameters(weight), operands)
    case .weightGradient:
      return try lowerWeightGradient(node, convolution, inputs, output: shape)
    }
  }

  private mutating func lowerWeightGradient(
    _ node: Node, _ payload: Convolution, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    let isPlanar = readByOptimizers.contains(node.name)
    let output: Operand = addFloat32(isPlanar ? ValueLayout(shape, .planar) : valueLayout(shape))
    let method = engine.method(for: WeightGradientGeometry(payload, g: try self.shape(of: node.inputs[1])))
    if method == .planes, let lines = PlaneLines(payload) {
      let ofPlanes = inputs[lines.areOfInput ? 0 : 1], pixels = trained(node, inputs[lines.areOfInput ? 1 : 0])
      let planes = convert(ofPlanes, to: ValueLayout(result.layouts[ofPlanes].shape, .planar), node: node.name)
      let runs = PlaneWeightSumStep.runs(of: pixels.layout, lines)
      let sums = sums(
        pixels.layout, runs, channels: pixels.layout.storedChannels, width: PlaneWeightSumStep.rows(of: lines))
      result.steps.append(
        PlaneWeightSumStep(
          node: node.name, lines, planes: (planes, result.layouts[planes]), pixels: pixels, runs, output: sums.value,
          table: table))
      appendLater(WeightTotalStep(node: node.name, .planes(lines), sums: sums, output: output), isPlanar)
      return isPlanar ? output.value : convert(output.value, to: valueLayout(shape), node: node.name)
    }
    let (x, g) = (trained(node, inputs[0]), trained(node, inputs[1]))
    switch method {
    case .winograd4, .winograd2:
      result.steps.append(
        WinogradWeightGradientStep(
          node: node.name, payload, size: method == .winograd4 ? 4 : 2, x: x, g: g, output: output, table: table))
    case .direct, .planes:
      let products = WeightProducts(payload, x: x.layout, g: g.layout, table: table)
      guard let runs = WeightSumStep.runs(of: products) else {
        result.steps.append(WeightGradientStep(node: node.name, products, x: x.value, g: g.value, output: output))
        break
      }
      let sums = sums(g.layout, runs, channels: products.columns, width: products.rows * products.taps)
      result.steps.append(WeightSumStep(node: node.name, products, x: x.value, g: g.value, runs, output: sums.value))
      appendLater(WeightTotalStep(node: node.name, .dense, sums: sums, output: output), isPlanar)
    case .depthwise:
      let runs = ChannelSumStep.runs(of: g.layout)
      let sums = sums(g.layout, runs, channels: g.layout.channels, width: payload.kernel.height * payload.kernel.width)
      result.steps.append(
        DepthwiseWeightSumStep(node: node.name, payload, x: x, g: g, runs, output: sums.value, table: table))
      appendLater(WeightTotalStep(node: node.name, .depthwise, sums: sums, output: output), isPlanar)
    case .grouped:
      result.steps.append(GroupedWeightGradientStep(node: node.name, payload, x: x, g: g, output: output))
    }
    return isPlanar ? output.value : convert(output.value, to: valueLayout(shape), node: node.name)
  }

  // MARK: Statistics of channels

  /// A value with a row for each run of rows of an image.
  private mutating func sums(_ image: ValueLayout, _ runs: RowRuns, channels: Int, width: Int) -> Operand {
    let layout = ValueLayout(Shape(batch: image.batch, channels: channels, height: runs.count, width: width), .interleaved)
    return (addValue(layout), layout)
  }

  private mutating func statistics(
    _ node: Node, _ kind: ChannelTotalStep.Kind, _ inputs: [(value: Int, layout: ValueLayout)], output shape: Shape
  ) -> Int {
    let part: ChannelSumStep.Kind =
      switch kind {
      case .sum: .sum
      case .moments: .moments
      case .gradientSums(let epsilon): .gradientSums(epsilon: epsilon, rectifies: inputs.count > 3)
      }
    let image = inputs[0].layout, runs = ChannelSumStep.runs(of: image)
    let sums = sums(image, runs, channels: image.channels, width: part.count)
    result.steps.append(ChannelSumStep(node: node.name, part, inputs, runs, output: sums.value, table: table))
    let output = addFloat32(valueLayout(shape)), final = valueLayout(shape)
    let total = ChannelTotalStep(
      node: node.name, kind, sums: sums, runs, width: image.width, moments: inputs.count > 2 ? inputs[2].value : nil,
      output: output)
    // Moments are read at once.
    if kind != .sum { appendPending() }
    appendLater(total, kind == .sum && output.layout.order == final.order && output.layout.element == final.element)
    return convert(output.value, to: final, node: node.name)
  }

  private mutating func combination(
    _ node: Node, _ kind: ChannelCombinationStep.Kind, _ inputs: [(value: Int, layout: ValueLayout)], output shape: Shape
  ) throws(ExecutionError) -> Int {
    // Where it belongs in a concatenation.
    let layout = ValueLayout(shape, .interleaved), final = valueLayout(shape)
    let output = final == layout ? try addOutput(node, layout) : addValue(layout)
    let place = (value: output, layout: result.layouts[output])
    result.steps.append(ChannelCombinationStep(node: node.name, kind, inputs, output: place, table: table))
    return convert(output, to: final, node: node.name)
  }

  private mutating func lowerBatchNormalization(
    _ node: Node, _ payload: BatchNormalization, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    switch payload.part {
    case .moments: return statistics(node, .moments, [trained(node, inputs[0])], output: shape)
    case .output:
      guard let epilogue = CanonicalEpilogue(payload.epilogue) else {
        throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for")
      }
      var operands = [trained(node, inputs[0])] + inputs[2...].map { trained(node, $0) } + [plain(node, inputs[1])]
      for role in [ParameterRole.weight, .bias] {
        let vector = ValueLayout([payload.channels])
        operands.append((addConstant(try parameter(role, of: node), vector), vector))
      }
      return try combination(node, .normalization(epsilon: payload.epsilon, epilogue), operands, output: shape)
    case .gradientSums:
      let operands = [trained(node, inputs[0]), trained(node, inputs[1])] + inputs[2...].map { plain(node, $0) }
      return statistics(node, .gradientSums(epsilon: payload.epsilon), operands, output: shape)
    case .inputGradient:
      let operands = [trained(node, inputs[0]), trained(node, inputs[1])] + inputs[2...].map { plain(node, $0) }
      let kind = ChannelCombinationStep.Kind.normalizationGradient(epsilon: payload.epsilon, rectifies: payload.rectifies)
      return try combination(node, kind, operands, output: shape)
    }
  }

  // MARK: Linear maps

  private mutating func lowerAdjoint(
    _ node: Node, _ map: Adjoint.Map, _ input: Int, output shape: Shape
  ) throws(ExecutionError) -> Int {
    let g = try self.shape(of: node.inputs[0])
    switch map {
    case .reshape: return try lowerReshape(node, input)
    case .repetition:
      let axes = shape.extents.indices.filter { shape[$0] != g[$0] }
      let input = float32(node, input)
      let sum = axes.isEmpty ? input : reduced(node, Reduction(.sum, axes: axes), input, g, to: shape)
      return convert(sum, to: valueLayout(shape), node: node.name)
    case .reduction(let payload): return try lowerReductionAdjoint(node, payload, input, g, output: shape)
    case .globalAveragePool:
      return try lowerReductionAdjoint(node, Reduction(.mean, axes: [2, 3]), input, g, output: shape)
    case .averagePool(let pool):
      func axis(_ kernel: Int, _ stride: Int, _ before: Int, _ behind: Int, extent: Int, count: Int) -> AxisMap {
        AxisMap(
          taps: (0..<count).map { index in
            let first = index * stride - before, end = min(first + kernel, extent + behind)
            let inside = max(first, 0)..<min(end, extent)
            let number = pool.countIncludesPadding ? end - first : inside.count
            return inside.map { AxisMap.Tap(position: $0, weight: 1 / Double(number)) }
          })
      }
      // A window may be as long as the image: all of them are counted before they are made.
      let taps = g.height * min(pool.kernel.height, shape.height) + g.width * min(pool.kernel.width, shape.width)
      try result.tables.claim(2 * taps * MemoryLayout<AxisMap.Tap>.stride, node)
      return try mapped(
        node, input, output: shape,
        rows: axis(
          pool.kernel.height, pool.stride.height, pool.padding.top, pool.padding.bottom, extent: shape.height, count: g.height),
        columns: axis(
          pool.kernel.width, pool.stride.width, pool.padding.left, pool.padding.right, extent: shape.width, count: g.width))
    case .resize(let payload):
      return try mapped(
        node, input, output: shape,
        rows: ResizeTaps.map(payload, rows: true, extent: shape.height, count: g.height),
        columns: ResizeTaps.map(payload, rows: false, extent: shape.width, count: g.width))
    case .pad(let payload):
      guard payload.mode != .constant else {
        func inner(_ count: Int, _ before: Int) -> [Int] { (0..<count).map { $0 + before } }
        let maps = SelectionStep.Maps(
          channels: inner(shape.channels, payload.channelsBefore), rows: inner(shape.height, payload.padding.top),
          columns: inner(shape.width, payload.padding.left))
        return select(node, "pad_adjoint", maps, input, valueLayout(shape))
      }
      func axis(_ before: Int, _ extent: Int, _ count: Int) -> AxisMap {
        .selection((0..<count).map { payload.source(of: $0 - before, extent: extent) })
      }
      return try mapped(
        node, input, output: shape, rows: axis(payload.padding.top, shape.height, g.height),
        columns: axis(payload.padding.left, shape.width, g.width))
    case .slice(let payload): return try lowerSliceAdjoint(node, payload, input, g, output: shape)
    }
  }

  /// Rows and columns each through the adjoint of a map.
  private mutating func mapped(
    _ node: Node, _ input: Int, output shape: Shape, rows: AxisMap, columns: AxisMap
  ) throws(ExecutionError) -> Int {
    let rowTaps = try result.tables.taps(adjointOf: rows, extent: shape.height, node)
    let columnTaps = try result.tables.taps(adjointOf: columns, extent: shape.width, node)
    let wide = float32(node, input), output = addFloat32(valueLayout(shape))
    result.steps.append(
      ResizeStep(
        node: node.name, rows: rowTaps, columns: columnTaps, input: (wide, result.layouts[wide]), output: output, table: table))
    return convert(output.value, to: valueLayout(shape), node: node.name)
  }

  private mutating func lowerReductionAdjoint(
    _ node: Node, _ payload: Reduction, _ input: Int, _ g: Shape, output shape: Shape
  ) throws(ExecutionError) -> Int {
    var kept = shape
    for axis in payload.axes { kept[axis] = 1 }
    var value = float32(node, input)
    if payload.function == .mean {
      var epilogue = CanonicalEpilogue()
      epilogue.scale = 1 / Float(shape.count / kept.count)
      let layout = result.layouts[value], scaled = addFloat32(layout)
      result.steps.append(
        ElementwiseStep(
          node: node.name, input: (value, layout), output: scaled, table: table, packs: packs, epilogue: epilogue))
      value = scaled.value
    }
    return expanded(node, reshaped(node, value, to: kept), kept, to: shape)
  }

  private mutating func lowerSliceAdjoint(
    _ node: Node, _ payload: Slice, _ input: Int, _ g: Shape, output shape: Shape
  ) throws(ExecutionError) -> Int {
    var starts = [Int](repeating: 0, count: shape.rank), steps = [Int](repeating: 1, count: shape.rank)
    for span in payload.spans {
      starts[span.axis] = span.range(extent: shape[span.axis])?.start ?? 0
      steps[span.axis] = span.step
    }
    let layout = valueLayout(shape)
    if shape.isImage, g.batch == shape.batch {
      func places(_ axis: Int) -> [Int] {
        (0..<shape[axis]).map { index in
          let offset = index - starts[axis], place = offset / steps[axis]
          return offset >= 0 && offset % steps[axis] == 0 && place < g[axis] ? place : SelectionStep.Maps.constant
        }
      }
      return select(
        node, "slice_adjoint", SelectionStep.Maps(channels: places(1), rows: places(2), columns: places(3)), input, layout)
    }
    let wide = float32(node, input), output = addFloat32(layout)
    let from = result.layouts[wide].strides(of: g), to = output.layout.strides(of: shape)
    let axes = (0..<shape.rank).map { axis in
      ScatterStep.Axis(extent: g[axis], from: from[axis], to: steps[axis] * to[axis])
    }
    result.steps.append(
      ScatterStep(
        node: node.name, axes: axes, offset: (0..<shape.rank).reduce(0) { $0 + starts[$1] * to[$1] },
        input: (wide, result.layouts[wide]), output: output))
    return convert(output.value, to: layout, node: node.name)
  }
}

extension Convolution {
  /// The convolution that makes the gradient of the input, of the kernels turned around; nil where strides or groups are in the way, or more is
  /// padded than the kernel reaches.
  fileprivate var turnedAround: Convolution? {
    let isDepthwise = groups > 1 && groups == inChannels && groups == outChannels
    let height = dilation.height * (kernel.height - 1), width = dilation.width * (kernel.width - 1)
    let inner = Padding(
      top: height - padding.top, left: width - padding.left, bottom: height - padding.bottom, right: width - padding.right)
    guard stride == Pair(1), groups == 1 || isDepthwise, min(inner.top, inner.left, inner.bottom, inner.right) >= 0 else {
      return nil
    }
    return Convolution(
      inChannels: outChannels, outChannels: inChannels, kernel: kernel, padding: inner, dilation: dilation, groups: groups,
      hasBias: false)
  }

  /// The transposed convolution that does, for a gradient and an input of these shapes.
  fileprivate func transposed(from g: Shape, to x: Shape) -> TransposedConvolution {
    func rest(_ extent: Int, _ count: Int, _ stride: Int, _ kernel: Int, _ dilation: Int, _ padding: Int) -> Int {
      extent - ((count - 1) * stride - padding + dilation * (kernel - 1) + 1)
    }
    return TransposedConvolution(
      inChannels: outChannels, outChannels: inChannels, kernel: kernel, stride: stride, padding: padding,
      outputPadding: Pair(
        height: rest(x.height, g.height, stride.height, kernel.height, dilation.height, padding.top + padding.bottom),
        width: rest(x.width, g.width, stride.width, kernel.width, dilation.width, padding.left + padding.right)),
      dilation: dilation, groups: groups, hasBias: false)
  }
}
