import Tensors

extension Network {
  /// The network for inputs of these shapes, every size that follows from extents a number: what an engine runs, which then knows
  /// nothing of operands that are read for their extents only. Nodes that no output needs then are left out.
  ///
  /// Values keep their names and shapes. Cost: as `inferredShapes`.
  package func resolvingSizes(inputs shapes: [Shape]) throws(NetworkError) -> Network {
    let values = try inferredShapes(inputs: shapes)
    var result = self
    var isChanged = false
    for index in nodes.indices {
      let node = nodes[index]
      let operands = node.inputs.compactMap { values[$0] }
      do throws(ShapeMismatch) {
        let operation = try node.operation.resolved(operands)
        guard operation != node.operation else { continue }
        result.nodes[index].operation = operation
        result.nodes[index].inputs = Array(node.elementInputs)
        isChanged = true
      } catch {
        throw .shape(node: node.name, operation: node.operation.typeName, reason: error.reason)
      }
    }
    guard isChanged else { return self }
    // What reached no output before goes, too: it may read what goes now.
    let dropped = Set(nodes.map(\.name)).subtracting(result.needed)
    if dropped.isEmpty { return result }
    for node in nodes where dropped.contains(node.name) {
      for role in node.operation.parameters { result.parameters[node.parameterName(role.name)] = nil }
    }
    result.nodes.removeAll { dropped.contains($0.name) }
    return result
  }

  /// The values that the outputs need.
  private var needed: Set<String> {
    var result = Set(outputs)
    for node in nodes.reversed() where result.contains(node.name) { result.formUnion(node.inputs) }
    return result
  }
}
