import Tensors

extension Network {
  /// Checks that this is a network: names unique, nodes in topological order, attributes legal, parameters present and of the
  /// right shape and type, none left over. Cost: one pass over nodes and parameter names; element values are not read but where
  /// a node does not take any.
  public func verify() throws(NetworkError) {
    try verifyParameters(expected: graph.verified())
  }

  private func verifyParameters(expected: [(name: String, parameter: Parameter)]) throws(NetworkError) {
    for (name, parameter) in expected {
      let type = parameter.type
      guard let tensor = parameters[name] else { throw .missingParameter(name, type: type) }
      guard tensor.shape == type.shape else { throw .parameterShape(name, expected: type.shape, got: tensor.shape) }
      guard tensor.dataType == type.element else {
        throw .parameterType(name, expected: type.element, got: tensor.dataType)
      }
      if let fault = parameter.fault(of: tensor, name) { throw fault }
    }
    // The expected names are unique and all present, so that a surplus is unknown.
    if parameters.count != expected.count {
      let known = Set(expected.map(\.name))
      let unknown = parameters.keys.filter { !known.contains($0) }.min() ?? ""
      let node = nodes.first { unknown.hasPrefix("\($0.name).") && !unknown.dropFirst($0.name.count + 1).contains(".") }
      throw .unknownParameter(unknown, node: node?.name, owned: node?.parameterNames ?? [])
    }
  }

  /// Throws where these tensors, each of a parameter's shape and type, hold what its node does not take.
  package func verifyElements(of tensors: [String: Tensor]) throws(NetworkError) {
    // Of other nodes nothing is restricted.
    for node in nodes where node.operation.epilogue?.sumsIntegers ?? false {
      for parameter in node.operation.parameters {
        let name = node.parameterName(parameter.role)
        if let tensor = tensors[name], let fault = parameter.fault(of: tensor, name) { throw fault }
      }
    }
  }

  /// The name of the first parameter, in node order, that holds a NaN or an infinity; nil where all values are finite. Constants are
  /// left out: an infinity there is meant, as in a mask. Cost: one pass over all parameters.
  public var firstNonFiniteParameter: String? {
    for node in nodes {
      if case .constant = node.operation { continue }
      for name in node.parameterNames {
        guard let tensor = parameters[name], tensor.dataType == .float32 else { continue }
        if !tensor.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) { return name }
      }
    }
    return nil
  }
}

extension NetworkGraph {
  /// Checks names, order, attributes, updates and what the contract says by itself, and returns the parameters that the nodes own, in node order.
  func verified() throws(NetworkError) -> [(name: String, parameter: Parameter)] {
    if inputs.isEmpty { throw .noInputs }
    if outputs.isEmpty { throw .noOutputs }
    var values: Set<String> = []
    for input in inputs {
      if input.name.isEmpty { throw .emptyName }
      if let fault = input.fault { throw .inputAxes(input: input.name, reason: fault) }
      guard values.insert(input.name).inserted else { throw .duplicateName(input.name) }
    }
    var names = values
    for node in nodes {
      if node.name.isEmpty { throw .emptyName }
      guard names.insert(node.name).inserted else { throw .duplicateName(node.name) }
    }
    let expected = try verifiedParameters()
    let owned = Set(expected.map(\.name))
    var namesParameters = !updates.isEmpty
    for node in nodes {
      for value in node.inputs where !values.contains(value) {
        guard owned.contains(value) else { throw .unknownValue(value, node: node.name) }
        namesParameters = true
      }
      values.insert(node.name)
    }
    for output in outputs where !values.contains(output) {
      guard owned.contains(output) else { throw .unknownOutput(output) }
      namesParameters = true
    }
    var seen: Set<String> = []
    for output in outputs where !seen.insert(output).inserted { throw .duplicateName(output) }
    // Where no parameter is named, a value may be called as one: the two were apart in earlier versions.
    if namesParameters, let both = values.intersection(owned).min() { throw .duplicateName(both) }
    var updated: Set<String> = []
    for update in updates {
      guard owned.contains(update.parameter) else { throw .unknownUpdate(update.parameter) }
      guard updated.insert(update.parameter).inserted else { throw .updatedTwice(update.parameter) }
      guard values.contains(update.value) || owned.contains(update.value) else {
        throw .unknownUpdateValue(update.value, parameter: update.parameter)
      }
    }
    if let fault = contract?.fault { throw .contract(fault) }
    return expected
  }

  /// Checks what each node says by itself.
  private func verifiedParameters() throws(NetworkError) -> [(name: String, parameter: Parameter)] {
    var expected: [(name: String, parameter: Parameter)] = []
    var owned: Set<String> = []
    for node in nodes {
      let definition = node.operation.definition
      if let fault = definition.attributeFault {
        throw .attribute(node: node.name, operation: definition.typeName, reason: fault)
      }
      guard definition.inputCount.contains(node.inputs.count) else {
        throw .operandCount(
          node: node.name, operation: definition.typeName, expected: definition.inputCount, got: node.inputs.count)
      }
      for parameter in definition.parameters {
        let name = node.parameterName(parameter.role)
        guard owned.insert(name).inserted else { throw .duplicateName(name) }
        expected.append((name, parameter))
      }
    }
    return expected
  }

  /// The parameters that nodes read by name, that updates take or that leave the network, with their types; of a verified graph.
  package var readParameters: [String: ValueType] {
    let made = Set(inputs.map(\.name) + nodes.map(\.name))
    let read = Set(nodes.flatMap(\.inputs) + updates.map(\.value) + outputs).subtracting(made)
    guard !read.isEmpty else { return [:] }
    var result: [String: ValueType] = [:]
    for node in nodes {
      for parameter in node.operation.parameters {
        let name = node.parameterName(parameter.role)
        if read.contains(name) { result[name] = parameter.type }
      }
    }
    return result
  }

  /// Whether nodes or outputs name parameters, or updates change some.
  public var namesParameters: Bool { !updates.isEmpty || !readParameters.isEmpty }
}
