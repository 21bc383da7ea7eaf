import Networks
import Tensors

extension Network {
  /// The contract of an image-to-image network, its inputs, outputs and parameters checked against it.
  func checkedImageContract() throws(EvaluationError) -> ImageContract {
    guard let contract = imageContract else { throw .noImageContract(network: name) }
    guard inputs.count == 1, outputs.count == 1 else {
      throw .contract(network: name, reason: "it has \(inputs.count) inputs and \(outputs.count) outputs instead of one")
    }
    let channels = contract.colour == .luma ? 1 : 3
    guard inputs[0].channels == channels else {
      throw .contract(network: name, reason: "its input is \(inputs[0].axesText) and not an image of \(channels) channels")
    }
    guard contract.maximum.isFinite, contract.maximum > 0 else {
      throw .contract(network: name, reason: "its range ends at \(contract.maximum)")
    }
    if contract.inputSize == .lowResolution, !(1...64).contains(contract.scale ?? 0) {
      throw .contract(network: name, reason: "its scale is not in 1...64")
    }
    for (name, tensor) in parameters.sorted(by: { $0.key < $1.key }) where tensor.dataType == .float32 {
      guard tensor.withUnsafeFloats({ $0.allSatisfy(\.isFinite) }) else {
        throw .notFinite(network: self.name, what: "the parameter '\(name)'")
      }
    }
    return contract
  }

  /// Throws where a contract that is about to be given promises another output than the network makes of an image. A network that
  /// takes none of the sizes tried is left to be told when it runs.
  func checkShapes(against contract: ImageContract) throws(EvaluationError) {
    guard let input = inputs.first, let output = outputs.first else { return }
    for side in [64, 96, 224, 256, 512] {
      guard let channels = input.channels, let image = input.usualShape(side: side) else { return }
      guard let made = (try? inferredShapes(inputs: [image]))?[output] else { continue }
      let scale = contract.inputSize == .lowResolution ? contract.scale ?? 1 : 1
      if made == Shape(batch: image.batch, channels: channels, height: image.height * scale, width: image.width * scale) {
        return
      }
      throw .contractScale(network: name, input: image, output: made, scale: scale)
    }
  }
}

extension Network {
  /// The shapes of the inputs: the one that is given, where there is one input, else what the inputs fix, with `side` along open
  /// heights and widths.
  package func inputShapes(given: Shape? = nil, side: Int = 256) throws(EvaluationError) -> [Shape] {
    guard inputs.count == 1 || given == nil else {
      throw .inputCount(network: name, count: inputs.count)
    }
    var shapes: [Shape] = []
    for input in inputs {
      guard let shape = given ?? input.usualShape(side: side) else { throw .openInput(network: name, input) }
      shapes.append(shape)
    }
    return shapes
  }

  /// The shape of the one input: see `inputShapes(given:side:)`.
  public func inputShape(given: Shape? = nil, side: Int = 256) throws(EvaluationError) -> Shape {
    guard inputs.count == 1 else {
      throw .inputCount(network: name, count: inputs.count)
    }
    return try inputShapes(given: given, side: side)[0]
  }
}
