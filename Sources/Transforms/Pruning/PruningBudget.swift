import Files
import Networks

/// What the layers of a network cost, and how much of it may be left: seconds that were measured, bytes or joules.
public struct PruningBudget: Sendable {
  /// Of the whole network, by node. What is not here costs nothing that goes with channels.
  public var costs: [String: Double]
  /// What does not go with channels.
  public var rest: Double
  /// The part of the whole that may be left.
  public var share: Double

  public init(costs: [String: Double], rest: Double = 0, share: Double) {
    self.costs = costs
    self.rest = rest
    self.share = share
  }

  /// Why it cannot be kept.
  public struct Excess: Error, Hashable, Sendable {
    /// The part of the whole that is left when all goes that may.
    public var least: Double
    /// The layers that cost most then, and why they keep their channels: a clause each.
    public var layers: [Holder]

    public struct Holder: Hashable, Sendable {
      public var layer: String
      public var share: Double
      public var reason: String
    }
  }
}

extension ChannelCoupling {
  /// The units that go so that the cost keeps to a budget: step by step so many of a group as kernels make at once, each time where the least
  /// importance goes for what is saved. What a node costs is taken to go with its inputs times its outputs, or with its channels.
  ///
  /// - Parameters:
  ///   - amounts: whose exclusions and multiple count; groups of which it asks nothing stay as they are.
  ///   - scores: of `scores`.
  public func units(
    _ budget: PruningBudget, _ amounts: PruningAmounts, scores: [[Double]?], of network: Network
  ) throws(PruningBudget.Excess) -> [[Int]] {
    var search = BudgetSearch(self, budget, amounts, scores, network)
    try search.run()
    return groups.indices.map { lowest(scores[$0], groups[$0].units.count - search.widths[$0]) }
  }
}

private struct BudgetSearch {
  private let coupling: ChannelCoupling
  private let budget: PruningBudget
  private let network: Network
  private let amounts: PruningAmounts
  private(set) var widths: [Int]
  /// Of groups that may lose something, their scores from the least important on.
  private var orders: [Int: [Double]] = [:]
  private var terms: [Term] = []
  /// The terms that a group has a part in.
  private var termsOfGroup: [Int: [Int]] = [:]
  private let total: Double

  /// What a node costs, and the groups that its inputs and outputs are of, with the number of channels that each holds of them.
  private struct Term {
    var node: String
    var cost: Double
    var inputs: [(group: Int, channels: Int)]
    var inputCount: Int
    var outputs: [(group: Int, channels: Int)]
    var outputCount: Int
  }

  init(
    _ coupling: ChannelCoupling, _ budget: PruningBudget, _ amounts: PruningAmounts, _ scores: [[Double]?], _ network: Network
  ) {
    self.coupling = coupling
    self.budget = budget
    self.amounts = amounts
    self.network = network
    widths = coupling.groups.map(\.units.count)
    for (index, group) in coupling.groups.enumerated() {
      guard let scores = scores[index], amounts.layer(of: group) != nil else { continue }
      orders[index] = scores.sorted()
    }
    var holders: [Int: Int] = [:]
    for index in orders.keys {
      for unit in coupling.groups[index].units { for atom in unit.atoms { holders[atom] = index } }
    }
    func parts(_ span: Range<Int>?) -> [(group: Int, channels: Int)] {
      var counts: [Int: Int] = [:]
      for atom in span ?? 0..<0 { if let group = holders[atom] { counts[group, default: 0] += 1 } }
      return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
    total = budget.costs.values.reduce(budget.rest, +)
    for node in network.nodes {
      guard let cost = budget.costs[node.name], cost > 0, let outputs = coupling.rows[node.name] ?? coupling.spans[node.name]
      else {
        continue
      }
      // One kernel a channel costs by its channels.
      let isDense = node.operation.linearParts.contains { $0.groups == 1 }
      let inputs = isDense ? node.inputs.first.flatMap { coupling.spans[$0] } : nil
      let term = Term(
        node: node.name, cost: cost, inputs: parts(inputs), inputCount: inputs?.count ?? 1, outputs: parts(outputs),
        outputCount: outputs.count)
      for group in Set((term.inputs + term.outputs).map(\.group)) { termsOfGroup[group, default: []].append(terms.count) }
      terms.append(term)
    }
  }

  private func left(_ parts: [(group: Int, channels: Int)], of count: Int, _ widths: [Int]) -> Double {
    var channels = Double(count)
    for part in parts {
      let units = Double(coupling.groups[part.group].units.count)
      channels -= Double(part.channels) * (1 - Double(widths[part.group]) / units)
    }
    return channels / Double(count)
  }

  private func cost(_ term: Term, _ widths: [Int]) -> Double {
    term.cost * left(term.inputs, of: term.inputCount, widths) * left(term.outputs, of: term.outputCount, widths)
  }

  /// The width below this one of a group; nil where there is none.
  private func narrower(_ group: Int) -> Int? {
    let count = coupling.groups[group].units.count
    var multiple = amounts.multiple
    while multiple > 1, count < 2 * multiple { multiple = (multiple + 1) / 2 }
    let next = (widths[group] - 1) / multiple * multiple
    let most = amounts.layer(of: coupling.groups[group])?.most ?? 1
    return next >= 1 && Double(count - next) <= most * Double(count) ? next : nil
  }

  mutating func run() throws(PruningBudget.Excess) {
    let aim = budget.share * total
    var current = terms.reduce(budget.rest) { $0 + cost($1, widths) }
    while current > aim {
      var best: (group: Int, width: Int, cost: Double, gain: Double)?
      for group in orders.keys.sorted() {
        guard let width = narrower(group), let order = orders[group] else { continue }
        var widths = widths
        widths[group] = width
        let saved = (termsOfGroup[group] ?? []).reduce(0) { $0 + cost(terms[$1], self.widths) - cost(terms[$1], widths) }
        guard saved > 0 else { continue }
        let gone = order.count - self.widths[group]
        let lost = order[gone..<order.count - width].reduce(0, +), kept = order[gone...].reduce(0, +)
        // The part of what is left of each of its layers that goes: what is narrow already goes last.
        let loss = Double(coupling.groups[group].layers.count) * (kept > 0 ? lost / kept : 1) + 1e-9
        let after = current - saved
        // The last step ends near the aim where one does.
        let gain = saved / loss
        let isNear = after >= 0.97 * aim
        let bestIsNear = best.map { $0.cost >= 0.97 * aim } ?? false
        let isBetter: Bool
        if let best {
          isBetter = isNear == bestIsNear ? (isNear ? gain > best.gain : after > best.cost) : isNear
        } else {
          isBetter = true
        }
        if isBetter { best = (group, width, after, gain) }
      }
      guard let best else { throw excess(current) }
      widths[best.group] = best.width
      current = terms.reduce(budget.rest) { $0 + cost($1, widths) }
    }
  }

  /// What costs most when nothing more can go.
  private func excess(_ current: Double) -> PruningBudget.Excess {
    let fixed = Dictionary(coupling.fixed.map { ($0.layer, $0.obstacle) }) { first, _ in first }
    let layers = Set(network.nodes.filter { !$0.operation.linearParts.isEmpty }.map(\.name))
    let costly = terms.filter { layers.contains($0.node) }.map { ($0.node, cost($0, widths) / total) }.sorted {
      ($0.1, $1.0) > ($1.1, $0.0)
    }.prefix(4)
    let holders = costly.map { name, share in
      var reason = "it has the fewest channels that widths allow"
      if let obstacle = fixed[name] {
        reason = obstacle.description
      } else if let group = coupling.groups.first(where: { $0.layers.contains(name) }) {
        if let excluded = group.layers.first(where: amounts.excluded.contains) {
          reason =
            name == excluded ? "it is excluded" : "its channels go with those of '\(excluded.onOneLine)', which is excluded"
        } else if amounts.layer(of: group) == nil {
          reason = "nothing is asked of it"
        }
      }
      return PruningBudget.Excess.Holder(layer: name, share: share, reason: reason)
    }
    return PruningBudget.Excess(least: total > 0 ? current / total : 1, layers: holders)
  }
}
