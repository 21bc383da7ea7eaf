import Files
import Networks

extension ChannelCoupling {
  /// What goes with the removed channels of each group, a line a group:
  ///
  ///     body.0.a loses output 3 -> body.0.b loses input 3
  public func consequences(of removal: ChannelRemoval, in network: Network) -> [String] {
    let layers = network.nodes.filter { !$0.operation.linearParts.isEmpty }
    return groups.compactMap { group in
      let values = Set(group.values), makers = Set(group.layers)
      let atoms = Set(group.units.flatMap(\.atoms))
      func lost(_ channels: [Int]?, _ span: Range<Int>?) -> [Int] {
        guard let channels, let span else { return [] }
        return channels.filter { atoms.contains(span.lowerBound + $0) }
      }
      let outputs = layers.filter { makers.contains($0.name) }.map { ($0.name, lost(removal.rows[$0.name], rows[$0.name])) }
      let inputs = layers.filter { values.contains($0.inputs[0]) }.map { node in
        (node.name, lost(removal.values[node.inputs[0]], spans[node.inputs[0]]))
      }
      let causes = Self.clauses(outputs, "output"), effects = Self.clauses(inputs, "input")
      if causes.isEmpty, effects.isEmpty { return nil }
      return [causes, effects].filter { !$0.isEmpty }.joined(separator: " -> ")
    }
  }

  /// Layers that lose the same are named together.
  private static func clauses(_ lost: [(layer: String, channels: [Int])], _ what: String) -> String {
    var clauses: [(names: [String], channels: [Int])] = []
    for (layer, channels) in lost where !channels.isEmpty {
      if let index = clauses.firstIndex(where: { $0.channels == channels }) {
        clauses[index].names.append(layer)
      } else {
        clauses.append(([layer], channels))
      }
    }
    return clauses.map { names, channels in
      let shown =
        names.count > 4
        ? names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more" : names.joined(separator: ", ")
      return "\(shown) \(names.count == 1 ? "loses" : "lose") \(what)\(channels.count == 1 ? "" : "s") \(ranges(channels))"
    }.joined(separator: ", ")
  }

  /// `0, 3-5, 9`; of many the first.
  static func ranges(_ channels: [Int]) -> String {
    var texts: [String] = [], start = 0
    while start < channels.count {
      var end = start
      while end + 1 < channels.count, channels[end + 1] == channels[end] + 1 { end += 1 }
      texts.append(end > start ? "\(channels[start])-\(channels[end])" : "\(channels[start])")
      start = end + 1
    }
    guard texts.count > 10 else { return texts.joined(separator: ", ") }
    return texts.prefix(8).joined(separator: ", ") + " … \(channels[channels.count - 1]) (\(channels.count) of them)"
  }
}

extension ChannelCoupling.Obstacle: CustomStringConvertible {
  /// A clause behind the layer's name: `makes the output 'y'`.
  public var description: String {
    switch self {
    case .input(let name): "its channels are those of the input '\(name.printable)'"
    case .output(let name): "its channels leave the network in '\(name.printable)'"
    case .mixed(let node, let operation): "'\(node.printable)' (\(operation)) takes all of its channels together"
    case .repeated(let node): "'\(node.printable)' repeats its one channel"
    case .counted(let node): "'\(node.printable)' counts its channels"
    case .named(let node): "parameters of '\(node.printable)' are read or changed by name"
    case .integers(let node): "'\(node.printable)' holds integers; prune before quantising"
    }
  }
}
