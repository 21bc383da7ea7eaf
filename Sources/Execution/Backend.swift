import Networks
import Tensors

/// Something that runs networks: the reference, the CPU, a GPU.
///
/// A backend never rewrites a network: it answers for each node whether it can run it, and the caller applies the passes.
public protocol Backend: Sendable {
  /// `reference`, `cpu`.
  var name: String { get }

  /// Whether the node can run, and if not why.
  func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support

  /// Chooses kernels, packs weights, plans memory for inputs of exactly these shapes (in the order of `network.inputs`).
  func prepare(_ network: Network, inputs: [Shape]) throws(ExecutionError) -> any Session
}

public enum Support: Hashable, Sendable {
  case yes
  /// The reason, a clause that follows "because".
  case no(String)
}

/// A network made ready for one set of input shapes. Not safe to run from two threads at once.
public protocol Session: AnyObject {
  var inputShapes: [Shape] { get }
  var outputShapes: [Shape] { get }
  /// The bytes that a run holds at its peak: activations, packed weights and scratch; inputs and outputs included.
  var peakMemoryByteCount: Int { get }
  /// Runs the network on float32 tensors of `inputShapes`; the outputs are new tensors.
  func run(_ inputs: [Tensor]) throws(ExecutionError) -> [Tensor]
}

/// Why a network cannot be prepared or run. Rendered by the caller.
public enum ExecutionError: Error, Hashable, Sendable {
  case invalidNetwork(String)
  case inputCount(expected: Int, got: Int)
  case inputShape(name: String, expected: Shape, got: Shape)
  case unsupported(node: String, operation: String, backend: String, reason: String)
}
