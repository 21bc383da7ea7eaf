import Evaluation
import Execution
import Networks
import Tensors

extension Profile.Layer.Convolution {
  fileprivate init?(_ operation: Operation) {
    if case .convolution(let payload) = operation {
      self.init(
        inChannels: payload.inChannels, outChannels: payload.outChannels,
        kernel: [payload.kernel.height, payload.kernel.width], groups: payload.groups)
    } else if case .separableConvolution(let payload) = operation {
      self.init(
        inChannels: payload.inChannels, outChannels: payload.outChannels,
        kernel: [payload.kernel.height, payload.kernel.width], isSeparable: true)
    } else {
      return nil
    }
  }
}

/// The layers of a profile from the steps of a run: a node's steps together, each copy by itself.
struct LayerTable {
  private(set) var layers: [Profile.Layer] = []
  private(set) var events: [Profile.Event] = []

  init(_ network: Network, shapes: [String: Shape], ledger: Ledger, _ timeline: RunTimeline) {
    let nodes = Dictionary(network.nodes.map { ($0.name, $0) }) { first, _ in first }
    let costs = Dictionary(ledger.entries.map { ($0.node, $0) }) { first, _ in first }
    var layerOfNode: [String: Int] = [:]
    var layerOfStep: [Int] = []
    for step in timeline.steps {
      var layer: Profile.Layer
      if let known = layerOfNode[step.node], !step.isCopy {
        layer = layers[known]
        layer.kernels += step.kernels.filter { !layer.kernels.contains($0) }
        layer.stepCount += 1
        layerOfStep.append(known)
      } else {
        let node = step.isCopy ? nil : nodes[step.node]
        let joined = step.joined.compactMap { nodes[$0] }
        let cost = ((node.map { [$0] } ?? []) + joined).reduce(0) { $0 + (costs[$1.name]?.multiplyAccumulates ?? 0) }
        layer = Self.layer(step, node, shapes: shapes, cost: cost)
        if !joined.isEmpty {
          layer.joined = step.joined
          // Layers come before it, additions that ride on it behind.
          let layers = joined.filter { costs[$0.name]?.multiplyAccumulates ?? 0 > 0 }.map(\.operation.displayName)
          let others = joined.filter { costs[$0.name]?.multiplyAccumulates ?? 0 == 0 }.map(\.operation.displayName)
          layer.operation = (layers + [([layer.operation] + others).joined(separator: " + ")]).joined(separator: ", then ")
        }
        layerOfStep.append(layers.count)
        if node != nil { layerOfNode[step.node] = layers.count }
        layers.append(layer)
      }
      layer.isVectorised = layer.isVectorised && step.work.isVectorised
      if step.work.method.isOfProducts {
        layer.method = step.work.method
        layer.unit = step.work.unit
        layer.operations = Int(2 * Double(layer.multiplyAccumulates) * step.work.productShare)
      }
      layer.traffic = layer.traffic.followed(by: step.traffic)
      if let blocks = step.blocks, blocks.count > layer.blocks?.count ?? 0 { layer.blocks = blocks }
      layer.bandCount = 0
      layers[layerOfStep[layerOfStep.count - 1]] = layer
    }
    var bands = [Int](repeating: 0, count: timeline.steps.count)
    for event in timeline.events {
      let layer = layerOfStep[event.step]
      layers[layer].nanoseconds += event.duration
      bands[event.step] += 1
      layers[layer].bandCount = max(layers[layer].bandCount, bands[event.step])
      events.append(
        Profile.Event(layer: layer, start: event.start, duration: event.duration, threads: event.threadCount))
    }
    addTotals(timeline, layerOfStep, layerOfNode)
  }

  /// What copies took counts towards the total of the node they are made for.
  private mutating func addTotals(_ timeline: RunTimeline, _ layerOfStep: [Int], _ layerOfNode: [String: Int]) {
    for index in layers.indices { layers[index].totalNanoseconds = layers[index].nanoseconds }
    for (step, layer) in zip(timeline.steps, layerOfStep) where step.isCopy {
      if let owner = layerOfNode[step.node] { layers[owner].totalNanoseconds += layers[layer].nanoseconds }
    }
  }

  private static func layer(
    _ step: RunTimeline.Step, _ node: Node?, shapes: [String: Shape], cost: Int
  ) -> Profile.Layer {
    let shape = shapes[step.node] ?? Shape([])
    guard let node else {
      // Between host and device all inputs, or all outputs, go at once: the step's name says which way.
      let isTransfer = step.traffic.transferredBytes != nil
      var layer = Profile.Layer(
        isTransfer ? step.node : "\(Profile.Layer.copyPrefix)\(step.node)", operation: isTransfer ? step.node : "copy",
        kernels: step.kernels, inputShapes: isTransfer ? [] : [shape], outputShape: shape, nanoseconds: 0)
      layer.isCopy = true
      return layer
    }
    var layer = Profile.Layer(
      node.name, operation: node.operation.displayName, kernels: step.kernels,
      inputShapes: node.elementInputs.compactMap { shapes[$0] },
      outputShape: shape, nanoseconds: 0)
    layer.multiplyAccumulates = cost
    layer.convolution = Profile.Layer.Convolution(node.operation)
    return layer
  }
}
