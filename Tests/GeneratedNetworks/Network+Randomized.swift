import Networks
import Tensors

extension Network {
  /// The same network with every parameter random: weights within their initial bound, vectors between -1 and 1, variances
  /// between 0.5 and 1.5.
  package func randomized(seed: UInt64) -> Network {
    var generator = SplitMix64(seed: seed)
    var result = self
    for node in nodes {
      for role in node.operation.parameters {
        var tensor: Tensor
        switch role.initialValue {
        case .uniform(let bound): tensor = Tensor(uniform: role.shape, bound: bound, using: &generator)
        case .constant: tensor = Tensor(uniform: role.shape, bound: 1, using: &generator)
        }
        if role.name == "runningVariance" {
          tensor.withUnsafeMutableFloats { values in
            for index in values.indices { values[index] = 1 + 0.5 * values[index] }
          }
        }
        result.parameters[node.parameterName(role.name)] = tensor
      }
    }
    return result
  }
}
