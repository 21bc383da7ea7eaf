import Networks
import Tensors

/// Writes the nodes of a plan as float32 that reckons in whole numbers: the counterpart, node by node, of what writes integers.
struct SimulationWriter {
  private let plan: QuantizationPlan
  private let scheme: QuantizationScheme
  private let quantizations: [String: ValueType.Quantization]
  private let shapes: [String: Shape]
  private var parameters: [String: Tensor]
  private var nodes: [Node] = []
  private var names: Set<String>
  /// What each value of the old network is called as whole numbers, and as numbers.
  private var codes: [String: String] = [:]
  private var numbers: [String: String] = [:]
  private var scaleNames: [String: String] = [:]
  /// Scalars as values of other ranks.
  private var raised: [[String]: String] = [:]
  private(set) var standIns: [String: String] = [:]
  private(set) var sources: [String: String] = [:]
  private(set) var valueScales: [String: SimulatedScale] = [:]
  private(set) var weightScales: [String: SimulatedScale] = [:]
  private(set) var learnable: [String] = []

  init(
    _ plan: QuantizationPlan, _ scheme: QuantizationScheme, _ quantizations: [String: ValueType.Quantization],
    shapes: [String: Shape]
  ) {
    self.plan = plan
    self.scheme = scheme
    self.quantizations = quantizations
    self.shapes = shapes
    parameters = plan.network.parameters
    names = Set(plan.network.inputs.map(\.name) + plan.network.nodes.map(\.name)).union(plan.network.parameters.keys)
    for input in plan.network.inputs { numbers[input.name] = input.name }
    for name in plan.network.graph.readParameters.keys { numbers[name] = name }
  }

  mutating func result() -> Network {
    var bounded: Set<String> = []
    for node in plan.network.nodes where plan.storingLayers.contains(node.name) {
      guard let canonical = node.operation.epilogue.flatMap({ CanonicalEpilogue($0) }) else { continue }
      for case .clip in canonical.closing { bounded.insert(node.name) }
    }
    for group in plan.groups {
      guard let first = group.first, let quantization = quantizations[first] else { continue }
      let (name, scale) = addScale("\(first).range", [quantization.scale], isLearnable: bounded.isDisjoint(with: group))
      for value in group {
        scaleNames[value] = name
        valueScales[value] = scale
      }
    }
    for node in plan.network.nodes { write(node) }
    var result = plan.network
    result.outputs = result.outputs.map { number($0) }
    result.nodes = nodes
    result.parameters = parameters
    return result
  }

  // MARK: Values

  private mutating func free(_ name: String) -> String {
    var name = name
    while names.contains(name) { name += "_" }
    return name
  }

  /// The name of a new node's value, which its parameters begin with, too.
  private mutating func add(_ name: String, _ operation: Operation, _ inputs: [String]) -> String {
    let node = Node(name: free(name), operation: operation, inputs: inputs)
    names.insert(node.name)
    names.formUnion(node.parameterNames)
    nodes.append(node)
    return node.name
  }

  private mutating func binary(_ name: String, _ function: BinaryFunction, _ a: String, _ b: String) -> String {
    add(name, .binary(function), [a, b])
  }

  /// The parameter of a new constant.
  private mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    let parameter = "\(add(name, .constant(Constant(tensor.shape)), [])).\(ParameterRole.value.rawValue)"
    parameters[parameter] = tensor
    return parameter
  }

  private mutating func addScale(
    _ name: String, _ initial: [Float], isLearnable: Bool
  ) -> (name: String, scale: SimulatedScale) {
    let shape: Shape = [initial.count]
    let scale = SimulatedScale(
      initial: constant("\(name).initial", Tensor(shape, initial)),
      factor: constant("\(name).factor", Tensor(shape, initial.map { _ in 1 })))
    let clip = ActivationFunction.clip(minimum: SimulatedScale.least, maximum: SimulatedScale.most)
    let bounded = add("\(name).bounded", .activation(clip), [scale.factor])
    if isLearnable { learnable.append(scale.factor) }
    return (binary(name, .multiply, scale.initial, bounded), scale)
  }

  private func scaleName(_ value: String) -> String { scaleNames[value] ?? value }

  /// A scalar with as many axes as the value has.
  private mutating func scalar(_ scalar: String, like value: String) -> String {
    let rank = shapes[value]?.rank ?? 4
    if rank == 1 { return scalar }
    if let known = raised[[scalar, "\(rank)"]] { return known }
    let result = add("\(scalar).rank\(rank)", .reshape(Reshape(Array(repeating: 1, count: rank))), [scalar])
    raised[[scalar, "\(rank)"]] = result
    return result
  }

  /// All integers of the element, less the zero point.
  private func ends(of value: String, minimum: Int? = nil, maximum: Int? = nil) -> FakeQuantize {
    let integers = scheme.element.integers ?? 0...255, zero = quantizations[value]?.zeroPoint ?? 0
    return FakeQuantize(
      minimum: (minimum ?? integers.lowerBound) - zero, maximum: (maximum ?? integers.upperBound) - zero)
  }

  private mutating func stored(_ value: String, of node: String, _ step: FakeQuantize) -> String {
    add("\(node).codes", .training(.fakeQuantize(step)), [value])
  }

  /// The value as whole numbers; makes them where there are only numbers.
  private mutating func code(_ value: String) -> String {
    if let name = codes[value] { return name }
    let scaled = binary("\(value).scaled", .divide, numbers[value] ?? value, scalar(scaleName(value), like: value))
    let name = stored(scaled, of: value, ends(of: value))
    codes[value] = name
    return name
  }

  /// The value as numbers; makes them where there are only whole numbers.
  private mutating func number(_ value: String) -> String {
    if let name = numbers[value] { return name }
    let name = binary(
      "\(value).numbers", .multiply, codes[value] ?? value, scalar(scaleName(value), like: value))
    numbers[value] = name
    return name
  }

  /// What whole numbers of a value are in units of another's scale.
  private mutating func rescaled(_ value: String, to other: String) -> String {
    let ratio = binary("\(other).ratio", .divide, scaleName(value), scaleName(other))
    let factor = scalar(ratio, like: value)
    return binary("\(other).operand", .multiply, code(value), factor)
  }

  // MARK: Nodes

  private mutating func write(_ node: Node) {
    guard plan.integerNodes.contains(node.name) else { return writeFloat(node) }
    switch plan.kind(node) {
    case .layer: writeLayer(node)
    case .sum:
      let operands = [rescaled(node.inputs[0], to: node.name), rescaled(node.inputs[1], to: node.name)]
      codes[node.name] = stored(place(node, .add, operands), of: node.name, ends(of: node.name))
    case .table(let function):
      let argument = binary(
        "\(node.name).argument", .multiply, code(node.inputs[0]), scalar(scaleName(node.inputs[0]), like: node.inputs[0]))
      let value = activate(node, "function", function, argument)
      let scaled = binary("\(node.name).scaled", .divide, value, scalar(scaleName(node.name), like: node.name))
      codes[node.name] = stored(scaled, of: node.name, ends(of: node.name))
    case .mover, .other:
      let count = node.elementInputs.count
      // What new pixels are is a number, and other integers by other scales.
      var isOfNumbers = false
      if case .pad(let payload) = node.operation { isOfNumbers = payload.mode == .constant && payload.value != 0 }
      var inputs: [String] = []
      for (index, value) in node.inputs.enumerated() {
        if index < count {
          inputs.append(isOfNumbers ? number(value) : code(value))
        } else {
          inputs.append(codes[value] ?? numbers[value] ?? value)
        }
      }
      if isOfNumbers {
        let padded = place(node, node.operation, inputs)
        let scaled = binary("\(node.name).scaled", .divide, padded, scalar(scaleName(node.name), like: node.name))
        codes[node.name] = stored(scaled, of: node.name, ends(of: node.name))
        return
      }
      let moved = place(node, node.operation, inputs)
      if case .averagePool = node.operation {
        codes[node.name] = stored(moved, of: node.name, ends(of: node.name))
      } else {
        codes[node.name] = moved
      }
    }
  }

  /// The node itself with another operation and operands.
  private mutating func place(_ node: Node, _ operation: Operation, _ inputs: [String]) -> String {
    nodes.append(Node(name: node.name, operation: operation, inputs: inputs))
    return node.name
  }

  /// An activation as a node of its own, which takes the slopes.
  private mutating func activate(
    _ node: Node, _ name: String, _ function: ActivationFunction, _ value: String
  ) -> String {
    let result = add("\(node.name).\(name)", .activation(function), [value])
    guard case .prelu = function else { return result }
    let old = node.parameterName(.slope), new = "\(result).\(ParameterRole.slope.rawValue)"
    parameters[new] = parameters.removeValue(forKey: old)
    sources[old] = new
    return result
  }

  private mutating func writeFloat(_ node: Node) {
    let count = node.elementInputs.count
    var inputs: [String] = []
    for (index, value) in node.inputs.enumerated() {
      inputs.append(index < count ? number(value) : numbers[value] ?? codes[value] ?? value)
    }
    guard let epilogue = node.operation.epilogue, !epilogue.isEmpty else {
      nodes.append(Node(name: node.name, operation: node.operation, inputs: inputs))
      numbers[node.name] = node.name
      return
    }
    var bare = node.operation
    bare.epilogue = Epilogue()
    let value = place(node, bare, inputs.dropLast(epilogue.extraInputCount))
    numbers[node.name] = finished(node, value, epilogue.steps, extras: inputs.suffix(epilogue.extraInputCount))
  }

  /// The steps of an epilogue on numbers, as nodes.
  private mutating func finished(
    _ node: Node, _ value: String, _ steps: [Epilogue.Step], extras: [String]
  ) -> String {
    var value = value, extras = extras[...]
    for step in steps {
      let name = "\(node.name).\(step.typeName)"
      switch step {
      case .activation(let function): value = activate(node, step.typeName, function, value)
      case .scale(let factor): value = add(name, .scale(Scale(factor: factor)), [value])
      case .add: value = add(name, .add, [value, extras.popFirst() ?? value])
      case .pixelShuffle(let factor): value = add(name, .pixelShuffle(PixelShuffle(factor: factor)), [value])
      // The network that is simulated is of float32.
      case .rescale, .requantize, .quantize: continue
      }
    }
    return value
  }

  // MARK: Layers

  private mutating func writeLayer(_ node: Node) {
    guard let part = node.operation.linearParts.last,
      let canonical = node.operation.epilogue.flatMap({ CanonicalEpilogue($0) }),
      let weight = parameters[node.parameterName(.weight)], let input = quantizations[node.inputs[0]]
    else { return }
    let storesIntegers = plan.storingLayers.contains(node.name), x = node.inputs[0]
    let operand = code(x), bias = parameters[node.parameterName(.bias)]
    let initial = part.simulatedScales(weight, bias: bias?.floats, input: input.scale, largest: scheme.largestWeight)
    let (scales, scale) = addScale("\(node.name).weight.range", initial, isLearnable: true)
    weightScales[node.name] = scale
    addWeight(node, part, weight, initial, scales: scales)
    let unit = binary("\(node.name).unit", .multiply, scaleName(x), scales)
    if let bias { addBias(node, part, bias, unit: unit, input: input.scale, initial) }

    var bare = node.operation
    bare.epilogue = Epilogue()
    let sums = place(node, bare, [operand])
    let value = add(
      "\(node.name).rescaled", .training(.channelProduct),
      [sums, multiplier(node, unit, canonical, storesIntegers: storesIntegers)])
    guard storesIntegers else {
      var extras: [String] = []
      for input in node.inputs.dropFirst() { extras.append(number(input)) }
      numbers[node.name] = finished(node, value, node.operation.epilogue?.steps ?? [], extras: extras)
      return
    }
    codes[node.name] = closed(node, value, canonical)
  }

  /// The multiplier of each channel, by the operations of float32 that make that of the integers.
  private mutating func multiplier(
    _ node: Node, _ unit: String, _ canonical: CanonicalEpilogue, storesIntegers: Bool
  ) -> String {
    let name = "\(node.name).multiplier"
    var value = unit
    if storesIntegers {
      if abs(canonical.scale) != 1 { value = add(name, .scale(Scale(factor: abs(canonical.scale))), [value]) }
      value = binary(name, .divide, value, scaleName(node.name))
    }
    let limits = Requantization.multipliers
    value = add(name, .activation(.clip(minimum: limits.lowerBound, maximum: limits.upperBound)), [value])
    return storesIntegers && canonical.scale < 0 ? add(name, .scale(Scale(factor: -1)), [value]) : value
  }

  /// What stands between rescaled sums and what is stored of them.
  private mutating func closed(_ node: Node, _ value: String, _ canonical: CanonicalEpilogue) -> String {
    var value = value
    if let before = canonical.stepBefore {
      value = activate(node, "before", before, value)
    }
    if canonical.adds {
      value = add("\(node.name).sum", .add, [value, rescaled(node.inputs[1], to: node.name)])
    }
    if let after = canonical.after, !after.isBound { value = activate(node, "after", after, value) }
    let step = Requantization(scheme.element, quantizations[node.name] ?? .init(scale: 1)).bounded(by: canonical.closing)
    value = stored(value, of: node.name, ends(of: node.name, minimum: step.minimum, maximum: step.maximum))
    if canonical.shuffle > 1 {
      value = add("\(node.name).shuffled", .pixelShuffle(PixelShuffle(factor: canonical.shuffle)), [value])
    }
    return value
  }

  /// The constant that holds a parameter in float32, and whole numbers in its place.
  private mutating func master(
    _ node: Node, _ role: ParameterRole, _ tensor: Tensor, codes: [Float]
  ) -> (parameter: String, master: String) {
    let parameter = node.parameterName(role), master = constant("\(parameter).float", tensor)
    sources[parameter] = master
    parameters[parameter] = Tensor(tensor.shape, codes)
    return (parameter, master)
  }

  private mutating func addWeight(
    _ node: Node, _ part: LinearPart, _ weight: Tensor, _ initial: [Float], scales: String
  ) {
    let integers = part.quantized(weight, scales: initial, largest: scheme.largestWeight).integers
    let (parameter, master) = master(node, .weight, weight, codes: (integers.integers ?? []).map { Float($0) })
    // Rows of inputs are seen with their groups apart, so that each channel that goes out has an axis of its own.
    var seen = weight.shape.extents, axes = Array(repeating: 1, count: weight.shape.rank)
    if part.rowsAreInputs {
      seen = [part.groups, part.inChannels / part.groups, part.outChannels / part.groups, part.taps]
      axes = [part.groups, 1, part.outChannels / part.groups, 1]
    } else {
      axes[0] = part.outChannels
    }
    let isSeenAsIs = seen == weight.shape.extents
    let value = isSeenAsIs ? master : add("\(parameter).seen", .reshape(Reshape(seen)), [master])
    let factor = add("\(parameter).scale", .reshape(Reshape(axes)), [scales])
    let scaled = binary("\(parameter).scaled", .divide, value, factor)
    let step = FakeQuantize(minimum: -scheme.largestWeight, maximum: scheme.largestWeight)
    var codes = add("\(parameter).codes", .training(.fakeQuantize(step)), [scaled])
    if !isSeenAsIs { codes = add("\(parameter).codes", .reshape(Reshape(weight.shape.extents)), [codes]) }
    standIns[parameter] = codes
  }

  private mutating func addBias(
    _ node: Node, _ part: LinearPart, _ bias: Tensor, unit: String, input: Float, _ initial: [Float]
  ) {
    let (parameter, master) = master(
      node, .bias, bias, codes: part.simulatedBiases(bias.floats, input: input, scales: initial))
    let scaled = binary("\(parameter).scaled", .divide, master, unit)
    standIns[parameter] = add("\(parameter).codes", .training(.fakeQuantize(part.simulatedBiases)), [scaled])
  }
}
