import CPUBackend
import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors
import Training
import Transforms

/// A network that takes steps of training, the batch that it is checked with and the one that it is timed with.
private struct Example: Sendable {
  var name: String
  var checked: Shape
  var timed: Shape
  /// On an emulated device; nil where that would take minutes.
  var small: Shape?

  static let all = [
    Example(name: "edsr", checked: [2, 3, 24, 24], timed: [16, 3, 48, 48]),
    Example(name: "edsr_separable", checked: [2, 3, 24, 24], timed: [16, 3, 48, 48]),
    Example(name: "vdsr", checked: [4, 1, 21, 21], timed: [128, 1, 41, 41], small: [1, 1, 9, 10]),
    Example(name: "small_resnet", checked: [8, 3, 32, 32], timed: [128, 3, 32, 32], small: [2, 3, 12, 16]),
    Example(name: "small_resnet_selection", checked: [8, 3, 32, 32], timed: [128, 3, 32, 32]),
    Example(name: "unet", checked: [1, 3, 64, 64], timed: [1, 3, 512, 512]),
    Example(name: "unet_separable", checked: [1, 3, 64, 64], timed: [1, 3, 512, 512]),
  ]

  func network(isSmall: Bool) throws -> Network? {
    try DeviceCheckNetwork.all.first { $0.name == name }?.network(isSmall: isSmall)
  }
}

/// Steps of training on a device.
extension DeviceCheck {
  private var examples: [Example] {
    Example.all.filter { (networkNames?.contains($0.name) ?? true) && (!isSmall || $0.small != nil) }
  }

  /// Two steps of each network against the CPU engine, twice: what they change of each parameter.
  package func training() throws(CUDAError) -> [DeviceCheckReport.Row] {
    let engines = try engines(), examples = examples
    return inTurn(examples.count) { index in
      let example = examples[index]
      return engines.map { precision, engine in
        var outcome = DeviceCheckReport.Outcome.notRun
        if !isOver {
          do {
            outcome = try self.outcome(of: example, engine, precision)
          } catch {
            outcome = .failed("\(error)")
          }
          progress("\(precision.rawValue): training of \(example.name): \(outcome.text)")
        }
        return DeviceCheckReport.Row(name: "\(example.name)_train", precision: precision.rawValue, outcome: outcome)
      }
    }
  }

  /// Of steps with Adam, as `times` has them of networks.
  package func trainingTimes(runs: Int = 20, _ note: (DeviceCheckReport.Timing) -> Void = { _ in })
    throws(CUDAError) -> (rows: [DeviceCheckReport.Timing], faults: [String])
  {
    // An emulated device takes its time.
    try timed(isSmall ? Array(examples.prefix(1)) : examples, [.float32, .bfloat16], \.name, note) {
      (example, engine, precision) in
      guard let step = try Step(example, input: isSmall ? example.small : example.timed, .adam, isSmall: isSmall) else {
        return nil
      }
      let session: any Session
      do throws(ExecutionError) {
        session = try engine.prepare(step.network, inputs: step.inputs.map(\.shape))
      } catch {
        // What is not trained in a precision is told by the check.
        if precision == .float32 { throw error }
        return nil
      }
      guard let session = session as? CUDASession else { return nil }
      return try timing(session, step.network, "\(example.name)_train", step.inputs, precision, runs: runs)
    }
  }

  /// The steps that are timed, for plans.
  static func steps() throws -> [(name: String, network: Network, inputs: [Shape])] {
    try Example.all.compactMap { example in
      try Step(example, input: example.timed, .adam, isSmall: false).map {
        ("\(example.name)_train", $0.network, $0.inputs.map(\.shape))
      }
    }
  }

  /// A network that takes a step in each run, and what it takes.
  private struct Step {
    var network: Network
    var inputs: [Tensor]

    /// Nil without an input.
    init?(_ example: Example, input: Shape?, _ optimizer: Optimizer, isSmall: Bool) throws {
      guard let input, let given = try example.network(isSmall: isSmall) else { return nil }
      guard let output = try given.inferredShapes(inputs: [input])[given.outputs[0]] else { return nil }
      let isClassifier = output.rank == 2
      let training = try TrainingNetwork(
        given, loss: WeightedLoss(isClassifier ? .crossEntropy : .absoluteError), optimizer: optimizer, inputs: [input])
      network = training.network.eliminatingDeadNodes().fusing()
      var target = DeviceCheck.randomInput(output)
      if isClassifier {
        target = Tensor(output, (0..<output.count).map { $0 % output[1] == $0 / output[1] % output[1] ? 1 : 0 })
      }
      inputs = [DeviceCheck.randomInput(input), target, Tensor([4], training.scheduleValues(step: 0, learningRate: 0.01))]
    }

    /// The parameters that two steps make of the network's.
    func parameters(_ model: any Model, _ session: any Session) throws -> [String: Tensor] {
      try model.setParameters(network.parameters)
      for _ in 0..<2 { _ = try session.run(inputs) }
      return try model.parameters()
    }
  }

  /// How far the change of a parameter may be from that of the CPU engine, as a share of the change, and as a share of what all parameters
  /// change: gradients are sums of many terms of either sign, of which some are near 0, where an activation has its edge. What is rounded to
  /// 8 bits comes to lie on the other side of that more often.
  static func trainingBounds(_ precision: CUDAPrecision) -> (own: Double, all: Double) {
    switch precision {
    case .float32: (1e-2, 1e-3)
    case .tensorFloat32, .float16: (0.2, 2e-2)
    case .bfloat16: (0.75, 0.1)
    }
  }

  private func outcome(
    of example: Example, _ engine: CUDAEngine, _ precision: CUDAPrecision
  ) throws -> DeviceCheckReport.Outcome {
    let sgd = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 0)
    guard let step = try Step(example, input: isSmall ? example.small : example.checked, sgd, isSmall: isSmall) else {
      return .notRun
    }
    let model = try engine.prepare(step.network), session: any Session
    do throws(ExecutionError) {
      session = try model.session(inputs: step.inputs.map(\.shape))
    } catch {
      return .refused("\(error)")
    }
    let first = try step.parameters(model, session), second = try step.parameters(model, session)
    if first != second { return .failed("two runs differ in their bits") }
    let reference = try CPUEngine(threadCount: max(Machine.processorCount / workerCount, 1)).prepare(step.network)
    let exact = try step.parameters(reference, reference.session(inputs: step.inputs.map(\.shape)))
    func length(_ a: Tensor, _ b: Tensor) -> Double {
      zip(a.floats, b.floats).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    let before = step.network.parameters
    let changes = exact.mapValues { _ in 0.0 }.merging(
      exact.compactMap { name, b in before[name].map { (name, length($0, b)) } }
    ) { $1 }
    let all = changes.values.reduce(0, +).squareRoot(), count = exact.values.reduce(0) { $0 + $1.shape.count }
    let bounds = Self.trainingBounds(precision)
    var worst = 0.0
    for (name, b) in exact.sorted(by: { $0.key < $1.key }) {
      guard let a = first[name], a.shape == b.shape else { return .failed("'\(name)' is not there") }
      let difference = length(a, b).squareRoot(), share = (Double(b.shape.count) / Double(count)).squareRoot()
      let bound = bounds.own * (changes[name] ?? 0).squareRoot() + bounds.all * share * all + 1e-7
      // Written so that a NaN fails.
      guard difference <= bound else {
        return .failed("'\(name)' differs by \(difference), the bound is \(bound)")
      }
      worst = max(worst, difference / bound)
    }
    return .equal(error: worst, bound: 1)
  }
}
