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
  ///
  /// Kernels are chosen as for inputs of shapes `whole`: a tile gets the kernels of the image it is cut from, and with them the
  /// same bits.
  func prepare(_ network: Network, inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> any Session

  /// The grid of pixels that the node's kernel works on for inputs of the network of shapes `whole`: 4 for Winograd F(4x4), whose
  /// outputs depend, in their last bits, on the whole of their tile; 1 where each output stands alone.
  func outputGrid(of node: Node, in network: Network, shapes: [String: Shape]) -> Int
}

extension Backend {
  /// A session for inputs of exactly these shapes, none of which is a tile of a larger one.
  public func prepare(_ network: Network, inputs: [Shape]) throws(ExecutionError) -> any Session {
    try prepare(network, inputs: inputs, kernelsFor: inputs)
  }

  public func outputGrid(of node: Node, in network: Network, shapes: [String: Shape]) -> Int { 1 }
}

/// Whether a backend can run a node.
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

/// A session of a network that may have updates: each run leaves the parameters as they say, for the next run to begin with.
public protocol UpdatingSession: Session {
  /// All parameters of the network by name, as the runs so far have left them. Those that are set must keep their shapes.
  var parameters: [String: Tensor] { get set }
}

/// Why a network cannot be prepared or run. Rendered by the caller.
public enum ExecutionError: Error, Hashable, Sendable {
  case invalidNetwork(String)
  case inputCount(expected: Int, got: Int)
  case inputShape(name: String, expected: Shape, got: Shape)
  case unsupported(node: String, operation: String, backend: String, reason: String)
  /// The network has updates, and the backend applies none.
  case updates(backend: String)
  /// The values of a run need more bytes than the machine has.
  case memory(needed: Int, available: Int)
}
