import Networks
import Tensors

extension Network {
  /// Depthwise and 1x1 convolutions that feed one another as one operation each; see `fusing`.
  func joiningSeparableConvolutions() -> Network {
    var readerCounts: [String: Int] = [:]
    for value in nodes.flatMap(\.inputs) + outputs { readerCounts[value, default: 0] += 1 }
    let positions = Dictionary(nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }

    // The node that reads each one and could be joined with it. A node has one first input, so that these form chains.
    var next: [Int: Int] = [:]
    var hasPrevious: Set<Int> = []
    for (index, node) in nodes.enumerated() {
      guard let first = node.inputs.first.flatMap({ positions[$0] }), readerCounts[nodes[first].name] == 1,
        SeparableConvolution(nodes[first].operation, node.operation) != nil,
        // Channels that are only moved are no products.
        channelSelection(of: nodes[first]) == nil, channelSelection(of: node) == nil
      else { continue }
      next[first] = index
      hasPrevious.insert(index)
    }

    var joining = Joining(self)
    for start in nodes.indices where next[start] != nil && !hasPrevious.contains(start) {
      var chain = [start]
      while let following = next[chain[chain.count - 1]] { chain.append(following) }
      // Of an even chain all are paired. Of an odd one that begins with a 1x1 convolution, such as the 1x1, depthwise, 1x1 of an
      // inverted bottleneck, the first stays alone: it is a matrix product that runs at the machine's peak by itself, while a
      // depthwise convolution waits for memory unless the product behind it takes its rows out of the cache.
      let isOddFromPointwise = chain.count % 2 == 1 && nodes[start].operation.isPointwise
      for place in stride(from: isOddFromPointwise ? 1 : 0, to: chain.count - 1, by: 2) {
        joining.join(chain[place], chain[place + 1])
      }
    }
    return joining.result
  }
}

private struct Joining {
  private let source: Network
  private var nodes: [Node?]
  private var parameters: [String: Tensor]
  private var renamed: [String: String] = [:]
  private var names: Set<String>

  init(_ network: Network) {
    source = network
    nodes = network.nodes
    parameters = network.parameters
    names = Set(network.nodes.map(\.name) + network.inputs.map(\.name))
  }

  mutating func join(_ first: Int, _ second: Int) {
    let (former, latter) = (source.nodes[first], source.nodes[second])
    guard let payload = SeparableConvolution(former.operation, latter.operation) else { return }
    var name = latter.name
    if let common = Self.commonName(former.name, latter.name), names.insert(common).inserted { name = common }
    let node = Node(
      name: name, operation: .separableConvolution(payload), inputs: Array(former.inputs.prefix(1)) + latter.inputs.dropFirst())
    let isDepthwiseFirst = payload.order == .depthwiseFirst
    move(former, "slope", to: node, "middleSlope")
    move(latter, "slope", to: node, "slope")
    for (part, prefix) in [
      (former, isDepthwiseFirst ? "depthwise" : "pointwise"), (latter, isDepthwiseFirst ? "pointwise" : "depthwise"),
    ] {
      move(part, "weight", to: node, "\(prefix)Weight")
      move(part, "bias", to: node, "\(prefix)Bias")
    }
    nodes[first] = nil
    nodes[second] = node
    renamed[latter.name] = name
  }

  /// The layer that two nodes are the halves of by their names: `body.0.a` of `body.0.a.depthwise` and `body.0.a.pointwise`.
  private static func commonName(_ first: String, _ second: String) -> String? {
    for (former, latter) in [(".depthwise", ".pointwise"), (".select", ".kernels")] {
      guard first.hasSuffix(former), second.hasSuffix(latter) else { continue }
      let name = first.dropLast(former.count)
      return name == second.dropLast(latter.count) && !name.isEmpty ? String(name) : nil
    }
    return nil
  }

  private mutating func move(_ from: Node, _ role: String, to: Node, _ newRole: String) {
    if let tensor = parameters.removeValue(forKey: from.parameterName(role)) {
      parameters[to.parameterName(newRole)] = tensor
    }
  }

  var result: Network {
    var result = source
    result.nodes = nodes.compactMap { node in
      guard var node else { return nil }
      node.inputs = node.inputs.map { renamed[$0] ?? $0 }
      return node
    }
    result.outputs = source.outputs.map { renamed[$0] ?? $0 }
    result.parameters = parameters
    return result
  }
}

extension SeparableConvolution {
  /// Two convolutions, the second reading the first, as one; nil where they are not one of each kind, where more than an activation
  /// lies between, or where the result would not be legal.
  fileprivate init?(_ first: Operation, _ second: Operation) {
    guard case .convolution(let former) = first, case .convolution(let latter) = second, former.epilogue.steps.count <= 1
    else { return nil }
    var middle: ActivationFunction?
    if let step = former.epilogue.steps.first {
      guard case .activation(let function) = step else { return nil }
      middle = function
    }
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
      pointwiseHasBias: pointwise.hasBias, middle: middle, epilogue: latter.epilogue)
    guard attributeFault == nil else { return nil }
  }
}

extension Operation {
  /// A convolution with one kernel a channel. With one channel alone it is an ordinary one.
  fileprivate var isDepthwise: Bool {
    guard case .convolution(let payload) = self else { return false }
    return payload.groups > 1 && payload.groups == payload.inChannels && payload.groups == payload.outChannels
  }

  /// A convolution that is a matrix product for each pixel.
  fileprivate var isPointwise: Bool {
    guard case .convolution(let payload) = self else { return false }
    return payload.groups == 1 && payload.kernel == Pair(1) && payload.stride == Pair(1) && payload.padding == Padding(0)
  }
}
