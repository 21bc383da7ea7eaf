@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Transposed convolutions of one kernel a channel, and the gradients of depthwise convolutions that they and their kernels make: against the
/// reference over generated kernels, strides, dilations, paddings and odd sizes; and the same bits from every thread count.
@Suite struct TransposedDepthwiseTests {
  struct Example: Sendable, CustomStringConvertible {
    var convolution: Convolution
    var input: Shape
    var description: String {
      "\(convolution.kernel) stride \(convolution.stride) dilation \(convolution.dilation) padding \(convolution.padding) of \(input)"
    }
  }

  static let examples: [Example] = {
    var random = SplitMix64(seed: 31)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    var result: [Example] = []
    while result.count < 48 {
      // Every other one is of a size that has a kernel of its own.
      let isSpecial = result.count % 2 == 0, channels = pick(2...37)
      let kernel = isSpecial ? Pair(3) : Pair(height: pick(1...5), width: pick(1...5))
      let stride = isSpecial ? Pair(pick(1...2)) : Pair(height: pick(1...4), width: pick(1...4))
      let convolution = Convolution(
        inChannels: channels, outChannels: channels, kernel: kernel, stride: stride,
        padding: Padding(top: pick(0...3), left: pick(0...3), bottom: pick(0...3), right: pick(0...3)),
        dilation: isSpecial ? Pair(1) : Pair(height: pick(1...3), width: pick(1...3)), groups: channels, hasBias: false)
      let input = Shape(batch: pick(1...3), channels: channels, height: pick(1...15), width: pick(1...40))
      if (try? convolution.shapeBeforeShuffle(input)) != nil { result.append(Example(convolution: convolution, input: input)) }
    }
    return result
  }()

  private func check(_ network: Network, _ example: Example, seed: Int, _ instructionSet: InstructionSet) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let shapes = try network.inputs.map { input in
      input.name == "x" ? example.input : try example.convolution.shapeBeforeShuffle(example.input)
    }
    let inputs = shapes.map { Tensor(uniform: $0, bound: 1, using: &random) }
    let expected = try ReferenceEngine().prepare(network, inputs: shapes).run(inputs)
    let tolerance = try Tolerance.outputs(of: network, inputs: inputs)
    var first: [Tensor] = []
    for threads in 1...3 {
      let result = try CPUEngine(instructionSet: instructionSet, threadCount: threads).prepare(network, inputs: shapes).run(
        inputs)
      if threads == 1 { first = result }
      for index in result.indices {
        expectClose(
          result[index], expected[index], tolerance: tolerance[index].error, seed: UInt64(seed),
          "\(example) on \(instructionSet)")
        expectSameBits(result[index], first[index], "\(example), \(threads) threads")
      }
    }
  }

  @Test(arguments: instructionSets) func gradientsAgreeWithTheReference(_ instructionSet: InstructionSet) throws {
    for (index, example) in Self.examples.enumerated() {
      var builder = NetworkBuilder("gradients")
      let channels = example.convolution.outChannels
      let x = builder.input("x", channels: channels), g = builder.input("g", channels: channels)
      let y = builder.node("y", .convolution(example.convolution), [x], channels: channels)
      func product(_ result: ConvolutionProduct.Result) -> Networks.Operation {
        .training(.convolutionProduct(ConvolutionProduct(result, of: example.convolution)))
      }
      builder.output(y)
      builder.output(builder.node("input", product(.inputGradient), [g, builder.parameter("y.weight"), x], channels: channels))
      builder.output(builder.node("weight", product(.weightGradient), [x, g], channels: 1))
      try check(builder.build(.random(seed: UInt64(index))), example, seed: index, instructionSet)
    }
  }
}
