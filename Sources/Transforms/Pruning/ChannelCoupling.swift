import Networks
import Tensors

/// Which channels of a network go together: where one is removed, so are all that are coupled with it.
///
/// Additions couple the channels of their operands, concatenations shift them, a depthwise convolution passes them through, a pixel shuffle
/// couples r² of them, batch norms and slopes follow, and a linear layer behind a flattened image reads each as often as the image has
/// pixels. All of it is taken from `ChannelFlow`, channel by channel.
///
/// **What removing means.** A removed channel is one that reads as 0 wherever it is read. The network without it has the outputs of the
/// network in which it is masked, which is set to 0 in every value that it goes through, whatever a bias, a shift, a slope or a function of
/// 0 would have made of it there. Channels for which there is no such network of fewer channels are fixed, and `fixed` says why.
public struct ChannelCoupling: Sendable {
  /// Channels that go together or not at all.
  public struct Unit: Hashable, Sendable {
    /// In order of values, then of channels.
    package var atoms: [Int]
  }

  /// Units that lie in the same values, one beside the other: what is compared when some are to go.
  public struct Group: Hashable, Sendable {
    public var units: [Unit]
    /// The values that hold channels of it, in the order of the network.
    public var values: [String]
    /// The nodes that make its channels of others by products with weights, in the order of the network.
    public var layers: [String]
    /// The weights of these layers that make one unit.
    public var weightCount: Int
  }

  /// Why channels cannot be removed.
  public enum Obstacle: Hashable, Sendable {
    /// They enter the network.
    case input(String)
    /// They leave it.
    case output(String)
    /// The node reckons over all channels, or puts them in an order in which they are none.
    case mixed(node: String, operation: String)
    /// The node repeats the one channel that there is.
    case repeated(node: String)
    /// The node follows their number.
    case counted(node: String)
    /// Parameters of the node are read or changed by name.
    case named(node: String)
    /// They are integers; channels are removed before a network is quantised.
    case integers(node: String)
  }

  public private(set) var groups: [Group] = []
  /// The layers with channels that cannot be removed, and what keeps the first of them.
  public private(set) var fixed: [(layer: String, obstacle: Obstacle)] = []
  /// The values with channels, and where their atoms lie.
  package private(set) var spans: [String: Range<Int>] = [:]
  /// Of layers, the channels of their sums before a pixel shuffle, and what lies between the parts of a separable convolution.
  package private(set) var rows: [String: Range<Int>] = [:]
  package private(set) var middles: [String: Range<Int>] = [:]
  /// The name of what holds each atom, by its first atom.
  private var owners: [(start: Int, name: String)] = []

  private var parents: [Int] = []
  private var obstacles: [Int: Obstacle] = [:]

  /// The most channels of all values together that are followed.
  static let atomLimit = 1 << 24

  /// - Parameter shapes: of the inputs, in their order. They tell how many channels values have; what is removed serves every size.
  public init(_ network: Network, inputs shapes: [Shape]) throws(PruningError) {
    let types: [String: ValueType]
    do throws(NetworkError) { types = try network.inferredTypes(inputs: shapes) } catch { throw .network(error) }
    let editor = NetworkEditor(network)
    for input in network.inputs { try addSpan(input.name, types) }
    for name in network.graph.readParameters.keys.sorted() { try addSpan(name, types) }
    for node in network.nodes {
      try addSpan(node.name, types)
      addRows(node)
    }
    for input in network.inputs { fix(spans[input.name], .input(input.name)) }
    for name in network.graph.readParameters.keys.sorted() { fix(spans[name], .named(node: name)) }
    for node in network.nodes { couple(node, types, ownsParameters: editor.ownsAlone(node)) }
    for output in network.outputs { fix(spans[output], .output(output)) }
    for update in network.updates { fix(spans[update.value], .output(update.value)) }
    collect(network)
  }

  // MARK: Atoms

  private mutating func addSpan(_ name: String, _ types: [String: ValueType]) throws(PruningError) {
    guard let type = types[name] else { return }
    // What has no axis of channels counts as one that stays.
    let count = type.shape.rank > 1 ? type.shape[1] : 1
    guard count <= Self.atomLimit, parents.count + count <= Self.atomLimit else {
      throw .tooManyChannels(limit: Self.atomLimit)
    }
    spans[name] = addAtoms(count, of: name)
    if type.shape.rank < 2 { fix(spans[name], .mixed(node: name, operation: "a value without channels")) }
    if type.element != .float32 { fix(spans[name], .integers(node: name)) }
  }

  private mutating func addAtoms(_ count: Int, of name: String) -> Range<Int> {
    let start = parents.count
    owners.append((start, name))
    parents += start..<start + count
    return start..<start + count
  }

  private mutating func addRows(_ node: Node) {
    let parts = node.operation.linearParts
    guard let last = parts.last, let span = spans[node.name] else { return }
    rows[node.name] = node.operation.shuffleFactor == 1 ? span : addAtoms(last.outChannels, of: node.name)
    if parts.count > 1 { middles[node.name] = addAtoms(last.inChannels, of: node.name) }
  }

  private mutating func root(_ atom: Int) -> Int {
    var atom = atom
    while parents[atom] != atom {
      parents[atom] = parents[parents[atom]]
      atom = parents[atom]
    }
    return atom
  }

  /// The smaller atom is the root, so that units come in the order of the network.
  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    guard a != b else { return }
    parents[max(a, b)] = min(a, b)
    if let obstacle = obstacles.removeValue(forKey: max(a, b)), obstacles[min(a, b)] == nil { obstacles[min(a, b)] = obstacle }
  }

  mutating func fix(_ atoms: Range<Int>?, _ obstacle: Obstacle) {
    for atom in atoms ?? 0..<0 {
      let root = root(atom)
      if obstacles[root] == nil { obstacles[root] = obstacle }
    }
  }

  // MARK: Groups

  private mutating func collect(_ network: Network) {
    var members: [Int: [Int]] = [:], order: [Int] = []
    for atom in parents.indices {
      let root = root(atom)
      guard obstacles[root] == nil else { continue }
      if root == atom { order.append(root) }
      members[root, default: []].append(atom)
    }
    let nodes = network.nodes.filter { !$0.operation.linearParts.isEmpty }
    var places: [[String]: Int] = [:]
    for root in order {
      let atoms = members[root] ?? []
      var names: [String] = []
      for atom in atoms {
        let name = owner(of: atom)
        if names.last != name, !names.contains(name) { names.append(name) }
      }
      if let place = places[names] {
        groups[place].units.append(Unit(atoms: atoms))
      } else {
        places[names] = groups.count
        groups.append(Group(units: [Unit(atoms: atoms)], values: names, layers: [], weightCount: 0))
      }
    }
    for index in groups.indices {
      let atoms = Set(groups[index].units.flatMap(\.atoms))
      for node in nodes {
        // Channels that pass through a depthwise layer are made before it, but its kernels go with them, so that it counts.
        guard let rows = rows[node.name], rows.contains(where: atoms.contains), let part = node.operation.linearParts.last
        else { continue }
        groups[index].layers.append(node.name)
        let count = groups[index].units[0].atoms.count { rows.contains($0) }
        groups[index].weightCount += count * part.rows * part.columns * part.taps / part.outChannels
      }
    }
    for node in nodes {
      guard let atom = rows[node.name]?.first(where: { obstacles[root($0)] != nil }), let obstacle = obstacles[root(atom)]
      else { continue }
      fixed.append((node.name, obstacle))
    }
  }

  private func owner(of atom: Int) -> String {
    var (low, high) = (0, owners.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if owners[middle].start <= atom { low = middle } else { high = middle }
    }
    return owners[low].name
  }
}

/// Channels of a network that are to be removed; made by `ChannelCoupling.removal`.
public struct ChannelRemoval: Equatable, Sendable {
  /// The channels of each value, ascending; values that keep all are left out.
  public var values: [String: [Int]] = [:]
  /// Those of layers before a pixel shuffle.
  package var rows: [String: [Int]] = [:]
  package var middles: [String: [Int]] = [:]
  /// How many channels values that lose some had.
  package var counts: [String: Int] = [:]

  public var isEmpty: Bool { values.isEmpty && rows.isEmpty && middles.isEmpty }
}

extension ChannelCoupling {
  /// The channels of these units, by their places in each group. Throws where a value would keep no channel.
  ///
  /// - Parameter units: as many lists as there are groups.
  public func removal(of units: [[Int]]) throws(PruningError) -> ChannelRemoval {
    precondition(units.count == groups.count, "\(units.count) lists of units for \(groups.count) groups")
    var gone: Set<Int> = []
    for (group, places) in zip(groups, units) {
      for place in places { gone.formUnion(group.units[place].atoms) }
    }
    var result = ChannelRemoval()
    for (name, span) in spans.sorted(by: { $0.value.lowerBound < $1.value.lowerBound }) {
      result.values[name] = try Self.channels(span, gone, name)
      if result.values[name] != nil { result.counts[name] = span.count }
    }
    for (name, span) in rows { result.rows[name] = try Self.channels(span, gone, name) }
    for (name, span) in middles { result.middles[name] = try Self.channels(span, gone, name) }
    return result
  }

  private static func channels(_ span: Range<Int>, _ gone: Set<Int>, _ name: String) throws(PruningError) -> [Int]? {
    let channels = span.filter(gone.contains).map { $0 - span.lowerBound }
    if channels.isEmpty { return nil }
    if channels.count == span.count { throw .noChannels(value: name, count: span.count) }
    return channels
  }
}

extension Operation {
  /// Of the pixel shuffle that closes its epilogue; 1 without one.
  var shuffleFactor: Int { epilogue?.pixelShuffleFactor ?? 1 }
}
