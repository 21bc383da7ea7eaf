import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Gradients of weights against the reference: by tiles on tensor cores, by windows of a channel, and by kernels of any shape.
@Suite struct WeightGradientTests {
  struct Example: Sendable, CustomStringConvertible {
    var convolution: Convolution
    var input: Shape
    var precision: CUDAPrecision
    var kernel: String

    var description: String {
      "\(convolution.kernel) of \(convolution.inChannels) to \(convolution.outChannels), stride \(convolution.stride.height), "
        + "\(convolution.groups) groups, \(input), \(precision.rawValue)"
    }
  }

  /// Odd extents, several images, tiles and runs, channels that leave lanes empty, every padding that leaves an output.
  static let examples: [Example] = {
    var examples: [Example] = [], generator = SplitMix64(seed: 20)
    func any(_ values: [Int]) -> Int { values[Int(generator.next() % UInt64(values.count))] }
    for size in [1, 3] {
      for stride in [1, 2] {
        for precision in [CUDAPrecision.bfloat16, .float32] {
          for _ in 0..<4 {
            let convolution = Convolution(
              inChannels: any([9, 16, 20, 70]), outChannels: any([9, 24, 64, 72, 130]), kernel: Pair(size),
              stride: Pair(stride),
              padding: Padding(any([0, size / 2, size - 1])))
            let input = Shape(
              batch: any([1, 2, 3]), channels: convolution.inChannels, height: any([3, 9, 17, 25]), width: any([3, 16, 33, 40]))
            let name = precision == .float32 ? "" : "\(stride == 2 ? "Stride2" : "")_bfloat16_\(size)x\(size)"
            examples.append(
              Example(convolution: convolution, input: input, precision: precision, kernel: "weightGradient" + name))
          }
        }
      }
    }
    // What goes through a transposed convolution, whose squares of pixels are one.
    for precision in [CUDAPrecision.bfloat16, .float32] {
      for (inputs, outputs) in [(9, 24), (20, 70), (3, 16)] {
        let convolution = Convolution(inChannels: inputs, outChannels: outputs, kernel: 2, stride: 2)
        examples.append(
          Example(
            convolution: convolution, input: [2, inputs, 10, 34], precision: precision,
            kernel: precision == .float32 ? "weightGradient" : "weightGradient_bfloat16_1x1"))
      }
    }
    // Planes at one end, and a kernel that has no tiles.
    for (inputs, outputs, size) in [(3, 20, 3), (20, 3, 3), (20, 12, 5)] {
      let convolution = Convolution(inChannels: inputs, outChannels: outputs, kernel: Pair(size), padding: Padding(size / 2))
      examples.append(
        Example(convolution: convolution, input: [2, inputs, 9, 11], precision: .bfloat16, kernel: "weightGradient"))
    }
    for precision in [CUDAPrecision.bfloat16, .float32] {
      for channels in [3, 9, 20, 70] {
        for stride in [1, 2] {
          let convolution = Convolution(
            inChannels: channels, outChannels: channels, kernel: 3, stride: Pair(stride), padding: Padding(any([0, 1, 2])),
            groups: channels)
          examples.append(
            Example(
              convolution: convolution,
              input: Shape(batch: any([1, 3]), channels: channels, height: any([3, 11, 40]), width: any([3, 9, 35])),
              precision: precision, kernel: stride == 1 ? "weightGradientOfChannels" : "weightGradientOfGroups"))
        }
      }
    }
    return examples
  }()

  @Test(arguments: examples) func gradientsAreTheReference(_ example: Example) throws {
    let output = try example.convolution.shapeBeforeShuffle(example.input)
    var builder = NetworkBuilder("gradient")
    let x = builder.input("x", channels: example.input.channels), g = builder.input("g", channels: output.channels)
    builder.output(
      builder.node(
        "weight", .training(.convolutionProduct(ConvolutionProduct(.weightGradient, of: example.convolution))), [x, g],
        channels: example.convolution.inChannels / example.convolution.groups))
    try expectReference(of: try builder.build(.zeros), [example.input, output], example)
  }

  /// Products of values, and gradients of their inputs: of strides, too, none is left to the kernel that gives each output a thread.
  @Test(arguments: examples) func productsAreTheReference(_ example: Example) throws {
    let output = try example.convolution.shapeBeforeShuffle(example.input)
    var unbiased = example.convolution
    unbiased.hasBias = false
    for result in [ConvolutionProduct.Result.output, .inputGradient] {
      var builder = NetworkBuilder("product")
      let x = builder.input("x", channels: example.input.channels), g = builder.input("g", channels: output.channels)
      let y = builder.node("y", .convolution(example.convolution), [x], channels: output.channels)
      builder.output(y)
      let operands = result == .output ? [x, builder.parameter("y.weight")] : [g, builder.parameter("y.weight"), x]
      builder.output(
        builder.node(
          "product", .training(.convolutionProduct(ConvolutionProduct(result, of: unbiased))), operands,
          channels: result == .output ? output.channels : example.input.channels))
      let network = try builder.build(.random(seed: 6)).eliminatingDeadNodes()
      let shapes = network.inputs.map { $0.name == "x" ? example.input : output }
      var other = example
      other.kernel = ""
      try expectReference(of: network, shapes, other)
    }
  }

  private func expectReference(of network: Network, _ shapes: [Shape], _ example: Example) throws {
    let inputs = network.randomInputs(shapes, seed: 3)
    let session = try EmulatedDevice.engine(example.precision).prepare(network, inputs: shapes)
    #expect(example.kernel.isEmpty || session.deviceKernels.contains(example.kernel), "\(session.deviceKernels)")
    // It is the fastest for a few pixels.
    let isUsual =
      example.convolution.groups == 1 && example.convolution.padding == Padding(example.convolution.kernel.height / 2)
      && example.input.count > 4000
    if isUsual, example.convolution.kernel.height != 5 {
      #expect(!session.deviceKernels.contains("direct"), "\(session.deviceKernels)")
    }
    let result: [Tensor]
    do { result = try session.run(inputs) } catch {
      Issue.record("\(example): \(error) \(EmulatedDevice.fault)")
      return
    }
    let exact = try ReferenceEngine().prepare(network, inputs: shapes).run(inputs)
    let bounds = try Tolerance.outputs(
      of: network, inputs: inputs, convolutionFactor: example.precision == .float32 ? 8 : 1, storage: example.precision.rounding
    )
    for (index, (result, exact)) in zip(result, exact).enumerated() {
      expectClose(result, exact, tolerance: bounds[index].error, "\(example)")
    }
    // Of what is rounded where it is stored, no more is lost than that.
    #expect(relativeError(result[0], exact[0]) < (example.precision == .bfloat16 ? 8e-3 : 1e-5))
    cudaEmulatedSetSeed(41)
    #expect(try session.run(inputs) == result)
  }
}
