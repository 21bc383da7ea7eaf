import Networks
import Tensors
import OperationCases
import Testing
import Transforms

@Suite struct EliminatingDeadNodesTests {
  @Test func branchesThatReachNoOutputGo() throws {
    let shape: Shape = [1, 3, 4, 5]
    var network = try Network.built([shape, shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 3, padding: 1)
      let b = builder.batchNorm("b", a)
      _ = builder.activation("c", builder.convolution("d", b, outChannels: 2, kernel: 1), .prelu(channels: 2))
      _ = builder.add("e", x[0], x[1])
      return [builder.activation("f", a, .relu)]
    }
    network.parameters["stray"] = Tensor(zeros: [3])
    network.parameters["f.weight"] = Tensor(zeros: [3])
    let result = network.eliminatingDeadNodes()
    try result.verify()
    #expect(result.lines == ["a = convolution(x0) 3 -> 4, kernel 3, padding 1, bias", "f = relu(a)"])
    #expect(Set(result.parameters.keys) == ["a.weight", "a.bias"])
    #expect(result.inputs.map(\.name) == ["x0", "x1"], "callers pass both")
    #expect(result.eliminatingDeadNodes() == result)
    network.parameters["stray"] = nil
    network.parameters["f.weight"] = nil
    try expectSameOutputs(result, network, [shape, shape])
    let before = try network.ledger(inputs: [shape, shape]), after = try result.ledger(inputs: [shape, shape])
    #expect(before.parameterCount - after.parameterCount == 2 * 4 + (4 * 2 + 2) + 2)
    #expect(before.multiplyAccumulates - after.multiplyAccumulates == 20 * 4 * 2)
  }

  @Test(arguments: OperationCase.all)
  func whatIsAliveStays(operationCase: OperationCase) {
    #expect(operationCase.network.eliminatingDeadNodes() == operationCase.network)
  }

  /// Every node of a chain that ends in two outputs is needed, whichever comes first.
  @Test func severalOutputs() throws {
    let network = try Network.built([[1, 2, 3, 3]]) { builder, x in
      let a = builder.activation("a", x[0], .relu)
      let b = builder.activation("b", a, .tanh)
      _ = builder.activation("c", b, .tanh)
      return [b, a]
    }
    #expect(network.eliminatingDeadNodes().nodes.map(\.name) == ["a", "b"])
  }
}
