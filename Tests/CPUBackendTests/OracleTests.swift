import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import TestSupport
import Testing

/// The instruction sets that this machine can run.
let instructionSets = InstructionSet.allCases.filter(\.isAvailable)

/// The shared cases that the CPU backend says it can run.
let supportedCases: [OperationCase] = OperationCase.all.filter { example in
  guard let shapes = try? example.network.inferredShapes(inputs: example.inputShapes) else { return false }
  let engine = CPUEngine(instructionSet: .portable, threadCount: 1)
  return example.network.nodes.allSatisfy { engine.support(for: $0, in: example.network, shapes: shapes) == .yes }
}

/// Winograd F(4x4, 3x3) loses a few bits to its transforms: the largest entries of Aᵀ, Bᵀ and G multiply to about 10 times the
/// error of a plain sum (Lavin and Gray 2015, section 5; here measured at 2 to 6).
let winogradFactor = 10.0

@Suite struct OracleTests {
  @Test func everyCaseIsSupported() {
    let supported = Set(supportedCases.map(\.name))
    let refused = OperationCase.all.map(\.name).filter { !supported.contains($0) }
    #expect(refused.isEmpty)
  }

  @Test(arguments: instructionSets, supportedCases)
  func agreesWithTheReference(_ instructionSet: InstructionSet, _ example: OperationCase) throws {
    let inputs = example.inputs
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1)
    let result = try engine.prepare(example.network, inputs: example.inputShapes).run(inputs)
    let tolerances = try Tolerance.outputs(of: example.network, inputs: inputs, convolutionFactor: winogradFactor)
    for index in expected.indices {
      expectClose(
        result[index], expected[index], tolerance: tolerances[index].error, seed: example.seed,
        "\(example.name) on \(instructionSet)")
    }
  }

  @Test(arguments: instructionSets, supportedCases)
  func everyThreadCountGivesTheSameBits(_ instructionSet: InstructionSet, _ example: OperationCase) throws {
    let inputs = example.inputs
    for precision in Precision.allCases {
      let runs = try [1, 2, 3].map { threads in
        try CPUEngine(instructionSet: instructionSet, threadCount: threads, precision: precision)
          .prepare(example.network, inputs: example.inputShapes).run(inputs)
      }
      for run in runs.dropFirst() {
        for (a, b) in zip(run, runs[0]) { expectSameBits(a, b, "\(example.name) on \(instructionSet) in \(precision)") }
      }
    }
  }
}
