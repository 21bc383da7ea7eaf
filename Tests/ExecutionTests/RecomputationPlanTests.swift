import Execution
import Tensors
import Testing

/// Orders of steps as pure things: generated graphs, every limit.
@Suite struct RecomputationPlanTests {
  typealias Step = RecomputationPlan.Step

  /// Steps as a training has them: each value follows from some before it, near ones mostly, and some are made in parts.
  private func graph(seed: UInt64) -> (steps: [Step], byteCounts: [Int]) {
    var random = SplitMix64(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let count = pick(1...80)
    var steps: [Step] = [], byteCounts: [Int] = [], unfinished: [Int] = []
    for _ in 0..<count {
      var reads: Set<Int> = []
      for _ in 0..<pick(0...3) where !byteCounts.isEmpty {
        let far = pick(0...2) == 0
        reads.insert(far ? pick(0...byteCounts.count - 1) : byteCounts.count - 1 - min(pick(0...4), byteCounts.count - 1))
      }
      var written: Int?
      if let part = unfinished.randomElement(using: &random), pick(0...1) == 0 {
        written = part
        if pick(0...2) == 0 { unfinished.removeAll { $0 == part } }
      } else if pick(0...9) > 0 {
        written = byteCounts.count
        byteCounts.append(pick(0...8) == 0 ? 0 : 64 * pick(1...50))
        if pick(0...5) == 0 { unfinished.append(byteCounts.count - 1) }
      }
      steps.append(Step(reads: reads.sorted(), writes: written, cost: Double(pick(0...20))))
    }
    return (steps, byteCounts)
  }

  /// What is wrong with a plan; nil where nothing is. Knows nothing of how it was made.
  private func fault(_ plan: RecomputationPlan, _ steps: [Step], _ byteCounts: [Int]) -> String? {
    struct Instance: Hashable {
      var value: Int
      var number: Int
    }
    // The steps that have written to each instance, and the last instance that was begun of each value.
    var written: [Instance: [Int]] = [:], newest: [Int: Int] = [:]
    var lives: [Instance: ClosedRange<Int>] = [:], firsts: [Int] = []
    var done: Set<Int> = []
    for (place, execution) in plan.executions.enumerated() {
      let step = steps[execution.step]
      guard step.reads.count == execution.reads.count else { return "\(place): an instance for each value" }
      func needed(_ value: Int) -> [Int] { steps.indices.filter { steps[$0].writes == value && $0 < execution.step } }
      for (value, number) in zip(step.reads, execution.reads) {
        let instance = Instance(value: value, number: number)
        guard newest[value] == number else { return "\(place): instance \(number) of \(value) is not the newest" }
        guard let by = written[instance], by.starts(with: needed(value)) else {
          return "\(place): instance \(number) of \(value) does not hold what step \(execution.step) reads"
        }
        lives[instance] = (lives[instance]?.lowerBound ?? place)...place
      }
      if let value = step.writes {
        let instance = Instance(value: value, number: execution.writes)
        let before = needed(value)
        if before.isEmpty, execution.writes != (newest[value] ?? -1) + 1 { return "\(place): instances are counted" }
        if !before.isEmpty, written[instance] != before { return "\(place): the parts before are missing" }
        if before.isEmpty { newest[value] = execution.writes }
        guard newest[value] == execution.writes else { return "\(place): a part of an old instance" }
        written[instance, default: []].append(execution.step)
        lives[instance] = (lives[instance]?.lowerBound ?? place)...place
      }
      if done.insert(execution.step).inserted { firsts.append(execution.step) }
    }
    guard firsts == Array(steps.indices) else { return "the steps come first in another order" }
    var peak = 0
    for place in plan.executions.indices {
      peak = max(peak, lives.reduce(0) { $0 + ($1.value.contains(place) ? byteCounts[$1.key.value] : 0) })
    }
    if peak != plan.byteCount { return "it says \(plan.byteCount) bytes and takes \(peak)" }
    let cost = plan.executions.reduce(0) { $0 + steps[$1.step].cost }
    return abs(cost - plan.cost) < 1e-6 * (1 + cost) ? nil : "it says \(plan.cost) and costs \(cost)"
  }

  @Test(arguments: UInt64(0)..<120) func limitsAreKept(_ seed: UInt64) throws {
    let (steps, byteCounts) = graph(seed: seed)
    let plain = try #require(RecomputationPlan(steps, byteCounts: byteCounts, limit: .max / 2))
    #expect(plain.executions.map(\.step) == Array(steps.indices))
    #expect(fault(plain, steps, byteCounts) == nil)
    // What is just enough is enough.
    let same = try #require(RecomputationPlan(steps, byteCounts: byteCounts, limit: plain.byteCount))
    #expect(same.executions.count >= steps.count && same.byteCount <= plain.byteCount)
    let largest =
      steps.map { step in Set(step.reads + [step.writes].compactMap(\.self)).reduce(0) { $0 + byteCounts[$1] } }.max() ?? 0
    var cost = Double.infinity, found = 0
    for part in 0...8 {
      let limit = largest + (plain.byteCount - largest) * part / 8
      guard let plan = RecomputationPlan(steps, byteCounts: byteCounts, limit: limit) else { continue }
      found += 1
      if let fault = fault(plan, steps, byteCounts) { Issue.record("seed \(seed), limit \(limit): \(fault)") }
      #expect(plan.byteCount <= limit, "seed \(seed)")
      if part == 8 { #expect(plan.cost <= cost + 1e-6 || cost == .infinity || plan.executions.count == steps.count) }
      cost = min(cost, plan.cost)
    }
    #expect(found > 0)
    let graph = RecomputationGraph(steps, byteCounts: byteCounts)
    #expect(RecomputationPlan(graph, limit: RecomputationPlan.leastLimit(graph)) != nil, "seed \(seed)")
  }

  /// Layers, a loss, and for each layer from the last on the gradient of its function, of its weight and of its input.
  private func chain(_ count: Int) -> (steps: [Step], byteCounts: [Int]) {
    var steps: [Step] = [], byteCounts: [Int] = []
    func value(_ size: Int = 64) -> Int {
      byteCounts.append(size)
      return byteCounts.count - 1
    }
    var layers: [Int] = []
    for _ in 0..<count {
      let made = value()
      steps.append(Step(reads: layers.suffix(1), writes: made, cost: 1))
      layers.append(made)
    }
    var gradient = value()
    steps.append(Step(reads: [layers[count - 1]], writes: gradient, cost: 0.1))
    for layer in layers.indices.reversed() {
      let inner = value()
      steps.append(Step(reads: [gradient, layers[layer]], writes: inner, cost: 0.1))
      steps.append(Step(reads: [inner] + (layer > 0 ? [layers[layer - 1]] : []), writes: value(0), cost: 1))
      guard layer > 0 else { continue }
      gradient = value()
      steps.append(Step(reads: [inner], writes: gradient, cost: 1))
    }
    return (steps, byteCounts)
  }

  /// With 1.5 √(2n) values beside the few of a gradient no layer is computed more than twice: the least for that is √(2n).
  @Test(arguments: [20, 100, 400]) func chainsFollowTheSquareRoot(_ count: Int) throws {
    let (steps, byteCounts) = chain(count)
    let values = Int(1.5 * (2 * Double(count)).squareRoot()) + 3
    let plan = try #require(RecomputationPlan(steps, byteCounts: byteCounts, limit: 64 * values))
    #expect(fault(plan, steps, byteCounts) == nil)
    #expect(plan.byteCount <= 64 * values)
    #expect(plan.executions.count <= steps.count + count, "\(plan.executions.count) of \(steps.count)")
    // Far fewer are possible, with more work.
    let tight = try #require(RecomputationPlan(steps, byteCounts: byteCounts, limit: 64 * (values / 2 + 2)))
    #expect(fault(tight, steps, byteCounts) == nil)
    #expect(tight.cost < 3 * plan.cost)
  }

  @Test func aStepThatDoesNotFitIsRefused() {
    #expect(RecomputationPlan([Step(reads: [], writes: 0, cost: 1)], byteCounts: [128], limit: 64) == nil)
  }
}
