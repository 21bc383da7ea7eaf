import Tensors

/// A network while a pass changes it: which node makes a value and how many read it, kept right with every change.
///
/// A node stands in a place; places keep their order, in which every node comes after those that it reads. What leaves the network,
/// as an output or as an update's value, counts as read once more for each time.
package struct NetworkEditor {
  private var network: Network
  /// Nodes that were removed are nil.
  private var nodes: [Node?]
  /// What was put before a place, in order.
  private var inserted: [Int: [Node]] = [:]
  private var placesByName: [String: Int]
  /// The places of the nodes that read a value, one for each time; some may read it no longer.
  private var readers: [String: [Int]] = [:]
  private var readCounts: [String: Int] = [:]
  /// Values and parameters.
  private var names: Set<String>
  /// What parameters that were given to other nodes or roles are called now, by what they were called at first.
  package private(set) var newParameterNames: [String: String] = [:]

  package init(_ network: Network) {
    self.network = network
    nodes = network.nodes
    names = Set(network.inputs.map(\.name))
    placesByName = Dictionary(network.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
    for node in network.nodes {
      names.insert(node.name)
      names.formUnion(node.parameterNames)
    }
    for (place, node) in network.nodes.enumerated() { count(node, at: place) }
    for value in network.outputs + network.updates.map(\.value) { readCounts[value, default: 0] += 1 }
  }

  /// The network as it is now.
  package var result: Network {
    var result = network
    result.nodes = []
    for (place, node) in nodes.enumerated() { result.nodes += (inserted[place] ?? []) + (node.map { [$0] } ?? []) }
    return result
  }

  // MARK: Nodes

  package var places: Range<Int> { nodes.indices }

  /// The node there; nil where it was removed.
  package subscript(place: Int) -> Node? { nodes[place] }

  /// Where the node that makes the value stands; nil where none does.
  package func place(of value: String) -> Int? { placesByName[value] }

  /// How many times the value is read or leaves the network.
  package func readCount(of value: String) -> Int { readCounts[value] ?? 0 }

  /// The places of the nodes that read the value.
  package func places(reading value: String) -> [Int] {
    Set(readers[value] ?? []).filter { nodes[$0]?.inputs.contains(value) ?? false }.sorted()
  }

  /// The place of the one that makes the value, where nothing but one reader has it.
  package func placeOfOnlyRead(_ value: String?) -> Int? {
    guard let value, readCount(of: value) == 1 else { return nil }
    return place(of: value)
  }

  /// Puts another node in the place. Those that read the old one's value do not follow; see `redirect`.
  package mutating func replace(_ place: Int, by node: Node) {
    if let old = nodes[place] {
      discount(old)
      if placesByName[old.name] == place { placesByName[old.name] = nil }
    }
    nodes[place] = node
    placesByName[node.name] = place
    names.insert(node.name)
    names.formUnion(node.parameterNames)
    count(node, at: place)
  }

  /// Puts a node before the place. It is not to be changed later.
  package mutating func insert(_ node: Node, before place: Int) {
    inserted[place, default: []].append(node)
    names.insert(node.name)
    names.formUnion(node.parameterNames)
    count(node, at: place)
  }

  /// Removes the node; its parameters stay until they are dropped or moved.
  package mutating func remove(_ place: Int) {
    guard let node = nodes[place] else { return }
    discount(node)
    nodes[place] = nil
    if placesByName[node.name] == place { placesByName[node.name] = nil }
  }

  /// Makes all that read the value, the outputs and updates of the network too, read another.
  package mutating func redirect(_ value: String, to other: String) {
    guard value != other else { return }
    for place in Set(readers.removeValue(forKey: value) ?? []) {
      guard let index = nodes[place]?.inputs.firstIndex(of: value) else { continue }
      for input in index..<(nodes[place]?.inputs.count ?? 0) where nodes[place]?.inputs[input] == value {
        nodes[place]?.inputs[input] = other
        readers[other, default: []].append(place)
      }
    }
    network.outputs = network.outputs.map { $0 == value ? other : $0 }
    for index in network.updates.indices where network.updates[index].value == value { network.updates[index].value = other }
    readCounts[other, default: 0] += readCounts.removeValue(forKey: value) ?? 0
  }

  /// Removes nodes that nothing needs, and parameters that belong to no node. Outputs and updates need what they read, and the owners
  /// of parameters that are read or updated.
  package mutating func removeDeadNodes() {
    var owners: [String: String] = [:]
    for case let node? in nodes { for name in node.parameterNames { owners[name] = node.name } }
    var needed: Set<String> = []
    var pending = network.outputs + network.updates.flatMap { [$0.value, $0.parameter] }
    while let value = pending.popLast() {
      let maker = placesByName[value].flatMap { nodes[$0] } ?? owners[value].flatMap { placesByName[$0] }.flatMap { nodes[$0] }
      guard let maker, needed.insert(maker.name).inserted else { continue }
      pending += maker.inputs
    }
    for place in nodes.indices {
      if let node = nodes[place], !needed.contains(node.name) { remove(place) }
    }
    var owned: Set<String> = []
    for case let node? in nodes { owned.formUnion(node.parameterNames) }
    for case let node in inserted.values.joined() { owned.formUnion(node.parameterNames) }
    network.parameters = network.parameters.filter { owned.contains($0.key) }
  }

  // MARK: Parameters

  package func parameter(_ role: ParameterRole, of node: Node) -> Tensor? { network.parameter(role, of: node) }

  /// Sets a parameter, or drops it.
  package mutating func set(_ role: ParameterRole, of node: Node, to tensor: Tensor?) {
    network.parameters[node.parameterName(role)] = tensor
  }

  /// Drops all parameters of the node.
  package mutating func dropParameters(of node: Node) {
    for name in node.parameterNames { network.parameters[name] = nil }
  }

  /// Gives a parameter, where there is one, to another node or role; what reads or updates it follows.
  package mutating func move(_ role: ParameterRole, of node: Node, to newRole: ParameterRole, of newNode: Node) {
    let name = node.parameterName(role), newName = newNode.parameterName(newRole)
    guard name != newName, let tensor = network.parameters.removeValue(forKey: name) else { return }
    network.parameters[newName] = tensor
    names.insert(newName)
    let first = newParameterNames.first { $0.value == name }?.key
    newParameterNames[first ?? name] = newName
    if placesByName[name] == nil { redirect(name, to: newName) }
    for index in network.updates.indices where network.updates[index].parameter == name {
      network.updates[index].parameter = newName
    }
  }

  /// Whether the node alone has its parameters: none is updated, or read by name, so that a pass may change what they are.
  package func ownsAlone(_ node: Node) -> Bool {
    let parameters = node.parameterNames
    return !parameters.contains { name in
      (placesByName[name] == nil && readCount(of: name) > 0) || network.updates.contains { $0.parameter == name }
    }
  }

  // MARK: Names

  /// Whether no value and no parameter has the name, nor had it.
  package func isFree(_ name: String) -> Bool { !names.contains(name) }

  /// The name, with underscores behind it where it is taken.
  package func freeName(_ name: String) -> String {
    var name = name
    while !isFree(name) { name += "_" }
    return name
  }

  // MARK: Counts

  private mutating func count(_ node: Node, at place: Int) {
    for value in node.inputs {
      readers[value, default: []].append(place)
      readCounts[value, default: 0] += 1
    }
  }

  private mutating func discount(_ node: Node) {
    for value in node.inputs { readCounts[value, default: 0] -= 1 }
  }
}
