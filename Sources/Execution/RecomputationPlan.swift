/// An order of steps in which some come again, so that fewer bytes live at the same time: a value that is dropped is computed again when
/// it is next read.
///
/// A pure function of what steps read and write. Steps come in their order; where one reads a value that is not there, the steps that
/// make it come before it, and where the limit leaves no room for a value, others are dropped first: each time the one that is cheapest to
/// have again for the bytes that it takes and the time until it is read. What is read when is known, so that chains come out better than
/// by the square root law: a chain of a hundred layers fits a fifth of the bytes with each layer computed twice at most, as no way takes fewer.
///
/// Kirisame et al., Dynamic Tensor Rematerialization (2021), choose so without knowing what comes.
public struct RecomputationPlan: Hashable, Sendable {
  /// A step is a function of what it reads: done again it writes the same.
  public struct Step: Hashable, Sendable {
    /// Each value once. Inputs, which take none of the memory, are left out.
    public var reads: [Int]
    /// Nil where it takes none of the memory and is never dropped. A value may be written by several steps, each a part of it.
    public var writes: Int?
    /// In any unit, 0 or more.
    public var cost: Double

    public init(reads: [Int], writes: Int?, cost: Double) {
      self.reads = reads
      self.writes = writes
      self.cost = cost
    }
  }

  /// One doing of a step. Values that are made again are other instances of the same value, counted from 0.
  public struct Execution: Hashable, Sendable {
    public var step: Int
    /// Of each value that the step reads.
    public var reads: [Int]
    /// Of the value that it writes; 0 where it has none.
    public var writes: Int
  }

  public let executions: [Execution]
  /// Of all executions.
  public let cost: Double
  /// The most that lives during any one of them, an instance from its first writing to its last reading.
  public let byteCount: Int

  /// Nil where no order was found that keeps the limit at a bearable cost.
  ///
  /// - Parameter byteCounts: of each value.
  /// - Cost: each value that is dropped is compared with those that are there: some tens of milliseconds for a thousand steps.
  public init?(_ steps: [Step], byteCounts: [Int], limit: Int) {
    self.init(RecomputationGraph(steps, byteCounts: byteCounts), limit: limit)
  }

  package init?(_ graph: RecomputationGraph, limit: Int) {
    var best: RecomputationSearch.Result?
    for weighing in RecomputationSearch.Weighing.all {
      var search = RecomputationSearch(graph, limit: limit, weighing)
      guard let result = search.result(), result.cost < best?.cost ?? .infinity else { continue }
      best = result
      if result.executions.count == graph.steps.count { break }
    }
    guard let best else { return nil }
    executions = best.executions
    cost = best.cost
    byteCount = graph.peakByteCount(of: best.executions)
  }

  /// The least limit for which an order was found, between one step's own values and all that lives in the plain order.
  package static func leastLimit(_ graph: RecomputationGraph) -> Int {
    var low = graph.largestStepByteCount, high = max(graph.plainByteCount, low)
    // To half a percent.
    while high - low > max(high / 200, 64) {
      let middle = (low + high) / 2
      var search = RecomputationSearch(graph, limit: middle, RecomputationSearch.Weighing.all[0])
      if search.result() != nil { high = middle } else { low = middle }
    }
    return high
  }
}

/// What steps read and write, laid out for planning.
package struct RecomputationGraph: Sendable {
  package let steps: [RecomputationPlan.Step]
  package let byteCounts: [Int]
  /// The steps that write each value, in order.
  let writers: [[Int]]
  /// Of each step, its place among the writers of its value.
  let writerPlaces: [Int]
  /// The steps that need each value, in order: its readers, and its writers behind the first.
  let uses: [[Int]]
  /// The values that follow from each in one step.
  let followers: [[Int]]
  /// The cost of all steps before each, and of all.
  let times: [Double]

  package init(_ steps: [RecomputationPlan.Step], byteCounts: [Int]) {
    var writers = [[Int]](repeating: [], count: byteCounts.count), uses = writers, followers = writers
    var places: [Int] = [], times = [0.0]
    for (index, step) in steps.enumerated() {
      for value in step.reads {
        uses[value].append(index)
        if let written = step.writes, written != value, followers[value].last != written { followers[value].append(written) }
      }
      if let written = step.writes {
        if !writers[written].isEmpty, uses[written].last != index { uses[written].append(index) }
        places.append(writers[written].count)
        writers[written].append(index)
      } else {
        places.append(0)
      }
      times.append(times[index] + step.cost)
    }
    self.steps = steps
    self.byteCounts = byteCounts
    self.writers = writers
    writerPlaces = places
    self.uses = uses
    self.followers = followers
    self.times = times
  }

  /// How many steps before this one write to a value.
  func writerCount(_ value: Int, before step: Int) -> Int {
    let all = writers[value]
    guard let last = all.last, last >= step else { return all.count }
    return all.count { $0 < step }
  }

  /// What any step reads and writes.
  package var largestStepByteCount: Int {
    steps.map { step in Set(step.reads + [step.writes].compactMap(\.self)).reduce(0) { $0 + byteCounts[$1] } }.max() ?? 0
  }

  /// What lives at most where each step is done once.
  package var plainByteCount: Int {
    peakByteCount(of: steps.indices.map { .init(step: $0, reads: steps[$0].reads.map { _ in 0 }, writes: 0) })
  }

  func peakByteCount(of executions: [RecomputationPlan.Execution]) -> Int {
    struct Instance: Hashable {
      var value: Int
      var number: Int
    }
    var first: [Instance: Int] = [:], last: [Instance: Int] = [:]
    for (place, execution) in executions.enumerated() {
      let step = steps[execution.step]
      var touched = zip(step.reads, execution.reads).map { Instance(value: $0, number: $1) }
      if let written = step.writes { touched.append(Instance(value: written, number: execution.writes)) }
      for instance in touched {
        if first[instance] == nil { first[instance] = place }
        last[instance] = place
      }
    }
    var changes = [Int](repeating: 0, count: executions.count + 1)
    for (instance, place) in first { changes[place] += byteCounts[instance.value] }
    for (instance, place) in last { changes[place + 1] -= byteCounts[instance.value] }
    var live = 0, peak = 0
    for change in changes {
      live += change
      peak = max(peak, live)
    }
    return peak
  }
}
