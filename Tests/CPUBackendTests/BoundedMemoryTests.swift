import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// What a session takes follows from the sizes of its values and parameters, whatever strides, dilations, padding and kernels are.
@Suite struct BoundedMemoryTests {
  struct Example: Sendable, CustomStringConvertible {
    var description: String
    var operation: Operation
    var shape: Shape

    init(_ description: String, _ operation: Operation, _ shape: Shape) {
      (self.description, self.operation, self.shape) = (description, operation, shape)
    }
  }

  static let examples: [Example] = {
    let far = Padding(1 << 18)
    var examples: [Example] = []
    for stride in [1024, 4096, 1 << 20] {
      for (inputs, outputs, groups) in [(3, 8, 1), (16, 16, 1), (16, 16, 16), (4, 8, 2), (16, 2, 1)] {
        examples.append(
          Example(
            "\(inputs) to \(outputs) channels in \(groups) groups, stride \(stride)",
            .convolution(
              Convolution(
                inChannels: inputs, outChannels: outputs, kernel: 5, stride: Pair(stride), padding: 2, groups: groups)),
            [1, inputs, 8, 8]))
      }
    }
    for (inputs, outputs, groups) in [(3, 8, 1), (16, 16, 1), (16, 16, 16), (16, 2, 1)] {
      examples.append(
        Example(
          "\(inputs) to \(outputs) channels in \(groups) groups, dilation",
          .convolution(
            Convolution(
              inChannels: inputs, outChannels: outputs, kernel: 3, padding: far, dilation: Pair(1 << 18), groups: groups)),
          [1, inputs, 8, 8]))
    }
    for order in SeparableConvolution.Order.allCases {
      examples.append(
        Example(
          "\(order), dilation",
          .separableConvolution(
            SeparableConvolution(
              order: order, inChannels: 16, outChannels: 16, kernel: 3, padding: far, dilation: Pair(1 << 18))), [1, 16, 8, 8]))
      examples.append(
        Example(
          "\(order), stride",
          .separableConvolution(
            SeparableConvolution(
              order: order, inChannels: 16, outChannels: 16, kernel: 3, stride: Pair(1 << 20), padding: 1)), [1, 16, 8, 8]))
    }
    examples.append(
      Example(
        "a kernel of 300x300", .convolution(Convolution(inChannels: 1, outChannels: 1, kernel: 300, padding: 150)),
        [1, 1, 9, 9]))
    examples.append(
      Example(
        "a pool of 1024x1024", .maximumPool(Pool(kernel: 1024, stride: 1024, padding: 1023)),
        [1, 16, 9, 9]))
    examples.append(
      Example(
        "a transposed convolution of stride 300",
        .transposedConvolution(TransposedConvolution(inChannels: 16, outChannels: 1, kernel: 3, stride: 300)), [1, 16, 2, 2]))
    return examples
  }()

  @Test(arguments: examples) func followsFromSizes(_ example: Example) throws {
    var builder = NetworkBuilder("far")
    let x = builder.input("x", channels: example.shape.channels)
    builder.output(builder.node("y", example.operation, [x], channels: 1))
    let network = try builder.build(.zeros).randomized(seed: 7)
    var generator = SplitMix64(seed: 8)
    let input = Tensor(uniform: example.shape, bound: 1, using: &generator)
    let engine = CPUEngine(threadCount: 4)
    let session = try engine.prepare(network, inputs: [input.shape])
    let output = session.outputShapes[0]
    // Values of few channels are stored as 16; products and pointers of some pixels and rows are the rest.
    let parameters = network.parameters.values.reduce(0) { $0 + $1.shape.count }
    let values = (example.shape.count / example.shape.channels + output.count / output.channels) * 16
    #expect(session.peakMemoryByteCount < (48 << 20) + 4 * (16 * values + 64 * parameters), "\(session.peakMemoryByteCount)")

    let clock = ContinuousClock(), start = clock.now
    let result = try session.run([input])[0]
    #expect(clock.now - start < .seconds(5))
    let expected = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    let tolerance = try Tolerance.outputs(of: network, inputs: [input], convolutionFactor: winogradFactor)[0].error
    expectClose(result, expected, tolerance: tolerance, example.description)
  }

  /// Tables as long as rows and columns: steps alike share them, and what would fill the memory is refused.
  @Test(arguments: Resize.Method.allCases) func tablesAreSharedAndBounded(_ method: Resize.Method) throws {
    func network(_ count: Int, _ size: (Int) -> Int) throws -> Network {
      var builder = NetworkBuilder("to and fro")
      var x = builder.input("x", channels: 1)
      for index in 0..<count {
        x = builder.node(
          "large\(index)", .resize(Resize(method: method, target: .size(Pair(height: size(index), width: 1)))), [x], channels: 1
        )
        x = builder.node("small\(index)", .resize(Resize(method: method, target: .size(Pair(1)))), [x], channels: 1)
      }
      builder.output(x)
      return try builder.build(.zeros)
    }
    let engine = CPUEngine(threadCount: 2)
    let alike = try engine.prepare(network(200) { _ in 1 << 18 }, inputs: [[1, 1, 8, 8]])
    #expect(alike.peakMemoryByteCount < 64 << 20, "\(alike.peakMemoryByteCount)")
    #expect(throws: ExecutionError.self) {
      try engine.prepare(network(300) { (1 << 20) - $0 }, inputs: [[1, 1, 8, 8]])
    }
  }

  @Test func phasesAreBounded() throws {
    for stride in [1 << 10, 1 << 20] {
      var builder = NetworkBuilder("far")
      let x = builder.input("x", channels: 1)
      builder.output(
        builder.node(
          "y", .transposedConvolution(TransposedConvolution(inChannels: 1, outChannels: 1, kernel: 3, stride: Pair(stride))),
          [x], channels: 1))
      let network = try builder.build(.zeros)
      #expect(throws: ExecutionError.self) { try CPUEngine(threadCount: 1).prepare(network, inputs: [[1, 1, 3, 3]]) }
    }
  }
}
