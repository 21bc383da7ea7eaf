import Networks
import Tensors

extension Network {
  /// The network as it is trained: each batch norm takes the statistics of the batch and updates its running ones,
  ///
  ///     running = (1 - momentum) · running + momentum · batch
  ///
  /// with the unbiased variance. Parameters keep their names, so that those of one form are those of the other. Nodes whose parameters are read
  /// or updated already stay. Strides of 1x1 convolutions go to the convolutions before them, which then compute no pixel that nobody reads.
  ///
  /// - Parameter momentum: 0 to 1; 0.1 in PyTorch.
  /// - Source: `torch.nn.BatchNorm2d`.
  public func inTrainingForm(momentum: Float = 0.1) -> Network {
    var editor = NetworkEditor(self)
    var updates = self.updates
    for place in editor.places {
      guard let node = editor[place], case .batchNorm(let payload) = node.operation, editor.ownsAlone(node) else { continue }
      func part(_ part: BatchNormalization.Part) -> Operation {
        .training(.batchNormalization(BatchNormalization(part, channels: payload.channels, epsilon: payload.epsilon)))
      }
      func add(_ name: String, _ operation: Operation, _ inputs: [String]) -> String {
        let name = editor.freeName("\(node.name).\(name)")
        editor.insert(Node(name: name, operation: operation, inputs: inputs), before: place)
        return name
      }
      let moments = add("moments", part(.moments), [node.inputs[0]])
      for (row, role, name) in [(0, ParameterRole.runningMean, "mean"), (2, .runningVariance, "variance")] {
        let slice = add("\(name).row", .slice(Slice([Slice.Span(axis: 0, start: row, end: row + 1)])), [moments])
        let batch = add("\(name).batch", .reshape(Reshape([payload.channels])), [slice])
        let new = add("\(name).new", .scale(Scale(factor: momentum)), [batch])
        let old = add("\(name).old", .scale(Scale(factor: 1 - momentum)), [node.parameterName(role)])
        let sum = add("\(name).sum", .add, [old, new])
        updates.append(ParameterUpdate(parameter: node.parameterName(role), value: sum))
      }
      editor.replace(place, by: Node(name: node.name, operation: part(.output), inputs: [node.inputs[0], moments]))
    }
    var result = editor.result
    result.updates = updates
    return result.hoistingStrides()
  }
}
