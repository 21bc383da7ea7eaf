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
    let form = network.inTrainingForm(momentum: momentum)
    try self.init(
      LearningForm(network: form, trained: form.trainableParameterNames), loss: loss, optimizer: optimizer, clipping: clipping,
      averageKeep: averageKeep, parts: parts, distillation: distillation, inputs: shapes)
  }

  /// The same of a network that reckons as one of integers. Batch norms that it has keep their running statistics.
  ///
  /// - Parameter pace: at which scales are learned; nil where they stand as calibrated.
  public init(
    _ simulation: QuantizationSimulation, ranges pace: RangePace?, loss: WeightedLoss, optimizer: Optimizer,
    clipping: GradientClipping? = nil, averageKeep: Float? = nil, parts: Int = 1, distillation: Distillation? = nil,
    inputs shapes: [Shape]
  ) throws(TrainingError) {
    var form = LearningForm(network: simulation.network, trained: simulation.weights)
    form.standIns = simulation.standIns
    if let pace {
      form.trained += simulation.factors
      form.ranges = (Set(simulation.factors), pace)
    }
    try self.init(
      form, loss: loss, optimizer: optimizer, clipping: clipping, averageKeep: averageKeep, parts: parts,
      distillation: distillation, inputs: shapes)
  }

  private init(
    _ form: LearningForm, loss: WeightedLoss, optimizer: Optimizer, clipping: GradientClipping?, averageKeep: Float?,
    parts: Int, distillation: Distillation?, inputs shapes: [Shape]
  ) throws(TrainingError) {
    let network = form.network, plain: NetworkWithLoss, output: Shape
    do throws(NetworkError) {
      output = try network.inferredShapes(inputs: shapes)[network.outputs[0]] ?? [1]
      plain = try network.adding(loss, inputs: shapes)
    } catch {
      throw .network(error)
    }
    let withLoss =
      try distillation.map { (distillation) throws(TrainingError) in
        try network.adding(loss, distillation, inputs: shapes)
      } ?? plain
    let differentiated: DifferentiatedNetwork
    do throws(DifferentiationError) {
      differentiated = try withLoss.network.differentiated(
        withLoss.loss, by: form.trained, standIns: form.standIns, inputs: shapes + [output])
    } catch {
      throw .differentiation(error)
    }
    do throws(NetworkError) {
      self = try differentiated.trained(
        by: optimizer, clipping: clipping, averageKeep: averageKeep, parts: parts,
        share: loss.isSum ? 1 : 1 / Float(max(parts, 1)), ranges: form.ranges, standIns: form.standIns, loss: withLoss.loss)
    } catch {
      throw .network(error)
    }
    if trained.isEmpty { throw .nothingToTrain }
  }
}

/// A network in the form that is differentiated, and what of it is learned.
private struct LearningForm {
  var network: Network
  /// Parameters that follow their gradients.
  var trained: [String]
  /// Those of them that have a pace of their own.
  var ranges: (names: Set<String>, pace: RangePace) = ([], RangePace())
  /// Parameters that hold what a value is.
  var standIns: [String: String] = [:]
}
