import CKernels
import Execution
import Networks
import Tensors

/// Turns a network into a program: gives each node the steps of the method that was chosen for it, each value a layout, and puts
/// copies between where layouts differ.
struct Lowering {
  let network: Network
  let shapes: [String: Shape]
  let types: [String: ValueType]
  let wholeShapes: [String: Shape]
  let engine: CPUEngine
  let table: KernelTable
  let packs: PackStore
  var result = Program(steps: [], layouts: [], places: [])
  /// What interleaved values of the node are made of that is lowered.
  var element: DataType
  /// The value of each network value, in the layout that `valueLayout(shape)` gives it; planar where `readByOptimizers` has its node,
  /// and where an optimiser's node is read by no other.
  private var values: [String: Int] = [:]
  /// The inputs of concatenations that are made where they end up.
  private var parts: [String: ConcatenationPart] = [:]
  /// The value of each concatenation that has parts.
  private var wholes: [String: Int] = [:]
  /// The concatenations whose readers take each input from where it lies.
  private var readInParts: Set<String> = []
  /// The nodes that only move channels.
  private var moved: MovedChannels
  /// The inputs, planar and float32 as they come, of the values that nodes read in their place.
  private var inputs: [Int: Int] = [:]
  /// Steps that add what runs of rows came to, which wait until their values are read or another step needs all rows: in between, bands of rows go
  /// through many steps.
  private var pending: [any Step] = []
  /// The nodes whose readers are all optimisers, which take values as tensors lie.
  let readByOptimizers: Set<String>
  /// The nodes that something else than an optimiser reads.
  let readByOthers: Set<String>
  let adaptiveSteps: AdaptiveSteps
  /// The tensors of the values that are constants.
  private var constants: [Int: ParameterTensor] = [:]

  init(_ network: Network, types: [String: ValueType], wholeShapes: [String: Shape], engine: CPUEngine, packs: PackStore) {
    self.packs = packs
    self.network = network
    self.types = types
    let shapes = types.mapValues(\.shape)
    self.shapes = shapes
    element = engine.precision.element
    self.wholeShapes = wholeShapes
    self.engine = engine
    table = KernelTable(engine.instructionSet, on: engine.machine)
    moved = MovedChannels(network, shapes: shapes)
    let readers = network.readers
    readByOptimizers = readers.optimizers.subtracting(readers.others)
    readByOthers = readers.others
    adaptiveSteps = AdaptiveSteps(network)
  }

  mutating func program() throws(ExecutionError) -> Program {
    for (index, input) in network.inputs.enumerated() {
      let shape = try shape(of: input.name)
      element = element(of: input.name)
      var value = addValue(valueLayout(shape, .planar), .input(index))
      if input.element == .int8 { value = flipped(value, node: input.name) }
      let read = convert(value, to: valueLayout(shape), node: input.name)
      values[input.name] = read
      inputs[read] = value
    }
    readInParts = concatenationsReadInParts()
    parts = ConcatenationPart.all(in: network, shapes: shapes, except: readInParts.union(moved.unmade))
    for node in network.nodes {
      element = element(of: node.name)
      try lower(node)
    }
    appendPending()
    for (index, name) in network.leavingValues.enumerated() { try placeOutput(name, index) }
    dropUnreadConstants()
    return result
  }

  /// Weights that are operands of nodes are values, which no step reads where they lie in packs of a kernel: they would be filled in each step of
  /// training for nothing.
  private mutating func dropUnreadConstants() {
    var read = Set(result.steps.flatMap(\.reads))
    for case .inParts(let values) in result.places { read.formUnion(values) }
    var kept: [Pack] = []
    for (value, place) in result.places.enumerated() {
      guard case .constant(let index) = place else { continue }
      if read.contains(value) {
        kept.append(result.constants[index])
        result.places[value] = .constant(kept.count - 1)
      } else {
        result.places[value] = .inParts([])
      }
    }
    result.constants = kept
  }

  // MARK: Values

  /// The layout that every value of the shape has, or has in this order.
  func valueLayout(_ shape: Shape, _ order: ValueLayout.Order? = nil) -> ValueLayout {
    order.map { ValueLayout(shape, $0, element) } ?? ValueLayout(shape, element)
  }

  /// What interleaved values are made of that hold what the network calls by that name.
  func element(of name: String) -> DataType { types[name]?.element.isCode == true ? .uint8 : engine.precision.element }

  /// The layout of a value in another order, of what it is made of.
  func layout(of value: Int, _ order: ValueLayout.Order) -> ValueLayout {
    let own = result.layouts[value]
    return ValueLayout(own.shape, order, own.element == .uint8 ? .uint8 : engine.precision.element)
  }

  /// The codes of a value of the network; nil of floats.
  func codes(of name: String) -> Codes? { types[name].flatMap(Codes.init) }

  /// A planar value of integers with the other meaning of their bytes, from signed to unsigned or back.
  private mutating func flipped(_ value: Int, node: String, _ place: Program.Place = .arena) -> Int {
    let layout = result.layouts[value], output = addValue(layout, place)
    result.steps.append(
      LookupStep(node: node, table: .flip, input: (value, layout), output: (output, layout), kernels: table, packs: packs))
    return output
  }

  mutating func addValue(_ layout: ValueLayout, _ place: Program.Place = .arena) -> Int {
    result.layouts.append(layout)
    result.places.append(place)
    return result.layouts.count - 1
  }

  /// A value for the output of a node: where the node is an input of a concatenation, a part of that, if the layouts allow.
  mutating func addOutput(_ node: Node, _ layout: ValueLayout) throws(ExecutionError) -> Int {
    guard let part = parts[node.name], layout.order == .interleaved, layout.shape == shapes[node.name],
      layout.element == element(of: node.name)
    else {
      return addValue(layout)
    }
    let whole = try whole(of: part.concatenation)
    return addValue(
      ValueLayout(part: layout.channels, of: result.layouts[whole]), .part(of: whole, channel: part.channel))
  }

  private mutating func whole(of concatenation: String) throws(ExecutionError) -> Int {
    if let whole = wholes[concatenation] { return whole }
    let whole = addValue(ValueLayout(try shape(of: concatenation), .interleaved, element(of: concatenation)))
    wholes[concatenation] = whole
    return whole
  }

  /// A concatenation whose inputs mostly lie in it already; the others are copied there. Nil where it has no parts.
  private mutating func joined(_ node: Node, _ inputs: [Int]) throws(ExecutionError) -> Int? {
    guard let whole = wholes[node.name] else { return nil }
    var channel = 0
    for input in inputs {
      let layout = result.layouts[input]
      if result.places[input] != .part(of: whole, channel: channel) {
        let part = addValue(
          ValueLayout(part: layout.channels, of: result.layouts[whole]), .part(of: whole, channel: channel))
        rearrange(.copy, node: node.name, [input], to: part)
      }
      channel += layout.channels
    }
    return whole
  }

  /// Appends a step whose value is read by its node's readers alone, at the latest where the first of them stands.
  mutating func appendLater(_ step: any Step, _ isLater: Bool) {
    guard isLater else { return result.steps.append(step) }
    pending.append(step)
    let waiting = pending.reduce(0) { $0 + $1.reads.reduce(0) { $0 + result.layouts[$1].byteCount } }
    if waiting > Self.mostPendingBytes { appendPending() }
  }

  /// What the sums of runs may fill that wait to be added.
  private static let mostPendingBytes = 4 << 20

  mutating func appendPending() {
    result.steps += pending
    pending = []
  }

  func shape(of name: String) throws(ExecutionError) -> Shape {
    guard let shape = shapes[name] else { throw .invalidNetwork("the value '\(name)' has no shape") }
    return shape
  }

  /// The value of that name: of an input or a node, or a parameter, which is a constant here.
  mutating func value(_ name: String) throws(ExecutionError) -> Int {
    if let value = values[name] {
      if let index = pending.firstIndex(where: { $0.writes == value }) { result.steps.append(pending.remove(at: index)) }
      return value
    }
    guard network.parameters[name] != nil else {
      throw .invalidNetwork("the value '\(name)' is read before it is computed")
    }
    let shape = try shape(of: name)
    let value = addConstant(.parameter(name), ValueLayout(shape, element(of: name)))
    values[name] = value
    return value
  }

  func parameter(_ role: ParameterRole, of node: Node) throws(ExecutionError) -> ParameterTensor {
    guard network.parameter(role, of: node) != nil else {
      throw .invalidNetwork("the parameter '\(node.parameterName(role))' is missing")
    }
    return .parameter(node.parameterName(role))
  }

  /// The slopes of a PReLU, where the node has one.
  func slopes(_ role: ParameterRole, of node: Node) -> ParameterTensor? {
    network.parameter(role, of: node).map { _ in .parameter(node.parameterName(role)) }
  }

  /// A weight tensor, of numbers that the precision has.
  func weight(_ role: ParameterRole, of node: Node) throws(ExecutionError) -> ParameterTensor {
    let weight = try parameter(role, of: node)
    return engine.precision == .float32 ? weight : .rounded(weight, engine.precision)
  }

  /// The value itself where it has the layout already, else a copy.
  mutating func convert(_ value: Int, to layout: ValueLayout, node: String) -> Int {
    let from = result.layouts[value]
    guard from.order != layout.order || from.element != layout.element else { return value }
    if let tensor = constants[value] { return addConstant(tensor, layout) }
    let copy = addValue(layout)
    rearrange(.copy, node: node, [value], to: copy)
    return copy
  }

  /// A value that holds the tensor in that layout.
  ///
  /// - Parameter isShared: whether it is to be the tensor itself; see `ConstantValue`.
  mutating func addConstant(_ tensor: ParameterTensor, _ layout: ValueLayout, isShared: Bool = false) -> Int {
    result.constants.append(packs.pack(ConstantValue(tensor: tensor, layout: layout, isShared: isShared)))
    let value = addValue(layout, .constant(result.constants.count - 1))
    constants[value] = tensor
    return value
  }

  /// A planar constant that is the parameter itself; nil where the value is none.
  mutating func sharedConstant(_ value: Int, _ layout: ValueLayout) -> Int? {
    guard let tensor = constants[value], case .parameter = tensor else { return nil }
    return addConstant(tensor, layout, isShared: true)
  }

  /// Whether the value is a constant.
  func isConstant(_ value: Int) -> Bool { constants[value] != nil }

  mutating func rearrange(_ kind: RearrangementStep.Kind, node: String, _ inputs: [Int], to output: Int) {
    result.steps.append(
      RearrangementStep(
        node: node, kind: kind, inputs: inputs.map { ($0, result.layouts[$0]) }, output: output,
        layout: result.layouts[output], table: table))
  }

  /// Puts a value, planar, where the output's tensor lies: the value itself where it may lie there. Where two outputs are one value, the
  /// second is a copy of the first.
  private mutating func placeOutput(_ name: String, _ index: Int) throws(ExecutionError) {
    var value = try value(name)
    if types[name]?.element == .int8 {
      value = convert(value, to: layout(of: value, .planar), node: name)
      _ = flipped(value, node: name, .output(index))
      return
    }
    if result.layouts[value].order == .planar, result.places[value] == .arena {
      result.places[value] = .output(index)
      return
    }
    let layout = layout(of: value, .planar)
    // Constants and inputs leave as they are, not as they are stored between layers.
    let source = constants[value].map { addConstant($0, layout) } ?? inputs[value] ?? value
    let copy = addValue(layout, .output(index))
    rearrange(.copy, node: name, [source], to: copy)
  }

  // MARK: Nodes

  private mutating func lower(_ node: Node) throws(ExecutionError) {
    let shape = try shape(of: node.name)
    if moved.unmade.contains(node.name) { return }
    if let channels = moved.made[node.name] {
      values[node.name] = try pick(node, channels)
      return
    }
    var inputs: [Int] = []
    for name in node.inputs { inputs.append(try value(name)) }
    let layout = valueLayout(shape)
    switch node.operation {
    case .convolution(let payload):
      values[node.name] = try lowerConvolution(node, payload, inputs, output: shape)
      return
    case .separableConvolution(let payload):
      values[node.name] = try lowerSeparable(node, payload, inputs, output: shape)
      return
    case .activation(let function):
      var epilogue = CanonicalEpilogue()
      epilogue.before = function
      let slopes: ParameterTensor? = if case .prelu = function { try parameter(.slope, of: node) } else { nil }
      values[node.name] = try elementwise(
        node, inputs[0], layout, slopes: slopes, epilogue: epilogue, clearsPadding: !function.keepsFinite)
    case .scale(let payload):
      var epilogue = CanonicalEpilogue()
      epilogue.scale = payload.factor
      values[node.name] = try elementwise(node, inputs[0], layout, epilogue: epilogue)
    case .channelAffine:
      values[node.name] = try elementwise(
        node, inputs[0], layout, multiplier: try parameter(.scale, of: node),
        bias: try parameter(.shift, of: node), epilogue: CanonicalEpilogue())
    case .batchNorm(let payload):
      let norm = ParameterTensor.BatchNormParameters(
        weight: node.parameterName(.weight), bias: node.parameterName(.bias), mean: node.parameterName(.runningMean),
        variance: node.parameterName(.runningVariance), payload: payload)
      values[node.name] = try elementwise(
        node, inputs[0], layout, multiplier: .multiplier(norm), bias: .shift(norm), epilogue: CanonicalEpilogue())
    case .add:
      var epilogue = CanonicalEpilogue()
      epilogue.adds = true
      values[node.name] = try elementwise(node, inputs[0], layout, epilogue: epilogue, residual: inputs[1])
    case .concatenation(let payload) where payload.axis != 1:
      values[node.name] = try lowerConcatenation(node, axis: payload.axis, inputs)
    case .concatenation:
      if readInParts.contains(node.name) {
        values[node.name] = addValue(layout, .inParts(inputs))
      } else if let whole = try joined(node, inputs) {
        values[node.name] = whole
      } else if layout.order == .interleaved, inputs.count <= Self.mostPicked,
        inputs.allSatisfy({ result.layouts[$0].order == .interleaved })
      {
        values[node.name] = try pick(
          node,
          zip(node.inputs, inputs).flatMap { name, value in
            (0..<result.layouts[value].channels).map { MovedChannels.Source(value: name, channel: $0) }
          })
      } else {
        values[node.name] = try rearranged(node, .concatenation, inputs, layout)
      }
    case .pixelShuffle(let payload): values[node.name] = try rearranged(node, .pixelShuffle(payload), inputs, layout)
    case .pixelUnshuffle(let payload): values[node.name] = try rearranged(node, .pixelUnshuffle(payload), inputs, layout)
    case .maximumPool(let pool): values[node.name] = try lowerMaximumPool(node, pool, inputs[0])
    case .averagePool(let pool): values[node.name] = try lowerAveragePool(node, pool, inputs[0])
    case .globalAveragePool: values[node.name] = try lowerGlobalAveragePool(node, inputs[0])
    case .transposedConvolution(let payload):
      values[node.name] = try lowerTransposedConvolution(node, payload, inputs)
    case .linear(let payload): values[node.name] = try lowerLinear(node, payload, inputs)
    case .flatten: values[node.name] = try lowerFlatten(node, inputs[0])
    case .binary(let function): values[node.name] = try lowerBinary(node, function, inputs)
    case .resize(let payload): values[node.name] = try lowerResize(node, payload, inputs[0])
    case .pad(let payload): values[node.name] = try lowerPad(node, payload, inputs[0])
    case .slice(let payload): values[node.name] = try lowerSlice(node, payload, inputs[0])
    case .transpose(let payload): values[node.name] = try lowerTranspose(node, payload, inputs[0])
    case .reshape: values[node.name] = try lowerReshape(node, inputs[0])
    case .reduction(let payload): values[node.name] = try lowerReduction(node, payload, inputs[0])
    case .maximumIndex(let payload): values[node.name] = try lowerMaximumIndex(node, payload, inputs[0])
    case .normalization(let payload): values[node.name] = try lowerNormalization(node, payload, inputs[0])
    case .expand: values[node.name] = try lowerExpand(node, inputs[0])
    case .constant: values[node.name] = addConstant(try parameter(.value, of: node), layout)
    case .softmax(let payload): values[node.name] = try lowerSoftmax(node, payload, inputs[0])
    case .matrixMultiply: values[node.name] = try lowerMatrixMultiply(node, inputs)
    case .integer(let operation): values[node.name] = try lowerInteger(node, operation, inputs)
    case .training(let operation): values[node.name] = try lowerTraining(node, operation, inputs)
    }
  }

  /// Inputs of a concatenation whose channels are picked: a pick knows each of its vectors, and preparing grows with their number.
  private static let mostPicked = 8

  /// The channels of other values as one.
  private mutating func pick(_ node: Node, _ channels: [MovedChannels.Source]) throws(ExecutionError) -> Int {
    if let view = try view(node, channels) { return view }
    var inputs: [(value: Int, layout: ValueLayout)] = [], places: [String: Int] = [:]
    for source in channels where places[source.value] == nil {
      places[source.value] = inputs.count
      let value = try value(source.value)
      let input = convert(value, to: valueLayout(result.layouts[value].shape, .interleaved), node: node.name)
      inputs.append((input, result.layouts[input]))
    }
    let final = valueLayout(try shape(of: node.name)), layout = valueLayout(final.shape, .interleaved)
    let output = final == layout ? try addOutput(node, layout) : addValue(layout)
    result.steps.append(
      PickStep(
        node: node.name, inputs: inputs, channels: channels.map { (places[$0.value] ?? 0, $0.channel) },
        output: (output, result.layouts[output]), table: table))
    return convert(output, to: final, node: node.name)
  }

  /// Neighbouring channels of a value that steps make, as they lie in it; nil where blocks of channels do not begin and end with them, and where the
  /// node's value belongs into a concatenation.
  private mutating func view(_ node: Node, _ channels: [MovedChannels.Source]) throws(ExecutionError) -> Int? {
    guard let first = channels.first, parts[node.name] == nil, channels.count > ValueLayout.planarChannels,
      channels.indices.allSatisfy({
        channels[$0] == MovedChannels.Source(value: first.value, channel: first.channel + $0)
      })
    else { return nil }
    let value = try value(first.value), layout = result.layouts[value], block = Int(SW_CHANNEL_BLOCK)
    let end = first.channel + channels.count
    guard layout.order == .interleaved, layout.element == element(of: node.name), first.channel % block == 0,
      end % block == 0 || end == layout.channels
    else { return nil }
    let place: Program.Place
    switch result.places[value] {
    case .arena, .part: place = .view(of: value, channel: first.channel)
    case .view(let whole, let channel): place = .view(of: whole, channel: channel + first.channel)
    case .input, .output, .inParts, .constant: return nil
    }
    return addValue(ValueLayout(part: channels.count, of: layout), place)
  }

  private mutating func rearranged(
    _ node: Node, _ kind: RearrangementStep.Kind, _ inputs: [Int], _ layout: ValueLayout
  ) throws(ExecutionError) -> Int {
    let output = try addOutput(node, layout)
    rearrange(kind, node: node.name, inputs, to: output)
    return output
  }

  mutating func elementwise(
    _ node: Node, _ input: Int, _ layout: ValueLayout, multiplier: ParameterTensor? = nil, bias: ParameterTensor? = nil,
    slopes: ParameterTensor? = nil, epilogue: CanonicalEpilogue, residual: Int? = nil, clearsPadding: Bool = false
  ) throws(ExecutionError) -> Int {
    let output = try addOutput(node, layout)
    result.steps.append(
      ElementwiseStep(
        node: node.name, input: (input, result.layouts[input]), output: (output, result.layouts[output]), table: table,
        packs: packs, multiplier: multiplier, bias: bias, slopes: slopes, epilogue: epilogue,
        residual: residual.map { ($0, result.layouts[$0]) }, clearsPadding: clearsPadding))
    return output
  }
}

extension Network {
  /// The values that a run gives back: the outputs, then what parameters are set to.
  var leavingValues: [String] { outputs + updates.map(\.value) }

  /// The nodes that optimisers read, and those that others do.
  fileprivate var readers: (optimizers: Set<String>, others: Set<String>) {
    var optimizers: Set<String> = [], others: Set<String> = []
    for node in nodes {
      switch node.operation {
      case .training(.movingAverage), .training(.parameterStep): optimizers.formUnion(node.inputs)
      default: others.formUnion(node.inputs)
      }
    }
    return (optimizers, others)
  }
}
