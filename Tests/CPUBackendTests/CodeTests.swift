import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing

/// Networks of integers on every instruction set and number of threads against the reference, bit for bit.
@Suite struct CodeTests {
  @Test(arguments: CodeCase.all)
  func bitsAreThoseOfTheReference(_ example: CodeCase) throws {
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)
    for instructionSet in instructionSets {
      for threadCount in [1, 2, 3] {
        let engine = CPUEngine(instructionSet: instructionSet, threadCount: threadCount)
        let session = try engine.prepare(example.network, inputs: example.inputs.map(\.shape))
        // Twice: memory that a run leaves must not reach the next.
        _ = try session.run(example.inputs)
        let outputs = try session.run(example.inputs)
        for (output, wanted) in zip(outputs, expected) where output != wanted {
          let places = zip(output.numbers, wanted.numbers).enumerated().filter { $0.element.0 != $0.element.1 }
          Issue.record(
            """
            \(example.name), \(instructionSet), \(threadCount) threads: \(places.count) of \(output.count) differ, first at \
            \(places.first.map { "\($0.offset): \($0.element.0), not \($0.element.1)" } ?? "none")
            """)
          return
        }
      }
    }
  }

  /// Each way in which a convolution of integers can run.
  @Test(arguments: [ConvolutionMethod.rows, .direct], CodeCase.all)
  func everyMethodHasTheBits(_ method: ConvolutionMethod, _ example: CodeCase) throws {
    guard case .convolution(let payload) = example.network.nodes[0].operation, example.network.nodes.count == 1,
      let output = try? payload.shapeBeforeShuffle(example.inputs[0].shape),
      ConvolutionGeometry(payload, input: example.inputs[0].shape, output: output).refusal(of: method) == nil
    else { return }
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)
    for instructionSet in instructionSets {
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      engine.preferredMethod = method
      #expect(try engine.prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs) == expected)
    }
  }

  @Test(arguments: OperationCase.integers)
  func casesOfOperations(_ example: OperationCase) throws {
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(example.inputs)
    for instructionSet in instructionSets {
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      let outputs = try engine.prepare(example.network, inputs: example.inputShapes).run(example.inputs)
      for (output, wanted) in zip(outputs, expected) {
        #expect(output == wanted, "\(example.name), \(instructionSet)")
      }
    }
  }

  /// Were all results clamped, they would show nothing.
  @Test func casesAreNoConstants() throws {
    let constants = try CodeCase.all.filter { example in
      guard !example.isExtreme else { return false }
      let output = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)[0]
      return Set(output.numbers).count < min(output.count, 3)
    }
    #expect(constants.count * 10 < CodeCase.all.count, "\(constants.map(\.name))")
  }
}
