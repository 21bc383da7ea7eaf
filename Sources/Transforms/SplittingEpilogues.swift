import Networks
import Tensors

extension Network {
  /// The same function with the steps of epilogues as nodes of their own, `conv.relu` behind `conv`: what `fusing` takes in, given back, so
  /// that a network that was fused can be trained. Layers of integers stay as they are, and what is joined to a separable convolution stays joined.
  ///
  /// Exact, as `fusing` is; `fusing` of the result is that of the network. Slopes of a prelu move to its node. Twice changes nothing.
  public func splittingEpilogues() -> Network {
    var result = self
    result.nodes = []
    var names = Set(inputs.map(\.name) + nodes.map(\.name) + nodes.flatMap(\.parameterNames))
    // What values and parameters are called now.
    var news: [String: String] = [:]
    func now(_ name: String) -> String { news[name] ?? name }
    for node in nodes {
      var node = node
      node.inputs = node.inputs.map(now)
      guard let epilogue = node.operation.epilogue, !epilogue.isEmpty, !node.operation.isOfIntegers,
        !epilogue.steps.contains(where: \.isOfIntegers)
      else {
        result.nodes.append(node)
        continue
      }
      // Behind them stand operands that are read for their size.
      let end = min(node.operation.definition.elementOperandCount, node.inputs.count)
      var extras = node.inputs[(end - epilogue.extraInputCount)..<end]
      node.inputs.removeSubrange(extras.indices)
      node.operation.epilogue = Epilogue()
      result.nodes.append(node)
      var value = node.name
      for step in epilogue.steps {
        guard let operation = step.operation else { continue }
        var name = "\(node.name).\(step.typeName)"
        while names.contains(name) { name += "_" }
        let next = Node(name: name, operation: operation, inputs: [value] + (step == .add ? [extras.removeFirst()] : []))
        names.insert(name)
        names.formUnion(next.parameterNames)
        if case .activation(.prelu) = operation,
          let slopes = result.parameters.removeValue(forKey: node.parameterName(.slope))
        {
          news[node.parameterName(.slope)] = next.parameterName(.slope)
          result.parameters[next.parameterName(.slope)] = slopes
        }
        result.nodes.append(next)
        value = name
      }
      news[node.name] = value
    }
    result.outputs = outputs.map(now)
    result.updates = updates.map { ParameterUpdate(parameter: now($0.parameter), value: now($0.value)) }
    return result
  }
}

extension Epilogue.Step {
  fileprivate var isOfIntegers: Bool {
    switch self {
    case .rescale, .requantize, .quantize: true
    case .activation, .scale, .add, .pixelShuffle: false
    }
  }

  /// What the step is by itself; nil of what only an epilogue can do.
  fileprivate var operation: Operation? {
    switch self {
    case .activation(let function): .activation(function)
    case .scale(let factor): .scale(Scale(factor: factor))
    case .add: .add
    case .pixelShuffle(let factor): .pixelShuffle(PixelShuffle(factor: factor))
    case .rescale, .requantize, .quantize: nil
    }
  }
}
