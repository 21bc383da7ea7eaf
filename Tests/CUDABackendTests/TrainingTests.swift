import Architectures
import CPUBackend
import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Training
import Transforms

@testable import CUDABackend

/// Steps of training on the device: whole networks, in place of the parameters that they change.
@Suite struct TrainingTests {
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var network: @Sendable () throws -> Network
    var loss: Loss
    var input: Shape
    var optimizer = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 1e-4)
    var clipping: GradientClipping? = .norm(1)
    var averageKeep: Float?
    /// Whether layers run by the kernel of any shape: products of deep networks on emulated tensor cores take minutes.
    var isDirect = false
    /// Kernels that have to take part.
    var kernels: Set<String> = ["weightGradient", "weightTotals", "gather", "commit", "parameterStep"]
  }

  static let examples: [Example] = [
    Example(
      description: "VDSR", network: { try VDSR(depth: 4, features: 20).network(.random(seed: 1)) }, loss: .summedSquaredError,
      input: [2, 1, 13, 11], clipping: .adjustableNorm(theta: 0.4)),
    Example(
      description: "EDSR", network: { try EDSR(features: 16, blocks: 1).network(.random(seed: 2)) }, loss: .absoluteError,
      input: [2, 3, 9, 10], optimizer: .adam, clipping: nil, averageKeep: 0.9),
    Example(
      description: "EDSR separable",
      network: { try EDSR(features: 20, blocks: 2, convolution: .separable).network(.random(seed: 3)) },
      loss: .charbonnier(epsilon: 0.001), input: [1, 3, 8, 9],
      optimizer: .adamW(beta1: 0.8, beta2: 0.99, epsilon: 1e-4, weightDecay: 0.05), clipping: .value(0.01),
      kernels: ["weightGradient", "weightGradientOfChannels", "gather", "commit"]),
    Example(
      description: "small ResNet", network: { try SmallResNet(features: 8).network(.random(seed: 4)) }, loss: .crossEntropy,
      input: [3, 3, 16, 16], isDirect: true,
      kernels: ["normalizeBatch", "batchGradient", "channelSums", "channelTotals", "commit"]),
    Example(
      description: "small ResNet by channel selection",
      network: { try SmallResNet(features: 8, convolution: .selection).network(.random(seed: 5)) }, loss: .crossEntropy,
      input: [2, 3, 12, 16], isDirect: true),
    Example(
      description: "U-Net", network: { try UNet(features: 8).network(.random(seed: 6)) }, loss: .binaryCrossEntropy,
      input: [1, 3, 32, 32], isDirect: true, kernels: ["maximumPoolGradient", "weightGradient", "commit"]),
    Example(
      description: "U-Net separable", network: { try UNet(features: 8, convolution: .separable).network(.random(seed: 7)) },
      loss: .dice, input: [2, 3, 32, 32], isDirect: true),
    Example(
      description: "See in the dark", network: { try SeeInTheDark(features: 8).network(.random(seed: 8)) },
      loss: .absoluteError, input: [1, 4, 32, 32], isDirect: true),
    Example(
      description: "See in the dark, lighter",
      network: { try SeeInTheDark(variant: .lighter, features: 8).network(.random(seed: 9)) }, loss: .absoluteError,
      input: [1, 4, 32, 32], isDirect: true),
    Example(
      description: "EDSR by SSIM", network: { try EDSR(features: 16, blocks: 1).network(.random(seed: 10)) },
      loss: .structuralSimilarity(maximum: 1), input: [1, 3, 9, 10]),
    Example(
      description: "ResNet-18", network: { try ResNet18(classes: 10, features: 8).network(.random(seed: 11)) },
      loss: .crossEntropy, input: [2, 3, 33, 35], isDirect: true),
  ]

  static func training(_ example: Example) throws -> (training: TrainingNetwork, output: Shape) {
    let network = try example.network()
    let training = try TrainingNetwork(
      network, loss: WeightedLoss(example.loss), optimizer: example.optimizer, clipping: example.clipping,
      averageKeep: example.averageKeep, inputs: [example.input])
    return (training, try #require(try network.inferredShapes(inputs: [example.input])[network.outputs[0]]))
  }

  /// Random numbers, and targets between 0 and 1.
  static func batch(_ input: Shape, _ output: Shape, seed: UInt64) -> [Tensor] {
    var generator = SplitMix64(seed: seed)
    let x = Tensor(uniform: input, bound: 1, using: &generator), t = Tensor(uniform: output, bound: 1, using: &generator)
    return [x, Tensor(output, t.floats.map { ($0 + 1) / 2 })]
  }

  static func engine(
    _ example: Example, _ precision: CUDAPrecision = .float32, separatesValues: Bool
  ) throws -> CUDAEngine {
    var engine = try EmulatedDevice.engine(precision, separatesValues: separatesValues)
    if example.isDirect { engine.preferredKernels = CUDAKernel.allCases.filter { $0.family == .direct } }
    return engine
  }

  struct Result: Equatable {
    var losses: [Float] = []
    var parameters: [String: Tensor] = [:]
    var kernels: Set<String> = []
    var counts: [Int] = []
  }

  static func run(_ backend: any Backend, _ example: Example, steps: Range<Int> = 0..<3, from: [String: Tensor] = [:]) throws
    -> Result
  {
    let (training, output) = try training(example)
    var network = training.network.eliminatingDeadNodes().fusing()
    network.parameters.merge(from) { $1 }
    let model = try backend.prepare(network)
    let session: any Session
    do {
      session = try model.session(inputs: [example.input, output, [4]])
    } catch {
      Issue.record("\(example): \(error) \(EmulatedDevice.fault)")
      throw error
    }
    var result = Result(kernels: session.deviceKernels)
    for step in steps {
      cudaEmulatedResetCounts()
      let schedule = Tensor([4], training.scheduleValues(step: step, learningRate: 0.01))
      do {
        result.losses.append(
          try session.run(batch(example.input, output, seed: UInt64(step)) + [schedule])[0].floats[0])
      } catch {
        Issue.record("\(example), step \(step): \(error) \(EmulatedDevice.fault)")
        throw error
      }
      let counts = cudaEmulatedCounts()
      result.counts = [Int(counts.uploads), Int(counts.downloads), Int(counts.graphLaunches)]
    }
    result.parameters = try model.parameters()
    return result
  }

  /// Three steps: the CPU engine's numbers within the rounding of both, in any order of threads and wherever values lie the same bits, and
  /// those of a training that was broken off in between.
  @Test(arguments: examples) func stepsAreTheEngines(_ example: Example) throws {
    let expected = try Self.run(CPUEngine(threadCount: 1), example)
    let result = try Self.run(try Self.engine(example, separatesValues: true), example)
    for (a, b) in zip(result.losses, expected.losses) { #expect(abs(a - b) <= 2e-4 * (1 + abs(b)), "\(a), not \(b)") }
    #expect(example.kernels.isSubset(of: result.kernels), "\(result.kernels)")
    #expect(Set(result.parameters.keys) == Set(expected.parameters.keys))
    for (name, b) in expected.parameters {
      let a = try #require(result.parameters[name])
      expectClose(a, b, tolerance: 2e-4 * (1 + b.largestMagnitude), "\(example): \(name)")
    }
    // A step is one graph, one copy there and one back.
    #expect(result.counts == [1, 1, 1])

    let packed = try Self.engine(example, separatesValues: false)
    cudaEmulatedSetSeed(77)
    let begun = try Self.run(packed, example, steps: 0..<2)
    #expect(begun.losses == Array(result.losses[..<2]))
    let ended = try Self.run(packed, example, steps: 2..<3, from: begun.parameters)
    #expect(ended.parameters == result.parameters && ended.losses == [result.losses[2]])
  }

  /// Parameters that are kept come back, those that are set are read, and numbers that are none are known.
  @Test func parametersAreKeptAndTakenBack() throws {
    let example = Self.examples[1], (training, output) = try Self.training(example)
    let engine = try EmulatedDevice.engine(.float32, separatesValues: false)
    let model = try engine.prepare(training.network.eliminatingDeadNodes().fusing())
    let session = try model.session(inputs: [example.input, output, [4]])
    let schedule = Tensor([4], training.scheduleValues(step: 0, learningRate: 0.01))
    let inputs = Self.batch(example.input, output, seed: 1) + [schedule]
    let before = try model.parameters(), kept = try model.keepParameters()
    let first = try session.run(inputs), after = try model.parameters()
    #expect(after != before)
    #expect(try model.areFinite(training.trained))
    try model.takeBack(kept)
    #expect(try model.parameters() == before)
    #expect(try session.run(inputs) == first)
    #expect(try model.parameters() == after && model.network.parameters == after)

    // Kept behind a step whose parameters nobody has asked for.
    _ = try session.run(inputs)
    let second = try model.keepParameters()
    _ = try session.run(inputs)
    try model.takeBack(second)
    let again = try engine.prepare(training.network.eliminatingDeadNodes().fusing())
    let other = try again.session(inputs: [example.input, output, [4]])
    for _ in 0..<2 { _ = try other.run(inputs) }
    #expect(try model.parameters() == again.parameters())

    try model.setParameters(before)
    #expect(try session.run(inputs) == first)
    #expect(try model.parameters() == after)

    var broken = inputs
    broken[0] = Tensor(repeating: .infinity, example.input)
    try model.setParameters(before)
    _ = try session.run(broken)
    #expect(try !model.areFinite(training.trained))
    try model.setParameters(before)
    #expect(try model.areFinite(training.trained))
  }

  /// Values of layers in bfloat16, or products rounded to TF32, with parameters of float32: the steps go where those of float32 go, and in
  /// bfloat16 the bits are the same in any order of threads, and for a training that was broken off.
  @Test(arguments: examples, [CUDAPrecision.tensorFloat32, .bfloat16])
  func mixedPrecisionTrains(_ example: Example, _ precision: CUDAPrecision) throws {
    let exact = try Self.run(CPUEngine(threadCount: 1), example), before = try Self.training(example).training.network
    let result = try Self.run(try Self.engine(example, precision, separatesValues: true), example)
    let bound: Float = precision == .bfloat16 ? 3e-2 : 4e-3
    for (a, b) in zip(result.losses, exact.losses) { #expect(abs(a - b) <= bound * (0.1 + abs(b)), "\(a), not \(b)") }
    // How far all weights went, and how far from where those of float32 went.
    var moved = 0.0, missed = 0.0
    for (name, b) in exact.parameters where name.hasSuffix(".weight") {
      let a = try #require(result.parameters[name]), start = try #require(before.parameters[name])
      #expect(a.dataType == .float32)
      for ((a, b), start) in zip(zip(a.floats, b.floats), start.floats) {
        moved += Double((b - start) * (b - start))
        missed += Double((a - b) * (a - b))
      }
    }
    #expect(moved > 0 && missed <= moved * (precision == .bfloat16 ? 0.1 : 0.02), "\(missed / moved) of the way")
    if precision == .bfloat16, !example.isDirect {
      #expect(result.kernels.contains("weightGradient_bfloat16_3x3"), "\(result.kernels)")
    }

    // TF32 is other products in the same steps: orders and breaks are those of float32.
    guard precision == .bfloat16 else { return }
    let packed = try Self.engine(example, precision, separatesValues: false)
    cudaEmulatedSetSeed(78)
    let begun = try Self.run(packed, example, steps: 0..<2)
    let ended = try Self.run(packed, example, steps: 2..<3, from: begun.parameters)
    #expect(ended.parameters == result.parameters && ended.losses == [result.losses[2]])
  }

  /// In float16 nothing is trained, and what is refused says so.
  @Test func sixteenBitsAreRefused() throws {
    let example = Self.examples[0], (training, output) = try Self.training(example)
    let engine = try EmulatedDevice.engine(.float16)
    let error = #expect(throws: ExecutionError.self) {
      _ = try engine.prepare(training.network, inputs: [example.input, output, [4]])
    }
    #expect(
      error
        == .device(
          "networks are trained in float32, tf32 or bfloat16 on a CUDA device: gradients may be below float16's smallest numbers"
        )
    )
  }
}
