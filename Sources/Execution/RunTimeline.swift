/// Where the time of one run went: what was done, when, and for how long.
///
/// Events follow each other and never overlap, so that they and the time between them add up to the run.
public struct RunTimeline: Hashable, Codable, Sendable {
  /// The bytes that a part of the run moves and holds.
  public struct Traffic: Hashable, Codable, Sendable {
    /// Read and written of values that lie complete in memory, padding included.
    public var valueBytes: Int
    /// Read and written of values of which only a few rows are kept, in a cache.
    public var cachedBytes: Int
    /// Packed weights and other constants.
    public var constantBytes: Int
    /// What the output takes while it lives.
    public var heldBytes: Int

    public init(valueBytes: Int = 0, cachedBytes: Int = 0, constantBytes: Int = 0, heldBytes: Int = 0) {
      self.valueBytes = valueBytes
      self.cachedBytes = cachedBytes
      self.constantBytes = constantBytes
      self.heldBytes = heldBytes
    }

    /// The bytes moved, wherever they lie.
    public var bytesMoved: Int { valueBytes + cachedBytes + constantBytes }

    /// This and then the next part, which makes the output.
    public func followed(by next: Traffic) -> Traffic {
      Traffic(
        valueBytes: valueBytes + next.valueBytes, cachedBytes: cachedBytes + next.cachedBytes,
        constantBytes: constantBytes + next.constantBytes, heldBytes: next.heldBytes)
    }
  }

  /// A part of the run that has kernels of its own: a node takes one, or several.
  public struct Step: Hashable, Codable, Sendable {
    /// The node that the step belongs to, or the input that it brings into the engine's layout.
    public var node: String
    /// The kernels that do the work.
    public var kernels: [String]
    public var work: Work
    public var traffic: Traffic

    /// Whether the step only brings a value into another layout.
    public var isCopy: Bool { work.method == .copy }

    public init(node: String, kernels: [String], work: Work, traffic: Traffic = Traffic()) {
      self.node = node
      self.kernels = kernels
      self.work = work
      self.traffic = traffic
    }
  }

  /// A step at work on a band of rows.
  public struct Event: Hashable, Codable, Sendable {
    /// An index of `steps`.
    public var step: Int
    /// Nanoseconds from the beginning of the run.
    public var start: Int
    /// Nanoseconds.
    public var duration: Int
    /// The threads that had work.
    public var threadCount: Int

    public init(step: Int, start: Int, duration: Int, threadCount: Int) {
      self.step = step
      self.start = start
      self.duration = duration
      self.threadCount = threadCount
    }
  }

  public var steps: [Step]
  /// In the order of time.
  public var events: [Event]
  /// The run from beginning to end.
  public var nanoseconds: Int

  public init(steps: [Step], events: [Event], nanoseconds: Int) {
    self.steps = steps
    self.events = events
    self.nanoseconds = nanoseconds
  }

  /// The time that no step took: checks, allocation of the outputs, and the way from one step to the next.
  public var engineNanoseconds: Int { nanoseconds - events.reduce(0) { $0 + $1.duration } }

  /// The steps in order with the sums of their times.
  public var timings: [NodeTiming] {
    var result = steps.map { NodeTiming(node: $0.node, kernels: $0.kernels, nanoseconds: 0) }
    for event in events { result[event.step].nanoseconds += event.duration }
    return result
  }
}
