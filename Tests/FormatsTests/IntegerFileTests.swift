import Formats
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Networks of integers in files.
@Suite struct IntegerFileTests {
  /// Integers lie in model files as they are, a byte a weight.
  @Test(arguments: OperationCase.integers)
  func modelFilesHoldThem(_ example: OperationCase) throws {
    let contents = ModelFile.contents(of: example.network), bytes = contents.encoded()
    #expect(contents.metadata["swiftlet.version"] == "2")
    let again = try ModelFile.read(bytes: bytes)
    #expect(again == example.network)
    let inputs = example.inputs
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(inputs)
    #expect(try ReferenceEngine().prepare(again, inputs: example.inputShapes).run(inputs) == expected)
    let weights = example.network.parameters.filter { $0.key.hasSuffix(".weight") }
    #expect(weights.values.allSatisfy { $0.byteCount == $0.count })
  }

  @Test func damageIsNamed() throws {
    let network = try #require(OperationCase.integers.first { $0.network.parameters.keys.contains("layer.bias") }).network
    var contents = ModelFile.contents(of: network)
    let shifts = try #require(network.parameters["layer.rightShift"])
    contents.tensors["layer.rightShift"] = Tensor(shifts.shape, .int32, integers: Array(repeating: 77, count: shifts.count))
    #expect(throws: FormatProblem.network(.parameterValue("layer.rightShift", 77, -30...31))) {
      try ModelFile.read(bytes: contents.encoded())
    }
    contents = ModelFile.contents(of: network)
    contents.tensors["layer.bias"] = Tensor(zeros: try #require(network.parameters["layer.bias"]).shape)
    #expect(throws: FormatProblem.network(.parameterType("layer.bias", expected: .int32, got: .float32))) {
      try ModelFile.read(bytes: contents.encoded())
    }
  }

  @Test func onnxRefusesThemByName() throws {
    let example = try #require(OperationCase.integers.first)
    #expect(throws: FormatProblem.self) { try ONNXFile.bytes(of: example.network) }
    // Whatever the input says of itself.
    var network = example.network
    (network.inputs[0].element, network.inputs[0].quantization) = (.float32, nil)
    #expect(
      throws: FormatProblem.onnx(
        .notExportable(node: "layer", operation: "convolution", reason: "it sums integers and requantises them"))
    ) { try ONNXFile.bytes(of: network) }
  }
}
