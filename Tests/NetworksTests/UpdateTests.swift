import Networks
import Tensors
import TestSupport
import Testing

/// Parameters that nodes read by name, and updates: what is a network and what is not, and how it is written.
@Suite struct UpdateTests {
  /// A layer, the gradient of its weight for an input that is all it sees, and a step against it.
  static func builder() -> NetworkBuilder {
    var builder = NetworkBuilder("step")
    let x = builder.input("x", axes: [1, 3])
    let error = builder.input("error", axes: [2, 1])
    builder.output(builder.linear("head", x, outFeatures: 2, bias: false))
    let gradient = builder.matrixMultiply("gradient", error, x, channels: 3)
    let step = builder.scale("scaled", gradient, by: -0.5)
    let next = builder.add("next", builder.parameter("head.weight"), step)
    builder.update("head.weight", to: next)
    return builder
  }

  @Test func networksWithUpdatesVerifyAndComeBack() throws {
    let network = try Self.builder().build(.random(seed: 1))
    #expect(network.updates == [ParameterUpdate(parameter: "head.weight", value: "next")])
    #expect(
      network.text == """
        network step: x [1, 3], error [2, 1] -> head
        head = linear(x) 3 -> 2
        gradient = matrixMultiply(error, x)
        scaled = scale(gradient) -0.5
        next = add(head.weight, scaled)
        update head.weight = next

        """)
    let json = network.graph.json
    #expect(json.contains(#""updates":[{"parameter":"head.weight","value":"next"}]"#))
    #expect(try NetworkGraph(json: json) == network.graph)
    let shapes = try network.inferredShapes(inputs: [[1, 3], [2, 1]])
    #expect(shapes["head.weight"] == [2, 3] && shapes["next"] == [2, 3])
    // What is read is no activation; what an update takes lives to the end.
    let ledger = try network.ledger(inputs: [[1, 3], [2, 1]])
    #expect(ledger.peakActivationByteCount == 4 * (2 + 6 + 6))
  }

  @Test func nodesAreCalledOtherwise() throws {
    var network = try Self.builder().build(.random(seed: 1))
    network.nodes.append(Node(name: "copy", operation: .scale(Scale(factor: 1)), inputs: ["head.weight"]))
    let renamed = network.renamingNodes(["head": "next", "next": "gradient", "gradient": "head"])
    try renamed.verify()
    #expect(
      renamed.text == """
        network step: x [1, 3], error [2, 1] -> next
        next = linear(x) 3 -> 2
        head = matrixMultiply(error, x)
        scaled = scale(head) -0.5
        gradient = add(next.weight, scaled)
        copy = scale(next.weight) 1.0
        update next.weight = gradient

        """)
    #expect(renamed.parameters == ["next.weight": network.parameters["head.weight"]])
    #expect(renamed.renamingNodes(["next": "head", "gradient": "next", "head": "gradient"]) == network)
    // A value may be called as a parameter that nothing reads.
    var builder = NetworkBuilder("names")
    let x = builder.input("x", axes: [1, 3])
    let y = builder.linear("head", x, outFeatures: 3, bias: false)
    builder.output(builder.scale("last", builder.scale("head.weight", y, by: 2), by: 2))
    let other = try builder.build(.random(seed: 1)).renamingNodes(["head": "tail"])
    try other.verify()
    #expect(other.nodes.map(\.inputs) == [["x"], ["tail"], ["head.weight"]])
  }

  @Test func faultsAreNamed() throws {
    func expect(_ message: String, _ change: (inout NetworkGraph) -> Void) throws {
      var network = try Self.builder().build(.random(seed: 1))
      change(&network.graph)
      do throws(NetworkError) {
        try network.verify()
        _ = try network.inferredShapes(inputs: [[1, 3], [2, 1]])
        Issue.record("accepted: \(message)")
      } catch {
        #expect(error.description == message)
      }
    }
    try expect("an update changes 'head.bias', which is no parameter of a node") {
      $0.updates.append(ParameterUpdate(parameter: "head.bias", value: "next"))
    }
    try expect("two updates change the parameter 'head.weight'; one may") {
      $0.updates.append(ParameterUpdate(parameter: "head.weight", value: "scaled"))
    }
    try expect("the update of 'head.weight' takes 'gone', which is no value of the network") { $0.updates[0].value = "gone" }
    try expect("the update of 'head.weight' (float32 2x3) takes 'head', which is float32 1x2") { $0.updates[0].value = "head" }
    try expect("the node 'next' reads 'head.bias', which is no input of the network, no parameter and no node before it") {
      $0.nodes[3].inputs[0] = "head.bias"
    }
    // One name for two things where parameters are named.
    try expect("two values of the network are called 'head.weight'; names must be unique") {
      $0.inputs[1].name = "head.weight"
      $0.nodes[1].inputs[0] = "head.weight"
    }
    try expect("the output 'head.bias' is no value of the network") { $0.outputs = ["head.bias"] }
  }

  /// In files of before, a value may be called as a parameter that nothing names.
  @Test func valuesAndParametersWereApart() throws {
    var builder = NetworkBuilder("old")
    let x = builder.input("x", channels: 1)
    let a = builder.convolution("a", x, outChannels: 1, kernel: 1)
    builder.output(builder.activation("b", builder.activation("a.weight", a, .relu), .sigmoid))
    let network = try builder.build(.random(seed: 1))
    #expect(try network.inferredShapes(inputs: [[1, 1, 2, 2]])["a.weight"] == [1, 1, 2, 2])
    #expect(!network.graph.namesParameters)
  }

  /// An editor follows names, counts readers, and knows what a pass must leave alone.
  @Test func editorFollowsParameters() throws {
    let network = try Self.builder().build(.random(seed: 1))
    var editor = NetworkEditor(network)
    #expect(editor.readCount(of: "head") == 1 && editor.readCount(of: "next") == 1 && editor.readCount(of: "x") == 2)
    #expect(editor[0].map { editor.ownsAlone($0) } == false)
    #expect(editor.placeOfOnlyRead("gradient") == 1 && editor.placeOfOnlyRead("x") == nil)
    #expect(editor.freeName("head.weight") == "head.weight_" && editor.isFree("tail"))
    let head = try #require(editor[0])
    let other = Node(name: "tail", operation: head.operation, inputs: head.inputs)
    editor.replace(0, by: other)
    editor.redirect("head", to: "tail")
    editor.move(.weight, of: head, to: .weight, of: other)
    let result = editor.result
    try result.verify()
    #expect(result.outputs == ["tail"] && result.updates == [ParameterUpdate(parameter: "tail.weight", value: "next")])
    #expect(result.nodes[3].inputs == ["tail.weight", "scaled"])
    #expect(result.parameters["tail.weight"] == network.parameters["head.weight"])
  }

  /// What updates need stays, with the owners of what they read; the rest goes.
  @Test func deadNodesGo() throws {
    var builder = Self.builder()
    let x = builder.input("y", channels: 1)
    _ = builder.convolution("dead", x, outChannels: 1, kernel: 1)
    // Owns what an update reads; its own value is not needed.
    _ = builder.batchNorm("owner", x)
    _ = builder.batchNorm("target", x)
    builder.update("target.runningMean", to: builder.parameter("owner.bias"))
    let network = try builder.build(.random(seed: 1))
    var editor = NetworkEditor(network)
    editor.removeDeadNodes()
    try editor.result.verify()
    #expect(editor.result.nodes.map(\.name) == ["head", "gradient", "scaled", "next", "owner", "target"])
    #expect(editor.result.parameters["dead.weight"] == nil && editor.result.parameters["owner.bias"] != nil)
  }
}
