import Networks
import Tensors

extension Network {
  /// Depthwise and 1x1 convolutions that feed one another as one operation each; see `fusing`.
  func joiningSeparableConvolutions() -> (network: Network, newParameterNames: [String: String]) {
    var editor = NetworkEditor(self)
    for pair in separablePairs(editor) { editor.join(pair.first, pair.second) }
    return (editor.result, editor.newParameterNames)
  }

  /// The places of depthwise and 1x1 convolutions that become one operation, in either order.
  func separablePairs(_ editor: NetworkEditor) -> [(first: Int, second: Int)] {
    // The node that reads each one and could be joined with it. A node has one first input, so that these form chains.
    var next: [Int: Int] = [:]
    var hasPrevious: Set<Int> = []
    for (index, node) in nodes.enumerated() {
      guard let first = editor.placeOfOnlyRead(node.inputs.first),
        SeparableConvolution(nodes[first].operation, node.operation) != nil,
        // Channels that are only moved are no products.
        channelSelection(of: nodes[first]) == nil, channelSelection(of: node) == nil
      else { continue }
      next[first] = index
      hasPrevious.insert(index)
    }

    var pairs: [(first: Int, second: Int)] = []
    for start in nodes.indices where next[start] != nil && !hasPrevious.contains(start) {
      var chain = [start]
      while let following = next[chain[chain.count - 1]] { chain.append(following) }
      // Of an even chain all are paired. Of an odd one that begins with a 1x1 convolution, such as the 1x1, depthwise, 1x1 of an
      // inverted bottleneck, the first stays alone: it is a matrix product that runs at the machine's peak by itself, while a
      // depthwise convolution waits for memory unless the product behind it takes its rows out of the cache.
      let isOddFromPointwise = chain.count % 2 == 1 && nodes[start].operation.isPointwise
      for place in stride(from: isOddFromPointwise ? 1 : 0, to: chain.count - 1, by: 2) {
        pairs.append((chain[place], chain[place + 1]))
      }
    }
    return pairs
  }
}

extension NetworkEditor {
  fileprivate mutating func join(_ first: Int, _ second: Int) {
    guard let former = self[first], let latter = self[second],
      let payload = SeparableConvolution(former.operation, latter.operation)
    else { return }
    var name = latter.name
    if let common = Self.commonName(former.name, latter.name), isFree(common) { name = common }
    let node = Node(
      name: name, operation: .separableConvolution(payload), inputs: Array(former.inputs.prefix(1)) + latter.inputs.dropFirst())
    remove(first)
    replace(second, by: node)
    redirect(latter.name, to: name)
    move(.slope, of: former, to: .middleSlope, of: node)
    move(.slope, of: latter, to: .slope, of: node)
    for (old, part) in zip([former, latter], payload.linearParts) {
      move(.weight, of: old, to: part.weightRole, of: node)
      move(.bias, of: old, to: part.biasRole, of: node)
      move(
        .multiplier, of: old, to: part.multiplierRole, of: node)
    }
  }

  /// The layer that two nodes are the halves of by their names: `body.0.a` of `body.0.a.depthwise` and `body.0.a.pointwise`.
  private static func commonName(_ first: String, _ second: String) -> String? {
    for names in SeparableConvolution.Order.allCases.map(\.partNames) {
      let (former, latter) = (".\(names.first)", ".\(names.second)")
      guard first.hasSuffix(former), second.hasSuffix(latter) else { continue }
      let name = first.dropLast(former.count)
      return name == second.dropLast(latter.count) && !name.isEmpty ? String(name) : nil
    }
    return nil
  }
}

extension SeparableConvolution {
  /// Two convolutions, the second reading the first, as one; nil where they are not one of each kind, where more than an activation
  /// lies between, or where the result would not be legal.
  fileprivate init?(_ first: Operation, _ second: Operation) {
    guard case .convolution(let former) = first, case .convolution(let latter) = second,
      let between = CanonicalEpilogue(former.epilogue)
    else { return nil }
    var same = CanonicalEpilogue()
    (same.rescales, same.before, same.requantization) = (between.rescales, between.before, between.requantization)
    guard same == between else { return nil }
    let middle = between.before
    let order: Order
    if first.isDepthwise, second.isPointwise {
      order = .depthwiseFirst
    } else if first.isPointwise, second.isDepthwise {
      order = .pointwiseFirst
    } else {
      return nil
    }
    let (depthwise, pointwise) = order == .depthwiseFirst ? (former, latter) : (latter, former)
    self.init(
      order: order, inChannels: former.inChannels, outChannels: latter.outChannels, kernel: depthwise.kernel,
      stride: depthwise.stride, padding: depthwise.padding, dilation: depthwise.dilation, depthwiseHasBias: depthwise.hasBias,
      pointwiseHasBias: pointwise.hasBias, middle: middle, middleRequantization: between.requantization,
      epilogue: latter.epilogue)
    guard between.rescales == (between.requantization != nil), attributeFault == nil else { return nil }
  }
}

extension Operation {
  /// A convolution with one kernel a channel. With one channel alone it is an ordinary one.
  var isDepthwise: Bool {
    guard case .convolution(let payload) = self else { return false }
    return payload.groups > 1 && payload.groups == payload.inChannels && payload.groups == payload.outChannels
  }

  /// A convolution that is a matrix product for each pixel.
  fileprivate var isPointwise: Bool {
    guard case .convolution(let payload) = self else { return false }
    return payload.groups == 1 && payload.kernel == Pair(1) && payload.stride == Pair(1) && payload.padding == Padding(0)
  }
}
