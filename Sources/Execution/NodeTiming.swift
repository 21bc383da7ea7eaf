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
  /// Runs as `run` does and notes when each step worked; costs two looks at the clock an event.
  func timedRun(_ inputs: [Tensor]) throws(ExecutionError) -> (outputs: [Tensor], timeline: RunTimeline)
}
