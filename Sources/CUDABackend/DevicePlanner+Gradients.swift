import CUDAKernels
import Execution
import Networks
import Tensors

/// Gradients through functions, pools and linear maps, what training does at random, and the steps of optimisers.
extension DevicePlanner {
  /// Operands and output of a function of each element: as rows of elements where all lie likewise, so that neighbouring threads take
  /// neighbours.
  private func flattened(_ values: [Int]) -> [DeviceLayout] {
    let layouts = values.map { layout($0) }, first = layouts[0]
    guard layouts.allSatisfy({ $0 == first }), first.isPlanar else { return layouts }
    return layouts.map { _ in
      DeviceLayout(planesOf: Shape(batch: 1, channels: 1, height: 1, width: first.shape.count), first.element)
    }
  }

  mutating func planActivationGradient(_ node: Node, _ function: ActivationFunction) throws(ExecutionError) {
    let gradient = try value(node.inputs[0]), argument = try value(node.inputs[1]), output = try output(node)
    var slope: Int?
    if case .prelu = function { slope = try plain(node.inputs[2]) }
    let values = [gradient, argument, output], layouts = slope == nil ? flattened(values) : values.map { layout($0) }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.activationGradient)), grid: elementGrid(layouts[2]),
        reads: [gradient, argument] + (slope.map { [$0] } ?? []), writes: output
      ) { addresses, _ in
        var a = ActivationGradientArguments()
        a.gradient = layouts[0].view(addresses.values[gradient])
        a.argument = layouts[1].view(addresses.values[argument])
        a.output = layouts[2].view(addresses.values[output])
        a.element = ElementArguments(layouts[2])
        a.activation = ActivationArguments(function, slope: slope.flatMap { UnsafePointer(addresses.floats(of: $0)) })
        return argumentBytes(a)
      })
  }

  mutating func planMaximumPoolGradient(_ node: Node, _ payload: MaximumPoolGradient) throws(ExecutionError) {
    let gradient = try value(node.inputs[0]), input = try value(node.inputs[1]), output = try output(node)
    let added = payload.epilogue.isEmpty ? nil : try value(node.inputs[2]), pool = payload.pool
    let from = layout(input), g = layout(gradient), to = layout(output), addedLayout = added.map { layout($0) }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.maximumPoolGradient)), grid: elementGrid(to),
        reads: [gradient, input] + (added.map { [$0] } ?? []), writes: output
      ) { addresses, _ in
        var a = MaximumPoolGradientArguments()
        a.gradient = g.view(addresses.values[gradient])
        if let added, let addedLayout { a.added = addedLayout.view(addresses.values[added]) }
        a.window.input = from.view(addresses.values[input])
        a.window.output = to.view(addresses.values[output])
        a.window.element = ElementArguments(to)
        (a.window.height, a.window.width) = (Int32(from.shape.height), Int32(from.shape.width))
        (a.window.kernelHeight, a.window.kernelWidth) = (Int32(pool.kernel.height), Int32(pool.kernel.width))
        (a.window.strideHeight, a.window.strideWidth) = (Int32(pool.stride.height), Int32(pool.stride.width))
        (a.window.top, a.window.left) = (Int32(pool.padding.top), Int32(pool.padding.left))
        (a.outputHeight, a.outputWidth) = (Int32(g.shape.height), Int32(g.shape.width))
        return argumentBytes(a)
      })
  }

  // MARK: Linear maps

  mutating func planAdjoint(_ node: Node, _ map: Adjoint.Map) throws(ExecutionError) {
    let gradient = try value(node.inputs[0]), output = try output(node), g = layout(gradient).shape, x = layout(output).shape
    switch map {
    case .reshape: appendMove(node.name, gradient, to: output) { a, _ in a.kind = 3 }
    case .repetition:
      let from = [g.batch, g.channels, g.height, g.width], to = [x.batch, x.channels, x.height, x.width]
      let axes = (0..<4).filter { from[$0] != to[$0] }
      if axes.isEmpty { return appendMove(node.name, gradient, to: output) { _, _ in } }
      reduce(node, gradient, Groups(g, axes: axes), Found.sum, to: output)
    case .reduction(let payload):
      // With the axes that were summed, whose extents are 1.
      var kept = types[node.name]?.shape ?? x
      for axis in payload.axes { kept[axis] = 1 }
      guard let shape = DeviceLayout.image(kept) else { throw unknown(node.name) }
      var source = gradient
      if layout(gradient).shape != shape || !layout(gradient).isPlanar {
        source = program.add(DeviceLayout(planesOf: shape))
        appendMove(node.name, gradient, to: source) { a, _ in a.kind = 3 }
      }
      let factor = payload.function == .mean ? Float(1 / Double(max(x.count / max(g.count, 1), 1))) : 1
      emitAdjoint(node, source, to: output, scale: factor) { axis in
        let extent = [x.batch, x.channels, x.height, x.width][axis]
        let isSummed = [shape.batch, shape.channels, shape.height, shape.width][axis] != extent
        return isSummed ? (0..<extent).map { _ in [(0, 1)] } : nil
      }
    case .globalAveragePool:
      emitAdjoint(node, gradient, to: output, scale: Float(1 / Double(x.height * x.width))) { axis in
        axis < 2 ? nil : (0..<(axis == 2 ? x.height : x.width)).map { _ in [(0, 1)] }
      }
    case .averagePool(let pool):
      emitAdjoint(node, gradient, to: output) { axis in
        if axis < 2 { return nil }
        let isRow = axis == 2, extent = isRow ? x.height : x.width, size = isRow ? pool.kernel.height : pool.kernel.width
        let before = isRow ? pool.padding.top : pool.padding.left, behind = isRow ? pool.padding.bottom : pool.padding.right
        let stride = isRow ? pool.stride.height : pool.stride.width
        return turned(isRow ? g.height : g.width, extent) { index in
          let start = index * stride - before, end = min(start + size, extent + behind)
          let inside = max(start, 0)..<max(min(end, extent), max(start, 0))
          let count = pool.countIncludesPadding ? end - start : inside.count
          return inside.map { ($0, 1 / Double(max(count, 1))) }
        }
      }
    case .slice(let payload):
      let extents = [x.batch, x.channels, x.height, x.width], taken = [g.batch, g.channels, g.height, g.width]
      var spans: [Int: Slice.Span] = [:]
      for span in payload.spans { spans[imageAxis(span.axis, of: node.name)] = span }
      emitAdjoint(node, gradient, to: output) { axis in
        guard let span = spans[axis], let range = span.range(extent: extents[axis]) else { return nil }
        return turned(taken[axis], extents[axis]) { [(range.start + $0 * span.step, 1)] }
      }
    case .pad(let payload):
      let extents = [x.batch, x.channels, x.height, x.width], padded = [g.batch, g.channels, g.height, g.width]
      let before = [0, payload.channelsBefore, payload.padding.top, payload.padding.left]
      emitAdjoint(node, gradient, to: output) { axis in
        if extents[axis] == padded[axis], before[axis] == 0 { return nil }
        return turned(padded[axis], extents[axis]) { index in
          guard let source = payload.source(of: index - before[axis], extent: extents[axis]), source >= 0,
            source < extents[axis]
          else { return [] }
          return [(source, 1)]
        }
      }
    case .resize(let payload):
      emitAdjoint(node, gradient, to: output) { axis in
        if axis < 2 { return nil }
        let isRow = axis == 2, extent = isRow ? x.height : x.width, made = isRow ? g.height : g.width
        return turned(made, extent) { index in
          let position =
            isRow
            ? payload.rowPosition(of: index, extent: extent, outputExtent: made)
            : payload.columnPosition(of: index, extent: extent, outputExtent: made)
          func inside(_ place: Int) -> Int { min(max(place, 0), extent - 1) }
          switch payload.method {
          case .nearest: return [(inside(position.rounded(payload.rounding)), 1)]
          case .bilinear:
            return (0..<2).map { (inside(position.index + $0), 1 - abs(position.fraction - Double($0))) }
          case .bicubic:
            return (-1..<3).map { offset in
              (inside(position.index + offset), keys(abs(position.fraction - Double(offset)), Double(payload.cubicCoefficient)))
            }
          }
        }
      }
    }
  }

  private mutating func emitAdjoint(
    _ node: Node, _ gradient: Int, to output: Int, scale: Float = 1, _ taps: (Int) -> [[(place: Int, weight: Double)]]?
  ) {
    let g = layout(gradient), to = layout(output)
    var tables: [(starts: Int, places: Int, weights: Int)?] = []
    for axis in 0..<4 {
      guard let taps = taps(axis) else {
        tables.append(nil)
        continue
      }
      var starts: [Int32] = [0], places: [Int32] = [], weights: [Float] = []
      for place in taps {
        for tap in place {
          places.append(Int32(tap.place))
          weights.append(Float(tap.weight))
        }
        starts.append(Int32(places.count))
      }
      // There is memory even where nothing goes anywhere.
      places.append(0)
      weights.append(0)
      let name = "adjoint \(axis) of \(g.shape) to \(to.shape)"
      tables.append(
        (
          program.add(table(node, "\(name) starts", starts)), program.add(table(node, "\(name) places", places)),
          program.add(
            DeviceProgram.Constant(key: "\(node.name) \(name) weights", parameters: []) { [weights] _ in weights.bytes })
        ))
    }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.adjoint)), grid: elementGrid(to), reads: [gradient], writes: output
      ) { [tables] addresses, _ in
        var a = AdjointArguments()
        a.gradient = g.view(addresses.values[gradient])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        func axis(_ index: Int) -> AxisTaps {
          guard let table = tables[index] else { return AxisTaps() }
          return AxisTaps(
            starts: addresses.integers(table.starts), places: addresses.integers(table.places),
            weights: addresses.floats(table.weights))
        }
        (a.images, a.channels, a.rows, a.columns) = (axis(0), axis(1), axis(2), axis(3))
        a.scale = scale
        return argumentBytes(a)
      })
  }

  // MARK: At random, and to whole numbers

  mutating func planDropout(_ node: Node, _ payload: Dropout) throws(ExecutionError) {
    let input = try value(node.inputs[0]), step = try plain(node.inputs[1]), output = try output(node)
    let from = layout(input), to = layout(output)
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.dropout)), grid: elementGrid(to), reads: [input, step], writes: output
      ) { addresses, _ in
        var a = DropoutArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.step = UnsafePointer(addresses.floats(of: step))
        a.element = ElementArguments(to)
        a.seed = UInt64(payload.seed)
        a.limit = UInt32((Double(payload.rate) * 0x1p24).rounded(.up))
        a.factor = 1 / (1 - payload.rate)
        return argumentBytes(a)
      })
  }

  mutating func planFakeQuantize(_ node: Node, _ payload: FakeQuantize) throws(ExecutionError) {
    let input = try value(node.inputs[0]), output = try output(node), layouts = flattened([input, output])
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.fakeQuantize)), grid: elementGrid(layouts[1]), reads: [input], writes: output
      ) { addresses, _ in
        var a = FakeQuantizeArguments()
        a.input = layouts[0].view(addresses.values[input])
        a.output = layouts[1].view(addresses.values[output])
        a.element = ElementArguments(layouts[1])
        (a.minimum, a.maximum) = (Float(payload.minimum), Float(payload.maximum))
        return argumentBytes(a)
      })
  }

  // MARK: Optimisers

  mutating func planMovingAverage(_ node: Node, _ payload: MovingAverage) throws(ExecutionError) {
    let average = try value(node.inputs[0]), gradient = try value(node.inputs[1]), output = try output(node)
    let layouts = flattened([average, gradient, output])
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.movingAverage)), grid: elementGrid(layouts[2]), reads: [average, gradient],
        writes: output
      ) { addresses, _ in
        var a = MovingAverageArguments()
        a.average = layouts[0].view(addresses.values[average])
        a.gradient = layouts[1].view(addresses.values[gradient])
        a.output = layouts[2].view(addresses.values[output])
        a.element = ElementArguments(layouts[2])
        (a.keep, a.add, a.squares) = (payload.keep, payload.add, payload.squares ? 1 : 0)
        return argumentBytes(a)
      })
  }

  mutating func planParameterStep(_ node: Node, _ payload: ParameterStep) throws(ExecutionError) {
    var operands: [Int] = []
    for name in node.inputs.dropLast() { operands.append(try value(name)) }
    let numbers = try plain(node.inputs[node.inputs.count - 1]), output = try output(node)
    let layouts = flattened(operands + [output])
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.training(.parameterStep)), grid: elementGrid(layouts[operands.count]),
        reads: operands + [numbers], writes: output
      ) { [operands] addresses, _ in
        var a = ParameterStepArguments()
        a.weight = layouts[0].view(addresses.values[operands[0]])
        a.direction = layouts[1].view(addresses.values[operands[1]])
        if operands.count > 2 { a.square = layouts[2].view(addresses.values[operands[2]]) }
        a.output = layouts[operands.count].view(addresses.values[output])
        a.numbers = UnsafePointer(addresses.floats(of: numbers))
        a.element = ElementArguments(layouts[operands.count])
        (a.decay, a.epsilon, a.isAdaptive) = (payload.decay, payload.epsilon ?? 0, payload.epsilon == nil ? 0 : 1)
        return argumentBytes(a)
      })
  }
}

/// For each place of an operation's input along an axis the places of its output that it goes to, and how much of it: what an operation
/// says of its outputs, turned around.
private func turned(
  _ outputs: Int, _ inputs: Int, _ taps: (Int) -> [(place: Int, weight: Double)]
) -> [[(place: Int, weight: Double)]] {
  var result = [[(place: Int, weight: Double)]](repeating: [], count: inputs)
  for output in 0..<outputs {
    for tap in taps(output) { result[tap.place].append((output, tap.weight)) }
  }
  return result
}
