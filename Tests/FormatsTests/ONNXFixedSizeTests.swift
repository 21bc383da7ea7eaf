import Networks
import ONNXProto
import ReferenceBackend
import Tensors
import Testing

@testable import Formats

/// What a file says of the axes of its inputs: fixed, open, or of one name.
@Suite struct ONNXFixedSizeTests {
  typealias Make = ONNXSafetyTests
  typealias Sizes = ONNXSizeTests

  @Test func fixedSizesAreHeldAgainstTheInput() throws {
    let pool = Sizes.node("AveragePool", ["x"], ["y"], [.integers("kernel_shape", [4, 4]), .integers("strides", [4, 4])])
    let fixed = try Sizes.read([1, 1, 8, 8], [pool])
    #expect(fixed.inputs == [NetworkInput(name: "x", axes: [1, 1, 8, 8])])
    for shape: Shape in [[1, 1, 16, 16], [2, 1, 8, 8]] {
      do {
        _ = try fixed.inferredShapes(inputs: [shape])
        Issue.record("\(shape) is taken")
      } catch {
        #expect(error.description.hasPrefix("the input 'x' is \(shape) and must be [1, 1, 8, 8]; "), "\(error)")
        #expect(error.description.contains("--any-size"))
      }
    }
    // Opened, it does what its constants say.
    let open = try Sizes.read([1, 1, 8, 8], [pool], sizes: .any)
    #expect(open.inputs == [NetworkInput(name: "x", channels: 1)])
    #expect(try open.inferredShapes(inputs: [[2, 1, 16, 20]])["y"] == [2, 1, 4, 5])
    // Axes that are open stay so, each for itself.
    #expect(try Sizes.read(["n", 1, 8, "w"], [pool]).inputs[0].axes == [nil, 1, 8, nil])
  }

  /// Constants that were computed from the size that the file fixes are not taken for others.
  @Test func whatServesOneSizeIsNotOpened() throws {
    func refusal(_ nodes: [ONNXNodeProto], _ tensors: [ONNXTensorProto] = []) -> String {
      Sizes.problem { try Sizes.read([1, 4, 8, 8], nodes, tensors, sizes: .any) }
    }
    let twice = Make.integers("z", [1, 4, 16, 16])
    #expect(
      refusal([Sizes.node("Resize", ["x", "", "", "z"], ["y"])], [twice]).contains("node 'y' (Resize) is made for the size"))
    let whole = Sizes.node("AveragePool", ["x"], ["y"], [.integers("kernel_shape", [8, 8])])
    #expect(refusal([whole]).contains("node 'y' (AveragePool) is made for the size"))
    let slice = Sizes.node("Slice", ["x", "a", "b", "c"], ["y"])
    let bounds = [Make.integers("a", [1]), Make.integers("b", [7]), Make.integers("c", [2])]
    #expect(refusal([slice], bounds).contains("node 'y' (Slice) is made for the size"))
    let drop = [Sizes.node("GlobalAveragePool", ["x"], ["p"]), Sizes.node("Squeeze", ["p"], ["y"])]
    #expect(refusal(drop).contains("node 'y' (Squeeze) is made for the size"))
    let split = Sizes.node("Split", ["x"], ["y", "z"], [.integer("axis", 2)])
    #expect(refusal([split]).contains("node 'y' (Split) is made for the size"))
    // All of them are read for the size that is there.
    for (nodes, tensors) in [
      ([Sizes.node("Resize", ["x", "", "", "z"], ["y"])], [twice]), ([whole], []), ([slice], bounds), (drop, []),
    ] {
      _ = try Sizes.read([1, 4, 8, 8], nodes, tensors).verify()
    }
    // What keeps axes whole is seen to do so: a pixel shuffle spelt out, and a flattening in a batch of one.
    let shuffle = [
      Sizes.node("Reshape", ["x", "a"], ["p"]), Sizes.node("Transpose", ["p"], ["q"], [.integers("perm", [0, 1, 4, 2, 5, 3])]),
      Sizes.node("Reshape", ["q", "b"], ["y"]),
    ]
    let network = try Sizes.read(
      [1, 4, 8, 8], shuffle, [Make.integers("a", [1, 1, 2, 2, 8, 8]), Make.integers("b", [1, 1, 16, 16])], sizes: .any)
    #expect(network.text.contains("pixelShuffle(x)"))
    #expect(try network.inferredShapes(inputs: [[2, 4, 5, 7]]).values.contains([2, 1, 10, 14]))
  }

  @Test func squeezeDropsWhatHasOneElement() throws {
    let nodes = [Sizes.node("GlobalAveragePool", ["x"], ["p"]), Sizes.node("Squeeze", ["p"], ["y"])]
    let network = try Sizes.read([1, 3, "h", "w"], nodes)
    #expect(try network.inferredShapes(inputs: [[1, 3, 4, 5]])[network.outputs[0]] == [3])
    let open = Sizes.problem { try Sizes.read(["n", 3, "h", "w"], nodes) }
    #expect(open.contains("drops whatever axes have one element, and axis 0 is open"), "\(open)")
  }

  // MARK: Channels last

  static let first = Sizes.node("Transpose", ["x"], ["t"], [.integers("perm", [0, 3, 1, 2])])
  static let last = Sizes.node("Transpose", ["c"], ["y"], [.integers("perm", [0, 2, 3, 1])])

  /// Channels that the file leaves open are those of the first convolution.
  @Test func inputsWithChannelsLast() throws {
    let conv = Sizes.node("Conv", ["t", "w"], ["c"], [.integers("strides", [2, 2])])
    for axes: [Sizes.Axis] in [["n", "h", "w", 3], ["?", "?", "?", "?"], ["", "", "", ""]] {
      let network = try Sizes.read(axes, [Self.first, conv, Self.last], [Make.tensor("w", [4, 3, 3, 3])])
      #expect(network.inputs[0].axes == [nil, nil, nil, 3])
      let x = Tensor([1, 5, 9, 3], (0..<135).map { Float($0) })
      let y = try ReferenceEngine().prepare(network, inputs: [x.shape]).run([x])[0]
      #expect(y.shape == [1, 2, 4, 4])
      // All weights are 0.5: half of the sum of 3 x 3 pixels.
      var sum: Float = 0
      for row in 0..<3 { for sample in 0..<9 { sum += Float(row * 27 + sample) } }
      #expect(y.floats[0] == sum / 2)
    }
    // Fixed at the channels of something else.
    let wrong = Sizes.problem {
      try Sizes.read(["n", "h", "w", 4], [Self.first, conv, Self.last], [Make.tensor("w", [4, 3, 3, 3])])
    }
    #expect(wrong.contains("does not fit 4 channels"), "\(wrong)")
    let open = try Sizes.read(
      ["n", "c", "h", "w"], [Sizes.node("Conv", ["x", "w"], ["y"])], [Make.tensor("w", [4, 3, 3, 3])])
    #expect(open.inputs == [NetworkInput(name: "x", channels: 3)])
  }

  /// A pass over the pixels of an image with channels last, which never leaves its order: values that lie as they came.
  @Test func matrixProductsWithChannelsLast() throws {
    let nodes = [Sizes.node("MatMul", ["x", "m"], ["y"])]
    let network = try Sizes.read(["n", "h", "w", 2], nodes, [Make.tensor("m", [2, 3])])
    let x = Tensor([1, 2, 2, 2], (0..<8).map { Float($0) })
    let y = try ReferenceEngine().prepare(network, inputs: [x.shape]).run([x])[0]
    #expect(y.shape == [1, 2, 2, 3] && y.floats[0] == 0.5 && y.floats[11] == 6.5, "\(network.text)")
  }

  // MARK: Names

  /// Height and width of one name are two extents.
  @Test func oneNameForBothSides() throws {
    let nodes = [
      Sizes.node("Shape", ["x"], ["s"]), Sizes.node("Gather", ["s", "order"], ["z"]), Sizes.node("Reshape", ["x", "z"], ["y"]),
    ]
    for name in ["?", "side"] {
      let network = try Sizes.read([1, 3, .open(name), .open(name)], nodes, [Make.integers("order", [0, 1, 3, 2])])
      #expect(try network.inferredShapes(inputs: [[1, 3, 4, 6]])[network.outputs[0]] == [1, 3, 6, 4], "\(network.text)")
    }
  }

  /// An axis of one name in two inputs is one extent, which is held against both; a placeholder names nothing.
  @Test func namesThatInputsShare() throws {
    let nodes = [
      Sizes.node("Shape", ["z"], ["s"]), Sizes.node("Resize", ["x", "", "", "s"], ["r"], [.text("mode", "nearest")]),
      Sizes.node("Add", ["r", "z"], ["y"]),
    ]
    func read(_ first: [Sizes.Axis], _ second: [Sizes.Axis]) throws -> Network {
      try ONNXFile.read(bytes: Sizes.model([("x", first), ("z", second)], nodes))
    }
    let shared = try read(["n", 2, "h", "w"], ["n", 2, "h", "w"])
    #expect(shared.text.contains("y = add(x, z)"), "\(shared.text)")
    #expect(shared.inputs[0].axisNames == ["n", nil, "h", "w"])
    #expect(throws: NetworkError.self) { try shared.inferredShapes(inputs: [[1, 2, 5, 5], [1, 2, 7, 5]]) }
    let apart = try read(["n", 2, "?", "?"], ["n", 2, "?", "?"])
    #expect(try apart.inferredShapes(inputs: [[1, 2, 5, 5], [1, 2, 7, 8]])["y"] == [1, 2, 7, 8], "\(apart.text)")
  }
}
