import Tensors

/// How the parameters of a new network are filled.
public enum Initialization: Hashable, Sendable {
  /// All zero, to be overwritten: a file is about to be loaded.
  case zeros
  /// As PyTorch does by default: weights and biases of convolutions and linear layers uniform within `1 / √(fan-in)`
  /// (Kaiming uniform with a = √5), batch norms the identity, slopes of a prelu 0.25. The same seed gives the same bits.
  case random(seed: UInt64)

  /// The parameters of a verified graph.
  func parameters(of graph: NetworkGraph) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var generator: SplitMix64? = if case .random(let seed) = self { SplitMix64(seed: seed) } else { nil }
    for node in graph.nodes {
      for parameter in node.operation.parameters {
        var tensor = Tensor(zeros: parameter.shape, parameter.type.element)
        if var stream = generator {
          switch parameter.initialValue {
          case .constant(let value): tensor = Tensor(repeating: value, parameter.shape)
          case .uniform(let bound): tensor = Tensor(uniform: parameter.shape, bound: bound, using: &stream)
          }
          if parameter.type.element.integers != nil {
            tensor = Tensor(parameter.shape, parameter.type.element, integers: tensor.floats.map { Int($0.rounded()) })
          }
          generator = stream
        }
        result[node.parameterName(parameter.role)] = tensor
      }
    }
    return result
  }
}
