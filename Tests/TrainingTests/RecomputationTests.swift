import Architectures
import CPUBackend
import Execution
import Networks
import Tensors
import TestSupport
import Testing
import Training
import Transforms

/// Steps of training in less memory than they would take: the same bits.
@Suite struct RecomputationTests {
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var network: Network
    var loss: Loss
    var input: Shape
  }

  static let examples: [Example] = {
    func made(_ network: (Initialization) throws -> Network) -> Network {
      do { return try network(.random(seed: 9)) } catch { preconditionFailure("\(error)") }
    }
    return [
      Example(
        description: "vdsr", network: made(VDSR(depth: 12, features: 20).network), loss: .summedSquaredError,
        input: [6, 1, 23, 21]),
      Example(
        description: "edsr separable", network: made(EDSR(features: 20, blocks: 4, convolution: .separable).network),
        loss: .absoluteError, input: [2, 3, 18, 19]),
      Example(
        description: "small resnet", network: made(SmallResNet(features: 8).network), loss: .crossEntropy,
        input: [5, 3, 16, 16]),
      Example(
        description: "small resnet selection", network: made(SmallResNet(features: 8, convolution: .selection).network),
        loss: .crossEntropy, input: [4, 3, 12, 16]),
      Example(
        description: "unet", network: made(UNet(features: 8).network), loss: .binaryCrossEntropy, input: [1, 3, 48, 32]),
      Example(
        description: "unet separable", network: made(UNet(features: 8, convolution: .separable).network), loss: .dice,
        input: [2, 3, 32, 32]),
    ]
  }()

  private struct Outcome {
    var losses: [Float]
    var parameters: [String: Tensor]
    var peak: Int
    var recomputation: Recomputation?
  }

  private func run(
    _ example: Example, threads: Int, limit: Int? = nil, timed: Bool = false
  ) throws -> Outcome {
    let training = try TrainingNetwork(
      example.network, loss: WeightedLoss(example.loss), optimizer: .adam, clipping: .norm(1), inputs: [example.input])
    let output = try #require(try example.network.inferredShapes(inputs: [example.input])[example.network.outputs[0]])
    var generator = SplitMix64(seed: 12)
    let input = Tensor(uniform: example.input, bound: 1, using: &generator)
    let target = Tensor(output, Tensor(uniform: output, bound: 1, using: &generator).floats.map { ($0 + 1) / 2 })
    let engine = CPUEngine(threadCount: threads, memoryLimit: limit, recomputesValues: limit != nil)
    let model = try engine.prepare(training.network.eliminatingDeadNodes().fusing())
    let session = try model.session(inputs: [example.input, output, [4]])
    let losses = try (0..<2).map { step in
      let inputs = [input, target, Tensor([4], training.scheduleValues(step: step, learningRate: 0.01))]
      if timed, let session = session as? any TimingSession { return try session.timedRun(inputs).outputs[0].floats[0] }
      return try session.run(inputs)[0].floats[0]
    }
    return Outcome(
      losses: losses, parameters: model.network.parameters, peak: session.peakMemoryByteCount,
      recomputation: session.recomputation)
  }

  private func least(_ example: Example, threads: Int) throws -> Int {
    do throws(ExecutionError) {
      let training = try? TrainingNetwork(
        example.network, loss: WeightedLoss(example.loss), optimizer: .adam, clipping: .norm(1), inputs: [example.input])
      let output = try? example.network.inferredShapes(inputs: [example.input])[example.network.outputs[0]]
      guard let training, let output else { return 0 }
      _ = try CPUEngine(threadCount: threads, memoryLimit: 0, recomputesValues: true).prepare(
        training.network.eliminatingDeadNodes().fusing(), inputs: [example.input, output, [4]])
      return 0
    } catch {
      guard case .memory(let needed, _) = error else { throw error }
      return needed
    }
  }

  @Test(arguments: examples) func sameBits(_ example: Example) throws {
    let plain = try run(example, threads: 1)
    #expect(plain.recomputation == nil)
    // Deep networks take long to plan: fewer limits.
    let isDeep = example.network.nodes.count >= 50
    for (threads, parts) in isDeep ? [(3, [0, 4])] : [(1, [2]), (3, [0, 4, 8])] {
      let whole = try run(example, threads: threads)
      let least = try least(example, threads: threads)
      #expect(least < whole.peak, "\(least) of \(whole.peak)")
      for part in parts {
        let limit = least + (whole.peak - least) * part / 8
        let capped = try run(example, threads: threads, limit: limit, timed: part == 4)
        #expect(capped.peak <= limit)
        #expect((capped.recomputation == nil) == (part == 8))
        if let done = capped.recomputation {
          #expect(done.plainByteCount == whole.peak && done.repeatedValueCount <= done.valueCount)
          if part == 0 { #expect(done.repeatedValueCount > 0) }
        }
        #expect(capped.losses == plain.losses)
        for (name, tensor) in capped.parameters {
          expectSameBits(tensor, try #require(plain.parameters[name]), "\(name), \(threads) threads, limit \(limit)")
        }
      }
    }
  }

  /// A chain of layers takes a fraction: VDSR as its project trained it, smaller.
  @Test func chainsTakeFewBytes() throws {
    let example = try #require(Self.examples.first)
    var deep = example
    deep.network = try VDSR(depth: 20, features: 32).network(.random(seed: 1))
    deep.input = [16, 1, 41, 41]
    let whole = try run(deep, threads: 2), least = try least(deep, threads: 2)
    #expect(5 * least < 2 * whole.peak, "\(least) of \(whole.peak)")
    let capped = try run(deep, threads: 2, limit: whole.peak * 9 / 20)
    let done = try #require(capped.recomputation)
    // A third is each layer twice.
    #expect(2 * done.extraMultiplyAccumulates <= done.multiplyAccumulates, "\(done)")
    #expect(capped.losses == whole.losses)
  }
}
