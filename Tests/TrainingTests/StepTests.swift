import Architectures
import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Training
import Transforms

/// Steps of training as runs of a network.
@Suite struct StepTests {
  private static func tensors(_ shapes: [Shape], seed: UInt64) -> [Tensor] {
    var generator = SplitMix64(seed: seed)
    return shapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
  }

  private static let optimizers: [(Optimizer, GradientClipping?)] = [
    (.sgd(momentum: 0.9, nesterov: false, weightDecay: 1e-4), .adjustableNorm(theta: 0.4)),
    (.sgd(momentum: 0.9, nesterov: true, weightDecay: 0), nil),
    (.sgd(momentum: 0, nesterov: false, weightDecay: 0.01), .value(0.01)),
    (.adam, nil), (.adamW(beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.05), .norm(0.5)),
  ]

  /// One parameter by hand, in Double.
  @Test(arguments: optimizers) func optimizersFollowTheirFormulas(_ optimizer: Optimizer, _ clipping: GradientClipping?) throws
  {
    // loss = mean (w x + b - t)² of one number.
    var builder = NetworkBuilder("line")
    let x = builder.input("x", axes: [nil, 1])
    builder.output(builder.linear("line", x, outFeatures: 1))
    builder.setParameter("line.weight", Tensor([1, 1], [0.5]))
    builder.setParameter("line.bias", Tensor([1], [-0.25]))
    let network = try builder.build(.zeros)
    let training = try TrainingNetwork(
      network, loss: WeightedLoss(.squaredError), optimizer: optimizer, clipping: clipping, inputs: [[1, 1]])
    let model = try ReferenceEngine().prepare(training.network)
    let session = try model.session(inputs: [[1, 1], [1, 1], [4]])
    var w = 0.5, b = -0.25, first = [0.0, 0.0], second = [0.0, 0.0]
    for step in 0..<6 {
      let x = Float(step) * 0.5 - 1, t = Float(1 - step)
      let rate = 0.1 / Double(step + 1)
      let values = training.scheduleValues(step: step, learningRate: rate)
      let loss = try session.run([Tensor([1, 1], [x]), Tensor([1, 1], [t]), Tensor([4], values)])[0].floats[0]
      let difference = w * Double(x) + b - Double(t)
      #expect(abs(Double(loss) - difference * difference) < 1e-5 * (1 + difference * difference))
      var g = [2 * difference * Double(x), 2 * difference]
      let norm = (g[0] * g[0] + g[1] * g[1]).squareRoot()
      switch clipping {
      case .value(let most): g = g.map { min(max($0, -Double(most)), Double(most)) }
      case .norm(let most): g = g.map { $0 * min(1, Double(most) / (norm + 1e-6)) }
      case .adjustableNorm(let theta): g = g.map { $0 * min(1, Double(theta) / rate / (norm + 1e-6)) }
      case nil: break
      }
      var parameters = [w, b]
      for index in 0..<2 {
        var gradient = g[index]
        func adaptive(_ beta1: Float, _ beta2: Float, _ epsilon: Float) -> Double {
          first[index] = Double(beta1) * first[index] + (1 - Double(beta1)) * gradient
          second[index] = Double(beta2) * second[index] + (1 - Double(beta2)) * gradient * gradient
          var (a, c) = (1.0, 1.0)
          for _ in 0...step { (a, c) = (a * Double(beta1), c * Double(beta2)) }
          return rate / (1 - a) * first[index] / ((second[index] / (1 - c)).squareRoot() + Double(epsilon))
        }
        switch optimizer {
        case .sgd(let momentum, let nesterov, let decay):
          gradient += Double(decay) * parameters[index]
          first[index] = Double(momentum) * first[index] + gradient
          let direction = momentum == 0 ? gradient : nesterov ? gradient + Double(momentum) * first[index] : first[index]
          parameters[index] -= rate * direction
        case .adam(let beta1, let beta2, let epsilon, let decay):
          gradient += Double(decay) * parameters[index]
          parameters[index] -= adaptive(beta1, beta2, epsilon)
        case .adamW(let beta1, let beta2, let epsilon, let decay):
          parameters[index] -= rate * Double(decay) * parameters[index]
          parameters[index] -= adaptive(beta1, beta2, epsilon)
        }
      }
      (w, b) = (parameters[0], parameters[1])
      let now = model.network.parameters
      #expect(abs(Double(now["line.weight"]?.floats[0] ?? .nan) - w) < 2e-5, "step \(step)")
      #expect(abs(Double(now["line.bias"]?.floats[0] ?? .nan) - b) < 2e-5, "step \(step)")
    }
  }

  private static let losses: [Loss] = [
    .absoluteError, .squaredError, .summedSquaredError, .charbonnier(epsilon: 0.001), .structuralSimilarity(maximum: 1),
    .crossEntropy, .binaryCrossEntropy, .dice,
  ]

  /// Each loss against its formula in Double.
  @Test(arguments: losses) func lossesAreTheirFormulas(_ loss: Loss) throws {
    let shape: Shape = [2, 3, 14, 13]
    var builder = NetworkBuilder("same")
    let input = builder.input("x", channels: 3)
    builder.output(builder.scale("y", input, by: 1))
    let withLoss = try builder.build(.zeros).adding(WeightedLoss([.init(loss, weight: 2)]), inputs: [shape])
    var tensors = Self.tensors([shape, shape], seed: 4)
    tensors[1] = Tensor(shape, tensors[1].floats.map { ($0 + 1) / 2 })
    let value = Double(try ReferenceEngine().prepare(withLoss.network, inputs: [shape, shape]).run(tensors)[0].floats[0])
    let x = tensors[0].floats.map(Double.init), t = tensors[1].floats.map(Double.init), pairs = Array(zip(x, t))
    let count = Double(x.count)
    let expected: Double
    switch loss {
    case .absoluteError: expected = pairs.reduce(0) { $0 + abs($1.0 - $1.1) } / count
    case .squaredError: expected = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / count
    case .summedSquaredError: expected = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    case .charbonnier: expected = pairs.reduce(0) { $0 + (($1.0 - $1.1) * ($1.0 - $1.1) + 1e-6).squareRoot() } / count
    case .structuralSimilarity: expected = 1 - Reference.structuralSimilarity(x, t, shape)
    case .crossEntropy:
      var sum = 0.0
      for n in 0..<2 {
        for pixel in 0..<14 * 13 {
          let logits = (0..<3).map { x[(n * 3 + $0) * 182 + pixel] }
          let total = logits.reduce(0) { $0 + Reference.exponential($1) }
          for c in 0..<3 { sum -= t[(n * 3 + c) * 182 + pixel] * (logits[c] - Reference.logarithm(total)) }
        }
      }
      expected = sum / (2 * 182)
    case .binaryCrossEntropy:
      expected = pairs.reduce(0) { $0 + Reference.logarithm(1 + Reference.exponential($1.0)) - $1.0 * $1.1 } / count
    case .dice:
      let p = x.map { 1 / (1 + Reference.exponential(-$0)) }
      expected = 1 - (2 * zip(p, t).reduce(0) { $0 + $1.0 * $1.1 } + 1) / (p.reduce(0, +) + t.reduce(0, +) + 1)
    }
    #expect(abs(value - 2 * expected) <= 2e-5 * (1 + abs(expected)), "\(value), not \(2 * expected)")
  }

  private static let networks: [(name: String, network: Network, loss: Loss, input: Shape)] = {
    func made(_ network: (Initialization) throws -> Network) -> Network {
      do { return try network(.random(seed: 9)) } catch { preconditionFailure("\(error)") }
    }
    return [
      ("vdsr", made(VDSR(depth: 4, features: 20).network), .summedSquaredError, [2, 1, 13, 11]),
      ("edsr", made(EDSR(features: 16, blocks: 1).network), .absoluteError, [2, 3, 9, 10]),
      ("edsr separable", made(EDSR(features: 20, blocks: 2, convolution: .separable).network), .absoluteError, [1, 3, 8, 9]),
      ("small resnet", made(SmallResNet(features: 8).network), .crossEntropy, [3, 3, 16, 16]),
      (
        "small resnet selection", made(SmallResNet(features: 8, convolution: .selection).network), .crossEntropy,
        [2, 3, 12, 16]
      ),
      ("unet", made(UNet(features: 8).network), .binaryCrossEntropy, [1, 3, 32, 32]),
    ]
  }()

  /// Their values lie as tensors do, which other nodes do not.
  @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
  func whatOptimizersMakeIsReadByOtherNodes(_ instructionSet: InstructionSet) throws {
    for shape: Shape in [[1], [4], [5], [40], [3, 2], [6, 1, 3, 3], [1, 5, 3, 3], [7, 20, 1, 1], [2, 33, 3, 3]] {
      let average = MovingAverage(keep: 0.5, add: 2)
      let nodes = [
        Node(name: "average", operation: .training(.movingAverage(average)), inputs: ["a", "b"]),
        Node(name: "step", operation: .training(.parameterStep(ParameterStep())), inputs: ["a", "average", "schedule"]),
        Node(name: "scaled", operation: .scale(Scale(factor: 3)), inputs: ["average"]),
        Node(name: "product", operation: .binary(.multiply), inputs: ["step", "scaled"]),
        Node(name: "again", operation: .training(.movingAverage(average)), inputs: ["product", "average"]),
      ]
      let inputs = ["a", "b"].map { NetworkInput(name: $0, axes: shape.extents) } + [NetworkInput(name: "schedule", axes: [4])]
      let graph = NetworkGraph(
        name: "optimisers", inputs: inputs, nodes: nodes, outputs: ["scaled", "product", "again", "average", "step"])
      let network = try Network(graph, parameters: [:])
      let tensors = Self.tensors([shape, shape], seed: 3) + [Tensor([4], [0.5, 1, 1, 1])]
      let expected = try ReferenceEngine().prepare(network, inputs: tensors.map(\.shape)).run(tensors)
      for threads in 1...3 {
        let engine = CPUEngine(instructionSet: instructionSet, threadCount: threads)
        for (output, other) in zip(try engine.prepare(network, inputs: tensors.map(\.shape)).run(tensors), expected) {
          expectClose(output, other, tolerance: 1e-5, "\(shape)")
        }
      }
    }
  }

  /// Three steps of whole networks: the CPU engine on each instruction set within the rounding of both, and with any threads the same bits.
  @Test(arguments: InstructionSet.allCases.filter(\.isAvailable), networks.map(\.name))
  func engineTrainsLikeTheReference(_ instructionSet: InstructionSet, _ name: String) throws {
    let example = try #require(Self.networks.first { $0.name == name })
    let training = try TrainingNetwork(
      example.network, loss: WeightedLoss(example.loss), optimizer: .sgd(momentum: 0.9, nesterov: false, weightDecay: 1e-4),
      clipping: .norm(1), inputs: [example.input])
    let output = try #require(try example.network.inferredShapes(inputs: [example.input])[example.network.outputs[0]])
    let shapes = [example.input, output, [4]]
    let inputs = Self.tensors([example.input, output], seed: 12)
    func run(_ backend: any Backend) throws -> (losses: [Float], parameters: [String: Tensor]) {
      let model = try backend.prepare(training.network), session = try model.session(inputs: shapes)
      let losses = try (0..<3).map { step in
        let schedule = Tensor([4], training.scheduleValues(step: step, learningRate: 0.01))
        return try session.run([inputs[0], Tensor(output, inputs[1].floats.map { ($0 + 1) / 2 }), schedule])[0].floats[0]
      }
      return (losses, model.network.parameters)
    }
    let expected = try run(ReferenceEngine())
    let results = try [1, 2, 3].map { try run(CPUEngine(instructionSet: instructionSet, threadCount: $0)) }
    for (a, b) in zip(results[0].losses, expected.losses) { #expect(abs(a - b) <= 2e-4 * (1 + abs(b)), "\(a), not \(b)") }
    #expect(expected.losses[2] < expected.losses[0])
    for name in training.trained {
      let (a, b) = (try #require(results[0].parameters[name]), try #require(expected.parameters[name]))
      expectClose(a, b, tolerance: 2e-4 * (1 + b.largestMagnitude), "\(name)")
    }
    for result in results.dropFirst() {
      #expect(result.losses == results[0].losses)
      for (name, tensor) in result.parameters { expectSameBits(tensor, try #require(results[0].parameters[name]), name) }
    }
  }
}
