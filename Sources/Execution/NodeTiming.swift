import Tensors

/// How long one step of a run took.
public struct NodeTiming: Hashable, Codable, Sendable {
  /// The node that the step belongs to; a node may take several steps.
  public var node: String
  /// The kernels that did the work.
  public var kernels: [String]
  /// Wall time in nanoseconds.
  public var nanoseconds: Int

  public init(node: String, kernels: [String], nanoseconds: Int) {
    self.node = node
    self.kernels = kernels
    self.nanoseconds = nanoseconds
  }
}

/// A session that can say where its time goes.
public protocol TimingSession: Session {
  /// Runs as `run` does and times each step; the steps add up to the run but for the allocation of its outputs.
  func timedRun(_ inputs: [Tensor]) throws(ExecutionError) -> (outputs: [Tensor], timings: [NodeTiming])
}
