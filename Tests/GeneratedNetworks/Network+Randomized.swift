import Networks
import Tensors

extension Network {
  /// The same network with every parameter random: weights within their initial bound, vectors between -1 and 1, variances
  /// between 0.5 and 1.5, multipliers around their usual one, integers within what they may be.
  package func randomized(seed: UInt64) -> Network {
    var generator = SplitMix64(seed: seed)
    var result = self
    for node in nodes {
      for parameter in node.operation.parameters {
        var tensor: Tensor
        switch parameter.initialValue {
        case .uniform where parameter.type.element.integers != nil:
          tensor = Tensor(uniform: parameter.shape, bound: 1, using: &generator)
        case .uniform(let bound): tensor = Tensor(uniform: parameter.shape, bound: bound, using: &generator)
        case .constant: tensor = Tensor(uniform: parameter.shape, bound: 1, using: &generator)
        }
        if parameter.role == .runningVariance {
          tensor.withUnsafeMutableFloats { values in
            for index in values.indices { values[index] = 1 + 0.5 * values[index] }
          }
        }
        if parameter.role.isMultiplier, case .constant(let usual) = parameter.initialValue {
          tensor.withUnsafeMutableFloats { values in
            for index in values.indices { values[index] = usual * (1.3 + values[index]) }
          }
        }
        if let integers = parameter.type.element.integers {
          tensor = Tensor(
            parameter.shape, parameter.type.element,
            integers: tensor.floats.map { unit in
              parameter.integer(at: unit, within: parameter.values ?? integers)
            })
        }
        result.parameters[node.parameterName(parameter.role)] = tensor
      }
    }
    return result
  }
}

extension ParameterRole {
  fileprivate var isMultiplier: Bool { [.multiplier, .depthwiseMultiplier, .pointwiseMultiplier].contains(self) }
}

extension Parameter {
  /// One of the integers: anything for weights, and of what requantises what keeps most results off the ends.
  fileprivate func integer(at unit: Float, within range: ClosedRange<Int>) -> Int {
    var range = range
    if [.bias, .depthwiseBias, .pointwiseBias].contains(role) { range = range.clamped(to: -1 << 14...1 << 14) }
    let place = Double(unit + 1) / 2 * Double(range.count)
    return min(range.lowerBound + Int(place), range.upperBound)
  }
}
