import Architectures
import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

@testable import Training

/// One batch, again and again.
private struct OneBatch: SampleSource {
  var input: Tensor
  var target: Tensor
  var count: Int { input.shape[0] }
  var files: [DataFile] { [] }
  var warnings: [String] { [] }

  func sample(_ key: SampleKey) throws(DataError) -> Sample {
    func part(_ tensor: Tensor) -> Tensor {
      let size = tensor.shape.count / tensor.shape[0]
      return Tensor(
        Shape(Array(tensor.shape.extents.dropFirst())), Array(tensor.floats[key.index * size..<(key.index + 1) * size]))
    }
    return Sample(input: part(input), target: part(target))
  }
}

/// Fusing gives parameters of two layers to one. What was learnt once stayed behind in the fused model, and every depthwise-separable layer
/// was saved as it was drawn.
@Suite struct FusedModelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var input: Shape
    var make: @Sendable () throws -> Network
  }

  static let cases: [Case] = ConvolutionKind.allCases.flatMap { kind -> [Case] in
    func named(_ name: String, _ input: Shape, _ make: @escaping @Sendable () throws -> Network) -> Case {
      Case(testDescription: "\(name) \(kind)", input: input, make: make)
    }
    return [
      named("EDSR", [2, 1, 6, 6]) {
        try EDSR(scale: 2, channels: 1, features: 4, blocks: 1, convolution: kind).network(.random(seed: 1))
      },
      named("VDSR", [2, 1, 7, 6]) { try VDSR(depth: 4, features: 5, convolution: kind).network(.random(seed: 2)) },
      named("SmallResNet", [2, 3, 8, 8]) { try SmallResNet(features: 4, convolution: kind).network(.random(seed: 3)) },
      named("UNet", [2, 1, 16, 16]) { try UNet(channels: 1, features: 2, convolution: kind).network(.random(seed: 5)) },
      named("UNet, bilinear", [2, 1, 16, 16]) {
        try UNet(channels: 1, features: 2, convolution: kind, upsampling: .bilinear).network(.random(seed: 5))
      },
      named("See-in-the-Dark", [2, 4, 32, 32]) {
        try SeeInTheDark(variant: kind == .standard ? .base : kind == .separable ? .light : .lighter, features: 2)
          .network(.random(seed: 6))
      },
      named("slopes", [2, 2, 5, 5]) {
        var builder = NetworkBuilder("slopes")
        let x = builder.input("x", channels: 2)
        let y = builder.activation("p", builder.convolution("a", x, outChannels: 3, kernel: 3, padding: 1), .prelu(channels: 3))
        builder.output(builder.activation("q", builder.convolution("b", y, outChannels: 2, kernel: 1), .prelu(channels: 2)))
        return try builder.build(.random(seed: 7))
      },
    ]
  }

  /// Two steps by SGD, of the network as it stands on the reference, and of the one that is fused on both engines.
  @Test(arguments: cases) func `what is learnt is what is saved`(_ given: Case) throws {
    let network = try given.make(), output = try network.inferredShapes(inputs: [given.input])[network.outputs[0]] ?? [1]
    var generator = SplitMix64(seed: 11)
    func tensor(_ shape: Shape) -> Tensor { Tensor(shape, (0..<shape.count).map { _ in generator.nextUnit() }) }
    let input = tensor(given.input), target = tensor(output)
    let training = try TrainingNetwork(
      network, loss: WeightedLoss(.squaredError), optimizer: .sgd(momentum: 0.5, nesterov: false, weightDecay: 0),
      inputs: [given.input])
    let plain = try ReferenceEngine().prepare(training.network)
    let session = try plain.session(inputs: [given.input, output, [4]])
    for step in 0..<2 {
      _ = try session.run([input, target, Tensor([4], training.scheduleValues(step: step, learningRate: 0.05))])
    }
    let expected = plain.network.parameters
    // A bias before a batch norm changes nothing, and few channels far inside change less than a rounding.
    let weights = training.trained.filter { $0.lowercased().hasSuffix("weight") }
    let still = weights.filter { expected[$0] == network.parameters[$0] }
    #expect(still.count * 2 <= weights.count, "\(still)")
    for backend in [ReferenceEngine(), CPUEngine(threadCount: 2)] as [any Backend] {
      var options = BatchLoader.Options()
      options.batchSize = given.input[0]
      options.shuffles = false
      let trainer = try Trainer(
        training, on: backend, learningRate: LearningRate(0.05),
        loader: BatchLoader(OneBatch(input: input, target: target), options: options, endEpoch: 2))
      while try trainer.next() != nil {}
      let found = try trainer.network().parameters
      #expect(found.keys.sorted() == training.network.parameters.keys.sorted())
      for (name, tensor) in expected { expectClose(try #require(found[name]), tensor, tolerance: 2e-4, "\(name)") }
      let applied = try trainer.applied(to: network)
      #expect(applied.parameters.keys.sorted() == network.parameters.keys.sorted())
      for name in network.parameters.keys { #expect(applied.parameters[name] == found[name], "\(name)") }
    }
  }
}
