import Tensors
import Testing

@testable import Networks

/// Sizes that follow from extents: what they come to, what they are called, what they refuse.
@Suite struct SizeExpressionTests {
  static let height = SizeExpression.extent(operand: 1, axis: 2)

  @Test func arithmetic() throws {
    let operands: [Shape] = [[1, 3, 5, 7], [2, 4, 45, 61]]
    func value(_ expression: SizeExpression) throws -> Int { try expression.value(of: operands, "it") }
    #expect(try value(Self.height) == 45)
    #expect(try value((Self.height / 2).floor) == 22)
    #expect(try value((Self.height / 2).floor * 2 + 1) == 45)
    #expect(try value(.truncated((3 - Self.height) / 4)) == -10)
    #expect(try value(((3 - Self.height) / 4).floor) == -11)
    #expect(try value(.minimum(Self.height, .extent(operand: 0, axis: 3))) == 7)
    #expect(try value(.maximum(Self.height, 90)) == 90)
  }

  /// 10 by 0.7, which is a little less than 0.7 in float32, is 7 in float32 and 6 where nothing is rounded.
  @Test func float32RoundsAsFilesDo() throws {
    let factor = SizeExpression.number(Double(Float(0.7)))
    let extent = SizeExpression.extent(operand: 0, axis: 0)
    #expect(try SizeExpression.float32(extent * factor).floor.value(of: [[10]], "it") == 7)
    #expect(try (extent * factor).floor.value(of: [[10]], "it") == 6)
    for height in 1..<3000 {
      #expect(try SizeExpression.float32(extent * factor).floor.value(of: [[height]], "it") == Int(Float(height) * 0.7))
    }
  }

  @Test func textsNameOperands() {
    let names = ["'a'", "'x'"]
    #expect(Self.height.text(names) == "'x'.height")
    #expect(((Self.height + 31) / 32).floor.text(names) == "⌊('x'.height + 31) / 32⌋")
    #expect((2 * (Self.height - 1) - (3 - Self.height)).text(names) == "2 · ('x'.height - 1) - (3 - 'x'.height)")
    let resize = Node(name: "y", operation: .resize(Resize(method: .bilinear, target: .size(of: 1))), inputs: ["a", "x"])
    #expect(resize.summary == "bilinear, to the size of 'x'")
  }

  @Test func faultsAreSaid() {
    func reason(_ expression: SizeExpression, _ operands: [Shape]) -> String? {
      do throws(TypeMismatch) {
        _ = try expression.value(of: operands, "the height")
        return nil
      } catch {
        return error.reason
      }
    }
    let x: [Shape] = [[1, 3, 5, 7], [1, 3, 5, 7]]
    #expect(reason(Self.height / 2, x) == "the height, operand 1.height / 2, would be 2.5")
    #expect(reason(Self.height / 0, x) == "the height, operand 1.height / 0, would be inf")
    #expect(reason(Self.height, [x[0]]) == "there is no operand 1")
    #expect(reason(.extent(operand: 0, axis: 4), x) == "the input 1x3x5x7 has no axis 4")
    #expect(reason(Self.height, [x[0], [1, 1, 1 << 21, 1]])?.contains("is above 1048576") ?? false)
    #expect(SizeExpression.number(.nan).fault == "a size holds nan")
    #expect(SizeExpression.extent(operand: 16, axis: 0).fault == "a size follows from operand 16, which is not in 0...15")
    #expect(SizeExpression.extent(operand: 0, axis: 8).fault == "the axis 8 is not in 0...7")
    #expect((0..<600).reduce(Self.height) { sum, _ in sum + 1 }.fault == "a size has more than 512 parts")
  }

  @Test func networksRefuseWhatIsNoSize() throws {
    func network(_ growth: Pad.Growth, operands: Int = 1) throws -> Network {
      var builder = NetworkBuilder("n")
      let x = builder.input("x", channels: 1)
      builder.output(builder.pad("y", x, Pad(0, growth: growth), following: Array(repeating: x, count: operands - 1)))
      return try builder.build(.zeros)
    }
    let less = try network(Pad.Growth(top: 8 - .extent(operand: 0, axis: 2)))
    #expect(try less.inferredShapes(inputs: [[1, 1, 6, 6]])["y"] == [1, 1, 8, 6])
    #expect(
      throws: NetworkError.inputSize(
        node: "y", operation: "pad", reason: "the top padding would be -1, which is not in 0...1048576",
        fitting: [[[1, 1, 8, 8]]])
    ) { try less.inferredShapes(inputs: [[1, 1, 9, 9]]) }
    // As many operands as the size speaks of.
    #expect(throws: NetworkError.self) { try network(Pad.Growth(top: Self.height)) }
    #expect(throws: NetworkError.self) { try network(Pad.Growth(top: 1), operands: 2) }
  }

  /// What an engine runs knows nothing of operands that are read for their extents.
  @Test func resolvedNetworksHaveNumbers() throws {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: 2)
    let unused = builder.convolution("unused", x, outChannels: 3, kernel: 1, stride: 2)
    let pooled = builder.maximumPool("p", x, Pool(kernel: 3))
    builder.output(builder.resize("y", pooled, Resize(method: .nearest, target: .size(of: 1)), following: [unused]))
    let network = try builder.build(.zeros)
    let resolved = try network.resolvingSizes(inputs: [[1, 2, 9, 11]])
    #expect(
      resolved.text == """
        network n: x [2] -> y
        p = maximumPool(x) kernel 3
        y = resize(p) nearest, to 5x6

        """)
    try resolved.verify()
    #expect(resolved.lastReaders == ["x": 0, "p": 1])
    #expect(try network.inferredShapes(inputs: [[1, 2, 9, 11]])["y"] == resolved.inferredShapes(inputs: [[1, 2, 9, 11]])["y"])
    // A whole multiple is a factor, which keeps positions exact.
    #expect(try network.resolvingSizes(inputs: [[1, 2, 3, 3]]).text.hasSuffix("y = resize(p) nearest, factor 2\n"))
  }

  @Test func inputsStateTheirAxes() throws {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", axes: [nil, nil, nil, 3])
    builder.output(builder.transpose("y", x, [0, 3, 1, 2], channels: 3))
    var network = try builder.build(.zeros)
    #expect(network.text.hasPrefix("network n: x [N, ?, ?, 3] -> y\n"))
    #expect(try network.inferredShapes(inputs: [[2, 5, 7, 3]])["y"] == [2, 3, 5, 7])
    #expect(throws: NetworkError.inputShape(network.inputs[0], got: [2, 3, 5, 7])) {
      try network.inferredShapes(inputs: [[2, 3, 5, 7]])
    }
    #expect(NetworkInput(name: "x", axes: [nil, 3, 8, 8]).usualShape(side: 64) == [1, 3, 8, 8])
    #expect(NetworkInput(name: "x", axes: [nil, 3, 48, nil]).usualShape(side: 64) == [1, 3, 48, 64])
    #expect(network.inputs[0].usualShape(side: 64) == nil)
    network.inputs[0] = NetworkInput(name: "x", axes: [1, 8, 8, 3])
    do {
      _ = try network.inferredShapes(inputs: [[1, 16, 16, 3]])
      Issue.record("a size that is fixed is not held against the input's")
    } catch {
      #expect(error.description.hasPrefix("the input 'x' is 1x16x16x3 and must be [1, 8, 8, 3]"))
    }
    network.inputs[0].axes = []
    #expect(throws: NetworkError.inputAxes(input: "x", reason: "has 0 axes; it needs 1 to 8")) { try network.verify() }
  }

  /// Axes of one name are one extent.
  @Test func namedAxesAreHeldAgainstEachOther() throws {
    var builder = NetworkBuilder("n")
    let a = builder.input("a", axes: [nil, 2, nil, nil], names: [nil, nil, "height"])
    let b = builder.input("b", axes: [nil, 2, nil, nil], names: [nil, nil, "height"])
    builder.output(builder.binary("y", .multiply, a, b))
    let network = try builder.build(.zeros)
    #expect(try network.inferredShapes(inputs: [[1, 2, 3, 4], [1, 2, 3, 1]])["y"] == [1, 2, 3, 4])
    do {
      _ = try network.inferredShapes(inputs: [[1, 2, 3, 4], [1, 2, 1, 4]])
      Issue.record("heights of one name differ")
    } catch {
      #expect(error.description == "the inputs 'a' 1x2x3x4 and 'b' 1x2x1x4 differ in their 'height', which must be one extent")
    }
    let again = try NetworkGraph(json: network.graph.json)
    #expect(again == network.graph)
  }

  @Test func jsonComesBack() throws {
    let expressions: [SizeExpression] = [
      3, .number(0.5), Self.height, Self.height + 1, Self.height - 1, Self.height * 2, (Self.height / 2).floor,
      .minimum(Self.height, 3), .maximum(1, Self.height), .truncated(Self.height), .float32(Self.height * .number(0.7)),
    ]
    for expression in expressions {
      var builder = NetworkBuilder("n")
      let x = builder.input("x", channels: 1)
      let others = expression.operandCount > 1 ? [x] : []
      let span = Slice.Span(axis: 2, from: 0, to: expression)
      if expression == .number(0.5) { continue }
      builder.output(builder.slice("y", x, [span], following: others))
      let graph = try builder.build(.zeros).graph
      #expect(try NetworkGraph(json: graph.json) == graph)
    }
    // Models of today's form are written as they were.
    #expect(
      NetworkGraph(name: "n", inputs: [.init(name: "x", channels: 3)], nodes: [], outputs: ["x"]).json.contains(
        #""inputs":[{"channels":3,"name":"x"}]"#))
    #expect(throws: NetworkError.self) {
      try NetworkGraph(json: #"{"name":"n","inputs":[{"name":"x","axes":[null,3,0]}],"nodes":[],"outputs":["x"]}"#)
    }
  }
}
