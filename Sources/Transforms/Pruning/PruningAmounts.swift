import Networks

/// How many channels of each layer are to go.
public struct PruningAmounts: Equatable, Sendable {
  /// What is asked of one layer.
  public struct Layer: Hashable, Sendable {
    /// The part of its channels, or of its weights, that goes: from 0 to below 1.
    public var share: Double
    /// Layers of one pool lose `share` of their weights together, the least important first, and not each its own.
    public var pool: String?
    /// In a pool, the least and the largest part that the layer loses itself.
    public var least: Double
    public var most: Double

    public init(share: Double, pool: String? = nil, least: Double = 0, most: Double = 1) {
      self.share = share
      self.pool = pool
      self.least = least
      self.most = most
    }
  }

  /// By the names of layers or batch norms; others lose what is coupled with these.
  public var layers: [String: Layer]
  /// Layers that keep all of their channels, and with them what they are coupled with.
  public var excluded: Set<String>
  /// Widths are multiples of this: of so many channels that kernels make at once. Of the half where a layer has fewer than two of them, and so on.
  public var multiple: Int

  public init(layers: [String: Layer], excluded: Set<String> = [], multiple: Int = 1) {
    self.layers = layers
    self.excluded = excluded
    self.multiple = max(multiple, 1)
  }

  /// The same part of each layer that sums products with weights.
  public init(share: Double, of network: Network, multiple: Int = 1) {
    let names = network.nodes.filter { !$0.operation.linearParts.isEmpty }.map(\.name)
    self.init(layers: Dictionary(uniqueKeysWithValues: names.map { ($0, Layer(share: share)) }), multiple: multiple)
  }
}

extension PruningAmounts {
  /// The number of channels that stay of `count`, nearest to the share that is to go: at least one multiple.
  public static func width(_ count: Int, without share: Double, multiple: Int) -> Int {
    var multiple = max(multiple, 1)
    while multiple > 1, count < 2 * multiple { multiple = (multiple + 1) / 2 }
    let wanted = Double(count) * (1 - share)
    let width = Int((wanted / Double(multiple)).rounded()) * multiple
    return min(max(width, multiple, 1), count)
  }

  /// What is asked of a group: the least of what is asked of its layers, so that none loses more; nil where nothing is, or a layer is excluded.
  package func layer(of group: ChannelCoupling.Group) -> Layer? {
    guard !group.layers.isEmpty, !group.layers.contains(where: excluded.contains) else { return nil }
    return group.values.compactMap { layers[$0] }.min { $0.share < $1.share }
  }
}

extension ChannelCoupling {
  /// The units of each group that go: those of the lowest scores, of as many as are asked for, never all.
  ///
  /// - Parameter scores: of `scores`; groups without any keep all of theirs.
  public func units(_ amounts: PruningAmounts, scores: [[Double]?]) -> [[Int]] {
    var widths = groups.map(\.units.count)
    var pools: [String: [Int]] = [:]
    for (index, group) in groups.enumerated() {
      guard scores[index] != nil, let layer = amounts.layer(of: group) else { continue }
      if let pool = layer.pool {
        pools[pool, default: []].append(index)
      } else {
        widths[index] = PruningAmounts.width(group.units.count, without: layer.share, multiple: amounts.multiple)
      }
    }
    for (_, members) in pools.sorted(by: { $0.key < $1.key }) {
      let counts = poolWidths(members, amounts, scores)
      for (index, count) in zip(members, counts) {
        let total = groups[index].units.count
        widths[index] = PruningAmounts.width(total, without: 1 - Double(count) / Double(total), multiple: amounts.multiple)
      }
    }
    return widths.indices.map { lowest(scores[$0], groups[$0].units.count - widths[$0]) }
  }

  /// The places of so many units of the lowest scores; of equal ones the later go.
  package func lowest(_ scores: [Double]?, _ count: Int) -> [Int] {
    guard let scores, count > 0 else { return [] }
    let order = scores.indices.sorted { (scores[$0], -$0) < (scores[$1], -$1) }
    return order.prefix(count).sorted()
  }

  /// How many units stay of each group of a pool whose layers lose a part of all their weights together.
  private func poolWidths(_ members: [Int], _ amounts: PruningAmounts, _ scores: [[Double]?]) -> [Int] {
    var kept = members.map { groups[$0].units.count }
    let layers = members.map { amounts.layer(of: groups[$0]) ?? PruningAmounts.Layer(share: 0) }
    var candidates: [(score: Double, member: Int)] = []
    for (member, index) in members.enumerated() {
      candidates += (scores[index] ?? []).map { ($0, member) }
    }
    let most = members.indices.map { member in
      let count = kept[member]
      return min(count - 1, Int((layers[member].most * Double(count)).rounded(.down)))
    }
    let sizes = members.map { Double(groups[$0].weightCount) }
    let total = zip(kept, sizes).reduce(0) { $0 + Double($1.0) * $1.1 }
    var left = total * (layers.map(\.share).min() ?? 0)
    for member in members.indices {
      let least = min(Int((layers[member].least * Double(kept[member])).rounded(.up)), most[member])
      kept[member] -= least
      left -= Double(least) * sizes[member]
    }
    var seen = Array(repeating: 0, count: members.count)
    for candidate in candidates.sorted(by: { ($0.score, $0.member) < ($1.score, $1.member) }) where left > 0 {
      let member = candidate.member, count = groups[members[member]].units.count
      seen[member] += 1
      guard count - kept[member] < most[member], seen[member] > count - kept[member] else { continue }
      kept[member] -= 1
      left -= sizes[member]
    }
    return kept
  }
}
