import CPUBackend
import Execution
import Networks
import Tensors
import TestSupport
import Testing

/// What sums integers is refused, with the reason.
@Suite struct IntegerRefusalTests {
  @Test(arguments: OperationCase.integers)
  func layersOfIntegersAreRefused(_ example: OperationCase) throws {
    let engine = CPUEngine(instructionSet: .portable, threadCount: 1), network = example.network
    let shapes = try network.inferredShapes(inputs: example.inputShapes)
    for node in network.nodes where node.operation.epilogue?.requantization != nil {
      #expect(
        engine.support(for: node, in: network, shapes: shapes)
          == .no("it sums integers and requantises them; the reference engine does"))
    }
    let element = network.inputs[0].element.rawValue
    #expect(
      throws: ExecutionError.unsupported(node: "x", operation: "input", backend: "cpu", reason: "it holds \(element)")
    ) { try engine.prepare(network, inputs: example.inputShapes) }
  }
}
