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

/// Ten steps of training against PyTorch, with parameters and data by the formula of the script that made the goldens.
@Suite struct TrainingGoldenTests {
  /// Element i of tensor s is `((i · 37 + s · 101) mod 64 - 31.5) / 32`.
  private static func pattern(_ stream: Int, _ shape: Shape) -> Tensor {
    Tensor(shape, (0..<shape.count).map { (Float(($0 * 37 + stream * 101) % 64) - 31.5) / 32 })
  }

  private struct Example {
    var network: Network
    var loss: Loss
    var optimizer: Optimizer
    var learningRate: Double
    var input: Shape
  }

  private static func example(_ name: String) throws -> Example {
    switch name {
    case "vdsr":
      Example(
        network: try VDSR(depth: 4, features: 8).network(.zeros), loss: .summedSquaredError,
        optimizer: .sgd(momentum: 0.9, nesterov: false, weightDecay: 1e-4), learningRate: 0.00001, input: [2, 1, 13, 11])
    case "edsr-separable":
      Example(
        network: try EDSR(features: 8, blocks: 1, convolution: .separable).network(.zeros), loss: .absoluteError,
        optimizer: .adam, learningRate: 0.001, input: [2, 3, 9, 10])
    case "small-resnet-selection":
      Example(
        network: try SmallResNet(features: 4, convolution: .selection).network(.zeros), loss: .crossEntropy,
        optimizer: .sgd(momentum: 0.9, nesterov: true, weightDecay: 0), learningRate: 0.01, input: [3, 3, 12, 16])
    default:
      Example(
        network: try UNet(features: 4).network(.zeros), loss: .binaryCrossEntropy,
        optimizer: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01), learningRate: 0.001,
        input: [1, 3, 32, 16])
    }
  }

  @Test(arguments: trainingGoldens.keys.sorted(), [true, false])
  func stepsAreThoseOfPyTorch(_ name: String, _ isReference: Bool) throws {
    let golden = try #require(trainingGoldens[name])
    var example = try Self.example(name)
    let names = example.network.parameters.keys.sorted()
    for (stream, key) in names.enumerated() {
      let shape = try #require(example.network.parameters[key]?.shape)
      let isFactor = key.hasSuffix(".runningVariance") || (key.hasSuffix(".weight") && shape.rank == 1)
      example.network.parameters[key] = Tensor(
        shape, Self.pattern(stream, shape).floats.map { isFactor ? 1 + 0.25 * $0 : 0.25 * $0 })
    }
    let output = try #require(try example.network.inferredShapes(inputs: [example.input])[example.network.outputs[0]])
    let x = Self.pattern(names.count, example.input)
    let target = Tensor(output, Self.pattern(names.count + 1, output).floats.map { ($0 + 1) / 2 })
    let backend: any Backend = isReference ? ReferenceEngine() : CPUEngine(threadCount: 2)

    // Gradients of the first step.
    let withLoss = try example.network.inTrainingForm().adding(WeightedLoss(example.loss), inputs: [example.input])
    var differentiated = try withLoss.network.differentiated(withLoss.loss, inputs: [example.input, output])
    let keys = golden.gradients.keys.sorted()
    differentiated.network.outputs = try keys.map { try #require(differentiated.gradients[$0], "\($0)") }
    differentiated.network.updates = []
    let gradients = try backend.prepare(differentiated.network, inputs: [example.input, output]).run([x, target])
    for (key, gradient) in zip(keys, gradients) {
      let expected = try #require(golden.gradients[key])
      let sum = gradient.floats.reduce(0) { $0 + Double($1) }, magnitude = gradient.floats.reduce(0) { $0 + Double(abs($1)) }
      // Relative to what is summed; a gradient of nothing but rounding has no digits.
      let scale = expected.magnitude + 1e-4
      #expect(abs(sum - expected.sum) <= 2e-4 * scale, "\(key): \(sum), not \(expected.sum)")
      #expect(abs(magnitude - expected.magnitude) <= 2e-4 * scale, "\(key): \(magnitude), not \(expected.magnitude)")
    }

    let training = try TrainingNetwork(
      example.network, loss: WeightedLoss(example.loss), optimizer: example.optimizer, inputs: [example.input])
    let session = try backend.prepare(training.network.eliminatingDeadNodes().fusing())
      .session(inputs: [example.input, output, [4]])
    for (step, expected) in golden.losses.enumerated() {
      let schedule = Tensor([4], training.scheduleValues(step: step, learningRate: example.learningRate))
      let loss = Double(try session.run([x, target, schedule])[0].floats[0])
      #expect(abs(loss - expected) <= 2e-4 * abs(expected), "step \(step): \(loss), not \(expected)")
    }
  }
}
