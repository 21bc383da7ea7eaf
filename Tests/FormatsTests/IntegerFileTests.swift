import Files
import Formats
import Networks
import ReferenceBackend
import Tensors
import OperationCases
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
    for node in example.network.nodes where node.operation.epilogue?.sumsIntegers ?? false {
      for part in node.operation.linearParts {
        let weight = try #require(example.network.parameter(part.weightRole, of: node))
        #expect(weight.byteCount == weight.count)
      }
    }
  }

  @Test func damageIsNamed() throws {
    let network = try #require(
      OperationCase.integers.first { $0.network.parameters["layer.bias"]?.dataType == .int32 }
    ).network
    var contents = ModelFile.contents(of: network)
    let multipliers = try #require(network.parameters["layer.multiplier"])
    for wrong: Float in [-1, 1e30, .infinity, 1e-30] {
      contents.tensors["layer.multiplier"] = Tensor(repeating: wrong, multipliers.shape)
      #expect(throws: FormatProblem.network(.parameterNumber("layer.multiplier", wrong, 0x1p-64...0x1p64))) {
        try ModelFile.read(bytes: contents.encoded())
      }
    }
    contents.tensors["layer.multiplier"] = Tensor(repeating: .nan, multipliers.shape)
    #expect(throws: FormatProblem.self) { try ModelFile.read(bytes: contents.encoded()) }
    contents.tensors["layer.multiplier"] = Tensor(zeros: [multipliers.count + 1])
    #expect(
      throws: FormatProblem.network(
        .parameterShape("layer.multiplier", expected: multipliers.shape, got: [multipliers.count + 1]))
    ) { try ModelFile.read(bytes: contents.encoded()) }
    contents = ModelFile.contents(of: network)
    contents.tensors["layer.bias"] = Tensor(zeros: try #require(network.parameters["layer.bias"]).shape)
    #expect(throws: FormatProblem.network(.parameterType("layer.bias", expected: .int32, got: .float32))) {
      try ModelFile.read(bytes: contents.encoded())
    }
  }

  /// What a file calls int64 is called so, whatever it has become.
  @Test func elementsAreCalledAsInTheFile() throws {
    var builder = NetworkBuilder("one")
    builder.output(builder.linear("head", builder.input("x", axes: [1, 3]), outFeatures: 2, bias: false))
    var contents = ModelFile.contents(of: try builder.build(.zeros))
    contents.tensors = [:]
    let header = contents.encoded().dropFirst(8).reversed().drop { $0 == UInt8(ascii: " ") }.dropFirst().reversed()
    for (code, name, size) in [("I64", "int64", 8), ("I32", "int32", 4), ("U16", "uint16", 2), ("I8", "int8", 1)] {
      let entry = #","head.weight":{"dtype":"\#(code)","shape":[2,3],"data_offsets":[0,\#(6 * size)]}}"#
      let text = header + Array(entry.utf8)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
      do throws(FormatProblem) {
        _ = try ModelFile.read(bytes: length + text + [UInt8](repeating: 0, count: 6 * size))
        Issue.record("read")
      } catch {
        #expect(error.description.contains(name) && error.description.contains("must hold float32"), "\(error)")
      }
    }
    let folder = try Folder()
    var bytes = NPYFile.encoded(Tensor(zeros: [4], .int32))
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("<i4".utf8)) })
    bytes[place + 2] = UInt8(ascii: "8")
    try AtomicFile.write(bytes + [UInt8](repeating: 0, count: 16), to: folder.path + "/x.npy")
    #expect(throws: FormatProblem.elements(tensor: nil, expected: .int8, stored: "int64")) {
      do throws(FormatError) { _ = try NPYFile.read(folder.path + "/x.npy", element: .int8) } catch { throw error.problem }
    }
  }

  /// A file that names the first version has nothing that the second brought.
  @Test(
    arguments: Array(OperationCase.integers.prefix(1)) + OperationCase.all.filter { $0.network.graph.namesParameters }.prefix(2)
  )
  func versionsAreKept(_ example: OperationCase) throws {
    var contents = ModelFile.contents(of: example.network)
    contents.metadata["swiftlet.version"] = "1"
    do throws(FormatProblem) {
      _ = try ModelFile.read(bytes: contents.encoded())
      Issue.record("read")
    } catch {
      if case .laterFeature("1", _, "2") = error { return }
      Issue.record("\(error)")
    }
  }

  /// Integers that stand for nothing have no form there; those with a scale have.
  @Test func onnxRefusesIntegersWithoutScaleAsInputs() throws {
    var builder = NetworkBuilder("bytes")
    let x = builder.input("x", axes: [nil, 3], element: .uint8)
    builder.output(builder.node("flat", .flatten, [x], channels: 3))
    let network = try builder.build(.zeros)
    #expect(throws: FormatProblem.self) { try ONNXFile.bytes(of: network) }
    let example = try #require(OperationCase.integers.first { $0.network.inputs[0].quantization != nil })
    #expect(try ONNXFile.read(bytes: ONNXFile.bytes(of: example.network)).inputs == example.network.inputs)
  }
}
