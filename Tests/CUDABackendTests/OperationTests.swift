import CUDAEmulation
import Execution
import Networks
import ReferenceBackend
import OperationCases
import TestSupport
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Every case of the shared list is the reference's on the device, or refused with the reason.
@Suite struct OperationTests {
  /// The types of operations that the device runs at all.
  static let run: Set<String> = [
    "convolution", "separableConvolution", "transposedConvolution", "linear", "batchNorm", "scale", "channelAffine", "add",
    "concatenation", "pixelShuffle", "pixelUnshuffle", "resize", "maximumPool", "averagePool", "globalAveragePool", "flatten",
    "slice", "softmax", "matrixMultiply", "maximumIndex", "normalization", "reduceMean", "reduceSum", "reduceMaximum",
    "reduceProduct",
    "pad", "reshape", "transpose", "expand", "constant", "relu", "prelu", "gelu", "quantize", "dequantize", "requantizedAdd",
    "lookup",
  ]

  /// Those that only training runs, in all but float16.
  static let trained: Set<String> = [
    "convolutionOutput", "convolutionInputGradient", "convolutionWeightGradient", "activationGradient", "batchMoments",
    "batchNormalization", "batchNormalizationSums", "batchNormalizationGradient", "maximumPoolGradient", "adjoint",
    "channelSum",
    "channelProduct", "dropout", "fakeQuantize", "movingAverage", "parameterStep",
  ]

  @Test(arguments: CUDAPrecision.allCases) func everyCaseIsTheReferenceOrRefused(_ precision: CUDAPrecision) throws {
    let engine = try EmulatedDevice.engine(precision)
    var count = 0, seen: Set<String> = []
    for example in OperationCase.all + OperationCase.integers {
      let network = example.network
      guard network.updates.isEmpty, let resolved = try? network.resolvingSizes(inputs: example.inputShapes),
        let shapes = try? resolved.inferredShapes(inputs: example.inputShapes)
      else { continue }
      let refusals = resolved.nodes.compactMap { node -> String? in
        if case .no(let reason) = engine.support(for: node, in: resolved, shapes: shapes) { reason } else { nil }
      }
      #expect(refusals.allSatisfy { !$0.isEmpty && !$0.contains("\n") })
      let isKept =
        network.inputs.allSatisfy { $0.element == .float32 || $0.element.isCode }
        && example.inputShapes.allSatisfy { [1, 2, 4].contains($0.rank) }
      guard refusals.isEmpty, isKept else {
        #expect(throws: ExecutionError.self, "\(example)") { _ = try engine.prepare(network, inputs: example.inputShapes) }
        continue
      }
      let inputs = example.inputs
      let outputs: [Tensor]
      do {
        outputs = try engine.prepare(network, inputs: example.inputShapes).run(inputs)
      } catch {
        Issue.record("\(example): \(error) \(EmulatedDevice.fault)")
        continue
      }
      let expected = try ReferenceEngine().prepare(network, inputs: example.inputShapes).run(inputs)
      let bounds = try Tolerance.outputs(
        of: network, inputs: inputs, convolutionFactor: precision.element == .float32 ? 8 : 1,
        storage: precision.rounding)
      for (index, (output, exact)) in zip(outputs, expected).enumerated() {
        // Beyond the largest binary16 there is only infinity.
        if bounds[index].magnitude > precision.largest { continue }
        expectClose(output, exact, tolerance: bounds[index].error, seed: example.seed, "\(example)")
      }
      count += 1
      seen.formUnion(network.nodes.map(\.operation.typeName))
    }
    let wanted = precision != .float16 ? Self.run.union(Self.trained) : Self.run
    #expect(wanted.subtracting(seen).isEmpty, "no case of \(wanted.subtracting(seen))")
    #expect(precision != .float16 || seen.isDisjoint(with: Self.trained))
    #expect(count > 300)
  }
}
