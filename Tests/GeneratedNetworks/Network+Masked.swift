import Networks
import Tensors
import Transforms

extension Network {
  /// The network with the channels set to 0 in every value that they go through: what removing them is defined by. It knows nothing of
  /// what operations own for a channel: behind each value stands a function that lets through what stays.
  package func masked(_ removal: ChannelRemoval, inputs shapes: [Shape]) throws -> Network {
    var (source, removed) = splittingSeparable(removal)
    let types = try source.inferredShapes(inputs: shapes)
    var nodes: [Node] = [], names: [String: String] = [:]
    for var node in source.nodes {
      node.inputs = node.inputs.map { names[$0] ?? $0 }
      nodes.append(node)
      guard let channels = removed[node.name], let shape = types[node.name] else { continue }
      var extents = Array(repeating: 1, count: shape.rank)
      extents[1] = shape[1]
      let mask = Node(name: "\(node.name)/mask", operation: .constant(Constant(Shape(extents))), inputs: [])
      let gone = Set(channels)
      source.parameters[mask.parameterName(.value)] = Tensor(Shape(extents), (0..<shape[1]).map { gone.contains($0) ? 0 : 1 })
      let result = Node(name: "\(node.name)/masked", operation: .binary(.mask), inputs: [node.name, mask.name])
      nodes += [mask, result]
      names[node.name] = result.name
    }
    source.nodes = nodes
    source.outputs = source.outputs.map { names[$0] ?? $0 }
    try source.verify()
    return source
  }

  /// With the two parts of separable convolutions as nodes, so that what lies between them is a value, too.
  private func splittingSeparable(_ removal: ChannelRemoval) -> (Network, [String: [Int]]) {
    var result = self, nodes: [Node] = [], removed = removal.values
    for node in self.nodes {
      guard case .separableConvolution(let payload) = node.operation, removal.middles[node.name] != nil else {
        nodes.append(node)
        continue
      }
      let first = Node(name: "\(node.name)/first", operation: .convolution(payload.parts.first), inputs: [node.inputs[0]])
      var between = first
      nodes.append(first)
      removed[first.name] = removal.middles[node.name]
      if let function = payload.middle {
        between = Node(name: "\(node.name)/between", operation: .activation(function), inputs: [first.name])
        nodes.append(between)
        removed[between.name] = removal.middles[node.name]
        result.parameters[between.parameterName(.slope)] = result.parameters.removeValue(
          forKey: node.parameterName(.middleSlope))
      }
      let second = Node(
        name: node.name, operation: .convolution(payload.parts.second), inputs: [between.name] + node.inputs.dropFirst())
      nodes.append(second)
      let isDepthwiseFirst = payload.order == .depthwiseFirst
      for (part, weight, bias) in [
        (isDepthwiseFirst ? first : second, ParameterRole.depthwiseWeight, ParameterRole.depthwiseBias),
        (isDepthwiseFirst ? second : first, .pointwiseWeight, .pointwiseBias),
      ] {
        result.parameters[part.parameterName(.weight)] = result.parameters.removeValue(forKey: node.parameterName(weight))
        result.parameters[part.parameterName(.bias)] = result.parameters.removeValue(forKey: node.parameterName(bias))
      }
    }
    result.nodes = nodes
    return (result, removed)
  }
}
