import GeneratedNetworks
import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What leaves a network is called as the file calls it.
@Suite struct ONNXOutputNameTests {
  typealias Make = ONNXSafetyTests
  typealias Operators = ONNXOperatorTests

  /// A graph of the input `x` of `[1, 3, 8, 8]` with these outputs.
  private static func network(
    _ outputs: [String], _ nodes: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = []
  ) throws -> Network {
    let model = Make.model { model in
      model.graph.node = nodes
      model.graph.initializer = tensors
      model.graph.output = outputs.map { name in
        var output = ONNXValueInfoProto()
        output.name = name
        return output
      }
    }
    return try ONNXFile.read(bytes: model.serializedBytes())
  }

  /// The outputs have the names, here and behind another file, and hold the same.
  private static func expect(_ network: Network, _ outputs: [String], _ what: String = "") throws {
    #expect(network.outputs == outputs, "\(what) \(network.text)")
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    #expect(again.outputs == outputs, "\(what) \(again.text)")
    let x = Tensor([1, 3, 8, 8], (0..<192).map { Float($0) / 8 - 9 })
    let engine = ReferenceEngine()
    #expect(
      try engine.prepare(network, inputs: [x.shape]).run([x]) == engine.prepare(again, inputs: [x.shape]).run([x]), "\(what)")
  }

  @Test(arguments: ONNXFixture.names)
  func fixturesKeepThem(name: String) throws {
    let file = try ONNXModelProto(serializedBytes: Data(Make.bytes(name)))
    let network = try ONNXFile.read(ONNXFixture.path(name))
    // An output that the file names twice is two.
    let names = file.graph.output.map(\.name)
    let expected = names.enumerated().map { names[..<$0].contains($1) ? $1 + "_2" : $1 }
    #expect(network.outputs == expected, "\(network.text)")
    #expect(try ONNXFile.read(bytes: ONNXFile.bytes(of: network)).outputs == network.outputs)
  }

  @Test func viewsConstantsAndInputsHaveThem() throws {
    let turned = Operators.node("Transpose", ["x"], "v1", integers: ["perm": [0, 2, 3, 1]])
    let relu = Make.node("Relu", ["x"], ["y"])
    try Self.expect(Self.network(["v1", "y"], [turned, relu]), ["v1", "y"])
    let w = Make.tensor("w", [2, 3])
    try Self.expect(Self.network(["c", "y"], [Make.node("Identity", ["w"], ["c"]), relu], [w]), ["c", "y"])
    try Self.expect(Self.network(["w", "y"], [relu], [w]), ["w", "y"])
    try Self.expect(Self.network(["y", "z"], [relu, Make.node("Identity", ["x"], ["z"])]), ["y", "z"])
    try Self.expect(Self.network(["z"], [Make.node("Identity", ["x"], ["z"])]), ["z"])
    try Self.expect(Self.network(["x", "y"], [relu]), ["x", "y"])
    try Self.expect(Self.network(["x", "z"], [Make.node("Identity", ["x"], ["z"])]), ["x", "z"])
  }

  @Test func oneValueHasSeveral() throws {
    let nodes = [
      Make.node("Relu", ["x"], ["a"]), Make.node("Identity", ["a"], ["b"]), Make.node("Dropout", ["b"], ["c"]),
    ]
    for outputs in [["a", "b", "c"], ["c", "b", "a"], ["b"], ["c", "b"], ["b", "x", "a"]] {
      let network = try Self.network(outputs, nodes)
      try Self.expect(network, outputs)
      #expect(network.nodes.count == outputs.filter { $0 != "x" }.count)
    }
  }

  @Test func nodesThatAreCalledSoMakeRoom() throws {
    func named(_ type: String, _ input: String, _ output: String, _ name: String) -> ONNXNodeProto {
      var node = Make.node(type, [input], [output])
      node.name = name
      return node
    }
    let nodes = [named("Relu", "x", "a", "b"), named("Sigmoid", "a", "b", "a"), named("Tanh", "b", "c", "a_2")]
    for outputs in [["a", "b"], ["b", "a"], ["b"], ["a"], ["c", "a"], ["c", "b", "a"]] {
      try Self.expect(Self.network(outputs, nodes), outputs, "\(outputs)")
    }
    try Self.expect(Self.network(["b"], [named("Relu", "x", "a", "x"), named("Sigmoid", "a", "b", "b_2")]), ["b"])
  }

  @Test func layersKeepThoseOfTheirWeights() throws {
    let convolution = Make.node("Conv", ["x", "tail.weight"], ["c"])
    let network = try Self.network(["c"], [convolution], [Make.tensor("tail.weight", [4, 3, 3, 3])])
    try Self.expect(network, ["c"])
    #expect(network.parameters.keys.sorted() == ["tail.weight"])
    // A layer that is called so by chance only is the output itself.
    let other = try Self.network(["c"], [Make.node("Conv", ["x", "w"], ["c"])], [Make.tensor("w", [4, 3, 3, 3])])
    try Self.expect(other, ["c"])
    #expect(other.nodes.count == 1 && other.parameters.keys.sorted() == ["c.weight"])
    // An output that is called as a layer is another value: the layer has to give way.
    let both = try Self.network(
      ["tail"], [convolution, Make.node("Relu", ["c"], ["tail"])], [Make.tensor("tail.weight", [4, 3, 3, 3])])
    try Self.expect(both, ["tail"])
    #expect(both.nodes.map(\.operation.typeName) == ["convolution", "relu"])
  }

  @Test func namesOfSeveralLinesAreOne() throws {
    let network = try Self.network(["a\nb", "a b"], [Make.node("Relu", ["x"], ["a\nb"]), Make.node("Tanh", ["x"], ["a b"])])
    #expect(network.outputs.allSatisfy { !$0.contains("\n") } && Set(network.outputs).count == 2)
  }

  @Test func manyOutputsTakeTimeInProportion() throws {
    let count = 30_000
    let nodes = (0..<count).map { index in
      var node = Make.node("Relu", ["x"], ["y\(index)"])
      node.name = "y\(count - index)"
      return node
    }
    let clock = ContinuousClock()
    let outputs = (0..<count).map { "y\($0)" }
    var network: Network?
    let time = try clock.measure { network = try Self.network(outputs, nodes) }
    #expect(network?.outputs == outputs)
    #expect(time < .seconds(20))
  }
}
