import Execution
import Networks
import Tensors

/// All that a session decides before it takes memory: the order of the work, what is computed again, and where everything lies. A pure function of
/// its program, the engine and the memory that there is.
struct SessionPlan {
  private(set) var program: Program
  private(set) var schedule: BandSchedule
  private(set) var arena: ArenaPlan
  /// Bytes from one worker's scratch to the next one's.
  let scratchStride: Int
  let sharedByteCount: Int
  /// Of a run, with constants, inputs and outputs.
  var peakByteCount: Int { fixedByteCount + arena.byteCount }
  private(set) var recomputation: Recomputation?
  /// All but values in the arena.
  private let fixedByteCount: Int

  /// - Parameters:
  ///   - tensorByteCount: of inputs and outputs.
  ///   - available: what a session may hold. Where that is too little and the engine may not compute values again, or that does not do, the
  ///     plan takes more: the least that was found.
  init(
    _ program: Program, _ network: Network, shapes: [String: Shape], engine: CPUEngine, tensorByteCount: Int, available: Int
  ) {
    self.program = program
    schedule = BandSchedule(
      program, threadCount: engine.threadCount, cacheByteCount: engine.cacheByteCount, bandPixels: engine.bandPixels)
    arena = ArenaPlan(program, schedule)
    // A page between workers keeps the prefetcher of one away from the lines of the other.
    scratchStride = ((program.steps.map(\.scratchByteCount).max() ?? 0) + 4095) / 4096 * 4096 + 4096
    sharedByteCount = program.steps.map(\.sharedByteCount).max() ?? 0
    fixedByteCount = scratchStride * engine.threadCount + sharedByteCount + program.constantByteCount + tensorByteCount
    guard engine.recomputesValues, peakByteCount > available else { return }
    recompute(StepCosts(program, network, shapes: shapes, engine: engine), engine, limit: available - fixedByteCount)
  }

  /// A way to do with fewer bytes.
  private struct Attempt {
    var program: Program
    var schedule: BandSchedule
    var arena: ArenaPlan
    var executions: [RecomputationPlan.Execution]
    var cost: Double
  }

  /// Takes the cheapest order found whose values keep the limit, else the one that takes the fewest bytes.
  private mutating func recompute(_ costs: StepCosts, _ engine: CPUEngine, limit: Int) {
    let plain = program, graph = plain.recomputationGraph(plain.steps.indices.map(costs.cycles(ofStep:)))
    func attempt(_ mostLive: Int, _ groupByteCount: Int) -> Attempt? {
      guard let plan = RecomputationPlan(graph, limit: mostLive) else { return nil }
      let program = plain.ordered(by: plan, graph)
      let schedule = BandSchedule(
        program, threadCount: engine.threadCount, cacheByteCount: engine.cacheByteCount, bandPixels: engine.bandPixels,
        arenaByteCount: groupByteCount)
      return Attempt(
        program: program, schedule: schedule, arena: ArenaPlan(program, schedule), executions: plan.executions, cost: plan.cost)
    }
    let least = RecomputationPlan.leastLimit(graph)
    var best: Attempt?
    // Groups take more than their steps one by one, and where values lie some more: the limit of planning goes down until all fit.
    var mostLive = limit
    for _ in 0..<Self.mostAttempts where best == nil && mostLive >= least {
      guard let found = attempt(mostLive, mostLive) else { break }
      if found.arena.byteCount <= limit { best = found } else { mostLive -= max(found.arena.byteCount - limit, mostLive / 50) }
    }
    if best != nil {
      // What stays in bands takes less than planning counts: perhaps less must be computed again.
      var low = mostLive, high = graph.plainByteCount
      for _ in 0..<Self.mostRefinements where high - low > limit / 50 {
        let middle = (low + high) / 2
        if let found = attempt(middle, limit), found.arena.byteCount <= limit {
          low = middle
          if found.cost < best?.cost ?? .infinity { best = found }
        } else {
          high = middle
        }
      }
    }
    if best == nil {
      // What takes the fewest bytes of some that do not depend on the limit: what a refusal names is enough.
      var fewest = arena.byteCount
      for mostLive in [least, least + least / 8, (least + graph.plainByteCount) / 2] {
        for groupByteCount in [0, mostLive] {
          guard let found = attempt(mostLive, groupByteCount), found.arena.byteCount < fewest else { continue }
          fewest = found.arena.byteCount
          best = found
        }
      }
    }
    guard let best else { return }
    let counts = costs.multiplyAccumulates(of: plain)
    let total = counts.reduce(0, +), done = best.executions.reduce(0) { $0 + counts[$1.step] }
    var repeated: Set<Int> = []
    for execution in best.executions where execution.writes > 0 {
      if let value = graph.steps[execution.step].writes { repeated.insert(value) }
    }
    recomputation = Recomputation(
      plainByteCount: peakByteCount, valueCount: Set(graph.steps.compactMap(\.writes)).count,
      repeatedValueCount: repeated.count,
      multiplyAccumulates: Int(total), extraMultiplyAccumulates: Int(done - total))
    (program, schedule, arena) = (best.program, best.schedule, best.arena)
  }

  private static let mostAttempts = 12
  private static let mostRefinements = 5
}
