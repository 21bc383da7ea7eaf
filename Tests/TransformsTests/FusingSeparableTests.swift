import Networks
import Tensors
import TestSupport
import Testing
import Transforms

@Suite struct FusingSeparableTests {
  private typealias Value = NetworkBuilder.Value

  private let shape: Shape = [2, 6, 7, 5]

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

  private func depthwise(
    _ name: String, _ x: Value, _ builder: inout NetworkBuilder, kernel: Pair = 3, stride: Pair = 1, bias: Bool = true
  ) -> Value {
    builder.convolution(
      name, x, outChannels: x.channels, kernel: kernel, stride: stride, padding: Padding(kernel.height / 2), groups: x.channels,
      bias: bias)
  }

  private func pointwise(
    _ name: String, _ x: Value, _ builder: inout NetworkBuilder, _ outChannels: Int, bias: Bool = true
  ) -> Value {
    builder.convolution(name, x, outChannels: outChannels, kernel: 1, bias: bias)
  }

  @Test func depthwiseFirstWithItsEpilogue() throws {
    let lines = try fused([shape]) { builder, x in
      var y = depthwise("block.depthwise", x[0], &builder)
      y = pointwise("block.pointwise", y, &builder, 6)
      y = builder.add("sum", builder.scale("scaled", y, by: 0.1), x[0])
      return [builder.activation("relu", y, .prelu(channels: 6))]
    }
    #expect(
      lines == [
        "block = separableConvolution(x0, x0) 6 -> 6, depthwise first, kernel 3, padding 1, depthwise bias, pointwise bias"
          + " | scale 0.1 | add | prelu 6"
      ])
  }

  @Test(arguments: [1, 3, 5, 7], [1, 2])
  func pointwiseFirstOfAnyKernelAndStride(kernel: Int, stride: Int) throws {
    let lines = try fused([shape]) { builder, x in
      var y = pointwise("a.select", x[0], &builder, 9, bias: false)
      y = depthwise("a.kernels", y, &builder, kernel: Pair(kernel), stride: Pair(stride))
      return [builder.activation("relu", y, .relu)]
    }
    #expect(lines.count == 1 && lines[0].hasPrefix("a = separableConvolution(x0) 6 -> 9, pointwise first, kernel \(kernel)"))
    #expect(lines[0].hasSuffix(", depthwise bias | relu"))
  }

  @Test func activationsBetween() throws {
    for function in [ActivationFunction.clip(minimum: 0, maximum: 6), .prelu(channels: 6), .prelu(channels: 1)] {
      let lines = try fused([shape]) { builder, x in
        let y = builder.activation("between", depthwise("d", x[0], &builder), function)
        return [builder.activation("after", pointwise("p", y, &builder, 4), .prelu(channels: 4))]
      }
      #expect(lines.count == 1 && lines[0].hasPrefix("p = separableConvolution(x0) 6 -> 4"))
      #expect(lines[0].contains(" between | prelu 4"))
    }
  }

  @Test func anythingElseBetweenKeepsThemApart() throws {
    let scaled = try fused([shape]) { builder, x in
      [pointwise("p", builder.scale("s", depthwise("d", x[0], &builder), by: 2), &builder, 4)]
    }
    #expect(scaled.count == 2)
    let added = try fused([shape]) { builder, x in
      [pointwise("p", builder.add("s", depthwise("d", x[0], &builder), x[0]), &builder, 4)]
    }
    #expect(added.count == 2)
    let twoReaders = try fused([shape]) { builder, x in
      let y = depthwise("d", x[0], &builder)
      return [pointwise("p", y, &builder, 4), y]
    }
    #expect(twoReaders.count == 2)
  }

  /// A 1x1 convolution with stride or padding, groups of two channels, and a single channel are none of these.
  @Test func theWrongKinds() throws {
    let lines = try fused([shape]) { builder, x in
      var y = depthwise("d", x[0], &builder)
      y = builder.convolution("strided", y, outChannels: 6, kernel: 1, stride: 2)
      y = depthwise("e", y, &builder)
      y = builder.convolution("padded", y, outChannels: 6, kernel: 1, padding: 1)
      y = builder.convolution("grouped", y, outChannels: 6, kernel: 3, padding: 1, groups: 3)
      y = pointwise("p", y, &builder, 1)
      return [builder.convolution("q", y, outChannels: 1, kernel: 3)]
    }
    #expect(lines.count == 7)
  }

  @Test func invertedBottleneck() throws {
    let lines = try fused([shape]) { builder, x in
      let wide = builder.activation("relu", pointwise("expand", x[0], &builder, 12), .relu)
      let deep = builder.activation("relu2", depthwise("depthwise", wide, &builder, stride: 2), .relu)
      return [pointwise("project", deep, &builder, 4)]
    }
    #expect(
      lines == [
        "expand = convolution(x0) 6 -> 12, kernel 1, bias | relu",
        "project = separableConvolution(expand) 12 -> 4, depthwise first, kernel 3, stride 2, padding 1, depthwise bias,"
          + " pointwise bias, relu between",
      ])
  }

  @Test func longChainsAreJoinedInPairs() throws {
    for startsWithPointwise in [true, false] {
      let lines = try fused([shape]) { builder, x in
        var y = x[0]
        for index in 0..<3 {
          if startsWithPointwise { y = pointwise("l\(index).select", y, &builder, 6, bias: false) }
          y = depthwise("l\(index).\(startsWithPointwise ? "kernels" : "depthwise")", y, &builder)
          if !startsWithPointwise { y = pointwise("l\(index).pointwise", y, &builder, 6) }
          y = builder.activation("l\(index).relu", y, .relu)
        }
        return [y]
      }
      #expect(lines.map { $0.prefix { $0 != "(" } } == ["l0", "l1", "l2"].map { "\($0) = separableConvolution" })
    }
  }

  @Test func aTakenNameIsLeft() throws {
    let lines = try fused([shape]) { builder, x in
      let y = builder.activation("block", x[0], .relu)
      return [pointwise("block.pointwise", depthwise("block.depthwise", y, &builder), &builder, 3)]
    }
    #expect(lines.count == 2 && lines[1].hasPrefix("block.pointwise = separableConvolution(block)"))
  }
}
