import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

@Suite struct SplittingEpiloguesTests {
  /// What was fused is given back: the same bits, and the same network when it is fused again.
  @Test(arguments: OperationCase.all) func fusedNetworksComeApart(_ example: OperationCase) throws {
    let network = example.network.fusing(), apart = network.splittingEpilogues()
    try apart.verify()
    #expect(apart.splittingEpilogues() == apart)
    #expect(apart.fusing() == network)
    for node in apart.nodes {
      // What makes integers of a layer stays in it.
      let steps = node.operation.epilogue?.steps.map(\.typeName) ?? []
      #expect(steps.isEmpty || steps.contains("quantize") || steps.contains("rescale"), "\(node.name): \(steps)")
    }
    let engine = ReferenceEngine(), shapes = example.inputShapes
    #expect(
      try engine.prepare(apart, inputs: shapes).run(example.inputs)
        == engine.prepare(network, inputs: shapes).run(example.inputs))
  }

  @Test func namesAndSlopes() throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 4)
    let a = builder.activation("act", builder.convolution("a", x, outChannels: 4, kernel: 3, padding: 1), .prelu(channels: 4))
    builder.output(
      builder.add("sum", builder.scale("scaled", builder.convolution("b", a, outChannels: 4, kernel: 1), by: 0.5), x))
    let network = try builder.build(.random(seed: 2)).fusing(), apart = network.splittingEpilogues()
    #expect(network.nodes.map(\.name) == ["a", "b"])
    #expect(apart.nodes.map(\.name) == ["a", "a.prelu", "b", "b.scale", "b.add"])
    #expect(apart.nodes[4].inputs == ["b.scale", "x"] && apart.outputs == ["b.add"])
    #expect(apart.parameters["a.prelu.slope"] == network.parameters["a.slope"] && apart.parameters["a.slope"] == nil)
  }
}
