@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import TestSupport
import Testing

/// Values and weights of 8 significant bits, on every instruction set.
@Suite struct BFloat16Tests {
  @Test(arguments: instructionSets, supportedCases)
  func agreesWithTheReference(_ instructionSet: InstructionSet, _ example: OperationCase) throws {
    let inputs = example.inputs
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1, precision: .bfloat16)
    let result = try engine.prepare(example.network, inputs: example.inputShapes).run(inputs)
    let tolerances = try Tolerance.outputs(
      of: example.network, inputs: inputs, convolutionFactor: winogradFactor, storage: Tolerance.bfloat16Epsilon)
    for index in expected.indices {
      expectClose(
        result[index], expected[index], tolerance: tolerances[index].error, seed: example.seed,
        "\(example.name) on \(instructionSet)")
    }
  }

  /// One operation on inputs and weights that bfloat16 has exactly: nothing but the result is rounded, each value by at most half
  /// a unit in its own last place.
  @Test(arguments: instructionSets, supportedCases.filter { $0.network.nodes.count == 1 })
  func oneOperationRoundsItsResultAlone(_ instructionSet: InstructionSet, _ example: OperationCase) throws {
    // A separable convolution also rounds what lies between its parts.
    if case .separableConvolution = example.network.nodes[0].operation { return }
    var network = example.network
    for role in [ParameterRole.weight, .depthwiseWeight, .pointwiseWeight] {
      let name = network.nodes[0].parameterName(role)
      if let tensor = network.parameters[name] { network.parameters[name] = rounded(tensor) }
    }
    let inputs = example.inputs.map(rounded)
    let expected = try ReferenceEngine().prepare(network, inputs: example.inputShapes).run(inputs)
    let tolerances = try Tolerance.outputs(of: network, inputs: inputs, convolutionFactor: winogradFactor)
    let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2, precision: .bfloat16)
    let result = try engine.prepare(network, inputs: example.inputShapes).run(inputs)
    for index in expected.indices {
      let error = tolerances[index].error
      var worst = 0.0
      for (a, b) in zip(result[index].floats, expected[index].floats) {
        let bound = error + (abs(Double(b)) + error) * Tolerance.bfloat16Epsilon
        worst = max(worst, abs(Double(a) - Double(b)) / max(bound, 1e-300))
      }
      #expect(worst <= 1, "\(example.name) on \(instructionSet): \(worst) times the bound")
    }
  }

  private func rounded(_ tensor: Tensor) -> Tensor { Tensor(tensor.shape, tensor.floats.map { BFloat16($0).float }) }
}
