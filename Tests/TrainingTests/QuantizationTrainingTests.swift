import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

@testable import Training

/// A blurred picture and the picture.
private struct BlurSource: SampleSource {
  var count = 16
  var files: [DataFile] { [] }
  var warnings: [String] { [] }

  func sample(_ key: SampleKey) throws(DataError) -> Sample {
    var generator = key.generator
    let side = 12, numbers = (0..<side * side).map { _ in generator.nextUnit() }
    let blurred = numbers.indices.map { index in
      (numbers[index] + numbers[max(index - 1, 0)] + numbers[min(index + 1, side * side - 1)]) / 3
    }
    return Sample(input: Tensor([1, side, side], blurred), target: Tensor([1, side, side], numbers))
  }
}

/// Training of what reckons as integers.
@Suite struct QuantizationTrainingTests {
  private static let batch: Shape = [4, 1, 12, 12]

  private static func network(seed: UInt64 = 9) throws -> Network {
    var builder = NetworkBuilder("small")
    let x = builder.input("x", channels: 1)
    let a = builder.activation("relu1", builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1), .relu)
    let b = builder.activation(
      "relu2", builder.batchNorm("norm", builder.convolution("b", a, outChannels: 8, kernel: 3, padding: 1)), .relu)
    let c = builder.add("sum", builder.convolution("c", b, outChannels: 8, kernel: 3, padding: 1), a)
    builder.output(builder.add("skip", builder.convolution("d", c, outChannels: 1, kernel: 3, padding: 1), x))
    return try builder.build(.random(seed: seed))
  }

  private static func loader(epochs: Int, epoch: Int = 0, step: Int = 0) throws -> BatchLoader {
    var options = BatchLoader.Options()
    options.batchSize = batch[0]
    return try BatchLoader(BlurSource(), options: options, epoch: epoch, step: step, endEpoch: epochs)
  }

  private static func simulation(_ network: Network, _ scheme: QuantizationScheme) throws -> QuantizationSimulation {
    let input = try BlurSource().sample(SampleKey(seed: 1, epoch: 0, index: 0)).input.reshaped([1, 1, 12, 12])
    let values = try ReferenceEngine().values(of: network.preparedForQuantization(), inputs: [input])
    let ranges = values.mapValues { tensor in
      QuantizationRange(minimum: tensor.floats.min() ?? 0, maximum: tensor.floats.max() ?? 0)
    }
    return try QuantizationSimulation(network, ranges: ranges, scheme, inputs: [batch])
  }

  private static func trained(
    _ simulation: QuantizationSimulation, pace: RangePace?, epochs: Int, rate: Double, parts: Int = 1,
    optimizer: Optimizer = .adam, on backend: any Backend
  ) throws -> Trainer {
    let training = try TrainingNetwork(
      simulation, ranges: pace, loss: WeightedLoss(.squaredError), optimizer: optimizer, parts: parts, inputs: [batch])
    let trainer = try Trainer(
      training, on: backend, learningRate: LearningRate(rate), loader: loader(epochs: epochs))
    while try trainer.next() != nil {}
    return trainer
  }

  /// Of the network on samples that are not learnt from.
  private static func loss(_ network: Network) throws -> Double {
    let session = try ReferenceEngine().prepare(network).session(inputs: [[1, 1, 12, 12]])
    var sum = 0.0
    for index in 0..<8 {
      let sample = try BlurSource().sample(SampleKey(seed: 77, epoch: 0, index: index))
      let output = try session.run([sample.input.reshaped([1, 1, 12, 12])])[0]
      sum += zip(output.floats, sample.target.floats).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    return sum / Double(8 * 144)
  }

  /// Behind any number of steps, the whole numbers that layers hold are those of the weights, and the network of integers has them; whatever
  /// runs it, in how many parts.
  @Test(arguments: [1, 2]) func weightsStandInForTheirMasters(parts: Int) throws {
    let simulation = try Self.simulation(Self.network(), QuantizationScheme())
    let engines = InstructionSet.allCases.filter(\.isAvailable).map {
      CPUEngine(instructionSet: $0, threadCount: 2) as any Backend
    }
    for backend in [ReferenceEngine()] + engines {
      let trainer = try Self.trained(simulation, pace: RangePace(rate: 3), epochs: 2, rate: 0.003, parts: parts, on: backend)
      #expect(trainer.step == 8)
      let network = try trainer.applied(to: simulation.network), integers = try simulation.integers(network.parameters)
      for (parameter, value) in simulation.standIns {
        let codes = try #require(network.parameters[parameter]?.floats)
        let node = try #require(integers.nodes.first { parameter.hasPrefix($0.name + ".") })
        #expect(node.operation.epilogue?.sumsIntegers == true)
        let expected = try #require(integers.parameters[parameter]?.integers).map { Float($0) }
        #expect(codes == expected, "\(parameter), \(value)")
        #expect(codes != simulation.network.parameters[parameter]?.floats || parameter.hasSuffix("bias"), "\(parameter) learns")
      }
      // Scales have moved, too.
      let moved = simulation.factors.filter { network.parameters[$0] != simulation.network.parameters[$0] }
      #expect(moved.count == simulation.factors.count)
      // What is simulated is the network of integers.
      let input = try BlurSource().sample(SampleKey(seed: 5, epoch: 0, index: 0)).input.reshaped([1, 1, 12, 12])
      let reference = ReferenceEngine()
      #expect(
        try reference.prepare(network, inputs: [input.shape]).run([input])
          == reference.prepare(integers, inputs: [input.shape]).run([input]))
    }
  }

  /// Coarse weights lose much; most of it is learnt again.
  @Test func coarseWeightsAreLearntAround() throws {
    let engine = CPUEngine(threadCount: 2)
    let float = try TrainingNetwork(
      Self.network(), loss: WeightedLoss(.squaredError), optimizer: .adam, inputs: [Self.batch])
    let trainer = try Trainer(float, on: engine, learningRate: LearningRate(0.01), loader: Self.loader(epochs: 40))
    while try trainer.next() != nil {}
    let network = try trainer.applied(to: Self.network()), best = try Self.loss(network)
    let simulation = try Self.simulation(network, QuantizationScheme(weightBits: 3))
    let before = try Self.loss(simulation.integers(simulation.network.parameters))
    #expect(before > 1.2 * best, "\(before), \(best)")
    func after(_ pace: RangePace?) throws -> Double {
      let trainer = try Self.trained(simulation, pace: pace, epochs: 30, rate: 0.003, on: engine)
      return try Self.loss(simulation.integers(trainer.applied(to: simulation.network).parameters))
    }
    let learned = try after(RangePace()), fixed = try after(nil)
    #expect(learned - best < 0.4 * (before - best), "\(best), \(before) -> \(learned)")
    #expect(fixed - best < 0.6 * (before - best), "\(best), \(before) -> \(fixed)")
  }

  /// Scales stand still from a step on, and where none are learned; they do not decay.
  @Test func rangesKeepTheirPace() throws {
    let simulation = try Self.simulation(Self.network(), QuantizationScheme())
    let decaying = Optimizer.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5)
    func factors(_ pace: RangePace?, epochs: Int, rate: Double = 0.001, _ optimizer: Optimizer = .adam) throws -> [[Float]] {
      let trainer = try Self.trained(
        simulation, pace: pace, epochs: epochs, rate: rate, optimizer: optimizer, on: CPUEngine(threadCount: 1))
      let parameters = try trainer.applied(to: simulation.network).parameters
      return try simulation.factors.map { try #require(parameters[$0]?.floats) }
    }
    let atTwo = try factors(RangePace(), epochs: 2)
    #expect(try factors(RangePace(steps: 8), epochs: 4) == atTwo)
    #expect(try factors(RangePace(steps: 9), epochs: 4) != atTwo)
    #expect(try factors(nil, epochs: 2).joined().allSatisfy { $0 == 1 })
    #expect(try factors(RangePace(rate: 0), epochs: 2, decaying).joined().allSatisfy { $0 == 1 })
    // Adam's steps are about as long as the rate.
    let slow = try factors(RangePace(rate: 0.01), epochs: 1).joined(), fast = try factors(RangePace(), epochs: 1).joined()
    #expect(slow.allSatisfy { abs($0 - 1) <= 4.1e-5 } && fast.allSatisfy { abs($0 - 1) <= 4.1e-3 })
    #expect(fast.contains { abs($0 - 1) > 1e-3 })
  }

  /// Broken off, written, read and gone on with: the same bits, for every number of threads.
  @Test func checkpointsGoOn() throws {
    let simulation = try Self.simulation(Self.network(), QuantizationScheme())
    let training = try TrainingNetwork(
      simulation, ranges: RangePace(steps: 10), loss: WeightedLoss(.absoluteError), optimizer: .adam, clipping: .norm(0.1),
      averageKeep: 0.9, inputs: [Self.batch])
    let whole = try Trainer(
      training, on: CPUEngine(threadCount: 2), learningRate: LearningRate(0.01), loader: Self.loader(epochs: 4))
    while try whole.next() != nil {}
    for stop in [1, 6, 11] {
      let first = try Trainer(
        training, on: CPUEngine(threadCount: 1), learningRate: LearningRate(0.01), loader: Self.loader(epochs: 4))
      for _ in 0..<stop { _ = try first.next() }
      var again = training
      again.network.parameters = try first.network().parameters
      let second = try Trainer(
        again, on: CPUEngine(threadCount: 3), learningRate: LearningRate(0.01),
        loader: Self.loader(epochs: 4, epoch: stop / 4, step: stop % 4), step: stop)
      while try second.next() != nil {}
      #expect(try second.network().parameters == whole.network().parameters, "at \(stop)")
    }
    // Averages make a network of integers as well.
    let averaged = try simulation.integers(whole.applied(to: simulation.network).parameters)
    let last = try simulation.integers(whole.applied(to: simulation.network, averaged: false).parameters)
    #expect(averaged.parameters != last.parameters)
  }

  /// A weight that is no number is one in the loss, and ends the training.
  @Test func noNumbersAreSeen() throws {
    let network = try Self.network(), simulation = try Self.simulation(network, QuantizationScheme())
    var training = try TrainingNetwork(
      simulation, ranges: RangePace(), loss: WeightedLoss(.squaredError), optimizer: .adam, inputs: [Self.batch])
    let name = "b.weight"
    var codes = try #require(training.network.parameters[name]).floats
    codes[3] = .nan
    training.network.parameters[name] = training.network.parameters[name].map { Tensor($0.shape, codes) }
    let trainer = try Trainer(
      training, on: CPUEngine(threadCount: 1), learningRate: LearningRate(0.01), loader: Self.loader(epochs: 1))
    #expect(throws: TrainingError.self) { _ = try trainer.next() }
  }
}
