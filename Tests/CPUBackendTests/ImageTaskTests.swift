@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Batches of small images, of which threads take some at a time through many steps: against the reference, and the same bits from every thread
/// count, one item after the other too.
@Suite struct ImageTaskTests {
  struct Example: Sendable, CustomStringConvertible {
    var seed: Int
    var batch: Int
    var channels: Int
    var height: Int
    var width: Int
    var description: String { "seed \(seed), \(batch)x\(channels)x\(height)x\(width)" }
  }

  static let examples: [Example] = {
    var random = SplitMix64(seed: 77)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    return (0..<10).map { seed in
      Example(seed: seed, batch: pick(2...41), channels: pick(5...37), height: pick(3...21), width: pick(3...19))
    }
  }()

  /// Two layers of a residual network as training has them, and the gradients of all parameters.
  private func network(_ example: Example) throws -> Network {
    var builder = NetworkBuilder("block")
    let channels = example.channels, stride = Pair(example.seed % 3 == 0 ? 2 : 1)
    let x = builder.input("x", channels: channels)
    func convolution(_ name: String, _ x: NetworkBuilder.Value, _ kernel: Int, stride: Pair = 1, groups: Int)
      -> NetworkBuilder.Value
    {
      builder.node(
        name,
        .convolution(
          Convolution(
            inChannels: channels, outChannels: channels, kernel: Pair(kernel), stride: stride, padding: Padding(kernel / 2),
            // What a 1x1 convolution without bias makes is computed again for the gradient.
            groups: groups, hasBias: example.seed % 2 == 0)), [x], channels: channels)
    }
    var y = convolution("select", x, 1, groups: 1)
    y = convolution("kernels", y, 3, groups: channels)
    y = builder.activation("relu", builder.batchNorm("norm", y), .relu)
    y = builder.add("sum", y, x)
    y = convolution("depthwise", y, 3, stride: stride, groups: channels)
    y = convolution("pointwise", y, 1, groups: 1)
    y = builder.batchNorm("norm2", y)
    let loss = builder.node("loss", .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), [y], channels: 1)
    builder.output(loss)
    let shape = Shape(batch: example.batch, channels: channels, height: example.height, width: example.width)
    let differentiated = try builder.build(.random(seed: UInt64(example.seed))).inTrainingForm().differentiated(
      "loss", inputs: [shape])
    var result = differentiated.network
    result.outputs += differentiated.gradients.sorted { $0.key < $1.key }.map(\.value)
    result.updates = []
    return result.eliminatingDeadNodes().fusing()
  }

  @Test(arguments: examples, instructionSets) func gradients(_ example: Example, _ instructionSet: InstructionSet) throws {
    let network = try network(example)
    let shape = Shape(batch: example.batch, channels: example.channels, height: example.height, width: example.width)
    var random = SplitMix64(seed: UInt64(example.seed))
    let input = Tensor(uniform: shape, bound: 1, using: &random)
    let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])
    let tolerance = try Tolerance.outputs(of: network, inputs: [input])
    var first: [Tensor] = []
    for threads in 1...4 {
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads)
      engine.leastSharedCycles = 0
      let session = try engine.prepare(network).session(inputs: [shape])
      let result = try session.run([input])
      let timed = try (session as? any TimingSession)?.timedRun([input]).outputs
      if threads == 1 { first = result }
      for index in result.indices {
        expectClose(
          result[index], expected[index], tolerance: tolerance[index].error, seed: UInt64(example.seed),
          "\(network.outputs[index]), \(example) on \(instructionSet)")
        expectSameBits(result[index], first[index], "\(network.outputs[index]), \(example), \(threads) threads")
        if let timed {
          expectSameBits(timed[index], first[index], "\(network.outputs[index]), \(example), \(threads) threads, timed")
        }
      }
    }
  }

  /// Some group of each such network goes image by image, or the tests above say nothing.
  @Test func groupsGoByImages() throws {
    var count = 0
    for example in Self.examples {
      let network = try network(example)
      let shape = Shape(batch: example.batch, channels: example.channels, height: example.height, width: example.width)
      let shapes = try network.inferredShapes(inputs: [shape]), engine = CPUEngine(threadCount: 2)
      var lowering = Lowering(
        network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: engine,
        packs: PackStore(network.parameters))
      let program = try lowering.program()
      let schedule = BandSchedule(
        program, threadCount: 2, cacheByteCount: engine.cacheByteCount, bandPixels: engine.bandPixels)
      if schedule.groups.contains(where: { $0.imagesPerTask != nil && $0.steps.count >= 3 }) { count += 1 }
      #expect(ScheduleSimulation.fault(program, schedule) == nil)
    }
    #expect(count >= 8)
  }
}
