import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

/// Passes change no bit of integers: nothing folds into their weights, and only what is exact rides on them.
@Suite struct IntegerPassTests {
  @Test(arguments: OperationCase.integers)
  func noBitChanges(_ example: OperationCase) throws {
    let network = example.network, inputs = example.inputs
    #expect(network.eliminatingDeadNodes() == network)
    #expect(network.foldingBatchNorm() == network)
    let sumsFloats = network.nodes.contains { $0.operation.epilogue?.sumsIntegers == false }
    for kind in ConvolutionSubstitute.allCases where !sumsFloats {
      #expect(network.substitutingConvolutions(kind, weights: .factorised, includingPointwise: true) == network)
    }
    let optimised = network.optimizedForInference()
    try optimised.verify()
    #expect(optimised.optimizedForInference() == optimised)
    let expected = try ReferenceEngine().prepare(network, inputs: example.inputShapes).run(inputs)
    #expect(try ReferenceEngine().prepare(optimised, inputs: example.inputShapes).run(inputs) == expected)
  }

  /// What makes integers of float32, and pixel shuffles of integers, ride on the layer before them; what reckons does not.
  @Test func stepsAreTaken() throws {
    let step = Requantization(.uint8, .init(scale: 0.5, zeroPoint: 3))
    var builder = NetworkBuilder("mixed")
    let x = builder.input("x", channels: 4)
    let head = builder.convolution("head", x, outChannels: 4, kernel: 3, padding: 1)
    let relu = builder.activation("relu", head, .relu)
    let codes = builder.node("codes", .integer(.quantize(Quantize(.int8, .init(scale: 0.1)))), [relu], channels: 4)
    func layer(_ name: String, _ x: NetworkBuilder.Value, _ steps: [Epilogue.Step]) -> NetworkBuilder.Value {
      let payload = Convolution(
        inChannels: 4, outChannels: 4, kernel: 3, padding: 1, epilogue: Epilogue([.rescale] + steps))
      return builder.node(name, .convolution(payload), [x], channels: 4)
    }
    let body = layer("body", codes, [.requantize(step)])
    let tail = layer("tail", body, [])
    builder.output(builder.pixelShuffle("shuffle", layer("side", body, [.requantize(step)]), factor: 2))
    builder.output(builder.add("sum", builder.activation("sigmoid", tail, .sigmoid), x))
    let network = try builder.build(.random(seed: 2)).optimizedForInference()
    try network.verify()
    #expect(
      network.nodes.map { "\($0.name): \($0.operation.displayName)" } == [
        "head: convolution + relu + quantize", "body: convolution + requantize",
        "side: convolution + requantize + pixel shuffle",
        "tail: convolution + sigmoid + add",
      ])
  }

  /// Parts that sum integers are joined as others are: the same bits.
  @Test func separablePartsAreJoined() throws {
    for order in SeparableConvolution.Order.allCases {
      let step = Requantization(.uint8, .init(scale: 0.5, zeroPoint: 30)), last = Requantization(.int8, .init(scale: 0.25))
      for activation: [Epilogue.Step] in [[], [.activation(.prelu(channels: 6))], [.activation(.relu), .add]] {
        var builder = NetworkBuilder("parts")
        let x = builder.input("x", axes: [nil, 6, nil, nil], element: .uint8, quantization: .init(scale: 1, zeroPoint: 128))
        func part(_ name: String, _ x: [NetworkBuilder.Value], isDepthwise: Bool, _ steps: [Epilogue.Step])
          -> NetworkBuilder.Value
        {
          let payload = Convolution(
            inChannels: 6, outChannels: 6, kernel: isDepthwise ? 3 : 1, padding: isDepthwise ? 1 : 0,
            groups: isDepthwise ? 6 : 1,
            epilogue: Epilogue([.rescale] + steps))
          return builder.node(name, .convolution(payload), x, channels: 6)
        }
        let first = part(
          "c.\(order.partNames.first)", [x], isDepthwise: order == .depthwiseFirst,
          activation.count < 2 ? activation + [.requantize(step)] : [.requantize(step)])
        let adds = activation.count == 2
        builder.output(
          part(
            "c.\(order.partNames.second)", [first] + (adds ? [x] : []), isDepthwise: order == .pointwiseFirst,
            (adds ? activation : []) + [.requantize(last)]))
        let network = try builder.build(.random(seed: 5)), joined = network.fusing()
        try joined.verify()
        #expect(joined.nodes.map(\.name) == ["c"] && joined.nodes[0].operation.type == .separableConvolution)
        let input = Tensor([1, 6, 7, 8], .uint8, integers: (0..<336).map { $0 * 77 % 256 })
        #expect(
          try ReferenceEngine().prepare(joined, inputs: [input.shape]).run([input])
            == ReferenceEngine().prepare(network, inputs: [input.shape]).run([input]))
      }
    }
  }

  @Test func predicatesMatchThem() throws {
    let payload = Linear(
      inFeatures: 3, outFeatures: 5, epilogue: Epilogue([.rescale]))
    let node = Node(name: "n", operation: .linear(payload), inputs: ["x"])
    #expect(NodePredicate.inChannels(3...3).matches(node) && NodePredicate.outChannels(5...5).matches(node))
    #expect(NodePredicate.operation("linear").matches(node))
  }
}
