import Networks

extension Network {
  /// The contract of an image-to-image network, its inputs, outputs and parameters checked against it.
  func checkedImageContract() throws(EvaluationError) -> ImageContract {
    guard let contract = imageContract else { throw .noImageContract(network: name) }
    guard inputs.count == 1, outputs.count == 1 else {
      throw .contract(network: name, reason: "it has \(inputs.count) inputs and \(outputs.count) outputs instead of one")
    }
    let channels = contract.colour == .luma ? 1 : 3
    guard inputs[0].channels == channels else {
      throw .contract(network: name, reason: "its input has \(inputs[0].channels) channels instead of \(channels)")
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
}
