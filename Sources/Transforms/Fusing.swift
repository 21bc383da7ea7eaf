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
  /// A batch normalization by the statistics of the batch takes steps, too, and its gradients take in that of a ReLU behind it. The gradients of
  /// a convolution's and of a maximum pool's input take an addition, the former a factor before it, too.
  ///
  /// Exact: each step still rounds by itself in a backend that rounds once a step. Fusing twice changes nothing.
  public func fusing() -> Network { fused().network }

  /// The network after `fusing`, and what parameters that go by other names there were called before.
  package func fused() -> (network: Network, parameterNames: [String: String]) {
    var editor = NetworkEditor(self)
    for place in nodes.indices { editor.fuse(place) }
    for place in nodes.indices { editor.fuseGradientOfReLU(place) }
    let joined = editor.result.joiningSeparableConvolutions()
    var oldNames = Dictionary(uniqueKeysWithValues: editor.newParameterNames.map { ($1, $0) })
    for (old, new) in joined.newParameterNames { oldNames[new] = oldNames.removeValue(forKey: old) ?? old }
    return (joined.network, oldNames)
  }

  /// The same with some steps alone, and nothing joined.
  func fusing(_ isTaken: (Epilogue.Step) -> Bool) -> Network {
    var editor = NetworkEditor(self)
    for place in nodes.indices where nodes[place].operation.epilogueStep.map(isTaken) ?? false { editor.fuse(place) }
    return editor.result
  }
}

extension NetworkEditor {
  /// Makes the node there a step of the epilogue of one that it reads, where that can take it.
  fileprivate mutating func fuse(_ place: Int) {
    guard let node = self[place], let step = node.operation.epilogueStep else { return }
    for before in node.inputs.compactMap({ placeOfOnlyRead($0) }).sorted(by: >) {
      guard var producer = self[before], let steps = producer.operation.epilogue?.steps,
        CanonicalEpilogue(Epilogue(steps + [step])) != nil
      else { continue }
      let end = min(producer.operation.definition.elementOperandCount, producer.inputs.count)
      producer.operation.epilogue = Epilogue(steps + [step])
      // For instance a second prelu, or channels that the shuffle does not divide: left for the backend to refuse or run.
      guard producer.operation.attributeFault == nil else { continue }
      // In front of operands that are read for their size.
      producer.inputs.insert(contentsOf: node.inputs.filter { $0 != producer.name }, at: end)
      remove(before)
      replace(place, by: producer)
      redirect(node.name, to: producer.name)
      move(.slope, of: node, to: .slope, of: producer)
      return
    }
  }
  /// Makes the gradient of a ReLU there a part of those of the batch normalization before it, where nothing else reads it.
  fileprivate mutating func fuseGradientOfReLU(_ place: Int) {
    guard let node = self[place], case .training(.activationGradient(let gradient)) = node.operation,
      gradient.function == .relu,
      let source = self.place(of: node.inputs[1]).flatMap({ self[$0] }),
      case .training(.batchNormalization(let payload)) = source.operation, payload.part == .output, payload.rectifies
    else { return }
    let weight = source.parameterName(.weight), bias = source.parameterName(.bias)
    let readers = places(reading: node.name)
    guard readers.count == readCount(of: node.name) else { return }
    var fused: [Node] = []
    for case var reader? in readers.map({ self[$0] }) {
      guard case .training(.batchNormalization(var part)) = reader.operation, part.epilogue.isEmpty,
        part.epsilon == payload.epsilon, Array(reader.inputs.prefix(3)) == [node.name] + source.inputs.prefix(2)
      else { return }
      switch part.part {
      case .moments, .output: return
      case .gradientSums: reader.inputs += [weight, bias]
      case .inputGradient:
        guard reader.inputs[4] == weight else { return }
        reader.inputs.append(bias)
      }
      part.epilogue = payload.epilogue
      reader.operation = .training(.batchNormalization(part))
      reader.inputs[0] = node.inputs[0]
      fused.append(reader)
    }
    remove(place)
    for (place, reader) in zip(readers, fused) { replace(place, by: reader) }
  }
}
