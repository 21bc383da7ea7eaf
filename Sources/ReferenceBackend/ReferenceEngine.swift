import Execution
import Files
import Networks
import Synchronization
import Tensors

/// The oracle: every operation as plain loops that sum in Double and round to Float once a step, or in Int32 where it sums integers.
///
/// Each step of an epilogue rounds like the operation it stands for, so that fusing changes no bit here. Never optimised.
public struct ReferenceEngine: Backend {
  public init() {}

  public var name: String { "reference" }

  public func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support { .yes }

  public func prepare(_ network: Network) throws(ExecutionError) -> any Model { try ReferenceModel(network) }

  /// Every value of the network by name, inputs included: to compare another backend node by node.
  public func values(of network: Network, inputs: [Tensor]) throws(ExecutionError) -> [String: Tensor] {
    var everything = network
    everything.outputs = network.nodes.map(\.name)
    everything.updates = []
    let tensors = try everything.nodes.isEmpty ? [] : prepare(everything, inputs: inputs.map(\.shape)).run(inputs)
    var result: [String: Tensor] = [:]
    for (input, tensor) in zip(network.inputs, inputs) { result[input.name] = tensor }
    for (name, tensor) in zip(everything.outputs, tensors) { result[name] = tensor }
    return result
  }
}

/// A verified network and its parameters as they are now.
final class ReferenceModel: Model {
  private let current: Mutex<Network>

  init(_ network: Network) throws(ExecutionError) {
    do throws(NetworkError) {
      try network.verify()
    } catch {
      throw .invalidNetwork(error.description)
    }
    current = Mutex(network)
  }

  var network: Network { current.withLock { $0 } }

  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError) {
    try current.withLock { (network) throws(ExecutionError) in try network.setParameters(parameters) }
  }

  func session(inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> any Session {
    let session: ReferenceSession
    let (network, types) = try network.resolved(inputs: inputs)
    do throws(NetworkError) {
      let ledger = try network.ledger(inputs: inputs)
      session = ReferenceSession(network, self, types: types, peakMemoryByteCount: ledger.peakActivationByteCount)
    } catch {
      throw .invalidNetwork(error.description)
    }
    guard session.peakMemoryByteCount <= MemoryLimit.current.byteCount else {
      throw .memory(needed: session.peakMemoryByteCount, available: MemoryLimit.current.byteCount)
    }
    return session
  }
}

/// Keeps a value until its last reader has run.
final class ReferenceSession: Session {
  /// Its sizes are numbers. Its parameters are those of the model.
  private let network: Network
  private let model: ReferenceModel
  private let types: [String: ValueType]
  let peakMemoryByteCount: Int

  /// The types are those of a verified network.
  init(_ network: Network, _ model: ReferenceModel, types: [String: ValueType], peakMemoryByteCount: Int) {
    self.network = network
    self.model = model
    self.types = types
    self.peakMemoryByteCount = peakMemoryByteCount
  }

  var inputShapes: [Shape] { network.inputs.compactMap { types[$0.name]?.shape } }
  var outputShapes: [Shape] { network.outputs.compactMap { types[$0]?.shape } }

  func run(_ inputs: [Tensor], into outputs: inout [Tensor]) throws(ExecutionError) {
    guard inputs.count == network.inputs.count else {
      throw .inputCount(expected: network.inputs.count, got: inputs.count)
    }
    var network = network
    network.parameters = model.network.parameters
    var values: [String: Tensor] = [:]
    for ((input, tensor), shape) in zip(zip(network.inputs, inputs), inputShapes) {
      guard tensor.shape == shape else { throw .inputShape(name: input.name, expected: shape, got: tensor.shape) }
      guard tensor.dataType == input.element else {
        throw .invalidNetwork("the input '\(input.name)' is of \(input.element.rawValue) and gets \(tensor.dataType.rawValue)")
      }
      values[input.name] = tensor
    }
    for name in network.graph.readParameters.keys { values[name] = network.parameters[name] }
    let last = network.lastReaders
    for (index, node) in network.nodes.enumerated() {
      let kernel = ReferenceKernel(node: node, network: network, types: types)
      let operands = node.inputs.compactMap { values[$0] }
      guard let output = types[node.name]?.shape, let tensor = kernel.run(operands, output: output) else {
        throw .invalidNetwork("the node '\(node.name)' lacks a parameter or an input")
      }
      values[node.name] = tensor
      for value in node.inputs where last[value] == index { values[value] = nil }
    }
    if !network.updates.isEmpty {
      var changed: [String: Tensor] = [:]
      for update in network.updates { changed[update.parameter] = values[update.value] }
      try model.setParameters(changed)
    }
    outputs = network.outputs.compactMap { values[$0] }
  }
}
