import Execution
import Files
import Networks
import Tensors

/// The oracle: every operation as plain loops that sum in Double and round to Float once a step.
///
/// Each step of an epilogue rounds like the operation it stands for, so that fusing changes no bit here. Never optimised.
public struct ReferenceEngine: Backend {
  public init() {}

  public var name: String { "reference" }

  public func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support { .yes }

  public func prepare(
    _ network: Network, inputs: [Shape], kernelsFor whole: [Shape]
  ) throws(ExecutionError) -> any Session {
    let session: ReferenceSession
    do throws(NetworkError) {
      try network.verify()
      let network = try network.resolvingSizes(inputs: inputs)
      let shapes = try network.inferredShapes(inputs: inputs)
      let ledger = try network.ledger(inputs: inputs)
      session = ReferenceSession(network, shapes: shapes, peakMemoryByteCount: ledger.peakActivationByteCount)
    } catch {
      throw .invalidNetwork(error.description)
    }
    guard session.peakMemoryByteCount <= MemoryLimit.current.byteCount else {
      throw .memory(needed: session.peakMemoryByteCount, available: MemoryLimit.current.byteCount)
    }
    return session
  }

  /// Every value of the network by name, inputs included: to compare another backend node by node.
  public func values(of network: Network, inputs: [Tensor]) throws(ExecutionError) -> [String: Tensor] {
    var everything = network
    everything.outputs = network.nodes.map(\.name)
    let tensors = try everything.nodes.isEmpty ? [] : prepare(everything, inputs: inputs.map(\.shape)).run(inputs)
    var result: [String: Tensor] = [:]
    for (input, tensor) in zip(network.inputs, inputs) { result[input.name] = tensor }
    for (name, tensor) in zip(everything.outputs, tensors) { result[name] = tensor }
    return result
  }
}

/// Keeps a value until its last reader has run.
final class ReferenceSession: Session {
  private let network: Network
  private let shapes: [String: Shape]
  let peakMemoryByteCount: Int

  /// The shapes are those of a verified network.
  init(_ network: Network, shapes: [String: Shape], peakMemoryByteCount: Int) {
    self.network = network
    self.shapes = shapes
    self.peakMemoryByteCount = peakMemoryByteCount
  }

  var inputShapes: [Shape] { network.inputs.compactMap { shapes[$0.name] } }
  var outputShapes: [Shape] { network.outputs.compactMap { shapes[$0] } }

  func run(_ inputs: [Tensor]) throws(ExecutionError) -> [Tensor] {
    guard inputs.count == network.inputs.count else {
      throw .inputCount(expected: network.inputs.count, got: inputs.count)
    }
    var values: [String: Tensor] = [:]
    for ((input, tensor), shape) in zip(zip(network.inputs, inputs), inputShapes) {
      guard tensor.shape == shape, tensor.dataType == .float32 else {
        throw .inputShape(name: input.name, expected: shape, got: tensor.shape)
      }
      values[input.name] = tensor
    }
    let last = network.lastReaders
    for (index, node) in network.nodes.enumerated() {
      let kernel = ReferenceKernel(node: node, network: network)
      let operands = node.inputs.compactMap { values[$0] }
      guard let output = shapes[node.name], let tensor = kernel.run(operands, output: output) else {
        throw .invalidNetwork("the node '\(node.name)' lacks a parameter or an input")
      }
      values[node.name] = tensor
      for value in node.inputs where last[value] == index { values[value] = nil }
    }
    return network.outputs.compactMap { values[$0] }
  }
}
