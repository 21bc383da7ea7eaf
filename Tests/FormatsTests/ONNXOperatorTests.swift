import Formats
import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

/// Operators in the forms in which files have them, on graphs made here: what comes out against plain arithmetic.
struct ONNXOperatorTests {
  typealias Make = ONNXSafetyTests

  /// One node; attributes by name.
  static func node(
    _ type: String, _ inputs: [String], _ output: String, integers: [String: [Int]] = [:], numbers: [String: Float] = [:]
  ) -> ONNXNodeProto {
    var node = Make.node(type, inputs, [output])
    for (name, values) in integers.sorted(by: { $0.key < $1.key }) {
      var attribute = ONNXAttributeProto()
      attribute.name = name
      if ["axis", "keepdims", "group", "size", "num_groups", "noop_with_empty_axes", "to", "select_last_index"].contains(name) {
        attribute.type = .int
        attribute.i = Int64(values[0])
      } else {
        attribute.type = .ints
        attribute.ints = values.map(Int64.init)
      }
      node.attribute.append(attribute)
    }
    for (name, value) in numbers.sorted(by: { $0.key < $1.key }) {
      var attribute = ONNXAttributeProto()
      attribute.name = name
      attribute.type = .float
      attribute.f = value
      node.attribute.append(attribute)
    }
    return node
  }

  static func floats(_ name: String, _ shape: [Int], _ values: [Float]) -> ONNXTensorProto {
    var tensor = Make.tensor(name, shape)
    tensor.floatData = values
    return tensor
  }

  /// A graph of one input `x`, whose extents below 1 are open, and one output `y`.
  static func graph(
    _ shape: [Int], _ nodes: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = [], opset: Int = 17
  ) throws -> Network {
    let bytes: [UInt8] = try Make.model { model in
      model.opsetImport[0].version = Int64(opset)
      model.graph.input[0].type.tensorType.shape.dim = shape.enumerated().map { axis, extent in
        var dimension = ONNXTensorShapeProto.Dimension()
        if extent > 0 { dimension.dimValue = Int64(extent) } else { dimension.dimParam = "d\(axis)" }
        return dimension
      }
      model.graph.node = nodes
      model.graph.initializer = tensors
    }.serializedBytes()
    return try ONNXFile.read(bytes: bytes)
  }

  /// The only output for one input of that shape, whose elements are their places in units of 1/8.
  static func run(_ network: Network, _ shape: Shape) throws -> Tensor {
    let x = Tensor(shape, (0..<shape.count).map { Float($0) / 8 })
    return try ReferenceEngine().prepare(network, inputs: [shape]).run([x])[0]
  }

  /// Channels in two halves, one of each in turn.
  static let channelShuffle: [ONNXNodeProto] = [
    node("Reshape", ["x", "parts"], "a"), node("Transpose", ["a"], "b", integers: ["perm": [0, 2, 1, 3, 4]]),
    node("Reshape", ["b", "whole"], "c"),
  ]
  static let shuffleShapes = [Make.integers("parts", [0, 2, 3, 4, 5]), Make.integers("whole", [0, 6, 4, 5])]

  @Test func constantsMeetShuffledChannels() throws {
    let network = try Self.graph(
      [-1, 6, 4, 5], Self.channelShuffle + [Self.node("Mul", ["c", "w"], "y")],
      Self.shuffleShapes + [Self.floats("w", [1, 6, 1, 1], [1, 2, 3, 4, 5, 6])])
    let y = try Self.run(network, [1, 6, 4, 5])
    #expect(y.shape == [1, 6, 4, 5])
    let sources = [0, 3, 1, 4, 2, 5]
    for channel in 0..<6 {
      #expect(y.floats[channel * 20 + 7] == Float(sources[channel] * 20 + 7) / 8 * Float(channel + 1))
    }
  }

  @Test(arguments: [true, false])
  func meansOfShuffledChannels(keeps: Bool) throws {
    let network = try Self.graph(
      [-1, 6, 4, 5],
      Self.channelShuffle
        + [Self.node("ReduceMean", ["c"], "y", integers: ["axes": [-1, -2], "keepdims": [keeps ? 1 : 0]])],
      Self.shuffleShapes)
    let y = try Self.run(network, [2, 6, 4, 5])
    #expect(y.shape == (keeps ? [2, 6, 1, 1] : [2, 6]))
    #expect(y.floats[1] == (60 + 9.5) / 8)
  }

  /// Classes of pixels, with the casts that exporters put behind.
  @Test(arguments: [("ArgMax", 2), ("ArgMin", 1)] as [(String, Float)])
  func indicesOfTheLargest(type: String, expected: Float) throws {
    for (axis, keeps) in [(1, 1), (-3, 0)] {
      let index = Self.node(type, ["a"], "b", integers: ["axis": [axis], "keepdims": [keeps]])
      let network = try Self.graph(
        [-1, 3, -1, -1],
        [Self.node("Mul", ["x", "w"], "a"), index, Self.node("Cast", ["b"], "y", integers: ["to": [7]])],
        [Self.floats("w", [1, 3, 1, 1], [1, -1, 2])])
      let y = try Self.run(network, [1, 3, 2, 2])
      #expect(y.shape == (keeps == 1 ? [1, 1, 2, 2] : [1, 2, 2]) && y.floats == Array(repeating: expected, count: 4))
    }
    #expect(throws: FormatProblem.self) {
      try Self.graph(
        [-1, 3, 2, 2], [Self.node(type, ["x"], "y", integers: ["axis": [1], "select_last_index": [1]])])
    }
  }

  @Test func oneNumberWhereTheChannelsAreOpen() throws {
    // To NHWC, where axis 1 is the height.
    for (type, number, expected) in [("Add", 0.5, 0.75), ("Sub", 0.5, -0.25), ("Max", 1, 1), ("Pow", 2, 0.0625)]
      as [(String, Float, Float)]
    {
      let network = try Self.graph(
        [-1, 3, -1, -1],
        [
          Self.node("Transpose", ["x"], "a", integers: ["perm": [0, 2, 3, 1]]),
          Self.node("ReduceMean", ["a"], "m", integers: ["axes": [3], "keepdims": [0]]), Self.node(type, ["m", "w"], "y"),
        ], [Self.floats("w", [], [number])])
      let y = try Self.run(network, [1, 3, 1, 2])
      #expect(y.shape == [1, 1, 2])
      #expect(y.floats[0] == expected, "\(type)")
    }
  }

  @Test func vectorsAreJoined() throws {
    for (shape, parts) in [([4], 3), ([1, 4], 2)] {
      let network = try Self.graph(
        [1, 1, 2, 2],
        [
          Self.node("Reshape", ["x", "s"], "a"),
          Self.node("Concat", Array(repeating: "a", count: parts), "y", integers: ["axis": [0]]),
        ],
        [Make.integers("s", shape.map(Int64.init))])
      let y = try Self.run(network, [1, 1, 2, 2])
      #expect(y.floats == Array(repeating: [0, 0.125, 0.25, 0.375], count: parts).flatMap { $0 })
      #expect(y.shape == Shape([shape[0] * parts] + shape.dropFirst()))
    }
  }

  @Test func mapsMatricesAndRowsBroadcast() throws {
    let places = (0..<20).map { Float($0) }
    for (shape, values) in [
      ([4, 5], places), ([1, 1, 4, 5], places), ([5], [1, 2, 3, 4, 5]), ([4, 1], [1, 2, 3, 4]), ([2, 1, 1, 1, 1], [3, 4]),
    ] as [([Int], [Float])] {
      for (type, isReversed) in [("Sub", false), ("Sub", true), ("Div", false), ("Mul", true)] {
        let divisor = values.map { $0 + 1 }
        let network = try Self.graph(
          [-1, 3, 4, 5], [Self.node(type, isReversed ? ["w", "x"] : ["x", "w"], "y")], [Self.floats("w", shape, divisor)])
        let y = try Self.run(network, [2, 3, 4, 5])
        let constant = Shape(Array(repeating: 1, count: 5 - shape.count) + shape)
        let full = Shape([constant[0], 2, 3, 4, 5])
        #expect(y.shape == (shape.count == 5 ? full : Shape([2, 3, 4, 5])))
        for index in [0, 17, y.count - 1] {
          let place = [index / 120, index / 60 % 2, index / 20 % 3, index / 5 % 4, index % 5]
          var offset = 0
          for axis in 0..<5 { offset = offset * constant[axis] + (constant[axis] == 1 ? 0 : place[axis]) }
          let (x, c) = (Float(index % 120) / 8, divisor[offset])
          let (a, b) = isReversed ? (c, x) : (x, c)
          let expected = type == "Sub" ? a - b : type == "Div" ? a / b : a * b
          #expect(abs(y.floats[index] - expected) <= abs(expected) * 1e-6, "\(type) \(shape) \(isReversed)")
        }
      }
    }
  }

  @Test func groupsThatFilesSpellOut() throws {
    // As PyTorch exports a GroupNorm, at any size.
    let network = try Self.graph(
      [-1, 6, -1, -1],
      [
        Self.node("Reshape", ["x", "groups"], "a"), Self.node("InstanceNormalization", ["a", "ones", "zeros"], "b"),
        Self.node("Shape", ["x"], "s"), Self.node("Reshape", ["b", "s"], "c"), Self.node("Mul", ["c", "w"], "d"),
        Self.node("Add", ["d", "w"], "y"),
      ],
      [
        Make.integers("groups", [0, 2, -1]), Self.floats("ones", [2], [1, 1]), Self.floats("zeros", [2], [0, 0]),
        Self.floats("w", [6, 1, 1], [1, 2, 3, 4, 5, 6]),
      ])
    for shape in [[1, 6, 2, 2], [2, 6, 3, 5]] as [Shape] {
      let y = try Self.run(network, shape)
      #expect(y.shape == shape)
      // Each half of the channels runs evenly from its least to its greatest.
      let number = Double(shape.count / shape[0] / 2)
      let deviation = ((number * number - 1) / 12 / 64 + 1e-5).squareRoot()
      #expect(abs(Double(y.floats[0]) - (1 - (number - 1) / 16 / deviation)) < 1e-5)
    }
  }

  @Test func normalisationsOfOtherOpsets() throws {
    // One factor a group until opset 20, one a channel from 21 on.
    for (opset, count) in [(18, 2), (21, 4)] {
      let network = try Self.graph(
        [-1, 4, -1, -1],
        [Self.node("GroupNormalization", ["x", "w", "w"], "y", integers: ["num_groups": [2]])],
        [Self.floats("w", [count], (0..<count).map { Float($0) })], opset: opset)
      let y = try Self.run(network, [1, 4, 1, 2])
      // Of a group of 0, 1, 2, 3 in any unit.
      let first = Float(-1.5 / (1.25 + 64e-5).squareRoot())
      #expect(abs(y.floats[0] - 0) < 1e-6)
      #expect(abs(y.floats[4] - (opset == 18 ? first + 1 : 2 * first + 2)) < 1e-5, "opset \(opset)")
    }
  }

  @Test func expandRepeats() throws {
    let network = try Self.graph(
      [-1, 3, -1, -1],
      [Self.node("ReduceMax", ["x"], "m", integers: ["axes": [2, 3]]), Self.node("Expand", ["m", "s"], "y")],
      [Make.integers("s", [2, 1, 3, 1, 2])])
    let y = try Self.run(network, [1, 3, 2, 2])
    #expect(y.shape == [2, 1, 3, 1, 2])
    #expect(Array(y.floats[..<6]) == [3, 3, 7, 7, 11, 11].map { Float($0) / 8 })
  }

  @Test func conditionsChoose() throws {
    let network = try Self.graph(
      [1, 1, -1, -1], [Self.node("Greater", ["x", "h"], "c"), Self.node("Where", ["c", "x", "w"], "y")],
      [Self.floats("h", [], [0.2]), Self.floats("w", [1, 2], [-.infinity, 7])])
    #expect(try Self.run(network, [1, 1, 2, 2]).floats == [-.infinity, 7, 0.25, 0.375])
  }

  @Test func clipsInAllForms() throws {
    let bounds = [Self.floats("low", [], [0.2]), Self.floats("high", [], [0.1])]
    for (inputs, expected) in [
      (["x"], [0, 0.125, 0.25, 0.375]), (["x", "low"], [0.2, 0.2, 0.25, 0.375]), (["x", "", "high"], [0, 0.1, 0.1, 0.1]),
      (["x", "low", "high"], [0.1, 0.1, 0.1, 0.1]),
    ] as [([String], [Float])] {
      let network = try Self.graph(
        [1, 1, -1, -1], [Self.node("Clip", inputs, "c"), Self.node("Identity", ["c"], "y")], bounds)
      #expect(try Self.run(network, [1, 1, 2, 2]).floats == expected)
    }
    let old = try Self.graph([1, 1, -1, -1], [Self.node("Clip", ["x"], "y", numbers: ["max": 0.25])], opset: 10)
    #expect(try Self.run(old, [1, 1, 2, 2]).floats == [0, 0.125, 0.25, 0.25])
  }
}
