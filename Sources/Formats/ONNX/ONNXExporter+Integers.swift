import Networks
import ONNXProto
import Tensors

/// Integers as ONNX has them: each operation on the numbers that they stand for, between `DequantizeLinear` and `QuantizeLinear`, which engines
/// join again; a convolution with nothing but a ReLU behind it is a `QLinearConv`.
extension ONNXExporter {
  /// What the node's integers stand for; nil of numbers.
  func codes(of node: Node) -> Quantize? {
    switch node.operation.definition.elements {
    case .float32: return nil
    case .products(let epilogue):
      return epilogue.requantization.map { Quantize($0.element, $0.quantization) } ?? epilogue.quantize
    case .converted:
      switch node.operation {
      case .integer(.quantize(let payload)): return payload
      case .integer(.lookup(let payload)): return Quantize(payload.element, payload.quantization)
      case .integer(.add(let payload)): return Quantize(payload.element, payload.quantization)
      default: return nil
      }
    case .moved, .pooled: return node.inputs.first.flatMap { codes[$0] }
    }
  }

  mutating func writeIntegers(_ node: Node) throws(ONNXProblem) {
    switch node.operation {
    case .integer(.quantize(let payload)): quantize(node.inputs[0], payload, node, node.name)
    case .integer(.dequantize): dequantize(node.inputs[0], node, node.name)
    case .integer(.add(let payload)):
      let sum = add("Add", node.inputs.map { number($0, node) }, inner(node, "sum"))
      store(sum, payload, node, node.name)
    case .integer(.lookup(let payload)): lookup(payload, node)
    case .convolution, .transposedConvolution, .linear:
      guard node.operation.epilogue?.sumsIntegers ?? false else { return try write(node) }
      try layer(node.operation, node, node.inputs[0], codes[node.inputs[0]], output: node.name)
    case .separableConvolution(let payload):
      guard let step = payload.middleRequantization else { return try write(node) }
      var (former, latter) = payload.parts
      let middle = inner(node, "middle"), function = payload.middle.map { [Epilogue.Step.activation($0)] } ?? []
      former.epilogue = Epilogue([.rescale] + function + [.requantize(step)])
      latter.epilogue = payload.epilogue
      let roles = payload.linearParts
      try layer(
        .convolution(former), node, node.inputs[0], codes[node.inputs[0]], output: middle, part: roles[0], slope: .middleSlope)
      try layer(
        .convolution(latter), node, middle, Quantize(step.element, step.quantization), output: node.name, part: roles[1])
    default:
      // What moves, and means, of the numbers.
      var copy = node
      copy.name = inner(node, "numbers")
      copy.inputs = node.inputs.map { codes[$0] == nil ? $0 : number($0, node) }
      try write(copy)
      if let payload = codes[node.name] { quantize(copy.name, payload, node, node.name) }
    }
  }

  // MARK: Numbers and integers

  /// The numbers that a value's integers stand for.
  private mutating func number(_ value: String, _ node: Node) -> String {
    if let known = numbers[value] { return known }
    let name = inner(node, "operand")
    dequantize(value, node, name)
    numbers[value] = name
    codesOfNumbers[name] = value
    ranks[name] = ranks[value]
    return name
  }

  private mutating func dequantize(_ value: String, _ node: Node, _ output: String) {
    let payload = codes[value] ?? Quantize(.uint8, .init(scale: 1))
    add("DequantizeLinear", [value] + scale(payload, node), output)
  }

  mutating func quantize(_ value: String, _ payload: Quantize, _ node: Node, _ output: String) {
    add("QuantizeLinear", [value] + scale(payload, node), output)
  }

  private mutating func scale(_ payload: Quantize, _ node: Node) -> [String] {
    let zero = Tensor([1], payload.element, integers: [payload.quantization.zeroPoint])
    return [number(node, "scale", payload.quantization.scale), tensor(node, "zero", zero, shape: [])]
  }

  /// Numbers stored as integers within the step's ends.
  private mutating func store(_ value: String, _ step: Requantization, _ node: Node, _ output: String) {
    quantize(bounded(value, step, node), Quantize(step.element, step.quantization), node, output)
  }

  private mutating func bounded(_ value: String, _ step: Requantization, _ node: Node) -> String {
    guard let all = step.element.integers, step.minimum > all.lowerBound || step.maximum < all.upperBound else { return value }
    let zero = step.quantization.zeroPoint
    if step.minimum == zero, step.maximum == all.upperBound { return add("Relu", [value], inner(node, "relu")) }
    func end(_ integer: Int) -> Float { Float(integer - zero) * step.quantization.scale }
    let bounds = [number(node, "minimum", end(step.minimum)), number(node, "maximum", end(step.maximum))]
    return add("Clip", [value] + bounds, inner(node, "clip"))
  }

  private mutating func lookup(_ payload: Lookup, _ node: Node) {
    let least = codes[node.inputs[0]]?.element.integers?.lowerBound ?? 0
    let table = network.parameter(.table, of: node)?.integers ?? []
    let values = table.map { Float(Int($0) - payload.quantization.zeroPoint) * payload.quantization.scale }
    var index = add("Cast", [node.inputs[0]], inner(node, "index"), [.integer("to", 7)])
    if least != 0 { index = add("Sub", [index, integers(node, "least", [least])], inner(node, "index")) }
    let gathered = add("Gather", [floats(node, "table", values), index], inner(node, "entries"), [.integer("axis", 0)])
    quantize(gathered, Quantize(payload.element, payload.quantization), node, node.name)
  }

  // MARK: Layers

  /// A layer that sums integers.
  private mutating func layer(
    _ operation: Operation, _ node: Node, _ x: String, _ input: Quantize?, output: String, part: LinearPart? = nil,
    slope: ParameterRole = .slope
  ) throws(ONNXProblem) {
    guard let part = part ?? operation.linearParts.last, let epilogue = operation.epilogue, let input,
      let weight = network.parameter(part.weightRole, of: node),
      let multipliers = network.parameter(part.multiplierRole, of: node)?.floats
    else { throw .notExportable(node: node.name, operation: node.operation.typeName, reason: "its input has no scale") }
    codes[x] = input
    let step = epilogue.requantization, bias = network.parameter(part.biasRole, of: node)
    let scales = multipliers.map { Self.weightScale($0, input.quantization.scale, step?.quantization.scale) }
    if let step, epilogue.steps.count == 2, let all = step.element.integers, step.minimum == all.lowerBound,
      step.maximum == all.upperBound, case .convolution(let payload) = operation
    {
      let zeros = Tensor(zeros: [scales.count], .int8)
      let operands = [x] + scale(input, node) + [tensor(node, "weight", weight), floats(node, "scales", scales)]
      let stored = [tensor(node, "zeros", zeros)] + scale(Quantize(step.element, step.quantization), node)
      add(
        "QLinearConv", operands + stored + (bias.map { [tensor(node, "bias", $0)] } ?? []), output,
        Self.attributes(payload))
      return
    }
    let (weightName, biasName) = weights(weight, bias, scales, input, part, node)
    let numbers = number(x, node), sums = inner(node, "sums")
    switch operation {
    case .convolution(let payload): convolution(payload, numbers, sums, weight: weightName, bias: biasName)
    case .transposedConvolution(let payload):
      transposedConvolution(payload, numbers, sums, weight: weightName, bias: biasName)
    default: add("Gemm", [numbers, weightName] + (biasName.map { [$0] } ?? []), sums, [.integer("transB", 1)])
    }
    var before: [Epilogue.Step] = [], behind: [Epilogue.Step] = []
    for step in epilogue.steps {
      switch step {
      case .rescale, .requantize, .quantize: continue
      // Pixels move before they are stored.
      case .pixelShuffle: behind.append(step)
      case .activation, .scale, .add: before.append(step)
      }
    }
    let extras = node.inputs.dropFirst().map { codes[$0] == nil ? $0 : number($0, node) }
    let rank = if case .linear = operation { 2 } else { 4 }
    let all = before + behind, result = step == nil ? output : inner(node, "result")
    if all.isEmpty {
      if step == nil { add("Identity", [sums], output) }
    } else {
      steps(all, node, sums, output: result, extras: extras[...], slope: slope, rank: rank)
    }
    if let step { store(all.isEmpty ? sums : result, step, node, output) }
  }

  /// Weights and biases as integers with their scales, an axis of which has one each.
  private mutating func weights(
    _ weight: Tensor, _ bias: Tensor?, _ scales: [Float], _ input: Quantize, _ part: LinearPart, _ node: Node
  ) -> (weight: String, bias: String?) {
    var name: String
    if part.rowsAreInputs, part.groups > 1 {
      // No axis has a scale for each channel that goes out.
      let integers = weight.integers ?? [], channels = part.outputChannels
      let values = integers.indices.map { Float(integers[$0]) * scales[channels[$0]] }
      name = floats(node, "weight", values, shape: weight.shape)
    } else {
      name = tensor(node, "weight", weight)
      let zeros = tensor(node, "zeros", Tensor(zeros: [scales.count], .int8))
      name = add(
        "DequantizeLinear", [name, floats(node, "scales", scales), zeros], inner(node, "weights"),
        [.integer("axis", part.rowsAreInputs ? 1 : 0)])
    }
    guard let bias else { return (name, nil) }
    let own = scales.map { $0 * input.quantization.scale }
    let stored = tensor(node, "bias", bias), zeros = tensor(node, "zeros", Tensor(zeros: [own.count], .int32))
    let value = add(
      "DequantizeLinear", [stored, floats(node, "scales", own), zeros], inner(node, "biases"), [.integer("axis", 0)])
    return (name, value)
  }

  /// The scale of weights with which ONNX Runtime has the multiplier, as it reckons it.
  static func weightScale(_ multiplier: Float, _ input: Float, _ output: Float?) -> Float {
    func product(_ scale: Float) -> Float { output.map { input * scale / $0 } ?? input * scale }
    let near = multiplier * (output ?? 1) / input
    // A scale of 0 is none; what is multiplied by it is 0 all the same.
    guard multiplier > 0, near > 0 else { return .leastNormalMagnitude }
    var (below, above) = (near, near)
    for _ in 0..<16 {
      if product(below) == multiplier { return below }
      if product(above) == multiplier { return above }
      (below, above) = (below.nextDown, above.nextUp)
    }
    return near
  }
}
