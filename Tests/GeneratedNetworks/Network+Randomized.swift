import Networks
import Tensors

extension Network {
  /// The same network with every parameter random: weights within their initial bound, vectors between -1 and 1, variances
  /// between 0.5 and 1.5.
  package func randomized(seed: UInt64) -> Network {
    var generator = SplitMix64(seed: seed)
    var result = self
    for node in nodes {
      for parameter in node.operation.parameters {
        var tensor: Tensor
        switch parameter.initialValue {
        case .uniform(let bound): tensor = Tensor(uniform: parameter.shape, bound: bound, using: &generator)
        case .constant: tensor = Tensor(uniform: parameter.shape, bound: 1, using: &generator)
        }
        if parameter.role == .runningVariance {
          tensor.withUnsafeMutableFloats { values in
            for index in values.indices { values[index] = 1 + 0.5 * values[index] }
          }
        }
        result.parameters[node.parameterName(parameter.role)] = tensor
      }
    }
    return result
  }
}
