import Networks
import Tensors

extension Network {
  /// The same network, some parameters of which each run changes: they shrink, are added up, or change places with others of their
  /// shape. Nil where it has none.
  package func withUpdates(seed: UInt64) -> Network? {
    var generator = SplitMix64(seed: seed)
    guard var expected = try? graph.expectedParameters(), !expected.isEmpty else { return nil }
    expected.shuffle(using: &generator)
    var result = self
    for (index, (name, type)) in expected.prefix(Int.random(in: 1...4, using: &generator)).enumerated() {
      var value = name
      let others = expected.filter { $0.type == type && $0.name != name }
      if let other = others.randomElement(using: &generator) {
        value = other.name
        if Bool.random(using: &generator) {
          value = "sum\(index)"
          result.nodes.append(Node(name: value, operation: .add, inputs: [name, other.name]))
        }
      } else {
        value = "half\(index)"
        result.nodes.append(Node(name: value, operation: .scale(Scale(factor: 0.5)), inputs: [name]))
      }
      result.updates.append(ParameterUpdate(parameter: name, value: value))
    }
    return result
  }
}
