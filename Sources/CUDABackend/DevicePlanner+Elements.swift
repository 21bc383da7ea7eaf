import CUDAKernels
import Execution
import Networks
import Tensors

/// Functions element by element, and what moves or mixes elements.
extension DevicePlanner {
  mutating func planElementwise(_ node: Node) throws(ExecutionError) {
    if case .add = node.operation, try addedInPlace(node) { return }
    var function: Int32 = 0, activation: ActivationFunction?, scale: Float = 1, factors: Int?, shifts: Int?
    switch node.operation {
    case .activation(let payload): activation = payload
    case .scale(let payload): scale = payload.factor
    case .add: function = BinaryFunction.add.deviceNumber
    case .binary(let payload): function = payload.deviceNumber
    case .channelAffine: (factors, shifts) = (try parameterConstant(node, .scale), try parameterConstant(node, .shift))
    case .batchNorm(let payload): (factors, shifts) = try normalization(node, payload)
    default: throw unknown(node.name)
    }
    let slope = try slopeConstant(node, .slope, [activation])
    let operands = try node.elementInputs.map { (name) throws(ExecutionError) in try value(name) }
    let output = try output(node), to = layout(output), layouts = operands.map { layout($0) }
    program.steps.append(
      DeviceProgram.Step(
        node: node.name, kernel: .any(.elementByElement), grid: elementGrid(to), reads: operands, writes: output
      ) {
        [activation, scale, function, factors, shifts] addresses, _ in
        var a = ElementwiseArguments()
        a.first = layouts[0].view(addresses.values[operands[0]], repeatedTo: to.shape)
        if operands.count > 1 { a.second = layouts[1].view(addresses.values[operands[1]], repeatedTo: to.shape) }
        a.output = to.view(addresses.values[output])
        (a.factors, a.shifts) = (addresses.floats(factors), addresses.floats(shifts))
        a.element = ElementArguments(to)
        (a.function, a.scale) = (function, scale)
        a.activation = ActivationArguments(activation, slope: addresses.floats(slope))
        return argumentBytes(a)
      })
  }

  /// A batch norm as a factor and a shift a channel.
  private mutating func normalization(
    _ node: Node, _ payload: BatchNorm
  ) throws(ExecutionError) -> (factors: Int, shifts: Int) {
    let names = [ParameterRole.weight, .bias, .runningMean, .runningVariance].map(node.parameterName)
    func map(_ network: Network) -> (factors: [Double], shifts: [Double]) {
      let values = names.map { network.parameters[$0]?.floats ?? [] }
      let factors = values[3].indices.map {
        Double(values[0].isEmpty ? 1 : values[0][$0]) / (Double(values[3][$0]) + Double(payload.epsilon)).squareRoot()
      }
      return (
        factors, factors.indices.map { Double(values[1].isEmpty ? 0 : values[1][$0]) - Double(values[2][$0]) * factors[$0] }
      )
    }
    return (
      try constant(
        DeviceProgram.Constant(key: "\(node.name) factors", parameters: names) { map($0).factors.map(Float.init).bytes }),
      try constant(
        DeviceProgram.Constant(key: "\(node.name) shifts", parameters: names) { map($0).shifts.map(Float.init).bytes })
    )
  }

  /// A constant lies in planes.
  mutating func planConstant(_ node: Node) throws(ExecutionError) {
    let element = try valueLayout(node.name).element, name = node.parameterName(.value)
    // Integers as they are.
    let constant =
      element.isCode
      ? program.add(DeviceProgram.Constant(key: name, parameters: [name]) { $0.parameters[name]?.bytes ?? [] })
      : try parameterConstant(node, .value)
    // A value that updates change lies with the parameters.
    if let value = program.constants[constant].value {
      values[node.name] = value
      return
    }
    values[node.name] = program.add(
      DeviceLayout(planesOf: try shape(node.name), element.isCode ? element : .float32), .constant(constant))
  }

  /// Copies the operands that do not lie in the concatenation already.
  mutating func planConcatenation(_ node: Node, _ payload: Concatenation) throws(ExecutionError) {
    let output = try output(node), whole = layout(output), axis = imageAxis(payload.axis, of: node.name)
    var position = 0
    for (index, name) in node.inputs.enumerated() {
      let input = try value(name), from = layout(input)
      defer { position += [from.shape.batch, from.shape.channels, from.shape.height, from.shape.width][axis] }
      if isPart(name, of: node.name) { continue }
      // The last operand's zeros are those of the whole.
      let isLast = index == node.inputs.count - 1, start = position
      var element = ElementArguments(whole)
      (element.height, element.width) = (Int32(from.shape.height), Int32(from.shape.width))
      if axis == 1 {
        element.channels = Int32(from.shape.channels)
        element.lanes = Int32(isLast ? whole.lanes - start : from.shape.channels)
      }
      let grid = LaunchGrid(
        x: (from.shape.height * from.shape.width * Int(element.lanes)).ceilingDivided(by: 256), y: from.shape.batch)
      program.steps.append(
        DeviceProgram.Step(node: node.name, kernel: .any(.move), grid: grid, reads: [input], writes: output) {
          [element] addresses, _ in
          var a = MoveArguments()
          a.input = from.view(addresses.values[input])
          a.output = whole.view(addresses.values[output])
          let steps = [a.output.imageStep, a.output.channelStep, a.output.rowStep, a.output.columnStep]
          a.output.base += Int(steps[axis]) * start * whole.element.byteCount
          a.element = element
          return argumentBytes(a)
        })
    }
  }

  /// Copies an input or an output into another layout.
  mutating func move(_ node: String, _ input: Int, to output: Int) {
    appendMove(node, input, to: output) { _, _ in }
    program.steps[program.steps.count - 1].isCopy = true
  }

  mutating func shuffle(_ node: String, _ input: Int, to output: Int, _ payload: PixelShuffle) throws(ExecutionError) {
    appendMove(node, input, to: output) { a, _ in
      (a.kind, a.factor, a.channelsInnermost) = (1, Int32(payload.factor), payload.order == .channelsInnermost ? 1 : 0)
    }
  }

  mutating func appendMove(
    _ node: String, _ input: Int, to output: Int, _ change: @escaping (inout MoveArguments, DeviceProgram.Addresses) -> Void
  ) {
    let from = layout(input), to = layout(output)
    program.steps.append(
      DeviceProgram.Step(node: node, kernel: .any(.move), grid: elementGrid(to), reads: [input], writes: output) {
        addresses, _ in
        var a = MoveArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        (a.inputChannels, a.inputHeight, a.inputWidth) = (
          Int32(from.shape.channels), Int32(from.shape.height), Int32(from.shape.width)
        )
        change(&a, addresses)
        return argumentBytes(a)
      })
  }

  /// What is flattened of one pixel lies as it did: the value gets a second name, where nobody else knows the first.
  private mutating func renamed(_ node: Node) throws(ExecutionError) -> Bool {
    guard case .flatten = node.operation, readerCount(node.inputs[0]) == 1, !isPart(node.name) else { return false }
    let input = try value(node.inputs[0])
    guard program.values[input].place == .arena, layout(input) == (try valueLayout(node.name)) else {
      return false
    }
    values[node.name] = input
    return true
  }

  mutating func planMovement(_ node: Node) throws(ExecutionError) {
    if try renamed(node) { return }
    let input = try value(node.inputs[0]), output = try output(node)
    switch node.operation {
    case .pixelShuffle(let payload): try shuffle(node.name, input, to: output, payload)
    case .pixelUnshuffle(let payload):
      appendMove(node.name, input, to: output) { a, _ in
        (a.kind, a.factor, a.channelsInnermost) = (2, Int32(payload.factor), payload.order == .channelsInnermost ? 1 : 0)
      }
    case .flatten, .reshape: appendMove(node.name, input, to: output) { a, _ in a.kind = 3 }
    case .transpose(let payload):
      // Of two axes the other two stay.
      let order = payload.permutation + Array(payload.permutation.count..<4)
      appendMove(node.name, input, to: output) { a, _ in
        let steps = [a.input.imageStep, a.input.channelStep, a.input.rowStep, a.input.columnStep]
        (a.input.imageStep, a.input.channelStep) = (steps[order[0]], steps[order[1]])
        (a.input.rowStep, a.input.columnStep) = (steps[order[2]], steps[order[3]])
      }
    case .expand:
      let shape = layout(output).shape
      appendMove(node.name, input, to: output) { [from = layout(input)] a, addresses in
        a.input = from.view(addresses.values[input], repeatedTo: shape)
      }
    case .slice(let payload):
      let from = layout(input).shape, to = layout(output).shape
      var starts = [0, 0, 0, 0], steps = [1, 1, 1, 1]
      for span in payload.spans {
        let axis = imageAxis(span.axis, of: node.inputs[0])
        starts[axis] = span.range(extent: from[axis])?.start ?? 0
        steps[axis] = span.step
      }
      pick(node, input, to: output) { axis in
        starts[axis] == 0 && steps[axis] == 1 ? nil : (0..<to[axis]).map { starts[axis] + $0 * steps[axis] }
      }
    case .pad(let payload):
      let from = layout(input).shape, to = layout(output).shape
      let before = [0, payload.channelsBefore, payload.padding.top, payload.padding.left]
      pick(node, input, to: output, value: padding(payload, of: node.inputs[0])) { axis in
        from[axis] == to[axis] ? nil : (0..<to[axis]).map { payload.source(of: $0 - before[axis], extent: from[axis]) ?? -1 }
      }
    default: throw unknown(node.name)
    }
  }

  /// Each place of the output is one of the input, by a table along each axis, or `value`.
  mutating func pick(
    _ node: Node, _ input: Int, to output: Int, value: Float = 0, _ places: (Int) -> [Int]?
  ) {
    let from = layout(input).shape
    var tables: [Int?] = []
    for axis in 0..<4 {
      tables.append(
        places(axis).map { program.add(table(node, "places \(axis) \(from[axis])", $0.map(Int32.init))) })
    }
    appendMove(node.name, input, to: output) { a, addresses in
      (a.images, a.channels) = (addresses.integers(tables[0]), addresses.integers(tables[1]))
      (a.rows, a.columns) = (addresses.integers(tables[2]), addresses.integers(tables[3]))
      a.value = value
    }
  }

  func table(_ node: Node, _ name: String, _ places: [Int32]) -> DeviceProgram.Constant {
    DeviceProgram.Constant(key: "\(node.name) \(name) \(places.count)", parameters: []) { _ in places.bytes }
  }

  mutating func planResize(_ node: Node, _ payload: Resize) throws(ExecutionError) {
    let input = try value(node.inputs[0]), output = try output(node), from = layout(input), to = layout(output)
    func position(_ index: Int, _ isRow: Bool) -> Resize.Position {
      isRow
        ? payload.rowPosition(of: index, extent: from.shape.height, outputExtent: to.shape.height)
        : payload.columnPosition(of: index, extent: from.shape.width, outputExtent: to.shape.width)
    }
    func inside(_ index: Int, _ isRow: Bool) -> Int { min(max(index, 0), (isRow ? from.shape.height : from.shape.width) - 1) }
    if payload.method == .nearest {
      return pick(node, input, to: output) { axis in
        axis < 2
          ? nil : (0..<to.shape[axis]).map { inside(position($0, axis == 2).rounded(payload.rounding), axis == 2) }
      }
    }
    let tapCount = payload.method == .bilinear ? 2 : 4
    func tables(_ isRow: Bool) -> (places: [Int32], weights: [Float]) {
      var places: [Int32] = [], weights: [Float] = []
      for index in 0..<(isRow ? to.shape.height : to.shape.width) {
        let position = position(index, isRow)
        for tap in 0..<tapCount {
          let offset = payload.method == .bilinear ? tap : tap - 1, distance = abs(position.fraction - Double(offset))
          places.append(Int32(inside(position.index + offset, isRow)))
          weights.append(Float(payload.method == .bilinear ? 1 - distance : keys(distance, Double(payload.cubicCoefficient))))
        }
      }
      return (places, weights)
    }
    let constants = [true, false].map { isRow in
      let (places, weights) = tables(isRow), extent = isRow ? from.shape.height : from.shape.width
      let name = "\(isRow ? "rows" : "columns") \(extent)"
      return (
        places: program.add(table(node, name, places)),
        weights: program.add(
          DeviceProgram.Constant(key: "\(node.name) weights of \(name) \(weights.count)", parameters: []) { _ in weights.bytes }
        )
      )
    }
    program.steps.append(
      DeviceProgram.Step(node: node.name, kernel: .any(.resample), grid: elementGrid(to), reads: [input], writes: output) {
        addresses, _ in
        var a = ResampleArguments()
        a.input = from.view(addresses.values[input])
        a.output = to.view(addresses.values[output])
        a.element = ElementArguments(to)
        (a.rows, a.columns) = (addresses.integers(constants[0].places), addresses.integers(constants[1].places))
        (a.rowWeights, a.columnWeights) = (addresses.floats(constants[0].weights), addresses.floats(constants[1].weights))
        (a.rowTaps, a.columnTaps) = (Int32(tapCount), Int32(tapCount))
        return argumentBytes(a)
      })
  }
}

/// Keys' cubic convolution kernel.
func keys(_ distance: Double, _ a: Double) -> Double {
  if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
  if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
  return 0
}

extension DeviceLayout {
  /// The value with its extents of 1 repeated.
  func view(_ address: UInt64, repeatedTo target: Shape) -> ValueView {
    var view = view(address)
    if shape.batch == 1, target.batch > 1 { view.imageStep = 0 }
    if shape.channels == 1, target.channels > 1 { view.channelStep = 0 }
    if shape.height == 1, target.height > 1 { view.rowStep = 0 }
    if shape.width == 1, target.width > 1 { view.columnStep = 0 }
    return view
  }
}
