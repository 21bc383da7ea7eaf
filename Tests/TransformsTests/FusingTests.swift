import Architectures
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

@Suite struct FusingTests {
  /// The nodes of the fused network as text, after checking that it verifies, that fusing it again changes nothing, and that
  /// random input gives the same bits.
  private func fused(
    _ shapes: [Shape], sourceLocation: SourceLocation = #_sourceLocation,
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> [NetworkBuilder.Value]
  ) throws -> [String] {
    let network = try Network.built(shapes, build)
    let result = network.fusing()
    try result.verify()
    #expect(result.fusing() == result, sourceLocation: sourceLocation)
    try expectSameOutputs(result, network, shapes, sourceLocation: sourceLocation)
    return result.lines
  }

  private let shape: Shape = [1, 4, 3, 5]

  @Test func fullChain() throws {
    let lines = try fused([shape]) { builder, x in
      var y = builder.convolution("c", x[0], outChannels: 4, kernel: 3, padding: 1)
      y = builder.scale("scaled", builder.activation("relu", y, .relu), by: 0.1)
      y = builder.activation("last", builder.add("sum", y, x[0]), .tanh)
      return [builder.pixelShuffle("out", y, factor: 2)]
    }
    #expect(
      lines == ["c = convolution(x0, x0) 4 -> 4, kernel 3, padding 1, bias | relu | scale 0.1 | add | tanh | pixelShuffle 2"])
  }

  /// In front of the value that states the size.
  @Test func gradientsOfInputsTakeAnAddition() throws {
    let same = Convolution(inChannels: 4, outChannels: 6, kernel: 3, padding: 1)
    let smaller = Convolution(inChannels: 4, outChannels: 6, kernel: 3, stride: 2)
    let gradients: [(Convolution, Shape)] = [(same, [1, 6, 3, 5]), (smaller, [1, 6, 1, 2])]
    for (convolution, g) in gradients {
      for isFirst in [false, true] {
        let lines = try fused([g, shape, shape]) { builder, x in
          _ = builder.constant("w", Tensor(zeros: [6, 4, 3, 3]))
          let product = ConvolutionProduct(.inputGradient, of: convolution)
          let y = builder.node(
            "y", .training(.convolutionProduct(product)), [x[0], builder.parameter("w.value"), x[1]], channels: 4)
          return [builder.activation("relu", isFirst ? builder.add("sum", y, x[2]) : builder.add("sum", x[2], y), .relu)]
        }
        #expect(lines.count == 3 && lines[1].hasPrefix("y = convolutionInputGradient(x0, w.value, x2, x1)"), "\(lines)")
        #expect(lines[1].hasSuffix(" | add") && lines[2] == "relu = relu(y)", "\(lines)")
      }
    }
  }

  @Test func gradientsOfMaximumPoolsTakeAnAddition() throws {
    for isFirst in [false, true] {
      let lines = try fused([[1, 4, 1, 2], shape, shape]) { builder, x in
        let gradient = TrainingOperation.maximumPoolGradient(MaximumPoolGradient(Pool(kernel: 2)))
        let y = builder.node("y", .training(gradient), [x[0], x[1]], channels: 4)
        return [builder.activation("relu", isFirst ? builder.add("sum", y, x[2]) : builder.add("sum", x[2], y), .relu)]
      }
      #expect(lines.count == 2 && lines[0].hasPrefix("y = maximumPoolGradient(x0, x1, x2)"), "\(lines)")
      #expect(lines[0].hasSuffix(" | add") && lines[1] == "relu = relu(y)", "\(lines)")
    }
  }

  @Test func transposedConvolutionsTakeTheSameSteps() throws {
    let lines = try fused([shape, [1, 4, 6, 10]]) { builder, x in
      var y = builder.transposedConvolution("t", x[0], outChannels: 4, kernel: 2, stride: 2)
      y = builder.scale("scaled", builder.activation("relu", y, .relu), by: 0.1)
      y = builder.activation("last", builder.add("sum", y, x[1]), .prelu(channels: 4))
      return [builder.pixelShuffle("out", y, factor: 2)]
    }
    #expect(
      lines == [
        "t = transposedConvolution(x0, x1) 4 -> 4, kernel 2, stride 2, bias | relu | scale 0.1 | add | prelu 4 | pixelShuffle 2"
      ])
  }

  @Test func residualBlockThenConvolution() throws {
    let lines = try fused([shape]) { builder, x in
      let a = builder.activation("relu", builder.convolution("a", x[0], outChannels: 6, kernel: 1), .relu)
      let b = builder.scale("scaled", builder.convolution("b", a, outChannels: 4, kernel: 1), by: 0.5)
      let sum = builder.add("sum", x[0], b)
      return [builder.convolution("tail", sum, outChannels: 2, kernel: 1)]
    }
    #expect(
      lines == [
        "a = convolution(x0) 4 -> 6, kernel 1, bias | relu", "b = convolution(a, x0) 6 -> 4, kernel 1, bias | scale 0.5 | add",
        "tail = convolution(b) 4 -> 2, kernel 1, bias",
      ])
  }

  @Test func aValueWithTwoReadersStays() throws {
    let lines = try fused([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let relu = builder.activation("relu", a, .relu)
      return [builder.add("sum", relu, a)]
    }
    #expect(lines == ["a = convolution(x0) 4 -> 4, kernel 1, bias", "relu = relu(a)", "sum = add(relu, a)"])
  }

  @Test func aValueAddedToItselfStays() throws {
    let lines = try fused([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      return [builder.add("sum", a, a)]
    }
    #expect(lines == ["a = convolution(x0) 4 -> 4, kernel 1, bias", "sum = add(a, a)"])
  }

  @Test func aNetworkOutputStays() throws {
    let lines = try fused([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      return [a, builder.activation("relu", a, .relu)]
    }
    #expect(lines == ["a = convolution(x0) 4 -> 4, kernel 1, bias", "relu = relu(a)"])
  }

  /// The addition goes to the later convolution and stands where the addition stood, behind what it adds.
  @Test func additionOfTwoConvolutions() throws {
    for swapped in [false, true] {
      let lines = try fused([shape]) { builder, x in
        let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
        let b = builder.convolution("b", x[0], outChannels: 4, kernel: 1, bias: false)
        return [swapped ? builder.add("sum", b, a) : builder.add("sum", a, b)]
      }
      #expect(
        lines == ["a = convolution(x0) 4 -> 4, kernel 1, bias", "b = convolution(x0, a) 4 -> 4, kernel 1 | add"])
    }
  }

  @Test func theOtherOperandMayComeLater() throws {
    let lines = try fused([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let late = builder.batchNorm("late", x[0])
      return [builder.activation("relu", builder.add("sum", a, late), .relu)]
    }
    #expect(
      lines == ["late = batchNorm(x0) 4, epsilon 1e-05", "a = convolution(x0, late) 4 -> 4, kernel 1, bias | add | relu"])
  }

  @Test func nothingBeyondTheCanonicalOrder() throws {
    let lines = try fused([shape]) { builder, x in
      var y = builder.scale("s", builder.convolution("c", x[0], outChannels: 4, kernel: 1), by: 2)
      y = builder.scale("t", y, by: 3)
      y = builder.add("sum", builder.convolution("d", y, outChannels: 4, kernel: 1), x[0])
      y = builder.add("again", y, x[0])
      y = builder.pixelShuffle("p", builder.convolution("e", y, outChannels: 4, kernel: 1), factor: 2)
      return [builder.activation("relu", y, .relu)]
    }
    #expect(
      lines == [
        "c = convolution(x0) 4 -> 4, kernel 1, bias | scale 2.0", "t = scale(c) 3.0",
        "d = convolution(t, x0) 4 -> 4, kernel 1, bias | add", "again = add(d, x0)",
        "e = convolution(again) 4 -> 4, kernel 1, bias | pixelShuffle 2", "relu = relu(e)",
      ])
  }

  @Test func slopesMoveToTheConvolution() throws {
    var builder = NetworkBuilder("n")
    let x = builder.input("x", channels: 4)
    let a = builder.activation("slopes", builder.convolution("a", x, outChannels: 4, kernel: 1), .prelu(channels: 4))
    builder.output(builder.activation("more", builder.add("sum", a, x), .prelu(channels: 1)))
    let network = try builder.build(.zeros).randomized(seed: 2)
    let result = network.fusing()
    try result.verify()
    #expect(result.parameters["a.slope"] == network.parameters["slopes.slope"])
    // The second prelu would need the same role.
    #expect(result.nodes.map(\.name) == ["a", "more"])
    #expect(Set(result.parameters.keys) == ["a.weight", "a.bias", "a.slope", "more.slope"])
    try expectSameOutputs(result, network, [shape])
  }

  @Test(arguments: OperationCase.all)
  func sameBitsForEveryCase(operationCase: OperationCase) throws {
    let fused = operationCase.network.fusing()
    try fused.verify()
    if fused != operationCase.network { try expectSameOutputs(fused, operationCase.network, operationCase.inputShapes) }
  }

  @Test func superResolutionNetworks() throws {
    let vdsr = try VDSR(features: 4).network(.random(seed: 3))
    #expect(vdsr.fusing().nodes.count == 20)
    #expect(
      vdsr.fusing().text.split(separator: "\n").last
        == "layers.19 = convolution(layers.18, x) 4 -> 1, kernel 3, padding 1 | add")
    try expectSameOutputs(vdsr.fusing(), vdsr, [[1, 1, 6, 5]])

    for layout in EDSR.Layout.allCases {
      let edsr = try EDSR(scale: 4, features: 4, blocks: 2, layout: layout).network(.random(seed: 4))
      let fused = edsr.fusing()
      #expect(Set(fused.parameters.keys) == Set(edsr.parameters.keys))
      try expectSameOutputs(fused, edsr, [[1, 3, 6, 5]])
    }
    #expect(
      try EDSR(features: 4, blocks: 1, layout: .original).network(.zeros).fusing().text == """
        network edsr: x [3] -> addMean
        subtractMean = channelAffine(x) 3, fixed
        head = convolution(subtractMean) 3 -> 4, kernel 3, padding 1, bias
        body.0.a = convolution(head) 4 -> 4, kernel 3, padding 1, bias | relu
        body.0.b = convolution(body.0.a, head) 4 -> 4, kernel 3, padding 1, bias | scale 0.1 | add
        body.end = convolution(body.0.b, head) 4 -> 4, kernel 3, padding 1, bias | add
        up.0 = convolution(body.end) 4 -> 16, kernel 3, padding 1, bias | pixelShuffle 2
        tail = convolution(up.0) 4 -> 3, kernel 3, padding 1, bias
        addMean = channelAffine(tail) 3, fixed

        """)
  }
}
