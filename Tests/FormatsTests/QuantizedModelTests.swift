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

/// What Tools/make_quantized_fixtures.py wrote: networks that ONNX Runtime quantised, with its outputs.
@Suite struct QuantizedModelTests {
  private static let folder = "\(#filePath.prefix(#filePath.count - "/QuantizedModelTests.swift".count))/Quantized"

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()

  private static func steps() throws -> [String: Float] {
    let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/steps.txt"))
    var result: [String: Float] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ")
      if parts.count == 2 { result[String(parts[0])] = Float(parts[1]) }
    }
    return result
  }

  @Test func thereAreSome() { #expect(Self.names.count >= 40) }

  /// Within one step of the last scale, and most equal; so is our own export of it.
  @Test(arguments: names) func equalsONNXRuntime(_ name: String) throws {
    let network = try ONNXFile.read("\(Self.folder)/\(name).onnx")
    let own = "\(Self.folder)/\(name).input.npy", stem = name.prefix { $0 != "-" }
    let input = try NPYFile.read(
      FileManager.default.fileExists(atPath: own) ? own : "\(Self.folder)/\(stem).input.npy")
    let expected = try NPYFile.read("\(Self.folder)/\(name).output.npy"), step = try #require(Self.steps()[name])
    #expect(network.inputs[0].element == input.dataType)
    try Self.expect(network, input, expected, step, name)
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    try Self.expect(again, input, expected, step, "\(name), exported")
  }

  private static func expect(
    _ network: Network, _ input: Tensor, _ expected: Tensor, _ step: Float, _ what: String
  ) throws {
    let output = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    guard output.shape == expected.shape, output.dataType == expected.dataType else {
      Issue.record("\(what): \(output.dataType) \(output.shape), not \(expected.dataType) \(expected.shape)")
      return
    }
    let a = output.numbers, b = expected.numbers
    let largest = zip(a, b).map { abs($0 - $1) }.max() ?? 0
    let others = zip(a, b).count { abs($0 - $1) > 0.5 * Double(step) }
    #expect(
      largest <= 1.001 * Double(step), "\(what): \(largest / Double(step)) steps, \(others) of \(a.count); \(network.text)")
    #expect(others <= max(1, a.count / 50), "\(what): \(others) of \(a.count) are a step away; \(network.text)")
  }

  /// Layers sum integers; but for weights of uint8 that are not symmetric, which are no int8.
  @Test(arguments: names.filter { !$0.hasSuffix("-pairs") }) func layersAreOfIntegers(_ name: String) throws {
    let network = try ONNXFile.read("\(Self.folder)/\(name).onnx")
    for node in network.nodes {
      switch node.operation {
      case .convolution, .transposedConvolution, .linear:
        #expect(node.operation.epilogue?.sumsIntegers ?? false, "\(name): \(network.text)")
      default: continue
      }
    }
  }
}
