import Networks
import Tensors
import Transforms

extension TrainingNetwork {
  /// The network that takes a step of training in each run, of a network as it was built.
  ///
  /// - Parameters:
  ///   - averageKeep: of moving averages of the parameters, where they are wanted; see `trained(by:)`.
  ///   - parts: in which a batch goes through the network; see `GradientAccumulation`.
  ///   - momentum: of the running statistics of batch norms.
  ///   - shapes: of some inputs that the network takes, which tell the axes of values.
  public init(
    _ network: Network, loss: WeightedLoss, optimizer: Optimizer, clipping: GradientClipping? = nil,
    averageKeep: Float? = nil, parts: Int = 1, momentum: Float = 0.1, inputs shapes: [Shape]
  ) throws(TrainingError) {
    let withLoss: NetworkWithLoss, output: Shape
    do throws(NetworkError) {
      let form = network.inTrainingForm(momentum: momentum)
      withLoss = try form.adding(loss, inputs: shapes)
      output = try form.inferredShapes(inputs: shapes)[form.outputs[0]] ?? [1]
    } catch {
      throw .network(error)
    }
    let differentiated: DifferentiatedNetwork
    do throws(DifferentiationError) {
      differentiated = try withLoss.network.differentiated(withLoss.loss, inputs: shapes + [output])
    } catch {
      throw .differentiation(error)
    }
    do throws(NetworkError) {
      self = try differentiated.trained(
        by: optimizer, clipping: clipping, averageKeep: averageKeep, parts: parts,
        share: loss.isSum ? 1 : 1 / Float(max(parts, 1)), loss: withLoss.loss)
    } catch {
      throw .network(error)
    }
    if trained.isEmpty { throw .nothingToTrain }
  }
}
