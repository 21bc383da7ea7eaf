import Execution
import Files
import Formats
import Networks
import Tensors
import Transforms

/// How much of its time, of its file or of its energy a network may keep.
public struct PruningTarget: Hashable, Sendable {
  public enum Measure: String, Hashable, Sendable, CaseIterable {
    /// Of a run, in seconds.
    case time
    /// Of the model file.
    case bytes
    /// Of a run.
    case joules
  }

  public var measure: Measure
  /// The part of the original's; nil where the amount is given.
  public var share: Double?
  /// Seconds, bytes or joules.
  public var amount: Double?

  /// `time=0.5`, `time=20ms`, `bytes=0.25`, `bytes=2M`, `joules=0.5`: a part below 1, or an amount with its unit.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), let measure = Measure(rawValue: String(text[..<equals])) else { return nil }
    self.measure = measure
    let value = String(text[text.index(after: equals)...])
    if let share = Double(value), share > 0, share < 1 {
      self.share = share
      return
    }
    switch measure {
    case .time:
      let units = [("ms", 1e-3), ("s", 1.0)]
      guard let (unit, factor) = units.first(where: { value.hasSuffix($0.0) }), let number = Double(value.dropLast(unit.count)),
        number > 0, number.isFinite
      else { return nil }
      amount = number * factor
    case .bytes:
      guard let count = TextFormat.parsedByteCount(value), count > 0 else { return nil }
      amount = Double(count)
    case .joules:
      guard value.hasSuffix("J"), let number = Double(value.dropLast()), number > 0, number.isFinite else { return nil }
      amount = number
    }
  }

  func text(_ value: Double) -> String {
    switch measure {
    case .time: "\(TextFormat.fixed(value * 1000, 2)) ms"
    case .bytes: TextFormat.bytes(Int(value))
    case .joules: "\(TextFormat.fixed(value, 3)) J"
    }
  }
}

/// Finds the widths at which a network keeps to a target: the pass says which channels go for a budget, the network is measured, and the budget is
/// set by what was found.
struct PruningSearch {
  let target: PruningTarget
  let engine: Engine
  let network: Network
  let shapes: [Shape]

  /// What the search ended with.
  struct Found {
    var units: [[Int]]
    var before: Double
    var after: Double
    var measured: Int
  }

  /// How far above a target what was measured may be: times of one network differ by as much, and bytes not at all.
  private var above: Double { target.measure == .bytes ? 1 : 1.02 }
  /// How far below it the search goes on.
  private static let below = 0.94

  func run(_ coupling: ChannelCoupling, _ amounts: PruningAmounts, _ scores: [[Double]?]) throws(EvaluationError) -> Found {
    if target.measure == .joules, Energy.joules == nil { throw .notMeasurable(what: "joules", reason: Energy.reason) }
    let costs = try costs()
    var share = target.share ?? 1
    var before = 0.0
    if let amount = target.amount {
      before = try measured(network).after
      share = amount / before
      guard share < 1 else {
        throw .nothingToPrune(
          network: network.name, reason: "it takes \(target.text(before)) as it is, and \(target.text(amount)) are allowed")
      }
    }
    // What the pass expects goes with the network's measure, not with its number.
    var low = 0.0, high = 1.0, budget = share, best: Found?, count = 0
    var seen: Set<[[Int]]> = [], excess: PruningBudget.Excess?
    for _ in 0..<Self.mostSteps {
      let units: [[Int]]
      do throws(PruningBudget.Excess) {
        units = try coupling.units(
          PruningBudget(costs: costs.nodes, rest: costs.rest, share: budget), amounts, scores: scores, of: network)
      } catch {
        // Less is not to be had by the model; between this and what was measured there may be enough.
        excess = error
        low = max(low, budget)
        if high - low < 0.002 { break }
        budget = (low + high) / 2
        continue
      }
      if !seen.insert(units).inserted {
        // The same widths for another budget: nothing is between it and the one that they were measured for.
        guard let best, best.after > share * best.before * above, high - low >= 0.002 else { break }
        high = min(high, budget)
        budget = (low + high) / 2
        continue
      }
      let removal = try wrapping { () throws(PruningError) in try coupling.removal(of: units) }
      let (original, after) = try measured(network.removingChannels(removal))
      count += 1
      let ratio = after / original
      let found = Found(units: units, before: original, after: after, measured: count)
      if best.map({ isBetter(found, than: $0, share) }) ?? true { best = found }
      if ratio <= share * above, ratio >= share * Self.below { break }
      if ratio > share { high = min(high, budget) } else { low = max(low, budget) }
      let next = budget * share / ratio
      budget = next > low && next < high ? next : (low + high) / 2
      if high - low < 0.002 { break }
    }
    guard var best, best.after <= share * best.before * above else {
      throw .targetOutOfReach(
        network: network.name, target: target.measure.rawValue, share: share,
        // What was measured counts, where anything was; the model's share is another.
        least: best.map { $0.after / $0.before } ?? excess?.least ?? 1, excess?.layers ?? [])
    }
    best.measured = count
    return best
  }

  /// What a search takes at the most: networks that are measured, and budgets that are refused.
  private static let mostSteps = 12

  /// What keeps to the target is better than what does not, then what is nearer.
  private func isBetter(_ a: Found, than b: Found, _ share: Double) -> Bool {
    let (x, y) = (a.after / a.before, b.after / b.before)
    let fits = x <= share * above, otherFits = y <= share * above
    return fits == otherFits ? abs(x - share) < abs(y - share) : fits
  }

  /// The network as it is and the other, by the target's measure.
  private func measured(_ other: Network) throws(EvaluationError) -> (original: Double, after: Double) {
    switch target.measure {
    case .bytes:
      return (Double(ModelFile.contents(of: network).encoded().count), Double(ModelFile.contents(of: other).encoded().count))
    case .time, .joules:
      let candidates = [network, other].map { InterleavedTiming.Candidate(network: $0, engine: engine) }
      let pair = try InterleavedTiming(shapes: shapes).run(candidates)
      return target.measure == .time ? (pair[0].seconds, pair[1].seconds) : (pair[0].joules ?? 0, pair[1].joules ?? 0)
    }
  }

  /// What each node costs by itself, in the network as it was written.
  private func costs() throws(EvaluationError) -> (nodes: [String: Double], rest: Double) {
    if target.measure == .bytes {
      var nodes: [String: Double] = [:]
      for node in network.nodes {
        let count = node.operation.parameters.reduce(0) { $0 + $1.shape.count }
        if count > 0 { nodes[node.name] = Double(4 * count) }
      }
      return (nodes, 0)
    }
    let backend = try engine.makeBackend(), untimed = EvaluationError.untimedEngine(name: engine.name.description)
    do {
      guard let session = try backend.prepare(network, inputs: shapes) as? any TimingSession else { throw untimed }
      let inputs = shapes.map { Benchmark.randomInput($0) }
      _ = try WarmUp.run(2) { () throws(ExecutionError) in _ = try session.run(inputs) }
      var times: [String: [Double]] = [:]
      for _ in 0..<5 {
        var sums: [String: Int] = [:]
        for timing in try session.timedRun(inputs).timeline.timings { sums[timing.node, default: 0] += timing.nanoseconds }
        for (node, sum) in sums { times[node, default: []].append(Double(sum)) }
      }
      return (times.mapValues { Benchmark.percentile($0.sorted(), 0.5) }, 0)
    } catch let error as ExecutionError {
      throw .execution(network: network.name, error)
    } catch {
      throw untimed
    }
  }
}
