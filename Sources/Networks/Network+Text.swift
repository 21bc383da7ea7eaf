import Files

extension Network: CustomStringConvertible {
  /// The network for people, one line a node, the same for equal graphs; control characters of names are written out:
  ///
  ///     network edsr: x [3] -> tail
  ///     head = convolution(x) 3 -> 64, kernel 3, padding 1, bias
  ///     body.0.b = convolution(body.0.a, head) 64 -> 64, kernel 3, padding 1, bias | scale 0.1 | add
  ///     update norm.runningMean = norm.mean
  public var text: String { graph.text }

  public var description: String { text }
}

extension NetworkGraph {
  /// See `Network.text`. Every line ends in a line feed.
  public var text: String {
    func list(_ names: [String]) -> String { names.map(\.escapingControls).joined(separator: ", ") }
    let entries = inputs.map { input in
      "\(input.name.escapingControls) \(input.isAnyImage ? "[\(input.channels ?? 0)]" : input.axesText)"
    }.joined(separator: ", ")
    var text = "network \(name.escapingControls): \(entries) -> \(list(outputs))\n"
    for node in nodes {
      text += "\(node.name.escapingControls) = \(node.operation.typeName)(\(list(node.inputs)))"
      let summary = node.operation.definition.summary(of: node.inputs.map(\.escapingControls))
      text += summary.isEmpty ? "\n" : " \(summary)\n"
    }
    for update in updates { text += "update \(update.parameter.escapingControls) = \(update.value.escapingControls)\n" }
    return text
  }
}
