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
    /// Copied between a host and its device; nil where there is none.
    public var transferredBytes: Int?

    public init(
      valueBytes: Int = 0, cachedBytes: Int = 0, constantBytes: Int = 0, heldBytes: Int = 0, transferredBytes: Int? = nil
    ) {
      self.valueBytes = valueBytes
      self.cachedBytes = cachedBytes
      self.constantBytes = constantBytes
      self.heldBytes = heldBytes
      self.transferredBytes = transferredBytes
    }

    /// The bytes moved, wherever they lie.
    public var bytesMoved: Int { valueBytes + cachedBytes + constantBytes + (transferredBytes ?? 0) }

    /// This and then the next part, which makes the output.
    public func followed(by next: Traffic) -> Traffic {
      Traffic(
        valueBytes: valueBytes + next.valueBytes, cachedBytes: cachedBytes + next.cachedBytes,
        constantBytes: constantBytes + next.constantBytes, heldBytes: next.heldBytes,
        transferredBytes: transferredBytes.map { $0 + (next.transferredBytes ?? 0) } ?? next.transferredBytes)
    }
  }

  /// The blocks of threads that a device runs for a step.
  public struct Blocks: Hashable, Codable, Sendable {
    public var count: Int
    /// As many as the device has room for at a time.
    public var atOnce: Int

    public init(count: Int, atOnce: Int) {
      self.count = count
      self.atOnce = max(atOnce, 1)
    }

    /// How often the device is filled, the last time perhaps in part.
    public var waves: Int { (count + atOnce - 1) / max(atOnce, 1) }
    /// The share of the places in these waves that have a block.
    public var filling: Double { count > 0 ? Double(count) / (Double(waves) * Double(atOnce)) : 0 }
  }

  /// What the host does for a run of its device, one after the other, in nanoseconds.
  public struct Host: Hashable, Codable, Sendable {
    /// Inputs are brought to where the device takes them from.
    public var staging: Int
    /// The device is given its commands.
    public var launching: Int
    /// Until the device is done.
    public var waiting: Int
    /// Outputs are taken from where the device left them.
    public var taking: Int
    /// What taking a moment between two of the device's commands costs; the times are without it.
    public var moment: Int

    public init(staging: Int, launching: Int, waiting: Int, taking: Int, moment: Int = 0) {
      self.staging = staging
      self.launching = launching
      self.waiting = waiting
      self.taking = taking
      self.moment = moment
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
    /// Nodes that have no step of their own, because this one does them with its own.
    public var joined: [String] = []
    /// Of a device; nil for a processor, and for copies between the two.
    public var blocks: Blocks?

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
  /// Of a run of a device, whose steps the events are of; nil where the steps are the host's own work.
  public var host: Host?

  public init(steps: [Step], events: [Event], nanoseconds: Int, host: Host? = nil) {
    self.steps = steps
    self.events = events
    self.nanoseconds = nanoseconds
    self.host = host
  }

  /// What the steps took.
  public var stepNanoseconds: Int { events.reduce(0) { $0 + $1.duration } }

  /// The time that no step took: checks, allocation of the outputs, and the way from one step to the next; of a device, in which it waited.
  public var engineNanoseconds: Int { nanoseconds - stepNanoseconds }

  /// The steps in order with the sums of their times.
  public var timings: [NodeTiming] {
    var result = steps.map { NodeTiming(node: $0.node, kernels: $0.kernels, nanoseconds: 0) }
    for event in events { result[event.step].nanoseconds += event.duration }
    return result
  }
}
