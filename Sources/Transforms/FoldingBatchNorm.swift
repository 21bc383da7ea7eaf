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
    for node in nodes { folding.take(node) }
    folding.foldForward()
    return folding.result
  }
}

/// The state of the pass while it walks the nodes in order.
private struct Folding {
  private var network: Network
  /// Nodes that were folded away are nil.
  private var nodes: [Node?] = []
  private var positions: [String: Int] = [:]
  /// By the present name of each value; leaving the network counts as a reader.
  private var readerCounts: [String: Int] = [:]
  private var renamed: [String: String] = [:]
  /// Of the nodes that stand and are such maps.
  private var maps: [String: ChannelMap] = [:]

  init(_ network: Network) {
    self.network = network
    for value in network.nodes.flatMap(\.inputs) + network.outputs { readerCounts[value, default: 0] += 1 }
  }

  /// Folds the node into what makes its input, or keeps it.
  mutating func take(_ original: Node) {
    var node = original
    node.inputs = node.inputs.map { renamed[$0] ?? $0 }
    if foldDepthwise(node) { return }
    if var map = ChannelMap(original, in: network), let position = node.inputs.first.flatMap({ positions[$0] }),
      let producer = nodes[position], readerCounts[producer.name] == 1
    {
      if fold(map, behind: producer, at: position) {
        removeParameters(of: original)
        renamed[node.name] = producer.name
        readerCounts[producer.name] = readerCounts[node.name]
        return
      }
      if let earlier = maps[producer.name], let both = earlier.followed(by: map), replace(&node, by: both, after: producer) {
        nodes[position] = nil
        maps[producer.name] = nil
        removeParameters(of: producer)
        map = both
      }
      keep(node, map)
      return
    }
    keep(node, ChannelMap(original, in: network))
  }

  private mutating func keep(_ original: Node, _ map: ChannelMap?) {
    var node = original
    if let map {
      if case .batchNorm = node.operation { _ = replace(&node, by: map, after: nil) }
      maps[node.name] = map
    }
    positions[node.name] = nodes.count
    nodes.append(node)
  }

  /// Folds a depthwise 1x1 convolution into the convolution before it, which moves to its place with its epilogue. The channel
  /// selection of a strided shortcut needs a fourth of the products then.
  private mutating func foldDepthwise(_ node: Node) -> Bool {
    guard case .convolution(let last) = node.operation, last.kernel == Pair(1), last.padding == Padding(0),
      last.groups == last.inChannels, last.groups == last.outChannels,
      let position = node.inputs.first.flatMap({ positions[$0] }), var producer = nodes[position],
      readerCounts[producer.name] == 1, case .convolution(var payload) = producer.operation,
      let weight = network.parameter("weight", of: node),
      let map = ChannelMap(depthwise: last, weight: weight, bias: network.parameter("bias", of: node)),
      let part = producer.operation.lastPart, let old = network.parameter(part.weightRole, of: producer)
    else { return false }
    payload.stride.height *= last.stride.height
    payload.stride.width *= last.stride.width
    payload.epilogue = last.epilogue
    guard Operation.convolution(payload).attributeFault == nil,
      let folded = part.followed(by: map, weight: old, bias: network.parameter(part.biasRole, of: producer))
    else { return false }
    let slope = network.parameter("slope", of: node)
    removeParameters(of: node)
    nodes[position] = nil
    producer.operation = .convolution(payload)
    producer.inputs += node.inputs.dropFirst()
    network.parameters[producer.parameterName("slope")] = slope
    renamed[node.name] = producer.name
    readerCounts[producer.name] = readerCounts[node.name]
    keep(write(folded, part, producer), nil)
    return true
  }

  private mutating func fold(_ map: ChannelMap, behind producer: Node, at position: Int) -> Bool {
    guard let part = producer.operation.lastPart, let weight = network.parameter(part.weightRole, of: producer),
      let folded = part.followed(by: map, weight: weight, bias: network.parameter(part.biasRole, of: producer))
    else { return false }
    nodes[position] = write(folded, part, producer)
    return true
  }

  /// Makes the node the map; it reads what `earlier`, where given, read. False where a number would not be finite.
  private mutating func replace(_ node: inout Node, by map: ChannelMap, after earlier: Node?) -> Bool {
    let scale = map.scale.map { Float($0) }, shift = map.shift.map { Float($0) }
    guard (scale + shift).allSatisfy(\.isFinite) else { return false }
    removeParameters(of: node)
    if map.isUniform {
      node.operation = .scale(Scale(factor: scale[0]))
    } else {
      let isTrainable = node.operation.isTrainable || earlier?.operation.isTrainable ?? false
      node.operation = .channelAffine(ChannelAffine(channels: scale.count, isTrainable: isTrainable))
      network.parameters[node.parameterName("scale")] = Tensor([scale.count], scale)
      network.parameters[node.parameterName("shift")] = Tensor([shift.count], shift)
    }
    if let earlier { node.inputs = earlier.inputs }
    return true
  }

  /// Folds what is left into the layers that read it.
  mutating func foldForward() {
    for position in nodes.indices {
      guard var node = nodes[position], let part = node.operation.firstPart,
        let place = node.inputs.first.flatMap({ positions[$0] }), let affine = nodes[place], readerCounts[affine.name] == 1,
        let map = maps[affine.name],
        let weight = network.parameter(part.weightRole, of: node),
        let folded = part.preceded(by: map, weight: weight, bias: network.parameter(part.biasRole, of: node))
      else { continue }
      node.inputs[0] = affine.inputs[0]
      nodes[position] = write(folded, part, node)
      nodes[place] = nil
      removeParameters(of: affine)
    }
  }

  private mutating func write(_ folded: (weight: Tensor, bias: Tensor?), _ part: LinearPart, _ node: Node) -> Node {
    var node = node
    network.parameters[node.parameterName(part.weightRole)] = folded.weight
    if let bias = folded.bias {
      network.parameters[node.parameterName(part.biasRole)] = bias
      node.operation = node.operation.withBias(part.biasRole)
    }
    return node
  }

  private mutating func removeParameters(of node: Node) {
    for role in node.operation.parameters { network.parameters[node.parameterName(role.name)] = nil }
  }

  var result: Network {
    var result = network
    result.nodes = nodes.compactMap(\.self)
    result.outputs = network.outputs.map { renamed[$0] ?? $0 }
    return result
  }
}

extension Operation {
  fileprivate var isTrainable: Bool { parameters.contains(where: \.isTrainable) }
}
