import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

/// Graphs whose inner sizes follow from the size of the input: exact at every size, or refused by name.
@Suite struct ONNXSizeTests {
  typealias Make = ONNXSafetyTests

  static func node(_ type: String, _ inputs: [String], _ outputs: [String], _ attributes: [ONNXAttributeProto] = [])
    -> ONNXNodeProto
  {
    var node = Make.node(type, inputs, outputs)
    node.attribute = attributes
    return node
  }

  /// An axis of an input: its extent, or its name.
  enum Axis: Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case fixed(Int), open(String)

    init(integerLiteral value: Int) { self = .fixed(value) }
    init(stringLiteral value: String) { self = .open(value) }

    var dimension: ONNXTensorShapeProto.Dimension {
      var dimension = ONNXTensorShapeProto.Dimension()
      switch self {
      case .fixed(let extent): dimension.dimValue = Int64(extent)
      case .open(let name): dimension.dimParam = name
      }
      return dimension
    }
  }

  static func text(_ name: String, _ value: String) -> ONNXAttributeProto { .text(name, value) }

  /// A graph of inputs by name, whose axes are extents or names, and the output `y`.
  static func model(
    _ inputs: [(String, [Axis])], _ nodes: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = [], opset: Int = 17
  ) throws -> [UInt8] {
    try Make.model { model in
      model.opsetImport[0].version = Int64(opset)
      model.graph.input = inputs.map { name, axes in
        var input = ONNXValueInfoProto()
        input.name = name
        input.type.tensorType.elemType = 1
        input.type.tensorType.shape.dim = axes.map(\.dimension)
        return input
      }
      model.graph.node = nodes
      model.graph.initializer = tensors
    }.serializedBytes()
  }

  static func read(
    _ axes: [Axis], _ nodes: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = [], opset: Int = 17, sizes: ONNXSizes = .declared
  ) throws -> Network {
    try ONNXFile.read(bytes: model([("x", axes)], nodes, tensors, opset: opset), sizes: sizes)
  }

  static func problem(_ body: () throws -> Network) -> String {
    do { return "read: \(try body().text)" } catch { return "\(error)" }
  }

  static let image: [Axis] = ["n", 1, "h", "w"]

  /// `y` is `from`, enlarged or made smaller to the sizes `z`; `z` is what `arithmetic` makes of the shape `s` of `x`.
  static func resized(_ from: String, _ arithmetic: [ONNXNodeProto], mode: String = "nearest") -> [ONNXNodeProto] {
    [node("Shape", ["x"], ["s"])] + arithmetic + [node("Resize", [from, "", "", "z"], ["y"], [text("mode", mode)])]
  }

  static func doubles(_ name: String, _ values: [Double]) -> ONNXTensorProto {
    var tensor = ONNXTensorProto()
    tensor.name = name
    tensor.dataType = 11
    tensor.dims = [Int64(values.count)]
    tensor.doubleData = values
    return tensor
  }

  static func floats(_ name: String, _ values: [Float]) -> ONNXTensorProto {
    var tensor = Make.tensor(name, [values.count])
    tensor.floatData = values
    return tensor
  }

  // MARK: Arithmetic

  /// What the height and width come to, and what our own export, read again, makes of them: at every size.
  static func expectSizes(_ network: Network, _ what: String, _ size: @escaping (Int) -> Int?, width: ((Int) -> Int?)? = nil)
    throws
  {
    let again = try ONNXFile.read(bytes: ONNXFile.bytes(of: network))
    for height in 1...130 {
      let x: Shape = [1, 1, height, 131 - height]
      let expected = size(height).flatMap { h in (width ?? size)(131 - height).map { Shape([1, 1, h, $0]) } }
      for form in [network, again] {
        let made = try? form.inferredShapes(inputs: [x])[form.outputs[0]]
        #expect(made == expected, "\(what) of \(x): \(form.text)")
      }
    }
  }

  @Test func integersAreRoundedAsIntegers() throws {
    let two = Make.integers("two", [1, 1, 2, 2])
    func some(_ value: Int) -> Int? { value > 0 ? value : nil }
    try Self.expectSizes(
      Self.read(Self.image, Self.resized("x", [Self.node("Div", ["s", "two"], ["z"])]), [two]), "half", { some($0 / 2) })
    let more = Make.integers("more", [0, 0, 3, 3])
    let third = Make.integers("third", [1, 1, 3, 3])
    let raised = [Self.node("Add", ["s", "more"], ["t"]), Self.node("Div", ["t", "third"], ["z"])]
    try Self.expectSizes(Self.read(Self.image, Self.resized("x", raised), [more, third]), "a third of more") { ($0 + 3) / 3 }
    // To what is missing to a multiple of 8, and then some.
    let eight = Make.integers("eight", [1 << 40, 1 << 40, 8, 8]), nine = Make.integers("nine", [0, 0, 9, 9])
    let missing = [
      Self.node("Mod", ["s", "eight"], ["t"]), Self.node("Mul", ["t", "mask"], ["u"]), Self.node("Sub", ["keep", "u"], ["v"]),
      Self.node("Mul", ["s", "front"], ["f"]), Self.node("Add", ["v", "f"], ["z"]),
    ]
    let tensors = [
      eight, nine, Make.integers("mask", [0, 0, 1, 1]), Make.integers("keep", [0, 0, 9, 9]),
      Make.integers("front", [1, 1, 0, 0]),
    ]
    try Self.expectSizes(Self.read(Self.image, Self.resized("x", missing), tensors), "9 less the rest of 8") { 9 - $0 % 8 }
  }

  /// 10 by 0.7 is 7 in float32 and 6.999… elsewhere; a Cast rounds towards zero by itself.
  @Test func floatsAreRoundedAsFloats() throws {
    func network(_ type: Int, _ rounding: [String], _ factor: ONNXTensorProto) throws -> Network {
      var nodes = [
        Self.node("Cast", ["s"], ["a"], [.integer("to", type)]), Self.node("Mul", ["a", "k"], ["b0"]),
      ]
      for (index, name) in rounding.enumerated() { nodes.append(Self.node(name, ["b\(index)"], ["b\(index + 1)"])) }
      nodes.append(Self.node("Cast", ["b\(rounding.count)"], ["z"], [.integer("to", 7)]))
      return try Self.read(Self.image, Self.resized("x", nodes), [factor])
    }
    func some(_ value: Int) -> Int? { value > 0 ? value : nil }
    let seven = Self.floats("k", [1, 1, 0.7, 0.7])
    for rounding in [[], ["Floor"]] {
      try Self.expectSizes(network(1, rounding, seven), "0.7", { some(Int(Float($0) * 0.7)) })
      try Self.expectSizes(network(1, rounding, Self.floats("k", [1, 1, 1.5, 1.5])), "1.5") { Int(Float($0) * 1.5) }
      try Self.expectSizes(
        network(11, rounding, Self.doubles("k", [1, 1, 0.7, 0.3])), "0.7, 0.3 in double", { some(Int(Double($0) * 0.7)) },
        width: { some(Int(Double($0) * 0.3)) })
    }
    try Self.expectSizes(network(1, ["Ceil"], Self.floats("k", [1, 1, 1.1, 1.1])), "1.1 raised") {
      Int((Float($0) * 1.1).rounded(.up))
    }
    #expect(Int(Float(10) * 0.7) == 7 && Int(Double(10) * 0.7) == 7 && Int(10 * Double(Float(0.7))) == 6)
  }

  /// Bilinear resizes to half, and back to the size of the input behind strides, at sizes that no factor joins: the ratio is that of the
  /// extents.
  @Test func valuesFollowTheRatioOfTheExtents() throws {
    func bilinear(_ x: [Double], to count: Int) -> [Double] {
      (0..<count).map { index in
        let place = (Double(index) + 0.5) * Double(x.count) / Double(count) - 0.5
        let low = place.rounded(.down), last = x.count - 1
        let (a, b) = (x[min(max(Int(low), 0), last)], x[min(max(Int(low) + 1, 0), last)])
        return a + (b - a) * (place - low)
      }
    }
    let strided = [
      Self.node("Slice", ["x", "zero", "far", "three", "two"], ["a"]),
      Self.node("Slice", ["a", "zero", "far", "three", "two"], ["b"]),
    ]
    let tensors = [("zero", 0), ("far", .max), ("three", 3), ("two", 2)].map { Make.integers($0, [$1]) }
    let half = Make.integers("half", [1, 1, 1, 2])
    let down = try Self.read(
      Self.image, Self.resized("x", [Self.node("Div", ["s", "half"], ["z"])], mode: "linear"), [half])
    let up = try Self.read(
      Self.image, strided + Self.resized("b", [Self.node("Identity", ["s"], ["z"])], mode: "linear"), tensors)
    for width in [5, 7, 8, 13, 45, 61] {
      let x = (0..<width).map { Double($0 * $0 % 11) }
      let input = Tensor([1, 1, 1, width], x.map { Float($0) })
      let quarter = stride(from: 0, to: width, by: 4).map { x[$0] }
      for (network, expected) in [(down, bilinear(x, to: width / 2)), (up, bilinear(quarter, to: width))] {
        let y = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
        #expect(y.count == expected.count)
        #expect(zip(y.floats, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 }, "\(width): \(y.floats), not \(expected)")
      }
    }
  }

  /// Windows, strides and ceil_mode: the size that Shape is told is the one that there is.
  @Test func sizesBehindWindowsAreTheirs() throws {
    for (kernel, stride, before, behind, ceil) in [
      (3, 2, 0, 0, 0), (2, 2, 0, 0, 1), (3, 2, 0, 0, 1), (3, 2, 1, 1, 1), (5, 3, 2, 2, 1), (2, 3, 0, 0, 1), (2, 3, 0, 1, 1),
      (4, 3, 3, 0, 1),
    ] {
      let pool = Self.node(
        "MaxPool", ["x"], ["p"],
        [
          .integers("kernel_shape", [kernel, kernel]), .integers("strides", [stride, stride]),
          .integers("pads", [before, before, behind, behind]), .integer("ceil_mode", ceil),
        ])
      let nodes = [
        pool, Self.node("Shape", ["p"], ["s"]), Self.node("Resize", ["x", "", "", "s"], ["r"], [Self.text("mode", "nearest")]),
        Self.node("Add", ["p", "r"], ["y"]),
      ]
      let network = try Self.read(Self.image, nodes)
      let size = "kernel \(kernel), stride \(stride), padding \(before), \(behind), ceil \(ceil)"
      for height in kernel...kernel + 40 {
        let shapes = try network.inferredShapes(inputs: [[2, 1, height, height + 1]])
        #expect(shapes["p"] == shapes["r"] && shapes["y"] == shapes["p"], "\(size): \(shapes)")
      }
    }
  }

  /// Where strides leave a rest, automatic padding is what the image needs.
  @Test func automaticPaddingFollowsTheSize() throws {
    for (mode, kernel, stride) in [("SAME_UPPER", 3, 2), ("SAME_LOWER", 3, 2), ("SAME_UPPER", 5, 3), ("SAME_LOWER", 2, 3)] {
      let attributes: [ONNXAttributeProto] = [
        Self.text("auto_pad", mode), .integers("kernel_shape", [kernel, kernel]), .integers("strides", [stride, stride]),
      ]
      let tensors = [Make.tensor("w", [1, 1, kernel, kernel])]
      for node in [Self.node("Conv", ["x", "w"], ["y"], attributes), Self.node("MaxPool", ["x"], ["y"], attributes)] {
        let open = try Self.read(Self.image, [node], tensors)
        for height in kernel...kernel + 12 {
          // What the file says of one size is known.
          let fixed = try Self.read([1, 1, .fixed(height), .fixed(height + 3)], [node], tensors)
          let x = Tensor([1, 1, height, height + 3], (0..<height * (height + 3)).map { Float($0 % 17) - 20 })
          let outputs = try [open, fixed].map { try ReferenceEngine().prepare($0, inputs: [x.shape]).run([x])[0] }
          #expect(outputs[0] == outputs[1], "\(mode), \(node.opType), \(height): \(open.text)")
          #expect(outputs[0].shape.height == (height + stride - 1) / stride)
        }
      }
    }
  }

  /// Of an extent that is twice or three times another, automatic padding is the same number at every size, and is not forgotten.
  @Test func automaticPaddingOfMultiples() throws {
    for (mode, kernel, stride, factor) in [
      ("SAME_UPPER", 3, 2, 2), ("SAME_LOWER", 3, 2, 2), ("SAME_UPPER", 5, 2, 2), ("SAME_LOWER", 5, 3, 3),
      ("SAME_UPPER", 2, 2, 2),
    ] {
      let attributes: [ONNXAttributeProto] = [
        Self.text("auto_pad", mode), .integers("kernel_shape", [kernel, kernel]), .integers("strides", [stride, stride]),
      ]
      let large = Self.node("Resize", ["x", "", "k"], ["r"], [Self.text("mode", "nearest")])
      let tensors = [Make.tensor("w", [1, 1, kernel, kernel]), Self.floats("k", [1, 1, Float(factor), Float(factor)])]
      for node in [Self.node("Conv", ["r", "w"], ["y"], attributes), Self.node("AveragePool", ["r"], ["y"], attributes)] {
        let open = try Self.read(Self.image, [large, node], tensors)
        for height in kernel...kernel + 3 {
          let fixed = try Self.read([1, 1, .fixed(height), .fixed(height + 3)], [large, node], tensors)
          let x = Tensor([1, 1, height, height + 3], (0..<height * (height + 3)).map { Float($0 % 17) - 20 })
          let outputs = try [open, fixed].map { try ReferenceEngine().prepare($0, inputs: [x.shape]).run([x])[0] }
          #expect(outputs[0] == outputs[1], "\(mode), \(node.opType), \(height): \(open.text)")
          #expect(outputs[0].shape == Shape([1, 1, height * factor / stride, (height + 3) * factor / stride]))
        }
      }
    }
  }

  // MARK: Parts

  @Test func slicesKnowWhatTheyTake() throws {
    // To at most 40 rows, and to the 20 last columns; both then tell the size of another.
    let nodes = [
      Self.node("Slice", ["x", "starts", "ends", "axes"], ["p"]), Self.node("Shape", ["p"], ["s"]),
      Self.node("Resize", ["x", "", "", "s"], ["r"], [Self.text("mode", "nearest")]), Self.node("Add", ["p", "r"], ["y"]),
    ]
    let tensors = [Make.integers("starts", [0, -20]), Make.integers("ends", [40, 1 << 40]), Make.integers("axes", [2, 3])]
    let network = try Self.read(Self.image, nodes, tensors)
    for (height, width) in [(10, 10), (40, 20), (41, 21), (70, 5)] {
      let shapes = try network.inferredShapes(inputs: [[1, 1, height, width]])
      #expect(shapes["p"] == [1, 1, min(height, 40), min(width, 20)])
      #expect(shapes["r"] == shapes["p"])
    }
  }

  /// A bound that may be negative counts from the end when it is.
  @Test func boundsBelowZeroCountFromTheEnd() throws {
    // From ten rows before the end; of seven rows, from three before the end.
    let nodes = [
      Self.node("Shape", ["x"], ["s"]), Self.node("Slice", ["s", "two", "three"], ["h"]),
      Self.node("Sub", ["h", "ten"], ["b"]),
      Self.node("Slice", ["x", "b", "h", "two"], ["y"]),
    ]
    let tensors = [("two", 2), ("three", 3), ("ten", 10)].map { Make.integers($0, [Int64($1)]) }
    let network = try Self.read(Self.image, nodes, tensors)
    for (height, rows) in [(30, 10), (10, 10), (7, 3), (5, 5), (1, 1)] {
      #expect(try network.inferredShapes(inputs: [[1, 1, height, 5]])["y"] == [1, 1, rows, 5], "\(height)")
    }
    // The second half of the columns, as x[..., -(w // 2):].
    let half = [
      Self.node("Shape", ["x"], ["s"]), Self.node("Slice", ["s", "three", "four"], ["w"]),
      Self.node("Div", ["w", "two"], ["d"]),
      Self.node("Neg", ["d"], ["b"]), Self.node("Slice", ["x", "b", "far", "three"], ["y"]),
    ]
    let other = try Self.read(Self.image, half, tensors + [Make.integers("four", [4]), Make.integers("far", [.max])])
    for width in 2...9 {
      #expect(try other.inferredShapes(inputs: [[1, 1, 2, width]])["y"] == [1, 1, 2, width / 2], "\(width)")
    }
    let last: [Float] = [3.0 / 8, 4.0 / 8]
    #expect(try ONNXOperatorTests.run(other, [1, 1, 1, 5]).floats == last)
  }

  /// Equal parts of an axis that is open; since opset 18 the last may be shorter.
  @Test func openAxesAreSplit() throws {
    func parts(_ attributes: [ONNXAttributeProto], opset: Int) throws -> Network {
      let nodes = [
        Self.node("Split", ["x"], ["a", "b", "c"], [.integer("axis", 3)] + attributes),
        Self.node("Concat", ["c", "a", "b"], ["y"], [.integer("axis", 3)]),
      ]
      return try Self.read(Self.image, nodes, opset: opset)
    }
    let whole = try parts([], opset: 17)
    let turned: [Float] = [4, 5, 0, 1, 2, 3]
    #expect(try ONNXOperatorTests.run(whole, [1, 1, 1, 6]).floats == turned.map { $0 / 8 })
    #expect(throws: (any Error).self) { try whole.inferredShapes(inputs: [[1, 1, 1, 7]]) }
    let rest = try parts([.integer("num_outputs", 3)], opset: 18)
    for width in [3, 6, 7, 8, 12] {
      let length = (width + 2) / 3
      let places = Array(2 * length..<width) + Array(0..<2 * length)
      #expect(try ONNXOperatorTests.run(rest, [1, 1, 1, width]).floats == places.map { Float($0) / 8 }, "\(width)")
    }
  }

  /// The difference of a skip and what came up to it, put around, as U-Nets do; and cut off where it is negative: refused.
  @Test func padsFollowDifferences() throws {
    let nodes = [
      Self.node("MaxPool", ["x"], ["d"], [.integers("kernel_shape", [2, 2]), .integers("strides", [2, 2])]),
      Self.node("Resize", ["d", "", "k"], ["u"], [Self.text("mode", "nearest")]),
      Self.node("Shape", ["x"], ["s"]), Self.node("Shape", ["u"], ["t"]), Self.node("Sub", ["s", "t"], ["m"]),
      Self.node("Div", ["m", "two"], ["before"]), Self.node("Sub", ["m", "before"], ["behind"]),
      Self.node("Concat", ["before", "behind"], ["pads"], [.integer("axis", 0)]), Self.node("Pad", ["u", "pads"], ["v"]),
      Self.node("Concat", ["x", "v"], ["y"], [.integer("axis", 1)]),
    ]
    let network = try Self.read(Self.image, nodes, [Self.floats("k", [1, 1, 2, 2]), Make.integers("two", [2])])
    for (height, width) in [(4, 4), (5, 6), (6, 9), (7, 7)] {
      #expect(try network.inferredShapes(inputs: [[1, 1, height, width]])["y"] == [1, 2, height, width])
    }
  }
}
