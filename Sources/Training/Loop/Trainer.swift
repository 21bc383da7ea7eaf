import Execution
import Networks
import Tensors
import Transforms

/// Takes a network through its data, step by step.
///
/// A step follows from the parameters, the number of the step and the batch alone; the batch from seed and number. So a training that
/// was broken off and goes on from its checkpoint ends with the bits of one that was not, whatever the threads.
public final class Trainer {
  /// What a step found.
  public struct Step: Hashable, Sendable {
    /// Counted from 0 over all epochs.
    public var number: Int
    public var epoch: Int
    /// Of the batch, before the step.
    public var loss: Float
    public var learningRate: Double
    /// The length of all gradients, where clipping needs it.
    public var gradientNorm: Float?
    public var sampleCount: Int
  }

  public let training: TrainingNetwork
  public let learningRate: LearningRate
  public let loader: BatchLoader
  private let backend: any Backend
  private let model: any Model
  /// By the batch: the last of an epoch may be smaller.
  private var sessions: [Shape: any Session] = [:]
  /// The number of the next step.
  public private(set) var step: Int

  /// - Parameters:
  ///   - training: of which the parameters are where training stands.
  ///   - loader: gives the batch of `step` first.
  public init(
    _ training: TrainingNetwork, on backend: any Backend, learningRate: LearningRate, loader: BatchLoader, step: Int = 0
  ) throws(TrainingError) {
    self.training = training
    self.learningRate = learningRate
    self.loader = loader
    self.backend = backend
    self.step = step
    model = try wrapping { () throws(ExecutionError) in
      try backend.prepare(training.network.eliminatingDeadNodes().fusing())
    }
  }

  /// The training network with what its parameters are now.
  public var network: Network {
    var network = training.network
    network.parameters.merge(model.network.parameters) { _, new in new }
    return network
  }

  /// Another form of the network that is trained, with what its parameters are now.
  ///
  /// - Parameter averaged: takes the moving averages of parameters, where there are some.
  public func applied(to other: Network, averaged: Bool = true) -> Network {
    var result = other
    let now = model.network.parameters
    for (name, old) in other.parameters {
      guard let new = now[name], new.shape == old.shape else { continue }
      result.parameters[name] = new
      guard averaged, step > 0, let average = training.averages[name].flatMap({ now[$0] }) else { continue }
      let scale = training.averageScale(steps: step)
      result.parameters[name] = Tensor(average.shape, average.floats.map { $0 * scale })
    }
    return result
  }

  /// One step; nil where the data has ended. Throws where a number of it is not finite: the parameters are then those before it.
  public func next() throws(TrainingError) -> Step? {
    guard let batch = try wrapping({ () throws(DataError) in try loader.next() }) else { return nil }
    let rate = learningRate.value(step: step, stepsPerEpoch: loader.stepsPerEpoch)
    let inputs = [batch.input, batch.target, Tensor([4], training.scheduleValues(step: step, learningRate: rate))]
    // Costs nothing: the engine writes what is new beside what is old.
    let before = model.network.parameters
    let outputs = try wrapping { () throws(ExecutionError) in try session(inputs).run(inputs) }
    let loss = outputs[0].floats[0]
    guard loss.isFinite, hasFiniteParameters else {
      try wrapping { () throws(ExecutionError) in try model.setParameters(before) }
      throw .notFinite(step: step, place: try firstNonFiniteValue(inputs))
    }
    defer { step += 1 }
    return Step(
      number: step, epoch: batch.epoch, loss: loss, learningRate: rate,
      gradientNorm: outputs.count > 1 ? outputs[1].floats[0] : nil, sampleCount: batch.indices.count)
  }

  private func session(_ inputs: [Tensor]) throws(ExecutionError) -> any Session {
    if let known = sessions[inputs[0].shape] { return known }
    let session = try model.session(inputs: inputs.map(\.shape))
    sessions[inputs[0].shape] = session
    return session
  }

  private var hasFiniteParameters: Bool {
    let now = model.network.parameters
    return training.trained.allSatisfy { now[$0]?.isFinite ?? true }
  }

  /// Runs the step again, every value of it an output, from the parameters that stand.
  private func firstNonFiniteValue(_ inputs: [Tensor]) throws(TrainingError) -> String? {
    if let index = inputs.firstIndex(where: { !$0.isFinite }) { return training.network.inputs[index].name }
    var network = network
    network.updates = []
    network.outputs = network.nodes.map(\.name)
    let outputs = try wrapping { () throws(ExecutionError) in
      try backend.prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    }
    return zip(network.outputs, outputs).first { $1.dataType == .float32 && !$1.isFinite }?.0
  }
}

extension Tensor {
  /// Whether no element is a NaN or an infinity. Only for float32.
  fileprivate var isFinite: Bool { withUnsafeFloats { $0.allSatisfy(\.isFinite) } }
}
