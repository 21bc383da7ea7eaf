import Networks
import Tensors

extension Network {
  /// The network with numbers for sizes that follow from the inputs', and the types of its values: what an engine plans with.
  package func resolved(inputs: [Shape]) throws(ExecutionError) -> (network: Network, types: [String: ValueType]) {
    do throws(NetworkError) {
      let resolved = try resolvingSizes(inputs: inputs)
      return (resolved, try resolved.inferredTypes(inputs: inputs))
    } catch {
      throw .invalidNetwork(error.description)
    }
  }
}
