import Networks
import Tensors
import OperationCases
import TestSupport

/// Networks as JSON: one that is read verifies, comes back as it was, and runs on every engine to the same values.
struct NetworkTarget: FuzzTarget {
  let name = "network"
  let sizeLimit = 1 << 14

  private static let elementLimit = 1 << 16

  func run(_ bytes: [UInt8]) {
    guard let graph = made({ try NetworkGraph(json: String(decoding: bytes, as: UTF8.self)) }) else { return }
    promise(made { try NetworkGraph(json: graph.json) } == graph, "a graph came back changed")
    guard let expected = made({ try graph.expectedParameters() }) else {
      fatalError("broken promise: a graph that was read has no parameters")
    }
    var count = 0
    for (_, type) in expected {
      guard let elements = type.shape.checkedCount else { fatalError("broken promise: \(type) overflows") }
      count += elements
      guard count <= Self.elementLimit else { return }
    }
    let parameters = Dictionary(uniqueKeysWithValues: expected.map { ($0.name, Tensor(zeros: $0.type.shape)) })
    guard let network = made({ try Network(graph, parameters: parameters) }) else {
      fatalError("broken promise: a graph with its parameters is no network")
    }
    network.randomized(seed: UInt64(bytes.count)).checkPromises()
  }

  func seeds() throws -> [[UInt8]] { OperationCase.all.map { Array($0.network.graph.json.utf8) } }

  var dictionary: [String] {
    // The names in our own JSON: operations, attributes, cases.
    let words = OperationCase.all.flatMap { $0.network.graph.json.split { "{}[]:, ".contains($0) }.map(String.init) }
    return Set(words).filter { $0.utf8.count <= 40 }.sorted()
  }

  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    JSONMutation.mutated(bytes, using: &generator, plain: plain)
  }
}
