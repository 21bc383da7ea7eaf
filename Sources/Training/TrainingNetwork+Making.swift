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
  ///   - distillation: what is imitated.
  ///   - shapes: of some inputs that the network takes, which tell the axes of values.
  public init(
    _ network: Network, loss: WeightedLoss, optimizer: Optimizer, clipping: GradientClipping? = nil,
    averageKeep: Float? = nil, parts: Int = 1, momentum: Float = 0.1, distillation: Distillation? = nil,
    inputs shapes: [Shape]
  ) throws(TrainingError) {
    let form = network.inTrainingForm(momentum: momentum), plain: NetworkWithLoss, output: Shape
    do throws(NetworkError) {
      output = try form.inferredShapes(inputs: shapes)[form.outputs[0]] ?? [1]
      plain = try form.adding(loss, inputs: shapes)
    } catch {
      throw .network(error)
    }
    let withLoss =
      try distillation.map { (distillation) throws(TrainingError) in
        try form.adding(loss, distillation, inputs: shapes)
      } ?? plain
    let differentiated: DifferentiatedNetwork
    do throws(DifferentiationError) {
      differentiated = try withLoss.network.differentiated(
        withLoss.loss, by: form.trainableParameterNames, inputs: shapes + [output])
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
