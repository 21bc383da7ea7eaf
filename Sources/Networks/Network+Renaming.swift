extension Network {
  /// The same network with nodes called by other names, all at once; their parameters, and all that read these or the values, follow.
  /// The caller sees to it that names stay unique. Cost: one pass over the nodes.
  package func renamingNodes(_ names: [String: String]) -> Network {
    guard !names.isEmpty else { return self }
    var result = self
    // Where nothing reads parameters, values may be called as they are, and are those that are read.
    let made = Set(inputs.map(\.name) + nodes.map(\.name))
    var values = names
    for index in nodes.indices {
      guard let name = names[nodes[index].name] else { continue }
      result.nodes[index].name = name
      for (old, new) in zip(nodes[index].parameterNames, result.nodes[index].parameterNames) {
        if !made.contains(old) { values[old] = new }
        result.parameters[old] = nil
      }
    }
    for index in nodes.indices where names[nodes[index].name] != nil {
      for (old, new) in zip(nodes[index].parameterNames, result.nodes[index].parameterNames) {
        result.parameters[new] = parameters[old]
      }
    }
    func renamed(_ value: String) -> String { values[value] ?? value }
    for index in nodes.indices { result.nodes[index].inputs = nodes[index].inputs.map(renamed) }
    result.outputs = outputs.map(renamed)
    result.updates = updates.map { ParameterUpdate(parameter: renamed($0.parameter), value: renamed($0.value)) }
    return result
  }
}
