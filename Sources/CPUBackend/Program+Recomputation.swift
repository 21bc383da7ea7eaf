import Execution

extension Program {
  /// The value in the arena that a value lies in; nil where it lies elsewhere.
  private func arenaValue(_ value: Int) -> Int? {
    switch places[value] {
    case .arena: value
    case .part(let whole, _): whole
    case .view(let whole, _): arenaValue(whole)
    case .input, .output, .inParts, .constant: nil
    }
  }

  /// What its steps read and write in the arena.
  ///
  /// - Parameter costs: of each step.
  func recomputationGraph(_ costs: [Double]) -> RecomputationGraph {
    RecomputationGraph(
      zip(steps, costs).map { step, cost in
        var reads: [Int] = []
        for value in step.reads.compactMap(arenaValue) where !reads.contains(value) { reads.append(value) }
        return RecomputationPlan.Step(reads: reads, writes: arenaValue(step.writes), cost: cost)
      }, byteCounts: layouts.map { ($0.byteCount + 63) / 64 * 64 })
  }

  /// The program with the steps of a plan in its order, of which `graph` is this program's. An instance of a value behind the first is a value of
  /// its own.
  func ordered(by plan: RecomputationPlan, _ graph: RecomputationGraph) -> Program {
    var instances = Instances(program: self)
    instances.program.steps = plan.executions.map { execution in
      let step = steps[execution.step], known = graph.steps[execution.step].reads
      func number(_ value: Int) -> Int {
        arenaValue(value).flatMap(known.firstIndex(of:)).map { execution.reads[$0] } ?? 0
      }
      let reads = step.reads.map { instances.value($0, number($0)) }
      let writes = instances.value(step.writes, execution.writes)
      return reads == step.reads && writes == step.writes ? step : RepeatedStep(step, reads: reads, writes: writes)
    }
    return instances.program
  }

  /// A program that grows by instances of its values.
  private struct Instances {
    private struct Name: Hashable {
      var value: Int
      var number: Int
    }

    var program: Program
    private var known: [Name: Int] = [:]

    init(program: Program) { self.program = program }

    mutating func value(_ value: Int, _ number: Int) -> Int {
      guard number > 0 else { return value }
      let name = Name(value: value, number: number)
      if let known = known[name] { return known }
      var place = program.places[value]
      switch place {
      case .part(let whole, let channel): place = .part(of: self.value(whole, number), channel: channel)
      case .view(let whole, let channel): place = .view(of: self.value(whole, number), channel: channel)
      case .input, .output, .arena, .inParts, .constant: break
      }
      program.layouts.append(program.layouts[value])
      program.places.append(place)
      let new = program.layouts.count - 1
      known[name] = new
      program.repeated[new] = value
      return new
    }
  }
}
