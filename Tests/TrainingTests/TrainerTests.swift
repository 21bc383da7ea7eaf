import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

@testable import Training

/// Samples that follow from their keys.
private struct NoiseSource: SampleSource {
  var count = 6
  var files: [DataFile] { [] }
  var warnings: [String] { [] }

  func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    func tensor() -> Tensor { Tensor([1, 4, 4], (0..<16).map { _ in generator.nextUnit() }) }
    return Sample(input: tensor(), target: tensor())
  }
}

@Suite struct TrainerTests {
  /// A convolution, a batch norm where asked for, and another.
  private func network(hasBatchNorm: Bool) throws -> Network {
    var builder = NetworkBuilder("small")
    var x = builder.convolution("a", builder.input("x", channels: 1), outChannels: 5, kernel: 3, padding: 1)
    if hasBatchNorm { x = builder.batchNorm("norm", x) }
    builder.output(builder.convolution("b", builder.activation("relu", x, .relu), outChannels: 1, kernel: 3, padding: 1))
    return try builder.build(.random(seed: 9))
  }

  /// The same batches in parts: the same training but for the order of sums.
  @Test(arguments: [
    WeightedLoss(.squaredError), WeightedLoss(.summedSquaredError),
    WeightedLoss([WeightedLoss.Term(.absoluteError), WeightedLoss.Term(.charbonnier(epsilon: 0.01), weight: 0.5)]),
  ])
  func aBatchInPartsIsTheBatch(_ loss: WeightedLoss) throws {
    let network = try network(hasBatchNorm: false)
    func train(_ parts: Int, on backend: any Backend) throws -> (losses: [Float], norms: [Float], parameters: [String: Tensor])
    {
      let training = try TrainingNetwork(
        network, loss: loss, optimizer: .adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 1e-3), clipping: .norm(0.5),
        averageKeep: 0.8, parts: parts, inputs: [[4, 1, 4, 4]])
      var options = BatchLoader.Options()
      options.batchSize = 4
      let trainer = try Trainer(
        training, on: backend, learningRate: LearningRate(0.01),
        loader: BatchLoader(NoiseSource(count: 8), options: options, endEpoch: 4))
      var losses: [Float] = [], norms: [Float] = []
      while let step = try trainer.next() {
        losses.append(step.loss)
        norms.append(try #require(step.gradientNorm))
        #expect(step.sampleCount == 4)
      }
      // What a checkpoint holds between steps is that of whole ones.
      for (name, tensor) in try trainer.network().parameters where name.contains("optimizer.sum.") {
        #expect(tensor.floats.allSatisfy { $0 == 0 }, "\(name)")
      }
      return (losses, norms, try trainer.applied(to: network).parameters)
    }
    for backend in [ReferenceEngine(), CPUEngine(threadCount: 2)] as [any Backend] {
      let whole = try train(1, on: backend)
      #expect(whole.losses.count == 8)
      for parts in [2, 4] {
        let result = try train(parts, on: backend)
        for (a, b) in zip(result.losses + result.norms, whole.losses + whole.norms) {
          #expect(abs(a - b) <= 1e-4 * (1 + abs(b)), "\(parts): \(a), not \(b)")
        }
        for (name, tensor) in whole.parameters {
          expectClose(try #require(result.parameters[name]), tensor, tolerance: 2e-4, "\(name) in \(parts)")
        }
      }
    }
  }

  /// They see one part at a time, and remember all of them.
  @Test func batchNormsRememberEveryPart() throws {
    let network = try network(hasBatchNorm: true), momentum: Float = 0.25
    func statistics(_ parts: Int, steps: Int, size: Int) throws -> [Float] {
      let training = try TrainingNetwork(
        network, loss: WeightedLoss(.squaredError), optimizer: .sgd(momentum: 0, nesterov: false, weightDecay: 0), parts: parts,
        momentum: momentum, inputs: [[size, 1, 4, 4]])
      var options = BatchLoader.Options()
      options.batchSize = size
      options.shuffles = false
      let trainer = try Trainer(
        training, on: ReferenceEngine(), learningRate: LearningRate(0),
        loader: BatchLoader(NoiseSource(count: 4), options: options, endEpoch: 1))
      for _ in 0..<steps { _ = try trainer.next() }
      return try #require(trainer.applied(to: network).parameters["norm.\(ParameterRole.runningMean.rawValue)"]).floats
    }
    // Nothing is learnt, so that two parts are two steps.
    #expect(try statistics(2, steps: 1, size: 4) == statistics(1, steps: 2, size: 2))
    #expect(try statistics(2, steps: 1, size: 4) != statistics(1, steps: 1, size: 4))
  }

  @Test func partsThatABatchDoesNotDivideIntoAreRefused() throws {
    let training = try TrainingNetwork(
      network(hasBatchNorm: false), loss: WeightedLoss(.squaredError), optimizer: .adam, parts: 3, inputs: [[3, 1, 4, 4]])
    var options = BatchLoader.Options()
    options.batchSize = 4
    let loader = try BatchLoader(NoiseSource(), options: options)
    #expect(
      throws: TrainingError.data(.option(name: "parts", value: "3", allowed: "those that all batches, of 4, divide into"))
    ) {
      try Trainer(training, on: ReferenceEngine(), learningRate: LearningRate(0.1), loader: loader)
    }
  }

  /// The mean of the parameters behind each step, those long ago counting less, and nothing of the untrained ones.
  @Test func movingAveragesAreMeansFromTheFirstStepOn() throws {
    var builder = NetworkBuilder("small")
    let x = builder.input("x", channels: 1)
    builder.output(builder.convolution("c", x, outChannels: 1, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 4))
    let keep: Float = 0.9
    let training = try TrainingNetwork(
      network, loss: WeightedLoss(.squaredError), optimizer: .sgd(momentum: 0, nesterov: false, weightDecay: 0),
      averageKeep: keep, inputs: [[2, 1, 4, 4]])
    var options = BatchLoader.Options()
    options.batchSize = 2
    let trainer = try Trainer(
      training, on: ReferenceEngine(), learningRate: LearningRate(0.2),
      loader: BatchLoader(NoiseSource(), options: options, endEpoch: 3))
    #expect(try trainer.applied(to: network).parameters == network.parameters)
    var weights: [[Double]] = []
    while let step = try trainer.next() {
      weights.append(try trainer.applied(to: network, averaged: false).parameters["c.weight"]?.floats.map(Double.init) ?? [])
      let shares = weights.indices.map { past in (0..<step.number - past).reduce(1.0) { share, _ in share * Double(keep) } }
      let total = shares.reduce(0, +)
      let average = try #require(trainer.applied(to: network).parameters["c.weight"]).floats
      for (tap, value) in average.enumerated() {
        let expected = zip(shares, weights).reduce(0) { $0 + $1.0 * $1.1[tap] } / total
        #expect(abs(Double(value) - expected) < 1e-5, "step \(step.number)")
      }
    }
    #expect(weights.count == 9 && weights[0] != weights[8])
  }
}
