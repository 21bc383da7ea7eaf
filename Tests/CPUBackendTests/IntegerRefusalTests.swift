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
    for node in network.nodes {
      guard let epilogue = node.operation.epilogue, epilogue.sumsIntegers || epilogue.quantize != nil else { continue }
      #expect(
        engine.support(for: node, in: network, shapes: shapes)
          == .no("it sums integers or stores them; the reference engine does"))
    }
    do throws(ExecutionError) {
      _ = try engine.prepare(network, inputs: example.inputShapes)
      Issue.record("\(example.name) was prepared")
    } catch {
      if case .unsupported = error { return }
      Issue.record("\(error)")
    }
  }
}
