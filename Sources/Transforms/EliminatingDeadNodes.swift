import Networks

extension Network {
  /// The same function without the nodes whose values reach no output, without their parameters, and without parameters that
  /// belong to no node.
  ///
  /// The inputs stay, read or not: they are what callers pass. Exact. Cost: one pass over the nodes.
  public func eliminatingDeadNodes() -> Network {
    var needed = Set(outputs)
    var result = self
    result.nodes = []
    for node in nodes.reversed() where needed.contains(node.name) {
      needed.formUnion(node.inputs)
      result.nodes.append(node)
    }
    result.nodes.reverse()
    var names: Set<String> = []
    for node in result.nodes { names.formUnion(node.operation.parameters.map { node.parameterName($0.name) }) }
    result.parameters = parameters.filter { names.contains($0.key) }
    return result
  }
}
