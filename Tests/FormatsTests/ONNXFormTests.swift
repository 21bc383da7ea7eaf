import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

/// Forms in which exporters write moves of elements, padding and weights: what comes out against plain arithmetic.
@Suite struct ONNXFormTests {
  typealias Make = ONNXSafetyTests
  typealias Operators = ONNXOperatorTests

  private static let toLast = Operators.node("Transpose", ["x"], "t", integers: ["perm": [0, 2, 3, 1]])

  /// Elements of `[1, 4, 2, 3]`, which are their places by 8.
  private static func element(_ channel: Int, _ row: Int, _ column: Int) -> Float {
    Float((channel * 2 + row) * 3 + column) / 8
  }

  private static func scalar(_ name: String, _ values: [Int64], _ shape: [Int64]) -> ONNXTensorProto {
    var tensor = Make.integers(name, values)
    tensor.dims = shape
    return tensor
  }

  @Test(arguments: [[2, 1, 0], [-1, -2], [0, 0, 3, 1, 2], [3], [1, 2, 3, 0, -4]])
  func channelsArePicked(places: [Int64]) throws {
    let first = try Operators.graph(
      [-1, 4, -1, -1], [Operators.node("Gather", ["x", "i"], "y", integers: ["axis": [1]])], [Make.integers("i", places)])
    let last = try Operators.graph(
      [-1, 4, -1, -1], [Self.toLast, Operators.node("Gather", ["t", "i"], "y", integers: ["axis": [-1]])],
      [Make.integers("i", places)])
    let channels = places.map { Int($0 < 0 ? $0 + 4 : $0) }
    let pixels = (0..<2).flatMap { row in (0..<3).map { (row, $0) } }
    let y = try Operators.run(first, [1, 4, 2, 3])
    #expect(y.shape == Shape([1, channels.count, 2, 3]))
    #expect(y.floats == channels.flatMap { channel in pixels.map { Self.element(channel, $0.0, $0.1) } })
    let z = try Operators.run(last, [1, 4, 2, 3])
    #expect(z.shape == Shape([1, 2, 3, channels.count]))
    #expect(z.floats == pixels.flatMap { pixel in channels.map { Self.element($0, pixel.0, pixel.1) } })
  }

  @Test func rowsOfAnOpenAxisArePickedFromBothEnds() throws {
    let network = try Operators.graph(
      [-1, 4, -1, -1], [Operators.node("Gather", ["x", "i"], "y", integers: ["axis": [2]])],
      [Make.integers("i", [1, -1, 0, -2])])
    let y = try Operators.run(network, [1, 4, 5, 3])
    #expect(y.shape == [1, 4, 4, 3])
    let rows: [Float] = [3.0 / 8, 12.0 / 8, 0, 9.0 / 8]
    #expect((0..<4).map { y.floats[$0 * 3] } == rows)
    #expect(throws: (any Error).self) { try network.inferredShapes(inputs: [[1, 4, 1, 3]]) }
  }

  @Test func indicesOfTwoAxesMakeTwoAxes() throws {
    let network = try Operators.graph(
      [-1, 4, -1, -1], [Operators.node("Gather", ["x", "i"], "y", integers: ["axis": [1]])],
      [Self.scalar("i", [3, 1, 0, 2], [2, 2])])
    let y = try Operators.run(network, [1, 4, 2, 3])
    #expect(y.shape == [1, 2, 2, 2, 3])
    #expect((0..<4).map { y.floats[$0 * 6] } == [3, 1, 0, 2].map { Self.element($0, 0, 0) })
  }

  @Test func slicesRunBackwards() throws {
    let network = try Operators.graph(
      [-1, 4, -1, 3], [Operators.node("Slice", ["x", "a", "b", "c", "d"], "y")],
      [
        Make.integers("a", [-1, -1, 1]), Make.integers("b", [.min, -4, 9]), Make.integers("c", [1, 3, 2]),
        Make.integers("d", [-2, -1, 1]),
      ])
    let y = try Operators.run(network, [1, 4, 2, 3])
    #expect(y.shape == [1, 2, 1, 3])
    #expect(y.floats == [3, 1].flatMap { channel in [2, 1, 0].map { Self.element(channel, 1, $0) } })
    let open = Operators.node("Slice", ["x", "a", "b", "c", "a"], "y")
    #expect {
      try Operators.graph(
        [-1, 4, -1, -1], [open], [Make.integers("a", [-1]), Make.integers("b", [.min]), Make.integers("c", [3])])
    } throws: { "\($0)".contains("'y' (Slice)") && "\($0)".contains("backwards along axis 3") }
  }

  @Test func imagesWithChannelsLastArePadded() throws {
    func network(_ mode: String) throws -> Network {
      var pad = Operators.node("Pad", ["t", "p"], "y")
      pad.attribute.append(.text("mode", mode))
      return try Operators.graph([-1, 4, -1, -1], [Self.toLast, pad], [Make.integers("p", [0, 1, 0, 0, 0, 0, 2, 0])])
    }
    for (mode, row, columns) in [("constant", -1, [2, -1, -1]), ("edge", 0, [2, 2, 2]), ("reflect", 1, [2, 1, 0])] {
      let y = try Operators.run(network(mode), [1, 4, 2, 3])
      #expect(y.shape == [1, 3, 5, 4], "\(mode)")
      for (place, column) in columns.enumerated() {
        for channel in 0..<4 {
          let expected = row < 0 || column < 0 ? 0 : Self.element(channel, row, column)
          #expect(y.floats[(2 + place) * 4 + channel] == expected, "\(mode), \(place)")
        }
      }
    }
    // To multiples of 4, whatever the size.
    let even: [ONNXNodeProto] = [
      Self.toLast, Operators.node("Shape", ["t"], "s"), Operators.node("Slice", ["s", "one", "three"], "h"),
      Operators.node("Neg", ["h"], "n"), Operators.node("Mod", ["n", "four"], "d"),
      Operators.node("Concat", ["none", "d", "zero"], "p", integers: ["axis": [0]]), Operators.node("Pad", ["t", "p"], "y"),
    ]
    let tensors =
      [("one", [1]), ("three", [3]), ("four", [4]), ("none", [0, 0, 0, 0, 0]), ("zero", [0])]
      as [(String, [Int64])]
    let multiple = try Operators.graph([-1, 4, -1, -1], even, tensors.map { Make.integers($0, $1) })
    for (height, width) in [(4, 8), (5, 7), (1, 2)] {
      let shape = try multiple.inferredShapes(inputs: [[2, 4, height, width]])[multiple.outputs[0]]
      #expect(shape == Shape([2, (height + 3) / 4 * 4, (width + 3) / 4 * 4, 4]))
    }
  }

  /// A normalisation along axes of one element leaves zeros, wherever the value has its other axes; of the root mean square, signs.
  @Test func oneElementIsNormalisedByItself() throws {
    let (scale, shift) = (Operators.floats("k", [1], [3]), Operators.floats("l", [1], [0.5]))
    let mean = Operators.node("ReduceMean", ["x"], "m", integers: ["axes": [1]])
    let last = Operators.node("Transpose", ["m"], "t", integers: ["perm": [0, 2, 3, 1]])
    let apart = [
      Operators.node("ReduceMean", ["x"], "m", integers: ["axes": [1], "keepdims": [0]]),
      Operators.node("Unsqueeze", ["m", "a"], "t"),
    ]
    for moves in [[mean, last], apart] {
      let norm = Operators.node("LayerNormalization", ["t", "k", "l"], "y", integers: ["axis": [-1]])
      let network = try Operators.graph([-1, 4, -1, -1], moves + [norm], [scale, shift, Make.integers("a", [-1])])
      let y = try Operators.run(network, [2, 4, 3, 5])
      #expect(y.shape == [2, 3, 5, 1])
      #expect(y.floats.allSatisfy { $0 == 0.5 })
      let root = Operators.node("RMSNormalization", ["t", "k"], "y", integers: ["axis": [-1]])
      let other = try Operators.graph([-1, 4, -1, -1], moves + [root], [scale, Make.integers("a", [-1])], opset: 23)
      #expect(try Operators.run(other, [2, 4, 3, 5]).floats.allSatisfy { abs($0 - 3) < 1e-3 })
    }
    let pixel = try Operators.graph(
      [-1, 4, -1, -1],
      [Operators.node("GlobalAveragePool", ["x"], "p"), Operators.node("InstanceNormalization", ["p", "k", "l"], "y")],
      [Operators.floats("k", [4], [1, 2, 3, 4]), Operators.floats("l", [4], [0, 1, 2, 3])])
    #expect(try Operators.run(pixel, [1, 4, 2, 3]).floats == [0, 1, 2, 3])
  }

  /// Where the size is open only the vectors say how many channels there are, and here they disagree: found by generated files.
  @Test func vectorsOfOtherLengthsAreRefused() throws {
    for (scale, shift) in [(3, 2), (2, 3), (1, 4)] {
      let nodes = [Operators.node("InstanceNormalization", ["x", "k", "l"], "y")]
      let vectors = [
        Operators.floats("k", [scale], (0..<scale).map { 2 + Float($0) }),
        Operators.floats("l", [shift], (0..<shift).map { 2 + Float($0) }),
      ]
      for axes in [[-1, -1, -1, -1], [4, -1, -1]] {
        do {
          _ = try Operators.graph(axes, nodes, vectors)
        } catch {
          #expect(!"\(error)".contains("\n"))
        }
      }
    }
  }

  @Test func vectorsAndRowsArePadded() throws {
    let network = try Operators.graph(
      [-1, 4, -1, -1],
      [
        Operators.node("ReduceMean", ["x"], "m", integers: ["axes": [2, 3], "keepdims": [0]]),
        Operators.node("Pad", ["m", "p", "v"], "y"),
      ], [Make.integers("p", [0, 1, 0, 2]), Operators.floats("v", [], [7])])
    let y = try Operators.run(network, [1, 4, 1, 2])
    #expect(y.shape == [1, 7])
    let means: [Float] = (0..<4).map { Float($0 * 4 + 1) / 16 }
    #expect(y.floats == [7] + means + [7, 7])
    let all = Make.integers("p", [1, 1, 1, 1, 0, 0, 0, 0]), some = Make.integers("p", [0, 0, 1, 1, 0, 0, 0, 0])
    for (pads, value, reason) in [(all, 0, "pads all axes"), (some, -Float.infinity, "pads with -inf")] {
      #expect {
        try Operators.graph(
          [-1, 4, -1, -1], [Operators.node("Pad", ["x", "p", "v"], "y")], [pads, Operators.floats("v", [], [value])])
      } throws: { "\($0)".contains("'y' (Pad)") && "\($0)".contains(reason) }
    }
  }

  /// One element, a constant or a filled value, in as many places as the image has.
  @Test func valuesAreRepeatedToTheSizeOfAnother() throws {
    let sizes = [
      Operators.node("Shape", ["x"], "s"), Operators.node("Slice", ["s", "two", "four"], "h"),
      Operators.node("Concat", ["ones", "h"], "r", integers: ["axis": [0]]),
    ]
    let tensors = [("two", [2]), ("four", [4]), ("ones", [1, 1])].map { Make.integers($0, $1) }
    let bodies: [(String, [ONNXNodeProto], (Int) -> Float)] = [
      (
        "Tile", [Operators.node("GlobalMaxPool", ["x"], "g"), Operators.node("Tile", ["g", "r"], "y")],
        { Float($0 * 6 + 5) / 8 }
      ),
      (
        "Expand", sizes + [Operators.node("Expand", ["k", "r"], "e"), Operators.node("Add", ["x", "e"], "y")],
        { Float($0 * 6 + $0) / 8 }
      ),
      (
        "ConstantOfShape", [Operators.node("ConstantOfShape", ["s"], "e"), Operators.node("Add", ["x", "e"], "y")],
        { Float($0 * 6) / 8 }
      ),
    ]
    let k = Operators.floats("k", [1, 4, 1, 1], [0, 0.125, 0.25, 0.375])
    for (name, body, first) in bodies {
      let nodes = name == "Expand" ? body : sizes + body
      let y = try Operators.run(Operators.graph([-1, 4, -1, -1], nodes, tensors + [k]), [1, 4, 2, 3])
      #expect(y.shape == [1, 4, 2, 3], "\(name)")
      #expect((0..<4).map { y.floats[$0 * 6] } == (0..<4).map(first), "\(name)")
    }
  }

  /// Weights that files leave to be computed: normed, and as a sum with a product of matrices.
  @Test func weightsAreComputed() throws {
    let w = Operators.floats("w", [2, 4, 1, 1], [3, 0, 4, 0, 0, 5, 0, 12])
    let normed = try Operators.graph(
      [-1, 4, -1, -1],
      [
        Operators.node("ReduceL2", ["w"], "n", integers: ["axes": [1, 2, 3]]), Operators.node("Div", ["w", "n"], "d"),
        Operators.node("Conv", ["x", "d"], "y"),
      ], [w])
    let y = try Operators.run(normed, [1, 4, 1, 1])
    let norms: [Float] = [0.8 / 4, 41.0 / 104]
    #expect(zip(y.floats, norms).allSatisfy { abs($0 - $1) < 1e-6 }, "\(y.floats)")
    let product = try Operators.graph(
      [-1, 4],
      [
        Operators.node("MatMul", ["a", "b"], "p"), Operators.node("Add", ["p", "m"], "q"),
        Operators.node("MatMul", ["x", "q"], "y"),
      ],
      [
        Operators.floats("a", [4, 1], [1, 2, 3, 4]), Operators.floats("b", [1, 2], [1, -1]),
        Operators.floats("m", [4, 2], [0, 0, 0, 0, 0, 0, 1, 1]),
      ])
    let sums: [Float] = [23.0 / 8, -17.0 / 8]
    #expect(try Operators.run(product, [1, 4]).floats == sums)
    // A function that is not folded is computed by the network.
    let gate = try Operators.graph(
      [-1, 4, -1, -1],
      [Operators.node("Softplus", ["k"], "g"), Operators.node("Mul", ["x", "g"], "y")],
      [Operators.floats("k", [1, 4, 1, 1], [0, 1, 2, 3])])
    let z = try Operators.run(gate, [1, 4, 1, 1])
    #expect(abs(z.floats[1] - 1.3132617 / 8) < 1e-6)
  }

  /// Sums and quotients of bytes are bytes, too, in ONNX; those that the graph casts first are not.
  @Test func bytesAreCastBeforeTheyAreComputedWith() throws {
    func read(_ nodes: [ONNXNodeProto]) throws -> Network {
      let bytes: [UInt8] = try Make.model { model in
        model.graph.input[0].type.tensorType.elemType = 2
        model.graph.node = nodes
        var three = Make.integers("k", [3])
        three.dataType = 2
        (three.int64Data, three.int32Data) = ([], [3])
        model.graph.initializer = [three, Operators.floats("f", [], [0.5])]
      }.serializedBytes()
      return try ONNXFile.read(bytes: bytes)
    }
    for type in ["Div", "Add", "Mul", "Sub", "Mod"] {
      let moved = Operators.node("Transpose", ["x"], "t", integers: ["perm": [0, 2, 3, 1]])
      let nodes = [moved, Operators.node(type, ["t", "k"], "d"), Operators.node("Cast", ["d"], "y", integers: ["to": [1]])]
      #expect { try read(nodes) } throws: { "\($0)".contains("(\(type))") }
    }
    let cast = try read([
      Operators.node("Transpose", ["x"], "t", integers: ["perm": [0, 2, 3, 1]]),
      Operators.node("Cast", ["t"], "c", integers: ["to": [1]]), Operators.node("Mul", ["c", "f"], "y"),
    ])
    #expect(try Operators.run(cast, [1, 3, 8, 8]).floats[1] == 64.0 / 16)
  }
}
