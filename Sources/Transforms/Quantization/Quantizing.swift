import Networks
import Tensors

extension Network {
  /// The network with layers that sum integers (`Requantization`), and integers between them.
  ///
  /// Values are of the scheme's element, with one scale and zero point each; those that only move, such as what is concatenated, have one
  /// type with what they come from. Weights are int8 with a scale a channel, biases int32. Inputs and outputs of the network stay
  /// float32: a layer that an output follows keeps its sums as numbers, and the network's first layers, unless told otherwise, stay
  /// float32 and store integers. What has no form on integers stays float32 between `dequantize` and `quantize`; activations that
  /// no minimum states become tables. Sums of two values are integers or numbers, as the scheme says (`ResidualSums`).
  ///
  /// - Parameters:
  ///   - ranges: of the values of `preparedForQuantization()`, by name; measured by whoever calls.
  ///   - corrections: what measurement has found better than the nearest integers.
  /// - Returns: a network that verifies; fused, so that separable convolutions are one node again.
  public func quantized(
    _ ranges: [String: QuantizationRange], _ scheme: QuantizationScheme = QuantizationScheme(),
    corrections: QuantizationCorrections = QuantizationCorrections()
  ) throws(QuantizationError) -> Network {
    let plan = try quantizationPlan(scheme)
    var writer = try QuantizationWriter(plan, scheme, ranges, corrections)
    let result = try writer.result().eliminatingDeadNodes().fusing()
    do throws(NetworkError) { try result.verify() } catch { throw .network(error) }
    return result
  }

  /// The layers that may become integers, in order, of the prepared network.
  public func quantizableLayers(_ scheme: QuantizationScheme = QuantizationScheme()) throws(QuantizationError) -> [String] {
    let plan = QuantizationPlan(try quantizable(scheme), scheme)
    return plan.layers.filter { plan.integerNodes.contains($0) }
  }

  /// Whether the first layers of the prepared network, which read nothing but inputs, are convolutions of all channels: halves of cheaper ones are
  /// fused with the other half where both sum the same.
  package var firstLayersArePlain: Bool { QuantizationPlan(self, QuantizationScheme()).hasPlainFirst }

  /// The plan of the prepared network. Throws where there is none, or not by this scheme.
  func quantizationPlan(_ scheme: QuantizationScheme) throws(QuantizationError) -> QuantizationPlan {
    let prepared = try quantizable(scheme)
    let plan = QuantizationPlan(prepared, scheme)
    for name in scheme.floatLayers.sorted() where !plan.layers.contains(name) {
      throw .unknownLayer(name, layers: plan.layers)
    }
    return plan
  }

  private func quantizable(_ scheme: QuantizationScheme) throws(QuantizationError) -> Network {
    guard (2...8).contains(scheme.weightBits) else { throw .weightBits(scheme.weightBits) }
    guard scheme.element.isCode else { throw .element(scheme.element) }
    do throws(NetworkError) { try verify() } catch { throw .network(error) }
    let prepared = preparedForQuantization()
    if let node = prepared.nodes.first(where: \.operation.isOfIntegers) { throw .alreadyQuantized(node: node.name) }
    if QuantizationPlan(prepared, QuantizationScheme(keepsFirst: false)).layers.isEmpty { throw .nothingToQuantize }
    return prepared
  }
}

/// Writes the nodes of the plan.
private struct QuantizationWriter {
  private let plan: QuantizationPlan
  private let scheme: QuantizationScheme
  private let corrections: QuantizationCorrections
  /// Of values that are read as integers.
  private var quantizations: [String: ValueType.Quantization] = [:]
  private var parameters: [String: Tensor]
  private var nodes: [Node] = []
  private var names: Set<String>
  /// What each value of the old network is called as integers, and as numbers.
  private var codes: [String: String] = [:]
  private var numbers: [String: String] = [:]

  init(
    _ plan: QuantizationPlan, _ scheme: QuantizationScheme, _ ranges: [String: QuantizationRange],
    _ corrections: QuantizationCorrections
  ) throws(QuantizationError) {
    self.plan = plan
    self.scheme = scheme
    self.corrections = corrections
    parameters = plan.network.parameters
    names = Set(plan.network.inputs.map(\.name) + plan.network.nodes.map(\.name)).union(plan.network.parameters.keys)
    for input in plan.network.inputs { numbers[input.name] = input.name }
    for name in plan.network.graph.readParameters.keys { numbers[name] = name }
    if let given = corrections.quantizations {
      quantizations = given
    } else {
      quantizations = try plan.quantizations(ranges, scheme.element)
    }
  }

  mutating func result() throws(QuantizationError) -> Network {
    for node in plan.network.nodes { try write(node) }
    var result = plan.network
    result.nodes = nodes
    for output in result.outputs where numbers[output] == nil { _ = number(output) }
    result.outputs = result.outputs.map { numbers[$0] ?? $0 }
    result.nodes = nodes
    result.parameters = parameters
    return result
  }

  // MARK: Values

  /// The name of the value as integers; makes them where there are only numbers.
  private mutating func code(_ value: String) -> String {
    if let name = codes[value] { return name }
    let name = free("\(value).codes")
    let payload = Quantize(scheme.element, quantizations[value] ?? .init(scale: 1))
    nodes.append(Node(name: name, operation: .integer(.quantize(payload)), inputs: [numbers[value] ?? value]))
    codes[value] = name
    return name
  }

  /// The name of the value as numbers; makes them where there are only integers.
  private mutating func number(_ value: String) -> String {
    if let name = numbers[value] { return name }
    let name = free("\(value).numbers")
    nodes.append(Node(name: name, operation: .integer(.dequantize), inputs: [codes[value] ?? value]))
    numbers[value] = name
    return name
  }

  private mutating func free(_ name: String) -> String {
    var name = name
    while !names.insert(name).inserted { name += "_" }
    return name
  }

  // MARK: Nodes

  private mutating func write(_ node: Node) throws(QuantizationError) {
    guard plan.integerNodes.contains(node.name) else {
      var node = node
      let count = node.elementInputs.count
      node.inputs = node.inputs.enumerated().map { index, value in
        index < count ? number(value) : numbers[value] ?? codes[value] ?? value
      }
      nodes.append(node)
      numbers[node.name] = node.name
      return
    }
    switch plan.kind(node) {
    case .layer: try writeLayer(node)
    case .sum:
      append(node, .integer(.add(requantization(of: node.name))))
    case .table(let function): writeTable(node, function)
    case .mover, .other:
      // Operands behind those that it computes with are read for their extents, which integers have as well.
      append(node, node.operation)
    }
  }

  private mutating func append(_ node: Node, _ operation: Operation) {
    var node = node
    node.operation = operation
    let count = node.elementInputs.count
    node.inputs = node.inputs.enumerated().map { index, value in
      index < count ? code(value) : codes[value] ?? numbers[value] ?? value
    }
    nodes.append(node)
    codes[node.name] = node.name
  }

  private func requantization(of value: String) -> Requantization {
    Requantization(scheme.element, quantizations[value] ?? .init(scale: 1))
  }

  private mutating func writeTable(_ node: Node, _ function: ActivationFunction) {
    let input = quantizations[node.inputs[0]] ?? .init(scale: 1), step = requantization(of: node.name)
    let slope = parameters[node.parameterName(.slope)]?.floats.first ?? 0
    let integers = scheme.element.integers ?? 0...255
    let value = function.function(slope: Double(slope))
    let table = integers.map { integer in
      // As three operations would: numbers of integers, the function, integers of numbers.
      let number = value(Double(Float(integer - input.zeroPoint) * input.scale))
      return step.stored(Float(number) / step.quantization.scale)
    }
    parameters[node.parameterName(.slope)] = nil
    append(node, .integer(.lookup(Lookup(step.element, step.quantization))))
    parameters[node.parameterName(.table)] = Tensor([Lookup.count], step.element, integers: table)
  }

  private mutating func writeLayer(_ node: Node) throws(QuantizationError) {
    guard let part = node.operation.linearParts.last,
      let canonical = node.operation.epilogue.flatMap({ CanonicalEpilogue($0) }),
      let weight = parameters[node.parameterName(.weight)], let input = quantizations[node.inputs[0]]
    else { return }
    let storesIntegers = plan.storingLayers.contains(node.name)
    var step = storesIntegers ? requantization(of: node.name) : nil
    var bias = parameters[node.parameterName(.bias)]?.floats
    if let shift = corrections.biasShifts[node.name], shift.count == part.outChannels {
      bias = (bias ?? Array(repeating: 0, count: shift.count)).enumerated().map { $1 + shift[$0] }
    }
    let given = corrections.weights[node.name].flatMap { $0.integers.shape == weight.shape ? $0 : nil }
    let layer = QuantizedLayer(
      part, weight: weight, bias: bias, factor: storesIntegers ? canonical.scale : 1, input: input, output: step?.quantization,
      largest: scheme.largestWeight, given: given)
    parameters[node.parameterName(.weight)] = layer.weight
    parameters[node.parameterName(.bias)] = layer.bias
    parameters[node.parameterName(.multiplier)] = layer.multiplier

    var steps: [Epilogue.Step] = [.rescale]
    if let payload = step {
      // What closes the layer is a minimum and a maximum.
      step = payload.bounded(by: canonical.closing)
      if let before = canonical.stepBefore { steps.append(.activation(before)) }
      if canonical.adds { steps.append(.add) }
      if let after = canonical.after, !after.isBound { steps.append(.activation(after)) }
      if let step { steps.append(.requantize(step)) }
      if canonical.shuffle > 1 { steps.append(.pixelShuffle(canonical.shuffle)) }
    } else {
      steps += node.operation.epilogue?.steps ?? []
    }
    var new = node
    if bias != nil { new.operation = node.operation.withBias(.bias) }
    new.operation.epilogue = Epilogue(steps)
    new.inputs = node.inputs.enumerated().map { index, value in index == 0 || storesIntegers ? code(value) : number(value) }
    nodes.append(new)
    if storesIntegers { codes[node.name] = node.name } else { numbers[node.name] = node.name }
  }
}

extension CanonicalEpilogue {
  /// The function before a sum, where that is no bound of what is stored.
  var stepBefore: ActivationFunction? {
    guard let before, adds || !before.isBound || !(after?.isBound ?? true) else { return nil }
    return before
  }

  /// The functions behind everything else that are bounds of what is stored, in order.
  var closing: [ActivationFunction] {
    [stepBefore == nil ? before : nil, after].compactMap { $0 }.filter(\.isBound)
  }
}

extension ActivationFunction {
  /// Whether it cuts off and does nothing else.
  var isBound: Bool {
    switch self {
    case .relu, .clip: true
    default: false
    }
  }
}

extension Requantization {
  /// With the ends that the functions leave, one after the other.
  func bounded(by functions: [ActivationFunction]) -> Requantization {
    var result = self
    for function in functions {
      // A bound may lie outside all that the one before it leaves: it has the last word.
      var least = minimum, most = maximum
      switch function {
      case .relu: least = quantization.zeroPoint
      case .clip(let lower, let upper):
        least = stored(lower / quantization.scale)
        most = stored(upper / quantization.scale)
      default: continue
      }
      result.minimum = min(max(result.minimum, least), most)
      result.maximum = min(max(result.maximum, least), most)
    }
    return result
  }
}
