@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Separable convolutions: which step runs them, and that it does what the selector said.
@Suite struct SeparableTests {
  /// The kernels of the steps that are no copies.
  private func kernels(of network: Network, input: Tensor, _ instructionSet: InstructionSet) throws -> [String] {
    let session = try CPUEngine(instructionSet: instructionSet, threadCount: 1).prepare(network, inputs: [input.shape])
    let timing = try #require(session as? any TimingSession)
    return try timing.timedRun([input]).timeline.steps.filter { !$0.isCopy }.flatMap(\.kernels)
  }

  /// Channel selection of one pixel is one product after folding; without it the kernels are filtered like any others.
  @Test(arguments: instructionSets, [1, 2])
  func selectionOfOnePixelRunsFoldedAndNot(_ instructionSet: InstructionSet, stride: Int) throws {
    var builder = NetworkBuilder("n")
    let selected = builder.convolution("c.select", builder.input("x", channels: 20), outChannels: 36, kernel: 1)
    builder.output(
      builder.convolution("c.kernels", selected, outChannels: 36, kernel: 1, stride: Pair(stride), groups: 36))
    let network = try builder.build(.random(seed: 3))
    var generator = SplitMix64(seed: 4)
    let input = Tensor(uniform: Shape(channels: 20, height: 9, width: 14), bound: 1, using: &generator)
    let expected = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    let tolerance = try Tolerance.outputs(of: network, inputs: [input])[0].error
    for (optimised, type, families) in [
      (network.optimizedForInference(), "convolution", ["pointwise"]),
      (network.fusing(), "separableConvolution", ["pointwise", "depthwise"]),
    ] {
      #expect(optimised.nodes.map(\.operation.typeName) == [type])
      let result = try CPUEngine(instructionSet: instructionSet, threadCount: 2)
        .prepare(optimised, inputs: [input.shape]).run([input])[0]
      // Folding rounds each weight once more.
      expectClose(result, expected, tolerance: 2 * tolerance, "\(type) on \(instructionSet)")
      var found: [String] = []
      for kernel in try kernels(of: optimised, input: input, instructionSet) {
        let family = String(kernel.prefix { $0 != "_" })
        if !found.contains(family) { found.append(family) }
      }
      #expect(found == families)
    }
  }

  /// The order of the parts leaves one way, the step of which names its kernels in the order in which they work.
  @Test(arguments: instructionSets, SeparableConvolution.Order.allCases)
  func theSelectorChoosesTheStep(_ instructionSet: InstructionSet, order: SeparableConvolution.Order) throws {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: 24)
    builder.output(builder.separableConvolution("s", x, order: order, outChannels: 32, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 5))
    let input = Tensor(zeros: Shape(channels: 24, height: 8, width: 8))
    let choice = try #require(
      KernelSelector.choice(
        for: network.nodes[0], shapes: try network.inferredShapes(inputs: [input.shape]), KernelRates(.zen5, instructionSet)))
    let expected: SeparableMethod = order == .depthwiseFirst ? .blocks : .ring
    #expect(choice.chosen == expected.description && choice.reason == "no other can")
    #expect(choice.candidates.map(\.name) == SeparableMethod.allCases.map(\.description))
    let first = try #require(try kernels(of: network, input: input, instructionSet).first)
    #expect(first.hasPrefix(order == .depthwiseFirst ? "depthwise" : "pointwise"))
  }

  /// Tiles of registers are filled and emptied for each sum: few numbers are summed sooner by vectors. Where there are no tiles, and of float32,
  /// nothing is weighed.
  @Test func tilesAreForLongSums() throws {
    func choice(_ channels: Int, _ machine: MachineDescription, _ set: InstructionSet, sumsIntegers: Bool = true) throws
      -> String
    {
      var payload = SeparableConvolution(
        order: .depthwiseFirst, inChannels: channels, outChannels: 64, kernel: Pair(3), padding: Padding(1))
      if sumsIntegers {
        let step = Requantization(.uint8, .init(scale: 0.1))
        payload.middleRequantization = step
        payload.epilogue = Epilogue([.rescale, .requantize(step)])
      }
      let shape = Shape(channels: channels, height: 40, width: 40)
      let layer = SeparableGeometry(payload, input: shape, output: try payload.shapeBeforeShuffle(shape))
      return KernelSelector.choose(for: layer, KernelRates(machine, set)).description
    }
    let tiles = SeparableMethod.blocks.description, vectors = SeparableMethod.vectorBlocks.description
    #expect(try choice(64, .sapphireRapids, .amx) == vectors && choice(256, .sapphireRapids, .amx) == tiles)
    // Tiles that are no faster are none to be filled.
    #expect(try choice(256, .zen5, .amx) == vectors)
    #expect(
      try choice(64, .sapphireRapids, .avx512vnni) == tiles && choice(64, .sapphireRapids, .amx, sumsIntegers: false) == tiles)
  }
}
