import Networks
import Tensors

extension Network {
  /// The network whose values are measured and whose layers become integers: batch norms folded, separable convolutions as two nodes, and
  /// those steps drawn into layers that such layers can do on integers. Twice changes nothing.
  public func preparedForQuantization() -> Network {
    eliminatingDeadNodes().splittingSeparableConvolutions().foldingBatchNorm().fusing { step in
      switch step {
      case .activation(.relu), .activation(.leakyReLU), .activation(.prelu), .activation(.clip), .scale, .add, .pixelShuffle:
        true
      case .activation, .rescale, .requantize, .quantize: false
      }
    }
  }

  /// Separable convolutions as two nodes, the inverse of what `fusing` does: what lies between is a value then.
  func splittingSeparableConvolutions() -> Network {
    var editor = NetworkEditor(self)
    for place in nodes.indices {
      guard let node = editor[place], case .separableConvolution(let payload) = node.operation,
        payload.middleRequantization == nil, editor.ownsAlone(node)
      else { continue }
      let names = payload.order.partNames
      var (former, latter) = payload.parts
      former.epilogue = Epilogue(payload.middle.map { [.activation($0)] } ?? [])
      latter.epilogue = payload.epilogue
      let first = Node(
        name: editor.freeName("\(node.name).\(names.first)"), operation: .convolution(former),
        inputs: Array(node.inputs.prefix(1)))
      let second = Node(
        name: editor.freeName("\(node.name).\(names.second)"), operation: .convolution(latter),
        inputs: [first.name] + node.inputs.dropFirst())
      editor.insert(first, before: place)
      editor.replace(place, by: second)
      editor.redirect(node.name, to: second.name)
      editor.move(.middleSlope, of: node, to: .slope, of: first)
      editor.move(.slope, of: node, to: .slope, of: second)
      for (new, part) in zip([first, second], payload.linearParts) {
        editor.move(part.weightRole, of: node, to: .weight, of: new)
        editor.move(part.biasRole, of: node, to: .bias, of: new)
      }
    }
    return editor.result
  }
}
