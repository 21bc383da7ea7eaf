import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Passes leave layers of integers as they are: nothing folds into their weights, and nothing but what moves rides on them.
@Suite struct IntegerPassTests {
  @Test(arguments: OperationCase.integers)
  func nothingChanges(_ example: OperationCase) throws {
    let network = example.network
    #expect(network.eliminatingDeadNodes() == network)
    #expect(network.foldingBatchNorm() == network)
    #expect(network.fusing() == network)
    #expect(network.optimizedForInference() == network)
    for kind in ConvolutionSubstitute.allCases {
      #expect(network.substitutingConvolutions(kind, weights: .factorised, includingPointwise: true) == network)
    }
  }

  /// Graphs whose types do not fit, which verify as long as nobody asks for sizes, come through whole.
  @Test func neighboursStay() throws {
    let step = Requantization(.int8, .init(scale: 0.5))
    var builder = NetworkBuilder("mixed")
    let x = builder.input("x", axes: [nil, 4, nil, nil], element: .uint8)
    func layer(_ name: String, _ x: NetworkBuilder.Value, groups: Int = 1, kernel: Pair) -> NetworkBuilder.Value {
      let payload = Convolution(
        inChannels: 4, outChannels: 4, kernel: kernel, groups: groups, epilogue: Epilogue([.requantize(step)]))
      return builder.node(name, .convolution(payload), [x], channels: 4)
    }
    // Parts that would be one separable convolution, were they of float32.
    let a = layer("a.depthwise", x, groups: 4, kernel: 3), b = layer("a.pointwise", a, kernel: 1)
    builder.output(builder.activation("relu", b, .relu))
    builder.output(builder.scale("scale", layer("c", builder.batchNorm("norm", b), kernel: 1), by: 2))
    builder.output(builder.add("sum", layer("d", b, kernel: 1), b))
    let network = try builder.build(.random(seed: 2))
    let result = network.optimizedForInference()
    try result.verify()
    #expect(result.nodes.filter { $0.operation.epilogue != nil } == network.nodes.filter { $0.operation.epilogue != nil })
    #expect(
      network.parameters.filter { $0.value.dataType != .float32 } == result.parameters.filter { $0.value.dataType != .float32 })
  }

  @Test func predicatesMatchThem() throws {
    let payload = Linear(
      inFeatures: 3, outFeatures: 5, epilogue: Epilogue([.requantize(Requantization(.int8, .init(scale: 1)))]))
    let node = Node(name: "n", operation: .linear(payload), inputs: ["x"])
    #expect(NodePredicate.inChannels(3...3).matches(node) && NodePredicate.outChannels(5...5).matches(node))
    #expect(NodePredicate.operation("linear").matches(node))
  }
}
