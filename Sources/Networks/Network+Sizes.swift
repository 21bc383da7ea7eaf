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
      do throws(TypeMismatch) {
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
    var editor = NetworkEditor(result)
    for node in result.nodes where result.changesNothing(node, values) && !result.outputs.contains(node.name) {
      editor.redirect(node.name, to: editor.place(of: node.name).flatMap { editor[$0]?.inputs[0] } ?? node.inputs[0])
    }
    // What reached no output before goes, too: it may read what goes now.
    editor.removeDeadNodes()
    return editor.result
  }

  /// Whether an adjoint is for operands of other shapes, and here its value is the gradient that it reads.
  private func changesNothing(_ node: Node, _ shapes: [String: Shape]) -> Bool {
    guard case .training(.adjoint(let payload)) = node.operation, payload.map.operation == nil else { return false }
    return shapes[node.name] == shapes[node.inputs[0]]
  }

  /// The same function, each parameter that a node reads by name a constant of that name: for formats that know no such nodes. Updates would
  /// not reach the constants.
  package func withParametersAsConstants() -> Network {
    let read = graph.readParameters
    guard !read.isEmpty else { return self }
    var result = self
    let constants = read.keys.sorted().map { name in
      Node(name: name, operation: .constant(Constant(read[name]?.shape ?? [])), inputs: [])
    }
    for constant in constants { result.parameters[constant.parameterName(.value)] = parameters[constant.name] }
    result.nodes.insert(contentsOf: constants, at: 0)
    return result
  }
}
