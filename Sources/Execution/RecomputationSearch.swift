/// Goes through steps in their order under a limit; see `RecomputationPlan`.
struct RecomputationSearch {
  /// By what the value is chosen that is dropped: the least of cost over bytes times a power of the time until it is read.
  struct Weighing {
    var timeExponent: Double
    /// Whether values that were dropped and follow from it count, too: having them again becomes dearer.
    var countsFollowers: Bool

    /// None is the best for every network and limit; the first is mostly.
    static let all = [
      Weighing(timeExponent: 0.5, countsFollowers: true), Weighing(timeExponent: 1, countsFollowers: true),
      Weighing(timeExponent: 0.5, countsFollowers: false),
    ]
  }

  struct Result {
    var executions: [RecomputationPlan.Execution]
    var cost: Double
  }

  /// A step that is to be done, and what must be there before.
  private struct Frame {
    var step: Int
    /// What it needs, which nobody may drop until it is done.
    var needs: [Int] = []
    /// What of that is not there; the last is had first.
    var missing: [Int] = []
    var isBegun = false
  }

  private let graph: RecomputationGraph
  private let limit: Int
  private let weighing: Weighing
  private let mostCost: Double
  /// A step that costs nothing would be done again for no reason.
  private let leastCost: Double

  /// The step of the plain order that is at work.
  private var position = 0
  private var liveByteCount = 0
  /// The values that are there, in no order, and the place of each in them.
  private var residents: [Int] = []
  private var places: [Int]
  /// How many of its writers have written to the instance that is there.
  private var progress: [Int]
  private var instances: [Int]
  private var locks: [Int]
  /// The first use of each value that has not come yet.
  private var nextUses: [Int]
  private var executions: [RecomputationPlan.Execution] = []
  private var cost = 0.0
  private var frames: [Frame] = []
  /// What a look at the values around one has seen: those with the mark of that look.
  private var marks: [Int]
  private var mark = 0
  private var queue: [Int] = []

  /// Where planning gives up: so much work for so few bytes is no use to anybody.
  private static let mostCostRatio = 8.0
  /// Values that one look goes through. More of them are dear in any case.
  private static let mostSeen = 256

  init(_ graph: RecomputationGraph, limit: Int, _ weighing: Weighing) {
    self.graph = graph
    self.limit = limit
    self.weighing = weighing
    let total = graph.times.last ?? 0
    leastCost = max(total, 1e-9) * 1e-4 / Double(max(graph.steps.count, 1))
    mostCost = Self.mostCostRatio * (total + leastCost * Double(graph.steps.count))
    let count = graph.byteCounts.count
    places = [Int](repeating: -1, count: count)
    progress = [Int](repeating: 0, count: count)
    instances = [Int](repeating: -1, count: count)
    locks = progress
    nextUses = progress
    marks = progress
  }

  /// Nil where the limit cannot be kept, or not at a bearable cost.
  mutating func result() -> Result? {
    for step in graph.steps.indices {
      position = step
      frames.append(Frame(step: step))
      while !frames.isEmpty { guard advance() else { return nil } }
    }
    return Result(executions: executions, cost: cost)
  }

  private func isThere(_ value: Int) -> Bool { places[value] >= 0 }

  /// Whether it holds all that a step finds in it in the plain order.
  private func isReady(_ value: Int, for step: Int) -> Bool {
    isThere(value) && progress[value] >= graph.writerCount(value, before: step)
  }

  private func stepCost(_ step: Int) -> Double { max(graph.steps[step].cost, leastCost) }

  /// Does the last frame's step, or adds a frame for what must come before it. False where the limit is broken.
  private mutating func advance() -> Bool {
    let top = frames.count - 1, index = frames[top].step, step = graph.steps[index]
    if !frames[top].isBegun {
      var needs = step.reads
      if let written = step.writes, graph.writerPlaces[index] > 0, !needs.contains(written) { needs.append(written) }
      for value in needs { locks[value] += 1 }
      let missing = needs.filter { !isReady($0, for: index) }.map { (value: $0, cost: costToHave($0)) }
      frames[top].needs = needs
      // The dearest first, while little is held for the others.
      frames[top].missing = missing.sorted { ($0.cost, $0.value) < ($1.cost, $1.value) }.map(\.value)
      frames[top].isBegun = true
    }
    while let value = frames[top].missing.last {
      guard !isReady(value, for: index) else {
        frames[top].missing.removeLast()
        continue
      }
      let done = isThere(value) ? progress[value] : 0
      for writer in graph.writers[value][done..<graph.writerCount(value, before: index)].reversed() {
        frames.append(Frame(step: writer))
      }
      return true
    }
    if let written = step.writes {
      if graph.writerPlaces[index] == 0 {
        guard makeRoom(graph.byteCounts[written]) else { return false }
        places[written] = residents.count
        residents.append(written)
        liveByteCount += graph.byteCounts[written]
        instances[written] += 1
      }
      progress[written] = graph.writerPlaces[index] + 1
    }
    executions.append(
      RecomputationPlan.Execution(
        step: index, reads: step.reads.map { instances[$0] }, writes: step.writes.map { instances[$0] } ?? 0))
    cost += graph.steps[index].cost
    guard cost <= mostCost, executions.count <= 64 * graph.steps.count else { return false }
    for value in frames[top].needs { locks[value] -= 1 }
    frames.removeLast()
    if frames.isEmpty { position = index + 1 }
    return true
  }

  /// When a value is needed next in the plain order, nil where never.
  private mutating func nextUse(_ value: Int) -> Int? {
    let uses = graph.uses[value]
    while nextUses[value] < uses.count, uses[nextUses[value]] < position { nextUses[value] += 1 }
    return nextUses[value] < uses.count ? uses[nextUses[value]] : nil
  }

  private mutating func makeRoom(_ byteCount: Int) -> Bool {
    while liveByteCount + byteCount > limit {
      var best: (value: Int, score: Double)?
      for value in residents where locks[value] == 0 && graph.byteCounts[value] > 0 {
        guard let next = nextUse(value) else {
          best = (value, 0)
          break
        }
        // In the middle of the step at work.
        let time = max(graph.times[next] - graph.times[position], 0) + 0.5 * stepCost(min(position, graph.steps.count - 1))
        let weight = weighing.timeExponent == 1 ? time : time.squareRoot()
        let score = costToDrop(value) / (Double(graph.byteCounts[value]) * weight)
        if let best, (best.score, best.value) <= (score, value) { continue }
        best = (value, score)
      }
      guard let best else { return false }
      drop(best.value)
    }
    return true
  }

  private mutating func drop(_ value: Int) {
    let place = places[value], last = residents[residents.count - 1]
    residents[place] = last
    places[last] = place
    residents.removeLast()
    places[value] = -1
    progress[value] = 0
    liveByteCount -= graph.byteCounts[value]
  }

  /// Of the steps that make a value and all that is not there of what they read.
  private mutating func costToHave(_ value: Int) -> Double {
    mark += 1
    queue.removeAll(keepingCapacity: true)
    queue.append(value)
    marks[value] = mark
    var cost = 0.0, seen = 0
    while let value = queue.popLast(), seen < Self.mostSeen {
      seen += 1
      for writer in graph.writers[value] where writer < position {
        cost += stepCost(writer)
        for read in graph.steps[writer].reads where !isThere(read) && marks[read] != mark {
          marks[read] = mark
          queue.append(read)
        }
      }
    }
    return cost
  }

  /// What dropping a value makes dearer.
  private mutating func costToDrop(_ value: Int) -> Double {
    var cost = costToHave(value)
    guard weighing.countsFollowers else { return cost }
    queue.removeAll(keepingCapacity: true)
    queue.append(value)
    var seen = 0
    while let value = queue.popLast(), seen < Self.mostSeen {
      seen += 1
      for follower in graph.followers[value] where instances[follower] >= 0 && !isThere(follower) && marks[follower] != mark {
        guard nextUse(follower) != nil else { continue }
        marks[follower] = mark
        queue.append(follower)
        for writer in graph.writers[follower] where writer < position { cost += stepCost(writer) }
      }
    }
    return cost
  }
}
