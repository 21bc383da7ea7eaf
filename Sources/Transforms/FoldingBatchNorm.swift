import Networks
import Tensors

extension Network {
  /// The same function with batch norms, channel affines and scalings folded into the weights and biases beside them.
  ///
  /// A convolution, transposed convolution or linear layer takes what follows it where the value between has that one reader and
  /// leaves the network nowhere, and where no epilogue comes between. What finds none behind it is taken by the one that reads it,
  /// where that is exact: a shift would be missing in zero padding, so that it goes into layers without padding only. Affines in a
  /// row become one. A depthwise convolution of kernel 1x1 without padding is an affine, too, of every n-th pixel: the convolution
  /// before it takes it, and skips what it skipped. What is left of a batch norm is a channel affine. Folded layers keep their names; readers and `outputs` follow.
  ///
  /// Computed in Double and rounded once a fold, so that outputs differ by the rounding of weights. Where a folded number would not
  /// be finite, the nodes stay. Folding twice changes nothing. Cost: one pass over the parameters.
  public func foldingBatchNorm() -> Network {
    var folding = Folding(self)
    for place in nodes.indices { folding.take(place) }
    folding.foldForward()
    return folding.editor.result
  }
}

/// The state of the pass while it walks the nodes in order.
private struct Folding {
  private let source: Network
  var editor: NetworkEditor
  /// Of the nodes that stand and are such maps.
  private var maps: [String: ChannelMap] = [:]

  init(_ network: Network) {
    source = network
    editor = NetworkEditor(network)
  }

  /// Folds the node into what makes its input, or keeps it. What is updated, or read by name, is no number yet and stays as it is.
  mutating func take(_ place: Int) {
    guard let node = editor[place], editor.ownsAlone(node) else { return }
    if foldDepthwise(node, at: place) { return }
    guard let map = ChannelMap(node, in: source) else { return }
    maps[node.name] = map
    if let before = editor.placeOfOnlyRead(node.inputs.first), let producer = editor[before], editor.ownsAlone(producer) {
      if fold(map, behind: producer, at: before) {
        editor.dropParameters(of: node)
        editor.remove(place)
        editor.redirect(node.name, to: producer.name)
        maps[node.name] = nil
        return
      }
      if let earlier = maps[producer.name], let both = earlier.followed(by: map), replace(place, by: both, after: producer) {
        editor.dropParameters(of: producer)
        editor.remove(before)
        maps[producer.name] = nil
        maps[node.name] = both
        return
      }
    }
    if case .batchNorm = node.operation { _ = replace(place, by: map, after: nil) }
  }

  /// Folds a depthwise 1x1 convolution into the convolution before it, which moves to its place with its epilogue. The channel
  /// selection of a strided shortcut needs a fourth of the products then.
  private mutating func foldDepthwise(_ node: Node, at place: Int) -> Bool {
    guard case .convolution(let last) = node.operation, last.kernel == Pair(1), last.padding == Padding(0),
      last.groups == last.inChannels, last.groups == last.outChannels,
      let before = editor.placeOfOnlyRead(node.inputs.first), var producer = editor[before], editor.ownsAlone(producer),
      case .convolution(var payload) = producer.operation,
      let weight = editor.parameter(.weight, of: node),
      let map = ChannelMap(depthwise: last, weight: weight, bias: editor.parameter(.bias, of: node)),
      let part = producer.operation.lastPart, let old = editor.parameter(part.weightRole, of: producer)
    else { return false }
    payload.stride.height *= last.stride.height
    payload.stride.width *= last.stride.width
    payload.epilogue = last.epilogue
    guard Operation.convolution(payload).attributeFault == nil,
      let folded = part.followed(by: map, weight: old, bias: editor.parameter(part.biasRole, of: producer))
    else { return false }
    producer.operation = .convolution(payload)
    producer.inputs += node.inputs.dropFirst()
    editor.move(.slope, of: node, to: .slope, of: producer)
    editor.dropParameters(of: node)
    editor.remove(before)
    editor.replace(place, by: write(folded, part, producer))
    editor.redirect(node.name, to: producer.name)
    return true
  }

  private mutating func fold(_ map: ChannelMap, behind producer: Node, at place: Int) -> Bool {
    guard let part = producer.operation.lastPart, let weight = editor.parameter(part.weightRole, of: producer),
      let folded = part.followed(by: map, weight: weight, bias: editor.parameter(part.biasRole, of: producer))
    else { return false }
    editor.replace(place, by: write(folded, part, producer))
    return true
  }

  /// Makes the node the map; it reads what `earlier`, where given, read. False where a number would not be finite.
  private mutating func replace(_ place: Int, by map: ChannelMap, after earlier: Node?) -> Bool {
    let scale = map.scale.map { Float($0) }, shift = map.shift.map { Float($0) }
    guard var node = editor[place], (scale + shift).allSatisfy(\.isFinite) else { return false }
    editor.dropParameters(of: node)
    if map.isUniform {
      node.operation = .scale(Scale(factor: scale[0]))
    } else {
      let isTrainable = node.operation.isTrainable || earlier?.operation.isTrainable ?? false
      node.operation = .channelAffine(ChannelAffine(channels: scale.count, isTrainable: isTrainable))
      editor.set(.scale, of: node, to: Tensor([scale.count], scale))
      editor.set(.shift, of: node, to: Tensor([shift.count], shift))
    }
    if let earlier { node.inputs = earlier.inputs }
    editor.replace(place, by: node)
    return true
  }

  /// Folds what is left into the layers that read it.
  mutating func foldForward() {
    for place in editor.places {
      guard var node = editor[place], let part = node.operation.firstPart, editor.ownsAlone(node),
        let before = editor.placeOfOnlyRead(node.inputs.first), let affine = editor[before], let map = maps[affine.name],
        let weight = editor.parameter(part.weightRole, of: node),
        let folded = part.preceded(by: map, weight: weight, bias: editor.parameter(part.biasRole, of: node))
      else { continue }
      node.inputs[0] = affine.inputs[0]
      editor.replace(place, by: write(folded, part, node))
      editor.dropParameters(of: affine)
      editor.remove(before)
    }
  }

  private mutating func write(_ folded: (weight: Tensor, bias: Tensor?), _ part: LinearPart, _ node: Node) -> Node {
    var node = node
    editor.set(part.weightRole, of: node, to: folded.weight)
    if let bias = folded.bias {
      editor.set(part.biasRole, of: node, to: bias)
      node.operation = node.operation.withBias(part.biasRole)
    }
    return node
  }
}

extension Operation {
  fileprivate var isTrainable: Bool { parameters.contains(where: \.isTrainable) }
}
