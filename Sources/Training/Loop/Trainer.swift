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

  /// Its parameters are those that no step changes.
  public let training: TrainingNetwork
  public let learningRate: LearningRate
  public let loader: BatchLoader
  private let backend: any Backend
  private let model: FusedModel
  /// By the batch: the last of an epoch may be smaller.
  private var sessions: [Shape: any Session] = [:]
  /// Of all parts of a batch but the last, where there are several.
  private let accumulating: FusedModel?
  private var accumulatingSession: (any Session)?
  private let accumulatingNames: Set<String>
  /// The number of the next step.
  public private(set) var step: Int

  /// - Parameters:
  ///   - training: of which the parameters are where training stands.
  ///   - loader: gives the batch of `step` first.
  public init(
    _ training: TrainingNetwork, on backend: any Backend, learningRate: LearningRate, loader: BatchLoader, step: Int = 0
  ) throws(TrainingError) {
    self.learningRate = learningRate
    self.loader = loader
    self.backend = backend
    self.step = step
    let size = loader.options.batchSize, parts = training.accumulation?.parts ?? 1
    guard size.isMultiple(of: parts), parts == 1 || !loader.options.keepsRemainder else {
      throw .data(.option(name: "parts", value: "\(parts)", allowed: "those that all batches, of \(size), divide into"))
    }
    model = try wrapping { () throws(ExecutionError) in
      try FusedModel(training.network, on: backend)
    }
    accumulating = try training.accumulation.map { accumulation throws(TrainingError) in
      try wrapping { () throws(ExecutionError) in try FusedModel(accumulation.network, on: backend) }
    }
    accumulatingNames = Set((training.accumulation?.network.parameters ?? [:]).keys)
    // The models have the others: kept here, those that training began with would take their memory to the end.
    var own = training
    let model = self.model, known = try wrapping { () throws(ExecutionError) in try model.parameters() }
    own.network.parameters = training.network.parameters.filter { known[$0.key] == nil }
    own.accumulation?.network.parameters = [:]
    self.training = own
  }

  /// Makes the sessions for batches of these shapes, which the first step does otherwise: one, and one more where batches go in parts.
  public func prepare(input: Shape, target: Shape) throws(TrainingError) -> [any Session] {
    let parts = training.accumulation?.parts ?? 1
    let shapes = [input, target].map { Shape([$0[0] / parts] + $0.extents.dropFirst()) } + [[4]]
    return try wrapping { () throws(ExecutionError) in
      let last: any Session
      do throws(ExecutionError) {
        last = try session(shapes)
      } catch {
        // What is said to be needed is enough for both.
        guard case .memory(let needed, let available) = error, parts > 1 else { throw error }
        do throws(ExecutionError) { _ = try accumulatingSession(shapes) } catch .memory(let other, _) {
          throw .memory(needed: max(needed, other), available: available)
        }
        throw error
      }
      guard parts > 1, let other = try accumulatingSession(shapes) else { return [last] }
      return [other, last]
    }
  }

  /// Gives back what lasts no longer than a step; the next one takes it again.
  public func releaseMemory() {
    for session in sessions.values { session.releaseMemory() }
    accumulatingSession?.releaseMemory()
  }

  /// The training network with what its parameters are now. Throws where a device does not give them.
  public func network() throws(TrainingError) -> Network {
    var network = training.network
    network.parameters.merge(try parameters()) { _, new in new }
    return network
  }

  private func parameters() throws(TrainingError) -> [String: Tensor] {
    try wrapping { () throws(ExecutionError) in try model.parameters() }
  }

  /// Another form of the network that is trained, with what its parameters are now.
  ///
  /// Throws where a device does not give them.
  ///
  /// - Parameter averaged: takes the moving averages of parameters, where there are some.
  public func applied(to other: Network, averaged: Bool = true) throws(TrainingError) -> Network {
    var result = other
    let now = try parameters()
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
    let schedule = Tensor([4], training.scheduleValues(step: step, learningRate: rate))
    let count = training.accumulation?.parts ?? 1
    let parts = (0..<count).map { [batch.input.part($0, of: count), batch.target.part($0, of: count), schedule] }
    // Costs little: what is new is written beside what is old, or the old copied on the device.
    let before = try wrapping { () throws(ExecutionError) in try model.keepParameters() }
    var loss: Float = 0
    for index in 0..<count - 1 {
      loss += try wrapping { () throws(ExecutionError) in try accumulate(parts[index], isFirst: index == 0) }
    }
    let outputs = try wrapping { () throws(ExecutionError) in
      try session(parts[count - 1].map(\.shape)).run(parts[count - 1])
    }
    loss = (loss + outputs[0].floats[0]) * (training.accumulation?.share ?? 1)
    let isFinite = try wrapping { () throws(ExecutionError) in try model.areFinite(training.trained) }
    guard loss.isFinite, isFinite else {
      try wrapping { () throws(ExecutionError) in try model.takeBack(before) }
      if let sample = batch.firstNonFiniteSample { throw .notFiniteData(step: step, sample: sample) }
      var place: String?
      for inputs in parts where place == nil { place = try firstNonFiniteValue(inputs) }
      throw .notFinite(step: step, place: place)
    }
    defer { step += 1 }
    return Step(
      number: step, epoch: batch.epoch, loss: loss, learningRate: rate,
      gradientNorm: outputs.count > 1 ? outputs[1].floats[0] : nil, sampleCount: batch.indices.count)
  }

  /// Adds the gradients of a part of the batch to those before it; the loss of the part.
  private func accumulate(_ inputs: [Tensor], isFirst: Bool) throws(ExecutionError) -> Float {
    guard let accumulating, let adding = training.accumulation?.network else { return 0 }
    if isFirst {
      let now = try model.parameters()
      try accumulating.setParameters(now.filter { accumulatingNames.contains($0.key) })
    }
    let loss = try accumulatingSession(inputs.map(\.shape))?.run(inputs)[0].floats[0] ?? 0
    // Sums, and what batch norms and dropout remember.
    let now = try accumulating.parameters()
    let changed = adding.updates.compactMap { update in now[update.parameter].map { (update.parameter, $0) } }
    try model.setParameters(Dictionary(changed) { first, _ in first })
    return loss
  }

  private func accumulatingSession(_ shapes: [Shape]) throws(ExecutionError) -> (any Session)? {
    if accumulatingSession == nil { accumulatingSession = try accumulating?.session(inputs: shapes) }
    return accumulatingSession
  }

  private func session(_ shapes: [Shape]) throws(ExecutionError) -> any Session {
    if let known = sessions[shapes[0]] { return known }
    let session = try model.session(inputs: shapes)
    sessions[shapes[0]] = session
    return session
  }

  /// Runs the step again, every value of it an output, from the parameters that stand.
  private func firstNonFiniteValue(_ inputs: [Tensor]) throws(TrainingError) -> String? {
    if let index = inputs.firstIndex(where: { !$0.isFinite }) { return training.network.inputs[index].name }
    var network = try network()
    network.updates = []
    network.outputs = network.nodes.map(\.name)
    let outputs: [Tensor]
    do throws(ExecutionError) {
      outputs = try backend.prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    } catch {
      switch error {
      // There is not the memory to look, or a device keeps no such values.
      case .memory, .deviceMemory, .unsupported: return nil
      default: throw .execution(error)
      }
    }
    return zip(network.outputs, outputs).first { $1.dataType == .float32 && !$1.isFinite }?.0
  }
}

extension Tensor {
  /// Of so many parts along the first axis, which it divides into. Only for float32.
  fileprivate func part(_ index: Int, of count: Int) -> Tensor {
    if count == 1 { return self }
    var extents = shape.extents
    extents[0] /= count
    let size = shape.count / count
    return withUnsafeFloats { Tensor(Shape(extents), Array($0[index * size..<(index + 1) * size])) }
  }
}

extension Batch {
  /// The place, in its source, of the first sample that holds a number that is not finite.
  fileprivate var firstNonFiniteSample: Int? {
    for (position, index) in indices.enumerated() {
      for tensor in [input, target] {
        let count = tensor.shape.count / max(indices.count, 1), start = position * count
        if !tensor.floats[start..<start + count].allSatisfy(\.isFinite) { return index }
      }
    }
    return nil
  }
}
