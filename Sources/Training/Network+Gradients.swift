import Networks
import Tensors
import Transforms

extension Network {
  /// A network whose outputs are the gradients of a loss by each parameter that is trained, and their names. Its inputs are this one's and the target.
  ///
  /// - Parameter shapes: of a batch and of its target.
  package func withGradients(
    of loss: WeightedLoss, inputs shapes: [Shape]
  ) throws(TrainingError) -> (network: Network, names: [String]) {
    let withLoss: NetworkWithLoss
    do throws(NetworkError) {
      // Batch norms keep the statistics that they have: what is asked is what the network as it is loses.
      withLoss = try adding(loss, inputs: Array(shapes.dropLast()))
    } catch {
      throw .network(error)
    }
    do throws(DifferentiationError) {
      let found = try withLoss.network.differentiated(withLoss.loss, inputs: shapes)
      var network = found.network
      var names: [String] = [], seen: Set<String> = []
      network.outputs = []
      for (name, gradient) in found.gradients.sorted(by: { $0.key < $1.key }) where seen.insert(gradient).inserted {
        names.append(name)
        network.outputs.append(gradient)
      }
      network.updates = []
      return (network.eliminatingDeadNodes(), names)
    } catch {
      throw .differentiation(error)
    }
  }
}
