/// The layers of two profiles that do the same work: `body.0.a` of one beside `body.0.a.depthwise` and `body.0.a.pointwise` of
/// the other. Copies belong to the value that they copy.
struct LayerMatching: Hashable {
  struct Group: Hashable {
    /// The name that all of them begin with; several where a kernel does layers at once that others do one by one.
    var name: String
    var first: [Profile.Layer] = []
    var second: [Profile.Layer] = []
  }

  /// In the order of the first profile; what only the second has stands at the end.
  private(set) var groups: [Group] = []

  init(_ first: Profile, _ second: Profile) {
    let layers = first.layers + second.layers, names = Set(layers.flatMap(\.allNames))
    let together = NameGroups(layers.map { layer in layer.allNames.map { $0.shortestPrefix(in: names) } })
    var places: [String: Int] = [:]
    func place(_ layer: Profile.Layer) -> Int {
      let name = together.name(of: layer.ownName.shortestPrefix(in: names))
      if let place = places[name] { return place }
      places[name] = groups.count
      groups.append(Group(name: name))
      return groups.count - 1
    }
    for layer in first.layers { groups[place(layer)].first.append(layer) }
    for layer in second.layers { groups[place(layer)].second.append(layer) }
  }
}

extension Profile.Layer {
  static let copyPrefix = "copy of "

  /// The name of the value, of copies too.
  fileprivate var ownName: String {
    isCopy && name.hasPrefix(Self.copyPrefix) ? String(name.dropFirst(Self.copyPrefix.count)) : name
  }
  /// In the order of the network, with those of layers that its kernel does with its own.
  fileprivate var allNames: [String] { (joined ?? []) + [ownName] }
}

/// Names that belong together, because some layer has them both.
private struct NameGroups {
  private var members: [[String]] = []
  private var places: [String: Int] = [:]

  init(_ groups: [[String]]) {
    for names in groups where names.count > 1 {
      let known = Set(names.compactMap { places[$0] }).sorted()
      var all: [String] = []
      for name in known.flatMap({ members[$0] }) + names where !all.contains(name) { all.append(name) }
      members.append(all)
      for name in all { places[name] = members.count - 1 }
    }
  }

  /// What the group of a name is called; the name itself where it stands alone.
  func name(of name: String) -> String { places[name].map { members[$0].joined(separator: ", ") } ?? name }
}

extension String {
  /// The shortest of the names that is this one or ends at one of its dots.
  fileprivate func shortestPrefix(in names: Set<String>) -> String {
    for (index, letter) in zip(indices, self) where letter == "." {
      let prefix = String(self[..<index])
      if names.contains(prefix) { return prefix }
    }
    return self
  }
}

extension Array where Element == Profile.Layer {
  var nanoseconds: Int { reduce(0) { $0 + $1.nanoseconds } }
  var multiplyAccumulates: Int { reduce(0) { $0 + $1.multiplyAccumulates } }
  var operations: Int { reduce(0) { $0 + $1.operations } }
  var bytesMoved: Int { reduce(0) { $0 + $1.traffic.bytesMoved } }
  var valueBytes: Int { reduce(0) { $0 + $1.traffic.valueBytes } }
}
