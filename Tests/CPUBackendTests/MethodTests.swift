@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// The shared cases that are one convolution and its operands.
private let convolutionCases = supportedCases.filter { example in
  guard example.network.nodes.count == 1, case .convolution = example.network.nodes[0].operation else { return false }
  return true
}

/// Every method on every convolution that it takes, not only where the selector would choose it.
@Suite struct MethodTests {
  /// That for integers is tried in `CodeTests`.
  @Test(arguments: ConvolutionMethod.allCases.filter { $0 != .rows }, instructionSets)
  func agreesWithTheReference(_ method: ConvolutionMethod, _ instructionSet: InstructionSet) throws {
    var count = 0
    for example in convolutionCases {
      guard case .convolution(let payload) = example.network.nodes[0].operation,
        let geometry = ConvolutionGeometry(
          example.network.nodes[0], payload, shapes: try example.network.inferredShapes(inputs: example.inputShapes)),
        geometry.refusal(of: method) == nil
      else { continue }
      count += 1
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      engine.preferredMethod = method
      let inputs = example.inputs
      let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)
      let result = try engine.prepare(example.network, inputs: example.inputShapes).run(inputs)
      let isWinograd = method == .winograd2 || method == .winograd4
      let tolerance = try Tolerance.outputs(
        of: example.network, inputs: inputs, convolutionFactor: isWinograd ? winogradFactor : 1)
      expectClose(
        result[0], expected[0], tolerance: tolerance[0].error, seed: example.seed,
        "\(example.name) by \(method) on \(instructionSet)")
    }
    #expect(count >= 5, "\(method) was tried on \(count) convolutions only")
  }

  /// The same for the gradients of weights.
  @Test(arguments: WeightGradientMethod.allCases, instructionSets)
  func weightGradientsAgreeWithTheReference(_ method: WeightGradientMethod, _ instructionSet: InstructionSet) throws {
    var count = 0
    for example in supportedCases {
      let node = example.network.nodes[example.network.nodes.count - 1]
      guard case .training(.convolutionProduct(let payload)) = node.operation,
        let geometry = WeightGradientGeometry(
          node, payload, shapes: try example.network.inferredShapes(inputs: example.inputShapes)),
        geometry.refusal(of: method) == nil
      else { continue }
      count += 1
      let inputs = example.inputs
      let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)
      let isWinograd = method == .winograd2 || method == .winograd4
      let tolerance = try Tolerance.outputs(
        of: example.network, inputs: inputs, convolutionFactor: isWinograd ? winogradFactor : 1)
      var bits: [Tensor] = []
      for threads in [1, 2, 3] {
        var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads)
        engine.preferredWeightGradientMethod = method
        let result = try engine.prepare(example.network, inputs: example.inputShapes).run(inputs)
        expectClose(
          result[0], expected[0], tolerance: tolerance[0].error, seed: example.seed,
          "\(example.name) by \(method) on \(instructionSet)")
        bits.append(result[0])
      }
      for other in bits.dropFirst() { expectSameBits(other, bits[0], "\(example.name) by \(method) on \(instructionSet)") }
    }
    #expect(count >= 2, "\(method) was tried on \(count) gradients only")
  }

  @Test func theSelectorRefusesWithAReasonAndTakesTheCheapest() {
    let geometry = ConvolutionGeometry(
      Convolution(inChannels: 64, outChannels: 64, kernel: Pair(3), padding: Padding(1)),
      input: Shape(channels: 64, height: 256, width: 256), output: Shape(channels: 64, height: 256, width: 256))
    for instructionSet in InstructionSet.allCases {
      #expect(KernelSelector.choose(for: geometry, KernelRates(.zen5, instructionSet)) == .winograd4)
      let candidates = KernelSelector.candidates(for: geometry, KernelRates(.zen5, instructionSet))
      #expect(candidates.map(\.method) == ConvolutionMethod.allCases)
      let cheapest = candidates.compactMap(\.cost).min()
      #expect(candidates.first { $0.method == .winograd4 }?.cost == cheapest)
      #expect(candidates.first { $0.method == .depthwise }?.verdict == .refused("it is no depthwise convolution"))
    }
    var single = geometry
    single.outHeight = 1
    single.outWidth = 1
    single.inHeight = 1
    single.inWidth = 1
    #expect(KernelSelector.choose(for: single, KernelRates(.zen5, .avx512)) != .winograd4)
  }
}
