import Networks
import Tensors
import TestSupport
import Testing

@Suite struct NetworkTests {
  /// A residual block between a head and a shuffled tail.
  static func sample(_ initialization: Initialization = .random(seed: 7)) throws -> Network {
    var builder = NetworkBuilder(
      "sample", contract: .image(ImageContract(colour: .rgb, maximum: 255, scale: 2, inputSize: .lowResolution)))
    let x = builder.input("x", channels: 3)
    let head = builder.convolution("head", x, outChannels: 12, kernel: 3, padding: 1)
    let a = builder.activation(
      "a.leaky", builder.convolution("a", head, outChannels: 12, kernel: 3, padding: 1, bias: false), .leakyReLU(slope: 0.1))
    let sum = builder.add("sum", builder.scale("scaled", a, by: 0.1), head)
    let norm = builder.batchNorm("norm", sum)
    builder.output(builder.pixelShuffle("tail", norm, factor: 2))
    return try builder.build(initialization)
  }

  @Test func text() throws {
    #expect(
      try Self.sample().text == """
        network sample: x [3] -> tail
        head = convolution(x) 3 -> 12, kernel 3, padding 1, bias
        a = convolution(head) 12 -> 12, kernel 3, padding 1
        a.leaky = leakyReLU(a) 0.1
        scaled = scale(a.leaky) 0.1
        sum = add(scaled, head)
        norm = batchNorm(sum) 12, epsilon 1e-05
        tail = pixelShuffle(norm) 2

        """)
  }

  @Test func textOfEpilogueAndOddAttributes() throws {
    var builder = NetworkBuilder("odd")
    let x = builder.input("x", channels: 8)
    let payload = Convolution(
      inChannels: 8, outChannels: 8, kernel: Pair(height: 3, width: 1), stride: 2,
      padding: Padding(top: 1, left: 0, bottom: 1, right: 0), dilation: 1, groups: 4, hasBias: false,
      epilogue: Epilogue([.activation(.relu), .scale(0.5), .add, .activation(.clip(minimum: 0, maximum: 1)), .pixelShuffle(2)]))
    let y = builder.node("y", .convolution(payload), [x, x], channels: 2)
    builder.output(builder.transposedConvolution("z", y, outChannels: 4, kernel: 2, stride: 2, outputPadding: 1))
    let network = try builder.build(.zeros)
    #expect(
      network.text == """
        network odd: x [8] -> z
        y = convolution(x, x) 8 -> 8, kernel 3x1, stride 2, padding (1, 0, 1, 0), groups 4 | relu | scale 0.5 | add \
        | clip 0.0 to 1.0 | pixelShuffle 2
        z = transposedConvolution(y) 2 -> 4, kernel 2, stride 2, bias, output padding 1

        """)
  }

  @Test func inferredShapes() throws {
    let network = try Self.sample()
    let shapes = try network.inferredShapes(inputs: [[2, 3, 5, 7]])
    #expect(shapes["head"] == [2, 12, 5, 7])
    #expect(shapes["tail"] == [2, 3, 10, 14])
    #expect(throws: NetworkError.inputCount(expected: 1, got: 0)) { try network.inferredShapes(inputs: []) }
    #expect(throws: NetworkError.inputShape(NetworkInput(name: "x", channels: 3), got: [1, 4, 5, 7])) {
      try network.inferredShapes(inputs: [[1, 4, 5, 7]])
    }
  }

  /// Two halvings and doublings: what is no multiple of four does not come back to its size.
  @Test func inputsThatDoNotFitAreToldTheNearestThatDo() throws {
    var builder = NetworkBuilder("levels")
    let x = builder.input("x", channels: 2)
    var value = x
    for level in 1...2 { value = builder.maximumPool("pool_\(level)", value, Pool(kernel: 2)) }
    for level in 1...2 {
      value = builder.transposedConvolution("up_\(level)", value, outChannels: 2, kernel: 2, stride: 2)
    }
    builder.output(builder.concatenation("cat", [x, value]))
    let network = try builder.build(.zeros)
    func error(_ height: Int, _ width: Int) -> NetworkError? {
      do throws(NetworkError) { _ = try network.inferredShapes(inputs: [[3, 2, height, width]]) } catch { return error }
      return nil
    }
    #expect(error(8, 12) == nil)
    guard case .inputSize("cat", _, let reason, let fitting) = error(9, 12) else {
      Issue.record("\(String(describing: error(9, 12)))")
      return
    }
    #expect(
      reason == "3x2x9x12 and 3x2x8x12 differ in more than their channels" && fitting == [[[3, 2, 8, 12]], [[3, 2, 12, 12]]])
    #expect(error(9, 12)?.description.hasSuffix("the nearest inputs of the network that fit: 3x2x8x12 or 3x2x12x12") == true)
    // None is smaller.
    #expect(error(2, 2)?.description.hasSuffix("that fit: 3x2x4x4") == true)
    // Where no size helps, there is nothing to say.
    var never = network
    never.nodes[0].operation = .maximumPool(Pool(kernel: 3, stride: 3))
    do throws(NetworkError) { _ = try never.inferredShapes(inputs: [[1, 2, 8, 8]]) } catch {
      guard case .shape("cat", _, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func verifyFindsEachFault() throws {
    let good = try Self.sample()
    try good.verify()
    func expect(_ error: NetworkError, _ text: String, _ breakIt: (inout Network) -> Void) {
      var network = good
      breakIt(&network)
      #expect(throws: error) { try network.verify() }
      #expect(error.description == text)
    }
    expect(.noInputs, "the network has no inputs") { $0.inputs = [] }
    expect(.noOutputs, "the network has no outputs") { $0.outputs = [] }
    expect(.emptyName, "an input or node of the network has no name") { $0.nodes[1].name = "" }
    expect(.duplicateName("head"), "two values of the network are called 'head'; names must be unique") {
      $0.nodes[1].name = "head"
    }
    expect(.duplicateName("x"), "two values of the network are called 'x'; names must be unique") { $0.nodes[0].name = "x" }
    expect(
      .inputAxes(input: "x", reason: "has 0 channels; it needs 1 to 1048576"),
      "the input 'x' has 0 channels; it needs 1 to 1048576"
    ) {
      $0.inputs[0].axes[1] = 0
    }
    expect(
      .unknownValue("sum", node: "scaled"),
      "the node 'scaled' reads 'sum', which is no input of the network, no parameter and no node before it"
    ) { $0.nodes[3].inputs = ["sum"] }
    expect(.unknownOutput("nowhere"), "the output 'nowhere' is no value of the network") { $0.outputs = ["nowhere"] }
    expect(
      .operandCount(node: "sum", operation: "add", expected: 2...2, got: 1), "the node 'sum' (add) takes 2 inputs and gets 1"
    ) { $0.nodes[4].inputs = ["head"] }
    expect(
      .attribute(node: "tail", operation: "pixelShuffle", reason: "the factor 0 is not in 1...1048576"),
      "the node 'tail' (pixelShuffle) is invalid: the factor 0 is not in 1...1048576"
    ) { $0.nodes[6].operation = .pixelShuffle(PixelShuffle(factor: 0)) }
    expect(.missingParameter("head.bias", type: ValueType([12])), "the parameter 'head.bias' (float32 12) is missing") {
      $0.parameters["head.bias"] = nil
    }
    expect(
      .parameterShape("head.bias", expected: [12], got: [11]), "the parameter 'head.bias' is 11 and must be 12"
    ) { $0.parameters["head.bias"] = Tensor(zeros: [11]) }
    expect(
      .parameterType("head.bias", expected: .float32, got: .int32),
      "the parameter 'head.bias' holds int32 and must hold float32"
    ) {
      $0.parameters["head.bias"] = Tensor(zeros: [12], .int32)
    }
    expect(
      .unknownParameter("a.bias", node: "a", owned: ["a.weight"]),
      "the parameter 'a.bias' is none of the node 'a', which has 'a.weight'"
    ) {
      $0.parameters["a.bias"] = Tensor(zeros: [12])
    }
  }

  @Test func firstNonFiniteParameter() throws {
    var network = try Self.sample()
    #expect(network.firstNonFiniteParameter == nil)
    network.parameters["a.weight"]?.withUnsafeMutableFloats { $0[5] = .infinity }
    #expect(network.firstNonFiniteParameter == "a.weight")
    network.parameters["head.bias"]?.withUnsafeMutableFloats { $0[0] = .nan }
    #expect(network.firstNonFiniteParameter == "head.bias")
  }

  @Test func randomInitialisationIsPyTorchs() throws {
    let network = try Self.sample()
    #expect(try network == Self.sample())
    #expect(try network != Self.sample(.random(seed: 8)))
    let weight = try #require(network.parameters["head.weight"])
    // Fan-in 27: uniform within 1 / √27 = 0.19245.
    let bound = 0.19245009
    #expect(weight.largestMagnitude <= bound && weight.largestMagnitude > 0.95 * bound)
    let variance = weight.floats.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(weight.count)
    #expect(abs(variance / (bound * bound / 3) - 1) < 0.15)
    #expect(network.parameters["norm.weight"] == Tensor(repeating: 1, [12]))
    #expect(network.parameters["norm.bias"] == Tensor(zeros: [12]))
    #expect(network.parameters["norm.runningVariance"] == Tensor(repeating: 1, [12]))
    #expect(try Self.sample(.zeros).parameters["norm.runningVariance"] == Tensor(zeros: [12]))
  }

  @Test func buildVerifies() {
    var builder = NetworkBuilder("bad")
    let x = builder.input("x", channels: 3)
    builder.output(builder.pixelShuffle("x", x, factor: 2))
    #expect(throws: NetworkError.duplicateName("x")) { try builder.build(.zeros) }
  }
}
