import Files
import Networks
import Tensors

/// What leaves the network is called as the file calls it.
extension ONNXImporter {
  /// An output of the graph: the value of the network that it is, and what that is to be called.
  struct Output {
    var value: String
    var name: String
  }

  /// The values that the outputs of the graph are, no two the same. The value of a node can be called as an output is. What has a name
  /// that it keeps is copied: an input, another output, and a layer that is called as the file calls its weights.
  mutating func results(_ outputs: [String], inputs: Set<String>) throws(ONNXProblem) -> [Output] {
    var values: [ONNXView] = []
    for output in outputs { values.append(try plain(output)) }
    var names = ONNXNames()
    var results: [Output] = []
    for (output, view) in zip(outputs, values) {
      var name = names.unique(output.isEmpty ? "output" : output.onOneLine)
      while inputs.contains(name), name != view.value { name = names.unique(name) }
      results.append(Output(value: view.value, name: name))
    }
    for result in results { _ = self.names.unique(result.name) }
    var kept = Set(results.filter { $0.value == $0.name }.map(\.value))
    for index in results.indices where results[index].value != results[index].name {
      let value = results[index].value
      if !kept.contains(value), mayBeRenamed(value) {
        kept.insert(value)
      } else {
        let node = ONNXNode(type: "Identity", label: outputs[index], inputs: [outputs[index]], outputs: [outputs[index]])
        results[index].value = try emit(.scale(Scale(factor: 1)), [value], values[index].extents, node).value
      }
    }
    return results
  }

  /// Whether nothing is lost when the value is called otherwise.
  private func mayBeRenamed(_ value: String) -> Bool {
    guard let index = nodeIndices[value] else { return false }
    return nodes[index].parameterNames.isEmpty || !modules.contains(value)
  }

  /// An output of the graph as a value of the network.
  private mutating func plain(_ name: String) throws(ONNXProblem) -> ONNXView {
    let node = ONNXNode(type: "Identity", label: name, inputs: [name], outputs: [name])
    switch try value(name) {
    case .view(let view)?: return try plain(view, node)
    case .constant(let constant)?:
      guard let tensor = constant.tensor, tensor.shape.valueFault == nil else {
        throw .output(name, reason: "is a constant that no network holds")
      }
      return try constantValue(tensor, node)
    case nil: throw .unknownOutput(name)
    }
  }

  /// What was emitted, without the nodes that no output needs.
  mutating func network(_ name: String, inputs: [NetworkInput], outputs: [Output]) -> Network {
    let graph = NetworkGraph(name: title(name), inputs: inputs, nodes: nodes, outputs: outputs.map(\.value))
    var network = Network(unverified: graph, parameters: parameters)
    if !codes.isEmpty { network = network.drawingInIntegers(layers, codesOfValues) }
    var editor = NetworkEditor(network)
    editor.removeDeadNodes()
    var renamed: [String: String] = [:]
    for output in outputs where output.value != output.name { renamed[output.value] = output.name }
    // Nodes that only happen to be called so make room.
    for output in outputs where renamed[output.name] == nil && output.value != output.name {
      if editor.place(of: output.name) != nil { renamed[output.name] = names.unique(output.name) }
    }
    return editor.result.renamingNodes(renamed)
  }

  /// What the integers of all values stand for: what only moves them has those that it reads.
  private var codesOfValues: [String: Quantize] {
    var result = codes
    for node in nodes where result[node.name] == nil {
      switch node.operation.definition.elements {
      case .moved, .pooled: result[node.name] = node.inputs.first.flatMap { result[$0] }
      case .float32, .products, .converted: continue
      }
    }
    return result
  }
}
