import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What Tools/make_onnx_fixtures.py wrote: models of PyTorch's exporters and of our own hand, with the outputs of ONNX Runtime.
enum ONNXFixture {
  static let folder = "\(#filePath.prefix(#filePath.count - "/ONNXModelTests.swift".count))/Models"

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()

  static func path(_ name: String) -> String { "\(folder)/\(name).onnx" }

  private static func tensors(_ name: String, _ kind: String) throws -> [Tensor] {
    var result: [Tensor] = []
    while true {
      let path = "\(folder)/\(name).\(kind)\(result.isEmpty ? "" : "\(result.count)").npy"
      guard FileManager.default.fileExists(atPath: path) else { return result }
      result.append(try NPYFile.read(path))
    }
  }

  static func inputs(_ name: String) throws -> [Tensor] {
    let own = try tensors(name, "input")
    return own.isEmpty ? try tensors(name.hasSuffix("-fixed") ? "fixed" : "open", "input") : own
  }

  static func outputs(_ name: String) throws -> [Tensor] { try tensors(name, "output") }
}

@Suite struct ONNXModelTests {
  /// How far two float32 results may lie apart, as a share of the largest value: the models sum at most 200 products (48 behind two
  /// layers), and `2 · eps · (k + 1)` bounds what the order of a sum is worth.
  static let bound = 2 * Double(Float.ulpOfOne) * 201

  private static func expectClose(_ network: Network, _ name: String, _ what: String) throws {
    let inputs = try ONNXFixture.inputs(name)
    let expected = try ONNXFixture.outputs(name)
    let outputs = try ReferenceEngine().prepare(network, inputs: inputs.map(\.shape)).run(inputs)
    #expect(outputs.count == expected.count)
    for (index, (output, wanted)) in zip(outputs, expected).enumerated() {
      guard output.shape == wanted.shape else {
        Issue.record("\(name), \(what), output \(index): \(output.shape), not \(wanted.shape)")
        continue
      }
      let difference = output.difference(from: wanted)
      #expect(
        difference.relative <= Self.bound,
        "\(name), \(what), output \(index): \(difference), \(network.text)")
    }
  }

  @Test(arguments: ONNXFixture.names)
  func importsRunAsInONNXRuntime(name: String) throws {
    let network = try ONNXFile.read(ONNXFixture.path(name))
    try Self.expectClose(network, name, "imported")
    // Our own export says the same.
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    try Self.expectClose(again, name, "exported and imported")
  }

  @Test func allFixturesAreThere() { #expect(ONNXFixture.names.count > 120) }
}
