import Tensors

extension Network {
  /// Checks that this is a network: names unique, nodes in topological order, attributes legal, parameters present and of the
  /// right shape and type, none left over. Cost: one pass over nodes and parameter names; element values are not read.
  public func verify() throws(NetworkError) {
    try verifyParameters(expected: graph.verified())
  }

  private func verifyParameters(expected: [(name: String, shape: Shape)]) throws(NetworkError) {
    for (name, shape) in expected {
      guard let tensor = parameters[name] else { throw .missingParameter(name, shape: shape) }
      guard tensor.shape == shape else { throw .parameterShape(name, expected: shape, got: tensor.shape) }
      guard tensor.dataType == .float32 else { throw .parameterType(name, got: tensor.dataType) }
    }
    // The expected names are unique and all present, so that a surplus is unknown.
    if parameters.count != expected.count {
      let known = Set(expected.map(\.name))
      let unknown = parameters.keys.filter { !known.contains($0) }.min() ?? ""
      throw .unknownParameter(unknown)
    }
  }

  /// The name of the first parameter, in node order, that holds a NaN or an infinity; nil where all values are finite. Constants are
  /// left out: an infinity there is meant, as in a mask. Cost: one pass over all parameters.
  public var firstNonFiniteParameter: String? {
    for node in nodes {
      if case .constant = node.operation { continue }
      for role in node.operation.parameters {
        let name = node.parameterName(role.name)
        guard let tensor = parameters[name], tensor.dataType == .float32 else { continue }
        if !tensor.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) { return name }
      }
    }
    return nil
  }

  /// The parameter of that role of that node (`parameter("weight", of: node)`); nil where it has none.
  public func parameter(_ role: String, of node: Node) -> Tensor? { parameters[node.parameterName(role)] }
}

extension Node {
  /// The key of a parameter in `Network.parameters`: `name.role`.
  public func parameterName(_ role: String) -> String { "\(name).\(role)" }
}

extension NetworkGraph {
  /// Checks names, order and attributes, and returns the parameters that the nodes own, in node order.
  func verified() throws(NetworkError) -> [(name: String, shape: Shape)] {
    if inputs.isEmpty { throw .noInputs }
    if outputs.isEmpty { throw .noOutputs }
    var known: Set<String> = []
    for input in inputs {
      if input.name.isEmpty { throw .emptyName }
      if let fault = input.fault { throw .inputAxes(input: input.name, reason: fault) }
      guard known.insert(input.name).inserted else { throw .duplicateName(input.name) }
    }
    var expected: [(name: String, shape: Shape)] = []
    var owned: Set<String> = []
    for node in nodes {
      if node.name.isEmpty { throw .emptyName }
      let definition = node.operation.definition
      if let fault = definition.attributeFault {
        throw .attribute(node: node.name, operation: definition.typeName, reason: fault)
      }
      guard definition.inputCount.contains(node.inputs.count) else {
        throw .operandCount(
          node: node.name, operation: definition.typeName, expected: definition.inputCount, got: node.inputs.count)
      }
      for value in node.inputs where !known.contains(value) { throw .unknownValue(value, node: node.name) }
      guard known.insert(node.name).inserted else { throw .duplicateName(node.name) }
      for role in definition.parameters {
        let name = node.parameterName(role.name)
        guard owned.insert(name).inserted else { throw .duplicateName(name) }
        expected.append((name, role.shape))
      }
    }
    for output in outputs where !known.contains(output) { throw .unknownOutput(output) }
    var seen: Set<String> = []
    for output in outputs where !seen.insert(output).inserted { throw .duplicateName(output) }
    return expected
  }
}
