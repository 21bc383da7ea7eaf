import CPUBackend
import Execution
import Networks
import Tensors
import Training
import Transforms

extension TrainingNetwork {
  /// The network that takes a step in each run, for a model whose training is only reckoned or timed.
  ///
  /// - Parameter loss: unless given cross entropy where the output is `[N, classes]`, else the mean absolute error.
  static func step(
    of network: Network, input: Shape, loss: Loss? = nil, optimizer: Optimizer = .adam
  ) throws(EvaluationError) -> (training: TrainingNetwork, output: Shape) {
    let shapes = try wrapping { () throws(NetworkError) in try network.inferredShapes(inputs: [input]) }
    guard let output = network.outputs.first.flatMap({ shapes[$0] }) else { throw .network(.noOutputs) }
    let loss = loss ?? (output.rank == 2 ? .crossEntropy : .absoluteError)
    return try wrapping { () throws(TrainingError) in
      (try TrainingNetwork(network, loss: WeightedLoss(loss), optimizer: optimizer, inputs: [input]), output)
    }
  }
}

/// What a step of training costs: exact counts, and the memory that the CPU engine plans for it. Nothing is run.
public struct TrainingReport: Hashable, Codable, Sendable {
  public var model: String
  public var network: String
  public var input: String
  public var target: String
  public var loss: String
  public var optimizer: String
  /// Of the network that is trained.
  public var parameterCount: Int
  /// What the optimiser remembers beside them, in elements.
  public var stateCount: Int
  /// Of a run without gradients.
  public var forwardMultiplyAccumulates: Int
  /// The nodes of a step, and their costs, as they are written.
  public var ledger: Ledger
  /// What a session of the CPU engine holds, with packed weights, new parameters and scratch; nil where the engine refuses the network.
  public var sessionMemoryBytes: Int?
  /// The least, with values computed again, and the multiply-accumulates that this adds.
  public var leastMemoryBytes: Int?
  public var leastMemoryExtraMultiplyAccumulates: Int?
  public var threads: Int

  /// - Parameters:
  ///   - input: of the network's one input, batch included; unless given what it fixes, or 1 x channels x 256 x 256.
  ///   - batchSize: in the place of the input's.
  ///   - lossName, optimizerName: as in recipes; unless given what the output suggests, and Adam.
  public init(
    _ network: Network, model: String, input: Shape? = nil, batchSize: Int? = nil, loss lossName: String? = nil,
    optimizer optimizerName: String? = nil, options: CPUOptions = CPUOptions()
  ) throws(EvaluationError) {
    var shapes = try network.inputShapes(given: input)
    guard shapes.count == 1 else { throw .inputCount(network: network.name, count: shapes.count) }
    if let batchSize { shapes[0] = TrainingRecipe.batch(Shape(Array(shapes[0].extents.dropFirst())), batchSize) }
    let loss = try lossName.map { (name) throws(EvaluationError) in
      guard let loss = WeightedLoss.loss(name) else {
        throw .trainingOption(name: "loss", value: name, allowed: RecipeReader.list(WeightedLoss.names))
      }
      return loss
    }
    let optimizer: Optimizer
    switch optimizerName {
    case nil, "adam": optimizer = .adam
    case "sgd": optimizer = .sgd(momentum: 0.9, nesterov: false, weightDecay: 0)
    case "adamw": optimizer = .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
    case let name?: throw .trainingOption(name: "optimizer", value: name, allowed: "sgd, adam or adamw")
    }
    let (training, output) = try TrainingNetwork.step(of: network, input: shapes[0], loss: loss, optimizer: optimizer)
    let all = [shapes[0], output, [4]]
    self.model = model
    self.network = network.name
    self.input = shapes[0].description
    target = output.description
    self.loss = lossName ?? (output.rank == 2 ? "cross-entropy" : "l1")
    self.optimizer = optimizerName ?? "adam"
    parameterCount = network.parameterCount
    stateCount = training.network.parameters.reduce(0) { $0 + (network.parameters[$1.key] == nil ? $1.value.shape.count : 0) }
    forwardMultiplyAccumulates = try wrapping { () throws(NetworkError) in
      try network.ledger(inputs: shapes).multiplyAccumulates
    }
    ledger = try wrapping { () throws(NetworkError) in try training.network.ledger(inputs: all) }
    threads = options.threadCount
    let step = training.network.eliminatingDeadNodes().fusing()
    func memory(_ limit: Int) throws(EvaluationError) -> (bytes: Int, session: (any Session)?) {
      let engine = try options.makeEngine(memoryLimit: limit)
      do throws(ExecutionError) {
        let session = try engine.prepare(step, inputs: all)
        return (session.peakMemoryByteCount, session)
      } catch {
        guard case .memory(let needed, _) = error else { throw .execution(network: network.name, error) }
        return (needed, nil)
      }
    }
    do throws(EvaluationError) {
      let least = try memory(0).bytes
      let done = try memory(least).session?.recomputation
      (leastMemoryBytes, leastMemoryExtraMultiplyAccumulates) = (least, done?.extraMultiplyAccumulates ?? 0)
      sessionMemoryBytes = done?.plainByteCount ?? least
    } catch {
      guard case .execution(_, .unsupported) = error else { throw error }
    }
  }

  /// The figures for people; with the ledger of each node where asked for.
  public func report(showsNodes: Bool) -> ReportText {
    var text: ReportText = "a step of training \(model.onOneLine): loss \(loss), optimizer \(optimizer)\n"
    text += "input \(input), target \(target)\n"
    text += "\(TextFormat.grouped(parameterCount)) parameters, \(TextFormat.grouped(stateCount)) numbers beside them\n"
    let ratio = Double(ledger.multiplyAccumulates) / Double(max(forwardMultiplyAccumulates, 1))
    text +=
      "multiply-accumulates \(TextFormat.grouped(ledger.multiplyAccumulates)), \(TextFormat.fixed(ratio, 2)) times those of a run; "
    text += "read \(TextFormat.bytes(ledger.bytesRead)), written \(TextFormat.bytes(ledger.bytesWritten)), "
    text += "peak of values \(TextFormat.bytes(ledger.peakActivationByteCount))\n"
    if let sessionMemoryBytes, let leastMemoryBytes {
      text += "memory of the step on \(threads) threads: \(TextFormat.bytes(sessionMemoryBytes))"
      if leastMemoryBytes < sessionMemoryBytes {
        let share = 100 * Double(leastMemoryExtraMultiplyAccumulates ?? 0) / Double(max(ledger.multiplyAccumulates, 1))
        text +=
          "; \(TextFormat.bytes(leastMemoryBytes)) at the least, with +\(TextFormat.fixed(share, 0)) % multiply-accumulates"
      }
      text += "\n"
    }
    guard showsNodes else { return text }
    text += "\n\(NetworkReport.table(ledger))"
    return text
  }
}
