import Networks
import ReferenceBackend
import Tensors
import Testing

@testable import Training

/// Samples that follow from their keys.
private struct NoiseSource: SampleSource {
  var count: Int { 6 }
  var files: [DataFile] { [] }
  var warnings: [String] { [] }

  func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    func tensor() -> Tensor { Tensor([1, 4, 4], (0..<16).map { _ in generator.nextUnit() }) }
    return Sample(input: tensor(), target: tensor())
  }
}

@Suite struct TrainerTests {
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
    #expect(trainer.applied(to: network).parameters == network.parameters)
    var weights: [[Double]] = []
    while let step = try trainer.next() {
      weights.append(trainer.applied(to: network, averaged: false).parameters["c.weight"]?.floats.map(Double.init) ?? [])
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
