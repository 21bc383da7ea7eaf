@testable import CPUBackend
import Execution
import Networks
import Tensors
import TestSupport
import Testing

/// Steps of optimisers that make averages in one pass.
@Suite struct OptimizerTests {
  /// A parameter that follows an input by its averages.
  ///
  /// - Parameter isApart: lets the averages leave, so that each is a pass of its own.
  private static func network(_ shape: Shape, isApart: Bool, seed: UInt64) throws -> Network {
    var random = SplitMix64(seed: seed)
    var builder = NetworkBuilder("optimizer")
    let g = builder.input("g", axes: shape.extents.map { $0 }), numbers = builder.input("numbers", axes: [4])
    for name in ["w", "mean", "square"] {
      _ = builder.constant(name, Tensor(uniform: shape, bound: 0.25, using: &random))
    }
    func parameter(_ name: String) -> NetworkBuilder.Value { builder.parameter("\(name).value") }
    let mean = builder.node(
      "newMean", .training(.movingAverage(MovingAverage(keep: 0.9, add: 0.1))), [parameter("mean"), g], channels: 1)
    let absolute = MovingAverage(keep: 0.99, add: 0.01, squares: true)
    let square = builder.node("newSquare", .training(.movingAverage(absolute)), [parameter("square"), g], channels: 1)
    let new = builder.node(
      "new", .training(.parameterStep(ParameterStep(decay: 0.1, epsilon: 0.5))), [parameter("w"), mean, square, numbers],
      channels: 1)
    builder.update("mean.value", to: mean)
    builder.update("square.value", to: square)
    builder.update("w.value", to: new)
    builder.output(new)
    if isApart { for value in [mean, square] { builder.output(value) } }
    return try builder.build(.random(seed: seed))
  }

  private static let shapes: [Shape] = [
    [1], [7], [16], [3, 5], [40, 3, 3, 3], [64, 64, 1, 1], [17, 33, 5, 3], [128, 129, 1, 1], [2, 16384],
  ]

  @Test(arguments: instructionSets) func onePassHasTheBitsOfThree(_ instructionSet: InstructionSet) throws {
    for (index, shape) in Self.shapes.enumerated() {
      for threads in 1...3 {
        let engine = CPUEngine(instructionSet: instructionSet, threadCount: threads), inputs: [Shape] = [shape, [4]]
        let networks = try [false, true].map { try Self.network(shape, isApart: $0, seed: UInt64(index)) }
        #expect(networks.map { AdaptiveSteps($0).merged.count } == [2, 0])
        let models = try networks.map { try engine.prepare($0) }
        let sessions = try models.map { try $0.session(inputs: inputs) }
        var random = SplitMix64(seed: 3)
        for run in 0..<3 {
          let tensors = [Tensor(uniform: shape, bound: 1, using: &random), Tensor([4], [0.1, 1.5, 0.75, 1])]
          let results = try sessions.map { try $0.run(tensors) }
          expectSameBits(results[0][0], results[1][0], "\(shape), \(threads) threads, run \(run)")
        }
        for name in ["mean.value", "square.value", "w.value"] {
          let values = models.map { $0.network.parameters[name] }
          expectSameBits(try #require(values[0]), try #require(values[1]), "\(name) of \(shape)")
        }
      }
    }
  }
}
