import Files
import Networks

/// What is to be pruned, as lists of entries say: each of some layers, by kind and name. The keys are those of NNI's configuration lists, old
/// and new; `Documentation/Pruning.md` explains them.
public struct PruningConfiguration: Equatable, Sendable {
  /// What one entry says.
  public struct Entry: Equatable, Sendable {
    /// Its place in the file, for messages; 0 where there is none.
    public var line = 0
    /// The part of each layer that goes, or of all layers of the entry together where it `isTotal`; nil where layers are only excluded.
    public var share: Double?
    public var isTotal = false
    public var pool: String?
    public var least = 0.0
    public var most = 1.0
    /// Kinds of layers: `Conv2d`, `Linear`, `convolution`; `default` is all of them. Nil takes all.
    public var types: [String]?
    public var names: [String]?
    /// Parts of names.
    public var partialNames: [String]?
    /// Regular expressions that are looked for in names.
    public var patterns: [String]?
    public var excludedTypes: [String] = []
    public var excludedNames: [String] = []
    public var excludedPatterns: [String] = []
    /// The layers of the entry keep what they have.
    public var excludes = false
    /// Of single weights and not of channels, where the entry says one or the other.
    public var isOfWeights: Bool?

    public init() {}
  }

  public var entries: [Entry] = []
  /// Single weights are balanced within blocks.
  public var balance = WeightMasks.Balance.layer
  /// Of single weights, where the list as a whole says so.
  public var isOfWeights: Bool?

  public init(entries: [Entry] = []) { self.entries = entries }
}

/// Why a configuration does not fit a network.
public enum PruningConfigurationError: Error, Hashable, Sendable {
  /// A name, a part of one or a pattern that no layer has; the nearest that one has.
  case unknownName(String, what: String, nearest: String?, line: Int)
  case unknownType(String, nearest: String?, line: Int)
  case pattern(String, reason: String, line: Int)
  /// The layer is set by two entries.
  case setTwice(layer: String, line: Int, first: Int)
  /// No layer is left of the entry.
  case nothing(line: Int)
  /// One pool of different shares.
  case pool(String, line: Int)
}

extension PruningConfiguration {
  /// What is asked of each layer of the network. Throws where a name is none of its layers', or two entries set one layer.
  ///
  /// - Parameter nearest: the name among known ones that is closest to one that is none of them.
  public func amounts(
    for network: Network, multiple: Int, nearest: (String, [String]) -> String?
  ) throws(PruningConfigurationError) -> PruningAmounts {
    var amounts = PruningAmounts(layers: [:], multiple: multiple)
    let nodes = network.nodes.filter { $0.operation.isPrunable }
    var lines: [String: Int] = [:], pools: [String: Double] = [:]
    for (index, entry) in entries.enumerated() {
      let chosen = try entry.layers(nodes, nearest)
      if entry.excludes {
        amounts.excluded.formUnion(chosen)
        continue
      }
      guard let share = entry.share else { continue }
      if chosen.isEmpty { throw .nothing(line: entry.line) }
      let pool = entry.pool.map { "group \($0)" } ?? (entry.isTotal ? "entry \(index)" : nil)
      if let pool, let known = pools[pool], known != share { throw .pool(entry.pool ?? pool, line: entry.line) }
      if let pool { pools[pool] = share }
      for name in chosen {
        if let first = lines[name] { throw .setTwice(layer: name, line: entry.line, first: first) }
        lines[name] = entry.line
        amounts.layers[name] = PruningAmounts.Layer(share: share, pool: pool, least: entry.least, most: entry.most)
      }
    }
    for name in amounts.excluded { amounts.layers[name] = nil }
    return amounts
  }
}

extension PruningConfiguration.Entry {
  /// The names of the layers that the entry is about.
  fileprivate func layers(
    _ nodes: [Node], _ nearest: (String, [String]) -> String?
  ) throws(PruningConfigurationError) -> [String] {
    let known = nodes.map(\.name)
    var chosen = nodes
    if let types {
      try check(types, nearest)
      chosen = chosen.filter { node in types.contains { node.operation.isPrunable(as: $0) } }
    }
    try check(excludedTypes, nearest)
    for name in (names ?? []) + excludedNames where !known.contains(name) {
      throw .unknownName(name, what: "name", nearest: nearest(name, known), line: line)
    }
    for part in partialNames ?? [] where !known.contains(where: { $0.contains(part) }) {
      throw .unknownName(part, what: "part of a name", nearest: nearest(part, known), line: line)
    }
    let matches = try matching(patterns ?? [], known, nearest), dropped = try matching(excludedPatterns, known, nearest)
    if names != nil || partialNames != nil || patterns != nil {
      chosen = chosen.filter { node in
        (names ?? []).contains(node.name) || (partialNames ?? []).contains { node.name.contains($0) }
          || matches.contains(node.name)
      }
    }
    return chosen.filter { node in
      !excludedNames.contains(node.name) && !dropped.contains(node.name)
        && !excludedTypes.contains { node.operation.isPrunable(as: $0) }
    }.map(\.name)
  }

  private func check(_ types: [String], _ nearest: (String, [String]) -> String?) throws(PruningConfigurationError) {
    for type in types where Operation.prunableTypes[type] == nil && type != "default" {
      throw .unknownType(type, nearest: nearest(type, Operation.prunableTypes.keys.sorted() + ["default"]), line: line)
    }
  }

  private func matching(
    _ patterns: [String], _ known: [String], _ nearest: (String, [String]) -> String?
  ) throws(PruningConfigurationError) -> Set<String> {
    var result: Set<String> = []
    for pattern in patterns {
      let expression: Regex<AnyRegexOutput>
      do { expression = try Regex(pattern) } catch { throw .pattern(pattern, reason: "\(error)", line: line) }
      let found = known.filter { (try? expression.firstMatch(in: $0)) != nil }
      if found.isEmpty { throw .unknownName(pattern, what: "pattern", nearest: nearest(pattern, known), line: line) }
      result.formUnion(found)
    }
    return result
  }
}

extension Operation {
  /// Kinds of layers by the names of PyTorch's modules and by ours.
  static let prunableTypes: [String: Set<OperationType>] = [
    "Conv2d": [.convolution, .separableConvolution], "ConvTranspose2d": [.transposedConvolution], "Linear": [.linear],
    "BatchNorm2d": [.batchNorm], "convolution": [.convolution], "separableConvolution": [.separableConvolution],
    "transposedConvolution": [.transposedConvolution], "linear": [.linear], "batchNorm": [.batchNorm],
  ]

  /// Whether something can be asked of it.
  var isPrunable: Bool { !linearParts.isEmpty || type == .batchNorm }

  fileprivate func isPrunable(as name: String) -> Bool {
    name == "default" ? !linearParts.isEmpty : Self.prunableTypes[name]?.contains(type) ?? false
  }
}

extension PruningConfigurationError: CustomStringConvertible {
  public var description: String {
    func place(_ line: Int) -> String { line > 0 ? "line \(line): " : "" }
    func hint(_ nearest: String?) -> String { nearest.map { "; the nearest is '\($0.onOneLine)'" } ?? "" }
    switch self {
    case .unknownName(let name, let what, let nearest, let line):
      return "\(place(line))the \(what) '\(name.onOneLine)' matches no layer\(hint(nearest))"
    case .unknownType(let name, let nearest, let line):
      return "\(place(line))'\(name.onOneLine)' is no type of layers that are pruned\(hint(nearest))"
    case .pattern(let pattern, let reason, let line):
      return "\(place(line))'\(pattern.onOneLine)' is no regular expression: \(reason.onOneLine)"
    case .setTwice(let layer, let line, let first):
      return "\(place(line))the layer '\(layer.onOneLine)' is set already"
        + (first > 0 ? ", by the entry in line \(first)" : "")
        + "; leave it out of one of them"
    case .nothing(let line): return "\(place(line))no layer is of those types and names"
    case .pool(let name, let line):
      return "\(place(line))the group '\(name.onOneLine)' has two shares; give all of its entries the same"
    }
  }
}
