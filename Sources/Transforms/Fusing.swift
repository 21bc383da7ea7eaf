import Networks
import Tensors

extension Network {
  /// The same function with activations, scalings, additions and pixel shuffles drawn into the convolutions they follow, and
  /// depthwise and 1x1 convolutions that feed one another joined, so that a backend touches each value once.
  ///
  /// A convolution, transposed or not, takes steps in the order `[activation]? [scale]? [add]? [activation]? [pixelShuffle]?`, and
  /// only while the value between has a single reader and leaves the network nowhere. Of two convolutions under an addition the later
  /// takes it. The fused node keeps the name and the parameters of the convolution and stands where the last node it took in stood;
  /// readers and `outputs` follow the new name. Slopes of a prelu move to the convolution's parameter `slope`.
  ///
  /// A depthwise convolution and a 1x1 convolution of stride 1 without padding that reads it, or the other way round, with at most
  /// an activation and one reader between, become a separable convolution with the epilogue of the second. It is called
  /// `name` where they are `name.depthwise` and `name.pointwise`, or `name.select` and `name.kernels`, and as the second elsewhere.
  ///
  /// Exact: each step still rounds by itself in a backend that rounds once a step. Fusing twice changes nothing.
  ///
  /// - Parameter additionLimit: the additions in a row that one convolution may take, for backends that add more than one value.
  public func fusing(additionLimit: Int = 1) -> Network {
    var fusion = Fusion(self, additionLimit: additionLimit)
    for node in nodes { fusion.take(node) }
    return fusion.network.joiningSeparableConvolutions()
  }
}

/// The state of the pass while it walks the nodes in order.
private struct Fusion {
  private var source: Network
  /// Fused nodes are replaced by nil at their old place.
  private var nodes: [Node?] = []
  private var positions: [String: Int] = [:]
  /// By the present name of each value; leaving the network counts as a reader.
  private var readerCounts: [String: Int] = [:]
  private var renamed: [String: String] = [:]
  private let additionLimit: Int

  init(_ network: Network, additionLimit: Int) {
    source = network
    self.additionLimit = additionLimit
    for value in network.nodes.flatMap(\.inputs) + network.outputs { readerCounts[value, default: 0] += 1 }
  }

  var network: Network {
    var result = source
    result.nodes = nodes.compactMap(\.self)
    result.outputs = source.outputs.map { renamed[$0] ?? $0 }
    return result
  }

  mutating func take(_ original: Node) {
    var node = original
    node.inputs = node.inputs.map { renamed[$0] ?? $0 }
    guard let step = node.operation.epilogueStep, let (position, fused) = fuse(node, step) else {
      positions[node.name] = nodes.count
      nodes.append(node)
      return
    }
    nodes[position] = nil
    positions[fused.name] = nodes.count
    nodes.append(fused)
    renamed[node.name] = fused.name
    readerCounts[fused.name] = readerCounts[node.name]
    if let slope = source.parameters.removeValue(forKey: node.parameterName("slope")) {
      source.parameters[fused.parameterName("slope")] = slope
    }
  }

  /// The convolution among the operands, with the step behind it, and where it stands; nil where none can take the step.
  private func fuse(_ node: Node, _ step: Epilogue.Step) -> (position: Int, fused: Node)? {
    let places = node.inputs.compactMap { positions[$0] }.sorted(by: >)
    for position in places {
      guard var producer = nodes[position], readerCounts[producer.name] == 1,
        let epilogue = producer.operation.epilogue, epilogue.accepts(step, additionLimit: additionLimit)
      else { continue }
      producer.operation.epilogue = Epilogue(epilogue.steps + [step])
      // For instance a second prelu, or channels that the shuffle does not divide: left for the backend to refuse or run.
      guard producer.operation.attributeFault == nil else { continue }
      producer.inputs += node.inputs.filter { $0 != producer.name }
      return (position, producer)
    }
    return nil
  }
}

extension Operation {
  /// The operation as a step of an epilogue; nil where there is no such step.
  fileprivate var epilogueStep: Epilogue.Step? {
    switch self {
    case .activation(let function) where function.keepsFinite: .activation(function)
    case .scale(let payload): .scale(payload.factor)
    case .add: .add
    case .pixelShuffle(let payload) where payload.order == .channelsOutermost: .pixelShuffle(payload.factor)
    case .activation, .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .channelAffine, .binary,
      .concatenation, .pixelShuffle, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten,
      .slice, .pad, .softmax, .reshape, .transpose, .reduction, .normalization, .expand, .constant, .matrixMultiply:
      nil
    }
  }
}

extension Epilogue {
  /// Whether the step may follow in `[activation]? [scale]? [add]… [activation]? [pixelShuffle]?`.
  fileprivate func accepts(_ step: Step, additionLimit: Int) -> Bool {
    if step == .add, extraInputCount >= additionLimit { return false }
    var stage = Stage.start
    for present in steps {
      guard let next = stage.after(present) else { return false }
      stage = next
    }
    return stage.after(step) != nil
  }

  private enum Stage: Int {
    case start, activated, scaled, added, activatedLast, shuffled

    func after(_ step: Step) -> Stage? {
      let next: Stage =
        switch step {
        case .activation: self == .start ? .activated : .activatedLast
        case .scale: .scaled
        case .add: .added
        case .pixelShuffle: .shuffled
        }
      return next.rawValue > rawValue || (self == .added && next == .added) ? next : nil
    }
  }
}
