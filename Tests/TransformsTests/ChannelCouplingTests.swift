import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// What goes with what, on networks of a few nodes.
@Suite struct ChannelCouplingTests {
  private func groups(_ network: Network, _ shapes: [Shape]) throws -> [[String]] {
    try ChannelCoupling(network, inputs: shapes).groups.map(\.layers)
  }

  /// Removes one unit of each group, and holds the result against the masks.
  private func cut(
    _ network: Network, _ shapes: [Shape], unit: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (result: Network, consequences: [String]) {
    let coupling = try ChannelCoupling(network, inputs: shapes)
    let removal = try coupling.removal(of: coupling.groups.map { $0.units.count > 1 ? [min(unit, $0.units.count - 1)] : [] })
    let result = network.removingChannels(removal)
    try result.verify()
    try expectSameOutputs(result, try network.masked(removal, inputs: shapes), shapes, sourceLocation: sourceLocation)
    return (result, coupling.consequences(of: removal, in: network))
  }

  private let shape: Shape = [1, 3, 6, 4]

  @Test func consequencesAreNamed() throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("body.0.a", x[0], outChannels: 5, kernel: 3, padding: 1)
      let b = builder.convolution("body.0.b", builder.activation("relu", a, .relu), outChannels: 4, kernel: 1)
      return [builder.convolution("tail", b, outChannels: 2, kernel: 1)]
    }
    let coupling = try ChannelCoupling(network, inputs: [shape])
    let removal = try coupling.removal(of: [[3], [0, 1, 3]])
    #expect(
      coupling.consequences(of: removal, in: network)
        == ["body.0.a loses output 3 -> body.0.b loses input 3", "body.0.b loses outputs 0-1, 3 -> tail loses inputs 0-1, 3"])
    #expect(coupling.fixed.map(\.layer) == ["tail"])
    #expect(coupling.fixed.map(\.obstacle.description) == ["its channels leave the network in 'tail'"])
  }

  @Test func allChannelsAreRefused() throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 2, kernel: 1)
      return [builder.convolution("b", a, outChannels: 2, kernel: 1)]
    }
    let coupling = try ChannelCoupling(network, inputs: [shape])
    #expect(throws: PruningError.noChannels(value: "a", count: 2)) { try coupling.removal(of: [[0, 1]]) }
    #expect(
      PruningError.noChannels(value: "a", count: 2).description
        == "all 2 channels of 'a' would be removed; a layer keeps at least one")
  }

  /// Sums tie what makes their operands, over any number of them.
  @Test func additionsTie() throws {
    let network = try Network.built([shape]) { builder, x in
      let head = builder.convolution("head", x[0], outChannels: 4, kernel: 1)
      var value = head
      for index in 0..<2 {
        let a = builder.convolution("\(index).a", value, outChannels: 6, kernel: 1)
        value = builder.add("\(index).sum", builder.convolution("\(index).b", a, outChannels: 4, kernel: 1), value)
      }
      return [builder.convolution("tail", value, outChannels: 2, kernel: 1)]
    }
    #expect(try groups(network, [shape]) == [["head", "0.b", "1.b"], ["0.a"], ["1.a"]])
    let lines = try cut(network, [shape], unit: 2).consequences
    #expect(
      lines == [
        "head, 0.b, 1.b lose output 2 -> 0.a, 1.a, tail lose input 2", "0.a loses output 2 -> 0.b loses input 2",
        "1.a loses output 2 -> 1.b loses input 2",
      ])
  }

  /// A pixel shuffle couples r² channels, in either order, alone or in an epilogue; its inverse couples as many behind it.
  @Test(arguments: PixelShuffleOrder.allCases) func shufflesTieBlocks(order: PixelShuffleOrder) throws {
    let network = try Network.built([shape]) { builder, x in
      let up = builder.convolution("up", x[0], outChannels: 12, kernel: 1)
      let shuffled = builder.pixelShuffle("shuffle", up, factor: 2, order: order)
      let next = builder.convolution("next", shuffled, outChannels: 5, kernel: 3, padding: 1)
      let down = builder.pixelUnshuffle("unshuffle", next, factor: 2, order: order)
      return [builder.convolution("tail", down, outChannels: 2, kernel: 1)]
    }
    for form in [network, network.fusing()] {
      let coupling = try ChannelCoupling(form, inputs: [shape])
      #expect(coupling.groups.map(\.units.count) == [3, 5])
      let result = try cut(form, [shape], unit: 1).result
      #expect(result.parameters["up.weight"]?.shape == [8, 3, 1, 1])
      #expect(result.parameters["tail.weight"]?.shape == [2, 16, 1, 1])
    }
  }

  /// Concatenations shift, and slices and pads move what is left.
  @Test func placesMove() throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1),
        b = builder.convolution("b", x[0], outChannels: 5, kernel: 1)
      let both = builder.concatenation("both", [a, b, x[0]])
      let part = builder.slice("part", both, [Slice.Span(axis: 1, start: 2, end: -4)])
      let wide = builder.pad(
        "wide", part, Pad(Padding(1), channelsBefore: 2, channelsBehind: 1, mode: .constant, value: 0.5))
      let c = builder.convolution("c", wide, outChannels: 2, kernel: 3)
      return [c, builder.convolution("d", both, outChannels: 2, kernel: 1)]
    }
    for unit in 0..<3 {
      let result = try cut(network, [shape], unit: unit).result
      #expect(try result.inferredShapes(inputs: [shape])["both"]?.channels ?? 0 < 12)
    }
    // Channels that the pad makes are of no layer, and may go, too.
    #expect(try groups(network, [shape]).contains([]))
  }

  /// Depthwise kernels go with their channel; of few groups the same place of each goes, and of many whole groups.
  @Test func groupsStayOfOneSize() throws {
    func network(_ channels: Int, _ out: Int, _ groups: Int) throws -> Network {
      try Network.built([shape]) { builder, x in
        let a = builder.convolution("a", x[0], outChannels: channels, kernel: 1)
        let g = builder.convolution("g", a, outChannels: out, kernel: 3, padding: 1, groups: groups)
        return [builder.convolution("tail", g, outChannels: 2, kernel: 1)]
      }
    }
    for (channels, out, groups, units) in [
      (6, 6, 6, [6]), (6, 12, 6, [6]), (8, 12, 2, [4, 6]), (16, 16, 8, [8]), (12, 4, 4, [4]),
    ] {
      let network = try network(channels, out, groups)
      #expect(try ChannelCoupling(network, inputs: [shape]).groups.map(\.units.count) == units)
      _ = try cut(network, [shape], unit: 1)
    }
    let transposed = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 8, kernel: 1)
      let g = builder.transposedConvolution("g", a, outChannels: 12, kernel: 2, stride: 2, groups: 2)
      return [builder.convolution("tail", g, outChannels: 2, kernel: 1)]
    }
    #expect(try cut(transposed, [shape], unit: 1).result.parameters["g.weight"]?.shape == [6, 5, 2, 2])
  }

  /// Both orders, with what lies between, biases and slopes; also joined to one node.
  @Test(arguments: SeparableConvolution.Order.allCases) func separableConvolutions(order: SeparableConvolution.Order) throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let payload = SeparableConvolution(
        order: order, inChannels: 4, outChannels: 6, kernel: 3, padding: 1,
        middle: .prelu(channels: order == .depthwiseFirst ? 4 : 6), epilogue: Epilogue([.activation(.prelu(channels: 6))]))
      let s = builder.node("s", .separableConvolution(payload), [a], channels: 6)
      return [builder.convolution("tail", s, outChannels: 2, kernel: 1)]
    }
    #expect(try groups(network, [shape]) == [["a"], ["s"]])
    let result = try cut(network, [shape], unit: 3).result
    #expect(result.parameters["s.pointwiseWeight"]?.shape == [5, 3, 1, 1])
    #expect(result.parameters["s.middleSlope"]?.shape == [order == .depthwiseFirst ? 3 : 5])
  }

  /// Constants that survive a removed channel are read by nothing: biases, shifts, slopes, functions of 0 that are not 0.
  @Test func constantsGoWithTheirChannel() throws {
    let network = try Network.built([shape]) { builder, x in
      var value = builder.batchNorm("norm", builder.convolution("a", x[0], outChannels: 4, kernel: 3, padding: 1))
      value = builder.activation("prelu", value, .prelu(channels: 4))
      value = builder.channelAffine("affine", builder.activation("sigmoid", value, .sigmoid))
      let factor = builder.constant("factor", Tensor([1, 4, 1, 1], [1, -2, 3, 0.5]))
      value = builder.binary("product", .multiply, value, factor)
      return [builder.convolution("tail", value, outChannels: 2, kernel: 3, padding: 1)]
    }
    let result = try cut(network, [shape], unit: 2).result
    #expect(result.parameters["norm.runningMean"]?.shape == [3] && result.parameters["prelu.slope"]?.shape == [3])
    #expect(result.parameters["factor.value"]?.shape == [1, 3, 1, 1])
  }

  /// A linear layer reads a channel as often as the image has pixels; for other sizes of the image it does not fit, before as after.
  @Test func flattenedImagesRepeatChannels() throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let pool = builder.maximumPool("pool", a, Pool(kernel: 2))
      var flat = builder.flatten("flatten", pool)
      flat = builder.node("fc", .linear(Linear(inFeatures: 24, outFeatures: 5)), [flat], channels: 5)
      return [builder.linear("last", builder.activation("relu", flat, .relu), outFeatures: 2)]
    }
    let (result, lines) = try cut(network, [shape], unit: 1)
    #expect(result.parameters["fc.weight"]?.shape == [4, 18])
    #expect(lines.first == "a loses output 1 -> fc loses inputs 6-11")
  }

  /// Axes that are put in order, reduced or taken apart beside that of the channels.
  @Test func whatKeepsChannels() throws {
    let network = try Network.built([shape]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let turned = builder.transpose("turned", a, [0, 1, 3, 2], channels: 4)
      let mean = builder.node("mean", .reduction(Reduction(.mean, axes: [3])), [turned], channels: 4)
      let square = builder.reshape("square", mean, [0, 0, 2, 2], channels: 4)
      let place = builder.node("place", .maximumIndex(MaximumIndex(axis: 3)), [square], channels: 4)
      return [
        builder.convolution("tail", builder.binary("both", .add, square, place), outChannels: 2, kernel: 1),
        builder.convolution("other", turned, outChannels: 1, kernel: 1),
      ]
    }
    let (result, lines) = try cut(network, [shape], unit: 2)
    #expect(lines == ["a loses output 2 -> tail, other lose input 2"])
    #expect(result.parameters["tail.weight"]?.shape == [2, 3, 1, 1])
  }

  /// What holds channels back is named.
  @Test func obstaclesAreNamed() throws {
    let network = try Network.built([shape, [1, 1, 6, 4]]) { builder, x in
      let a = builder.convolution("a", x[0], outChannels: 4, kernel: 1)
      let b = builder.convolution("b", builder.softmax("softmax", a, axis: 1), outChannels: 1, kernel: 1)
      let c = builder.binary("gate", .multiply, builder.convolution("c", a, outChannels: 4, kernel: 1), b)
      let d = builder.convolution("d", c, outChannels: 3, kernel: 1)
      let f = builder.expand("repeated", builder.convolution("e", x[1], outChannels: 1, kernel: 1), [1, 7, 1, 1])
      return [builder.convolution("f", f, outChannels: 2, kernel: 1), builder.add("sum", d, x[0])]
    }
    let coupling = try ChannelCoupling(network, inputs: [shape, [1, 1, 6, 4]])
    #expect(coupling.groups.map(\.layers) == [["c"], []])
    #expect(coupling.fixed.map(\.layer) == ["a", "b", "d", "e", "f"])
    #expect(
      coupling.fixed.map(\.obstacle) == [
        .mixed(node: "softmax", operation: "softmax"), .repeated(node: "gate"), .input("x0"), .repeated(node: "repeated"),
        .output("f"),
      ])
    _ = try cut(network, [shape, [1, 1, 6, 4]])
  }
}
