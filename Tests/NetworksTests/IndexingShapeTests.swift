import Networks
import Tensors
import Testing

/// Shapes of the operations that broadcast, cut, join and reorder, worked out by hand from the documentation of ONNX and PyTorch.
@Suite struct IndexingShapeTests {
  private static let x: Shape = [2, 4, 10, 7]

  private static let shapes: [(operation: Operation, inputs: [Shape], output: Shape)] = [
    (.binary(.multiply), [x, [2, 4, 1, 1]], x),
    (.binary(.subtract), [[1, 4, 1, 7], [2, 1, 10, 1]], x),
    (.binary(.maximum), [[3, 5], [1, 5]], [3, 5]),
    (.slice(Slice([.init(axis: 1, end: 3)])), [x], [2, 3, 10, 7]),
    (.slice(Slice([.init(axis: 2, start: 1, end: -1), .init(axis: 3, start: -3)])), [x], [2, 4, 8, 3]),
    (.slice(Slice([.init(axis: 2, start: 1, step: 2), .init(axis: 3, step: 3)])), [x], [2, 4, 5, 3]),
    // Beyond the axis: its end.
    (.slice(Slice([.init(axis: 2, start: -100, end: 1 << 36), .init(axis: 0, start: 1, end: 9)])), [x], [1, 4, 10, 7]),
    (.slice(Slice([.init(axis: 1, start: 0, end: 5, step: 2)])), [[3, 9]], [3, 3]),
    (.pad(Pad(Padding(top: 1, left: 2, bottom: 3, right: 4))), [x], [2, 4, 14, 13]),
    (.pad(Pad(0, channelsBefore: 2, channelsBehind: 3)), [x], [2, 9, 10, 7]),
    (.pad(Pad(6, mode: .reflect)), [x], [2, 4, 22, 19]),
    (.pad(Pad(60, mode: .edge)), [x], [2, 4, 130, 127]),
    (.softmax(Softmax(axis: 1)), [x], x),
    (.softmax(Softmax(axis: 1)), [[3, 10]], [3, 10]),
    (.reshape(Reshape([0, -1])), [x], [2, 280]),
    (.reshape(Reshape([0, 2, 2, 0, -1])), [[2, 4, 10, 70, 7]], [2, 2, 2, 70, 70]),
    (.reshape(Reshape([0, 0, 1, 1])), [[3, 10]], [3, 10, 1, 1]),
    (.reshape(Reshape([560])), [x], [560]),
    (.transpose(Transpose([0, 2, 3, 1])), [x], [2, 10, 7, 4]),
    (.transpose(Transpose([1, 0])), [[3, 10]], [10, 3]),
    (.reduction(Reduction(.mean, axes: [2, 3])), [x], [2, 4, 1, 1]),
    (.reduction(Reduction(.mean, axes: [2, 3], keepsAxes: false)), [x], [2, 4]),
    (.reduction(Reduction(.mean, axes: [1], keepsAxes: false)), [x], [2, 10, 7]),
    (.maximumIndex(MaximumIndex(axis: 1)), [x], [2, 1, 10, 7]),
    (.maximumIndex(MaximumIndex(axis: 3, keepsAxis: false)), [x], [2, 4, 10]),
    (.pixelShuffle(PixelShuffle(factor: 2, order: .channelsInnermost)), [x], [2, 1, 20, 14]),
    (.pixelUnshuffle(PixelUnshuffle(factor: 7, order: .channelsInnermost)), [[1, 2, 14, 7]], [1, 98, 2, 1]),
    (.resize(Resize(method: .bilinear, target: .factor(height: 1.5, width: 0.5))), [x], [2, 4, 15, 3]),
    // In float32, as ONNX Runtime multiplies: 10 by 0.7 is 7, where the float32 next to 0.7 times 10 is below.
    (.resize(Resize(method: .nearest, target: .factor(height: 0.7, width: 1))), [x], [2, 4, 7, 7]),
    (
      .resize(Resize(method: .bicubic, target: .size(Pair(height: 3, width: 20)), coordinates: .alignCorners)), [x],
      [2, 4, 3, 20]
    ),
  ]

  @Test func outputs() throws {
    for (operation, inputs, output) in Self.shapes {
      #expect(try operation.outputShape(inputs) == output, "\(operation.typeName) \(operation.summary)")
      #expect(try operation.multiplyAccumulates(inputs) == 0)
      #expect(operation.parameters.isEmpty)
    }
  }

  private static let mismatches: [(operation: Operation, inputs: [Shape], reason: String)] = [
    (.binary(.add), [x, [2, 4, 10]], "2x4x10x7 and 2x4x10 are not of the same rank"),
    (.binary(.add), [x, [2, 4, 5, 1]], "2x4x10x7 and 2x4x5x1 differ along axis 2, and neither is 1 there"),
    (.binary(.divide), [x], "it takes 2 inputs and gets 1"),
    (.slice(Slice([.init(axis: 3)])), [[3, 10]], "the input 3x10 has no axis 3"),
    (.slice(Slice([.init(axis: 1, start: 4)])), [x], "nothing is left of 2x4x10x7 between axis 1 from 4 to the end"),
    (
      .slice(Slice([.init(axis: 2, start: 3, end: -7, step: 2)])), [x],
      "nothing is left of 2x4x10x7 between axis 2 from 3 to -7 by 2"
    ),
    (.pad(Pad(7, mode: .reflect)), [x], "the reflected padding 7 is not smaller than height and width of 2x4x10x7"),
    (.pad(Pad(1)), [[3, 10]], "the input 3x10 is no image [N, C, H, W]"),
    (.matrixMultiply, [x, [2, 4, 10, 7]], "2x4x10x7 and 2x4x10x7 are not [..., M, K] and [..., K, N]"),
    (.matrixMultiply, [x, [3, 4, 7, 2]], "2x4x10x7 and 3x4x7x2 are not [..., M, K] and [..., K, N]"),
    (.matrixMultiply, [[7], [7]], "7 and 7 are not [..., M, K] and [..., K, N]"),
    (
      .matrixMultiply, [[1, 1 << 25], [1 << 25, 1]],
      "each element of 1x33554432 by 33554432x1 sums more than 16777216 products"
    ),
    (.softmax(Softmax(axis: 2)), [[3, 10]], "the input 3x10 has no axis 2"),
    (.maximumIndex(MaximumIndex(axis: 4)), [x], "the input 2x4x10x7 has no axis 4"),
    (
      .maximumIndex(MaximumIndex(axis: 1)), [[1, 1 << 25]],
      "the 33554432 elements along axis 1 are more than float32 counts"
    ),
    (.reshape(Reshape([0, 3, -1])), [x], "the 560 elements of 2x4x10x7 do not divide into [0, 3, -1]"),
    (.reshape(Reshape([0, 3])), [x], "the 560 elements of 2x4x10x7 are not those of [0, 3]"),
    (.reshape(Reshape([1, 10, 0])), [[1, 10]], "the input 1x10 has no axis 2"),
    (
      .reshape(Reshape([1 << 36, 1 << 36, -1])), [x],
      "the 560 elements of 2x4x10x7 do not divide into [68719476736, 68719476736, -1]"
    ),
    (.transpose(Transpose([1, 0])), [x], "2x4x10x7 does not have 2 axes"),
    (.reduction(Reduction(.mean, axes: [1, 2])), [[3, 10]], "the input 3x10 has no axis 2"),
    (.resize(Resize(method: .nearest, target: .factor(height: 0.05, width: 1))), [x], "the output 2x4x0x7 has an extent of 0"),
    (.resize(Resize(method: .nearest, target: .size(1))), [[3, 10]], "the input 3x10 is no image [N, C, H, W]"),
  ]

  @Test func matrixMultiply() throws {
    #expect(try Operation.matrixMultiply.outputShape([Self.x, [2, 4, 7, 3]]) == [2, 4, 10, 3])
    #expect(try Operation.matrixMultiply.outputShape([[3, 10], [10, 4]]) == [3, 4])
    #expect(try Operation.matrixMultiply.multiplyAccumulates([Self.x, [2, 4, 7, 3]]) == 2 * 4 * 10 * 3 * 7)
  }

  @Test func refusals() {
    for (operation, inputs, reason) in Self.mismatches {
      #expect(throws: TypeMismatch(reason)) { try operation.outputShape(inputs) }
    }
  }

  private static let faults: [(operation: Operation, fault: String)] = [
    (.slice(Slice([])), "there is no axis to slice"),
    (.slice(Slice([.init(axis: -1)])), "the axis -1 is not in 0...7"),
    (.slice(Slice([.init(axis: 1, step: 0)])), "the step 0 is not in 1...1048576"),
    (.slice(Slice([.init(axis: 1), .init(axis: 1)])), "the axis 1 is sliced twice"),
    (.slice(Slice([.init(axis: 1, end: 1 << 40)])), "the index 1099511627776 is not in -68719476736...68719476736"),
    (.slice(Slice([.init(axis: 1, start: .min)])), "the index -9223372036854775808 is not in -68719476736...68719476736"),
    (.pad(Pad(-1)), "the top padding -1 is not in 0...1048576"),
    (.pad(Pad(0, channelsBehind: -1)), "the channels behind -1 is not in 0...1048576"),
    (.pad(Pad(0, channelsBefore: 1, mode: .edge)), "the mode edge pads no channels"),
    (.pad(Pad(1, value: .infinity)), "the value inf is not finite"),
    (.softmax(Softmax(axis: 8)), "the axis 8 is not in 0...7"),
    (.maximumIndex(MaximumIndex(axis: -1)), "the axis -1 is not in 0...7"),
    (.reshape(Reshape(Array(repeating: 1, count: 9))), "9 axes are more than 8"),
    (.reshape(Reshape([-1, 2, -1])), "more than one extent is -1"),
    (.reshape(Reshape([-2])), "the extent -2 is not in -1...68719476736"),
    (.transpose(Transpose([0, 2])), "[0, 2] is no permutation"),
    (.transpose(Transpose([0, 0])), "[0, 0] is no permutation"),
    (.transpose(Transpose(Array(0..<9))), "9 axes are not 1 to 8"),
    (.reduction(Reduction(.mean, axes: [])), "there is no axis to reduce"),
    (.reduction(Reduction(.mean, axes: [2, 1])), "the axes [2, 1] do not ascend"),
    (.reduction(Reduction(.mean, axes: [2, 9])), "the axis 9 is not in 0...7"),
    (.activation(.hardSigmoid(alpha: .nan, beta: 0)), "the line nan · x + 0.0 is not finite"),
    (
      .resize(Resize(method: .bilinear, target: .factor(height: 1, width: .nan))),
      "the factor nan is not above 0 and at most 1048576"
    ),
    (.resize(Resize(method: .bilinear, target: .size(0))), "the size height 0 is not in 1...1048576"),
    (
      .resize(Resize(method: .bicubic, target: .size(1), cubicCoefficient: .infinity)),
      "the cubic coefficient inf is not finite"
    ),
  ]

  @Test func illegalAttributes() {
    for (operation, fault) in Self.faults {
      #expect(operation.attributeFault == fault)
      #expect(throws: TypeMismatch(fault)) { try operation.outputShape([Self.x]) }
    }
  }

  @Test func builderFollowsTheChannels() throws {
    var builder = NetworkBuilder("channels")
    let x = builder.input("x", channels: 12)
    let part = builder.slice("part", x, [.init(axis: 1, start: 1, end: -1, step: 3)])
    #expect(part.channels == 4)
    let padded = builder.pad("padded", part, Pad(1, channelsBefore: 2, channelsBehind: 3))
    #expect(padded.channels == 9)
    let mean = builder.reduction("mean", padded, .mean, axes: [1])
    #expect(mean.channels == 1)
    #expect(builder.binary("product", .multiply, mean, padded).channels == 9)
    #expect(builder.reshape("reshaped", padded, [0, 3, 3, -1]).channels == 3)
    #expect(builder.reshape("flat", padded, [0, -1]).channels == 9)
    // Steps that verification refuses must not trap before.
    _ = builder.slice("wrong", x, [.init(axis: 1, start: .min, end: .max, step: .max)])
    _ = builder.slice("worse", x, [.init(axis: 1, step: 0)])
    builder.output(padded)
    #expect(throws: NetworkError.self) { try builder.build(.zeros) }
  }

  /// The JSON forms: defaults left out, and a description of before.
  @Test func descriptions() throws {
    func json(_ operation: Operation) throws -> String {
      let graph = NetworkGraph(
        name: "n", inputs: [NetworkInput(name: "x", channels: 4)],
        nodes: [Node(name: "y", operation: operation, inputs: Array(repeating: "x", count: operation.inputCount.lowerBound))],
        outputs: ["y"])
      #expect(try NetworkGraph(json: graph.json) == graph)
      let text = graph.json, start = "\"operation\":"
      let rest = text.dropFirst(text.ranges(of: start)[0].upperBound.utf16Offset(in: text))
      return String(rest.prefix { $0 != "}" }) + "}"
    }
    #expect(try json(.binary(.multiply)) == #"{"function":"multiply","type":"binary"}"#)
    #expect(try json(.slice(Slice([.init(axis: 1, end: 2)]))) == #"{"spans":[{"axis":1,"end":2}"#)
    #expect(try json(.pad(Pad(1))) == #"{"padding":1,"type":"pad"}"#)
    #expect(try json(.pad(Pad(1, mode: .reflect))) == #"{"mode":"reflect","padding":1,"type":"pad"}"#)
    #expect(try json(.resize(Resize(method: .bilinear, factor: 2))) == #"{"factor":2,"method":"bilinear","type":"resize"}"#)
    #expect(
      try json(.resize(Resize(method: .nearest, target: .size(8), coordinates: .halfPixel)))
        == #"{"coordinates":"halfPixel","method":"nearest","size":8,"type":"resize"}"#)
    #expect(
      try json(.resize(Resize(method: .bicubic, target: .factor(height: 1.5, width: 2))))
        == #"{"factor":[1.5,2],"method":"bicubic","type":"resize"}"#)
    #expect(try json(.pixelShuffle(PixelShuffle(factor: 2))) == #"{"factor":2,"type":"pixelShuffle"}"#)
    #expect(
      try json(.pixelShuffle(PixelShuffle(factor: 2, order: .channelsInnermost)))
        == #"{"factor":2,"order":"channelsInnermost","type":"pixelShuffle"}"#)
    #expect(try json(.activation(.hardSigmoid(alpha: 0.25, beta: 0.5))) == #"{"alpha":0.25,"beta":0.5,"type":"hardSigmoid"}"#)
  }

  @Test(arguments: [
    (#"{"type":"binary","function":"modulo"}"#, "invalid"),
    (#"{"type":"slice","spans":[{"axis":1,"step":-1}]}"#, "slice: the step -1 is not in 1...1048576"),
    (#"{"type":"slice","spans":[{"start":1}]}"#, "'axis' is missing"),
    (#"{"type":"pad","padding":1,"mode":"wrap"}"#, "invalid"),
    (#"{"type":"resize","method":"nearest","factor":[1,2,3]}"#, "a pair [height, width] has 3 values"),
    (#"{"type":"resize","method":"nearest","factor":2,"size":3}"#, "a resize has a size and a factor"),
    (#"{"type":"resize","method":"nearest"}"#, "'factor' is missing"),
    (#"{"type":"reshape","extents":[0,-1,-1]}"#, "reshape: more than one extent is -1"),
    (#"{"type":"transpose","permutation":[1,2]}"#, "transpose: [1, 2] is no permutation"),
    (
      #"{"type":"convolution","inChannels":4,"outChannels":4,"bias":false,"kernel":3,"epilogue":[{"type":"pixelShuffle","factor":2,"order":"channelsInnermost"}]}"#,
      "pixelShuffle is no step of an epilogue"
    ),
  ])
  func hostileDescriptions(operation: String, message: String) {
    let json =
      #"{"name":"n","inputs":[{"name":"x","channels":4}],"nodes":[{"name":"y","inputs":["x"],"operation":\#(operation)}],"outputs":["y"]}"#
    do {
      _ = try NetworkGraph(json: json)
      Issue.record("accepted: \(json)")
    } catch {
      #expect(error.description.contains(message), "\(error.description)")
    }
  }
}
