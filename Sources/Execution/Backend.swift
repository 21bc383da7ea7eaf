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

  /// The network made ready for sessions of any input shapes, which share what they can: packed weights, threads.
  func prepare(_ network: Network) throws(ExecutionError) -> any Model

  /// The grid of pixels that the node's kernel works on where the values of the network have these shapes, those of a whole image: 4
  /// for Winograd F(4x4), whose outputs depend, in their last bits, on the whole of their tile; 1 where each output stands alone.
  func outputGrid(of node: Node, in network: Network, shapes: [String: Shape]) -> Int
}

extension Backend {
  /// A session for inputs of exactly these shapes, none of which is a tile of a larger one.
  public func prepare(_ network: Network, inputs: [Shape]) throws(ExecutionError) -> any Session {
    try prepare(network).session(inputs: inputs)
  }

  public func outputGrid(of node: Node, in network: Network, shapes: [String: Shape]) -> Int { 1 }
}

/// Whether a backend can run a node.
public enum Support: Hashable, Sendable {
  case yes
  /// The reason, a clause that follows "because".
  case no(String)
}

/// A network on a backend. Sessions of it may be made, and those of networks without updates run, on several threads at once.
///
/// A run of a network with updates leaves the parameters as they say, for the next run of any session to begin with.
public protocol Model: AnyObject, Sendable {
  /// The network as it was given, with the parameters that are set now.
  var network: Network { get }

  /// Chooses kernels, packs what is not packed yet, plans memory for inputs of exactly these shapes (in the order of `network.inputs`).
  ///
  /// Kernels are chosen as for inputs of shapes `whole`: a tile gets the kernels of the image it is cut from, and with them the
  /// same bits.
  func session(inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> any Session

  /// Gives parameters other numbers, for all runs that begin from now on: sessions stay as they are, and pack again what follows from
  /// these. No session may be running.
  ///
  /// Throws where the network has no parameter of a name, or one of another shape or type, or that takes no such integers.
  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError)

  /// The parameters as they are now: the network's, or the reason why a device does not give them.
  func parameters() throws(ExecutionError) -> [String: Tensor]

  /// The parameters as they are now, to go back to: they stay where they are.
  func keepParameters() throws(ExecutionError) -> KeptParameters

  /// Gives all parameters the numbers that they had. No session may be running.
  func takeBack(_ kept: KeptParameters) throws(ExecutionError)

  /// Whether no number of these parameters is a NaN or an infinity. Those that there are not are passed over.
  func areFinite(_ names: [String]) throws(ExecutionError) -> Bool
}

/// A model's parameters as they were at a moment.
public struct KeptParameters: Sendable {
  package var tensors: [String: Tensor]
  /// What holds those that are not in memory of the host.
  package var elsewhere: (any AnyObject & Sendable)?

  package init(_ tensors: [String: Tensor]) { self.tensors = tensors }
}

/// Where parameters are the network's, and what is new is written beside what is old.
extension Model {
  public func parameters() throws(ExecutionError) -> [String: Tensor] { network.parameters }
  public func keepParameters() throws(ExecutionError) -> KeptParameters { KeptParameters(network.parameters) }
  public func takeBack(_ kept: KeptParameters) throws(ExecutionError) { try setParameters(kept.tensors) }
  public func areFinite(_ names: [String]) throws(ExecutionError) -> Bool {
    let now = network.parameters
    return names.allSatisfy { now[$0]?.isFinite ?? true }
  }
}

extension Tensor {
  /// Whether no element is a NaN or an infinity. Only for float32.
  package var isFinite: Bool { withUnsafeFloats { $0.allSatisfy(\.isFinite) } }
}

extension Model {
  /// A session for inputs of exactly these shapes, none of which is a tile of a larger one.
  public func session(inputs: [Shape]) throws(ExecutionError) -> any Session {
    try session(inputs: inputs, kernelsFor: inputs)
  }
}

extension Network {
  /// Gives parameters other numbers; throws, and changes nothing, where one of them has no such parameter to go to, or holds integers
  /// that this takes not.
  package mutating func setParameters(_ changed: [String: Tensor]) throws(ExecutionError) {
    for (name, tensor) in changed.sorted(by: { $0.key < $1.key }) {
      guard let old = parameters[name] else { throw .unknownParameter(name) }
      guard old.shape == tensor.shape, old.dataType == tensor.dataType else {
        throw .parameterShape(name: name, expected: old.shape, got: tensor.shape)
      }
    }
    do throws(NetworkError) {
      try verifyElements(of: changed)
    } catch {
      throw .invalidNetwork(error.description)
    }
    parameters.merge(changed) { $1 }
  }
}

/// A model made ready for one set of input shapes. Not safe to run from two threads at once.
public protocol Session: AnyObject {
  var inputShapes: [Shape] { get }
  var outputShapes: [Shape] { get }
  /// The bytes that a run holds at its peak: activations, packed weights and scratch; inputs and outputs included.
  var peakMemoryByteCount: Int { get }
  /// What is done, and computed again, to keep within the memory that the engine may take; nil where nothing had to be.
  var recomputation: Recomputation? { get }
  /// Gives back to the system what lasts no longer than a run; the next run takes it again.
  func releaseMemory()
  /// Runs the network on tensors of `inputShapes`, and of the inputs' elements.
  ///
  /// - Parameter outputs: what is given is written over where it has the shape of an output and nobody else holds it, so that a caller
  ///   that runs often takes no memory for outputs but once; in its place, or where there is none, comes a new tensor.
  func run(_ inputs: [Tensor], into outputs: inout [Tensor]) throws(ExecutionError)
}

extension Session {
  public var recomputation: Recomputation? { nil }
  public func releaseMemory() {}

  /// Runs the network on tensors of `inputShapes`, and of the inputs' elements; the outputs are new tensors.
  public func run(_ inputs: [Tensor]) throws(ExecutionError) -> [Tensor] {
    var outputs: [Tensor] = []
    try run(inputs, into: &outputs)
    return outputs
  }
}

/// Why a network cannot be prepared or run. Rendered by the caller.
public enum ExecutionError: Error, Hashable, Sendable {
  case invalidNetwork(String)
  case inputCount(expected: Int, got: Int)
  case inputShape(name: String, expected: Shape, got: Shape)
  case unknownParameter(String)
  case parameterShape(name: String, expected: Shape, got: Shape)
  case unsupported(node: String, operation: String, backend: String, reason: String)
  /// The values of a run need more bytes than the machine has.
  case memory(needed: Int, available: Int)
  /// A device has less memory free than a run needs, or gives no more.
  case deviceMemory(needed: Int, free: Int)
  /// A device that runs networks failed; the line says how.
  case device(String)
}
