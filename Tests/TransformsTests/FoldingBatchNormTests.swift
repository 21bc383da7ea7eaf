import Networks
import Tensors
import OperationCases
import TestSupport
import Testing
import Transforms

@Suite struct FoldingBatchNormTests {
  /// The nodes of the folded network as text, after checking that it verifies, that folding it again changes nothing, and that
  /// random input gives the same output but for rounding.
  private func folded(
    _ shapes: [Shape], sourceLocation: SourceLocation = #_sourceLocation,
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> [NetworkBuilder.Value]
  ) throws -> [String] {
    let network = try Network.built(shapes, build)
    let result = network.foldingBatchNorm()
    try result.verify()
    #expect(result.foldingBatchNorm() == result, sourceLocation: sourceLocation)
    try expectCloseOutputs(result, network, shapes, sourceLocation: sourceLocation)
    return result.lines
  }

  private let shape: Shape = [2, 6, 5, 7]

  @Test(arguments: [1, 2, 6], [true, false])
  func intoTheConvolutionBefore(groups: Int, bias: Bool) throws {
    let lines = try folded([shape]) { builder, x in
      let y = builder.convolution("c", x[0], outChannels: 12, kernel: 3, stride: 2, padding: 1, groups: groups, bias: bias)
      return [builder.activation("relu", builder.batchNorm("norm", y), .relu)]
    }
    let text = groups == 1 ? "" : ", groups \(groups)"
    #expect(lines == ["c = convolution(x0) 6 -> 12, kernel 3, stride 2, padding 1\(text), bias", "relu = relu(c)"])
  }

  @Test(arguments: [1, 2, 6])
  func intoTheTransposedConvolutionBefore(groups: Int) throws {
    let lines = try folded([shape]) { builder, x in
      let y = builder.transposedConvolution(
        "t", x[0], outChannels: 12, kernel: 4, stride: 2, padding: 1, groups: groups, bias: false)
      return [builder.batchNorm("norm", y)]
    }
    #expect(lines.count == 1 && lines[0].hasSuffix(", bias"))
  }

  @Test func intoTheLinearLayerOnEitherSide() throws {
    let lines = try folded([[3, 6, 1, 1]]) { builder, x in
      var y = builder.batchNorm("before", builder.flatten("flat", x[0]))
      y = builder.linear("l", y, outFeatures: 4, bias: false)
      return [builder.batchNorm("after", y)]
    }
    #expect(lines == ["flat = flatten(x0)", "l = linear(flat) 6 -> 4, bias"])
  }

  @Test(arguments: SeparableConvolution.Order.allCases, [true, false])
  func intoTheSeparableConvolutionOnEitherSide(order: SeparableConvolution.Order, bias: Bool) throws {
    let lines = try folded([shape]) { builder, x in
      var y = builder.batchNorm("before", x[0])
      y = builder.separableConvolution(
        "s", y, order: order, outChannels: 9, kernel: 3, padding: order == .depthwiseFirst ? 0 : 1, depthwiseBias: bias,
        pointwiseBias: bias, middle: .relu)
      return [builder.batchNorm("after", y)]
    }
    #expect(lines.count == 1 && lines[0].contains(", depthwise bias, pointwise bias"))
    let padded = try folded([shape]) { builder, x in
      let y = builder.batchNorm("before", x[0])
      return [builder.separableConvolution("s", y, order: order, outChannels: 9, kernel: 3, padding: 1)]
    }
    #expect(padded.count == (order == .depthwiseFirst ? 2 : 1))
  }

  @Test func aChainOfAffinesGoesIntoOneConvolution() throws {
    let lines = try folded([shape]) { builder, x in
      var y = builder.convolution("c", x[0], outChannels: 4, kernel: 3, padding: 1)
      y = builder.scale("s", builder.batchNorm("n", y), by: -0.5)
      y = builder.channelAffine("a", y)
      return [builder.add("sum", y, builder.convolution("d", x[0], outChannels: 4, kernel: 1))]
    }
    #expect(
      lines == [
        "c = convolution(x0) 6 -> 4, kernel 3, padding 1, bias", "d = convolution(x0) 6 -> 4, kernel 1, bias",
        "sum = add(c, d)",
      ])
  }

  /// A scaling needs no bias, and commutes with zero padding.
  @Test func scalingsNeedNoBias() throws {
    let lines = try folded([shape]) { builder, x in
      let y = builder.scale("s", builder.activation("relu", x[0], .relu), by: 3)
      return [builder.scale("t", builder.convolution("c", y, outChannels: 4, kernel: 3, padding: 2, bias: false), by: 0.1)]
    }
    #expect(lines == ["relu = relu(x0)", "c = convolution(relu) 6 -> 4, kernel 3, padding 2"])
  }

  /// In zero padding a shift would be missing; in a transposed convolution, taps.
  @Test func shiftsGoForwardOnlyWhereExact() throws {
    for (padding, count) in [(Padding(0), 1), (Padding(top: 0, left: 0, bottom: 1, right: 0), 2)] {
      for groups in [1, 3] {
        let lines = try folded([shape]) { builder, x in
          let y = builder.batchNorm("n", x[0])
          return [
            builder.convolution("c", y, outChannels: 9, kernel: 3, stride: 2, padding: padding, groups: groups, bias: false)
          ]
        }
        #expect(lines.count == count)
      }
    }
    let transposed = try folded([shape]) { builder, x in
      [builder.transposedConvolution("t", builder.batchNorm("n", x[0]), outChannels: 4, kernel: 2, stride: 2, groups: 2)]
    }
    #expect(
      transposed == [
        "n = channelAffine(x0) 6", "t = transposedConvolution(n) 6 -> 4, kernel 2, stride 2, groups 2, bias",
      ])
    let scaled = try folded([shape]) { builder, x in
      [builder.transposedConvolution("t", builder.scale("s", x[0], by: 2), outChannels: 4, kernel: 3, stride: 2, groups: 2)]
    }
    #expect(scaled.count == 1)
  }

  @Test func withoutAPartnerABatchNormIsAnAffine() throws {
    let lines = try folded([shape]) { builder, x in
      let y = builder.scale("s", builder.batchNorm("m", builder.batchNorm("n", x[0])), by: 2)
      return [builder.activation("relu", y, .relu)]
    }
    #expect(lines == ["s = channelAffine(x0) 6", "relu = relu(s)"])
    let scales = try folded([shape]) { builder, x in [builder.scale("t", builder.scale("s", x[0], by: 3), by: 2)] }
    #expect(scales == ["t = scale(x0) 6.0"])
  }

  @Test func aValueWithTwoReadersStays() throws {
    let lines = try folded([shape]) { builder, x in
      let c = builder.convolution("c", x[0], outChannels: 6, kernel: 1)
      let n = builder.batchNorm("n", c)
      return [builder.add("sum", n, c), builder.convolution("d", n, outChannels: 2, kernel: 1)]
    }
    #expect(
      lines == [
        "c = convolution(x0) 6 -> 6, kernel 1, bias", "n = channelAffine(c) 6", "sum = add(n, c)",
        "d = convolution(n) 6 -> 2, kernel 1, bias",
      ])
  }

  @Test func aNetworkOutputStays() throws {
    let lines = try folded([shape]) { builder, x in
      let c = builder.convolution("c", x[0], outChannels: 6, kernel: 1)
      return [c, builder.batchNorm("n", c)]
    }
    #expect(lines == ["c = convolution(x0) 6 -> 6, kernel 1, bias", "n = channelAffine(c) 6"])
  }

  @Test func anEpilogueBetweenKeepsThemApart() throws {
    let payload = Convolution(inChannels: 6, outChannels: 6, kernel: 1, epilogue: Epilogue([.activation(.relu)]))
    let lines = try folded([shape]) { builder, x in
      [builder.batchNorm("n", builder.node("c", .convolution(payload), x, channels: 6))]
    }
    #expect(lines == ["c = convolution(x0) 6 -> 6, kernel 1, bias | relu", "n = channelAffine(c) 6"])
  }

  @Test func fixedAffinesStayFixed() throws {
    let shape: Shape = [1, 3, 4, 4]
    let network = try Network.built([shape]) { builder, x in
      [builder.activation("y", builder.fixedChannelAffine("a", x[0], scale: [1, 1, 1], shift: [0, 0, 0]), .relu)]
    }
    #expect(network.foldingBatchNorm() == network)
  }

  /// A variance of zero without epsilon makes an infinite factor, which a weight must not hold.
  @Test func whatWouldNotBeFiniteStays() throws {
    var network = try Network.built([shape]) { builder, x in
      [builder.batchNorm("n", builder.convolution("c", x[0], outChannels: 6, kernel: 1), epsilon: 0)]
    }
    network.parameters["n.runningVariance"] = Tensor(repeating: 0, [6])
    #expect(network.foldingBatchNorm() == network)
  }

  /// As in the shortcut of a residual network with channel selection.
  @Test(arguments: [true, false])
  func depthwiseConvolutionsOfOnePixel(bias: Bool) throws {
    let lines = try folded([shape, [2, 9, 3, 4]]) { builder, x in
      let y = builder.convolution("select", x[0], outChannels: 9, kernel: 1, bias: false)
      let late = builder.activation("late", x[1], .relu)
      let last = Convolution(
        inChannels: 9, outChannels: 9, kernel: 1, stride: 2, groups: 9, hasBias: bias,
        epilogue: Epilogue([.activation(.prelu(channels: 9)), .add]))
      return [builder.node("kernels", .convolution(last), [y, late], channels: 9)]
    }
    #expect(
      lines == [
        "late = relu(x1)",
        "select = convolution(x0, late) 6 -> 9, kernel 1, stride 2\(bias ? ", bias" : "") | prelu 9 | add",
      ])
    let normed = try folded([shape]) { builder, x in
      let y = builder.convolution("c", x[0], outChannels: 9, kernel: 3, stride: Pair(height: 1, width: 2), padding: 1)
      let z = builder.convolution("d", y, outChannels: 9, kernel: 1, stride: Pair(height: 3, width: 2), groups: 9, bias: false)
      return [builder.batchNorm("n", z)]
    }
    #expect(normed == ["c = convolution(x0) 6 -> 9, kernel 3, stride 3x4, padding 1, bias"])
  }

  @Test func otherDepthwiseConvolutionsStay() throws {
    let lines = try folded([shape]) { builder, x in
      var y = builder.convolution("c", x[0], outChannels: 6, kernel: 1)
      y = builder.convolution("padded", y, outChannels: 6, kernel: 1, padding: 1, groups: 6)
      y = builder.convolution("larger", y, outChannels: 6, kernel: Pair(height: 1, width: 2), groups: 6)
      y = builder.convolution("doubled", builder.activation("relu", y, .relu), outChannels: 12, kernel: 1, groups: 6)
      let z = builder.convolution("twice", builder.activation("relu2", y, .relu), outChannels: 12, kernel: 1, groups: 12)
      return [z, builder.convolution("read", z, outChannels: 12, kernel: 1, groups: 12)]
    }
    #expect(lines.count == 8)
  }

  /// The figure that the formula gives, by hand: 3 · (2 · x + 1 - 5) / √(15 + 1) + 7 = 1.5 · x + 4.
  @Test func oneChannelByHand() throws {
    var network = try Network.built([[1, 1, 2, 2]]) { builder, x in
      [builder.batchNorm("n", builder.convolution("c", x[0], outChannels: 1, kernel: 1), epsilon: 1)]
    }
    for (name, value) in [
      ("c.bias", 1), ("n.weight", 3), ("n.bias", 7), ("n.runningMean", 5), ("n.runningVariance", 15),
    ] as [(String, Float)] {
      network.parameters[name] = Tensor([1], [value])
    }
    network.parameters["c.weight"] = Tensor([1, 1, 1, 1], [2])
    let result = network.foldingBatchNorm()
    #expect(result.parameters["c.weight"]?.floats == [1.5] && result.parameters["c.bias"]?.floats == [4])
  }

  @Test(arguments: OperationCase.all)
  func everyCaseStaysClose(operationCase: OperationCase) throws {
    let result = operationCase.network.foldingBatchNorm()
    try result.verify()
    if result != operationCase.network { try expectCloseOutputs(result, operationCase.network, operationCase.inputShapes) }
  }
}
