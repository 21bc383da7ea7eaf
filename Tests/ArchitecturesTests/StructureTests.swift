import Architectures
import Networks
import Tensors
import Testing

/// The nodes of each architecture in small, and the shapes of their values.
@Suite struct StructureTests {
  @Test func cheaperVDSR() throws {
    #expect(
      try VDSR(depth: 3, features: 8, convolution: .separable).network(.zeros).text == """
        network vdsr: x [1] -> sum
        layers.0 = convolution(x) 1 -> 8, kernel 3, padding 1
        layers.0.relu = relu(layers.0)
        layers.1.depthwise = convolution(layers.0.relu) 8 -> 8, kernel 3, padding 1, groups 8
        layers.1.pointwise = convolution(layers.1.depthwise) 8 -> 8, kernel 1
        layers.1.relu = relu(layers.1.pointwise)
        layers.2 = convolution(layers.1.relu) 8 -> 1, kernel 3, padding 1
        sum = add(layers.2, x)

        """)
  }

  @Test func cheaperEDSR() throws {
    let separable = try lines(EDSR(features: 8, blocks: 1, convolution: .separable).network(.zeros))
    #expect(
      separable[1...7] == [
        "head = convolution(x) 3 -> 8, kernel 3, padding 1, bias",
        "body.0.a.depthwise = convolution(head) 8 -> 8, kernel 3, padding 1, groups 8, bias",
        "body.0.a.pointwise = convolution(body.0.a.depthwise) 8 -> 8, kernel 1, bias",
        "body.0.relu = relu(body.0.a.pointwise)",
        "body.0.b.depthwise = convolution(body.0.relu) 8 -> 8, kernel 3, padding 1, groups 8, bias",
        "body.0.b.pointwise = convolution(body.0.b.depthwise) 8 -> 8, kernel 1, bias",
        "body.0.scaled = scale(body.0.b.pointwise) 0.1",
      ])
    let selection = try lines(EDSR(features: 8, blocks: 1, convolution: .selection).network(.zeros))
    #expect(
      selection[2...3] == [
        "body.0.a.select = convolution(head) 8 -> 8, kernel 1",
        "body.0.a.kernels = convolution(body.0.a.select) 8 -> 8, kernel 3, padding 1, groups 8",
      ])
    #expect(separable.suffix(3) == selection.suffix(3))
  }

  @Test func unet() throws {
    let network = try UNet(features: 4).network(.zeros)
    let text = lines(network)
    #expect(
      text[1...9] == [
        "down_1.double_conv.0 = convolution(x) 3 -> 4, kernel 3, padding 1, bias",
        "down_1.double_conv.1 = batchNorm(down_1.double_conv.0) 4, epsilon 1e-05",
        "down_1.double_conv.2 = relu(down_1.double_conv.1)",
        "down_1.double_conv.3 = convolution(down_1.double_conv.2) 4 -> 4, kernel 3, padding 1, bias",
        "down_1.double_conv.4 = batchNorm(down_1.double_conv.3) 4, epsilon 1e-05",
        "down_1.double_conv.5 = relu(down_1.double_conv.4)",
        "down_2.pool = maximumPool(down_1.double_conv.5) kernel 2",
        "down_2.double_conv.0 = convolution(down_2.pool) 4 -> 8, kernel 3, padding 1, bias",
        "down_2.double_conv.1 = batchNorm(down_2.double_conv.0) 8, epsilon 1e-05",
      ])
    #expect(
      text.suffix(9) == [
        "up_4.up = transposedConvolution(up_3.double_conv.5) 8 -> 4, kernel 2, stride 2, bias",
        "up_4.cat = concatenation(up_4.up, down_1.double_conv.5)",
        "up_4.double_conv.0 = convolution(up_4.cat) 8 -> 4, kernel 3, padding 1, bias",
        "up_4.double_conv.1 = batchNorm(up_4.double_conv.0) 4, epsilon 1e-05",
        "up_4.double_conv.2 = relu(up_4.double_conv.1)",
        "up_4.double_conv.3 = convolution(up_4.double_conv.2) 4 -> 4, kernel 3, padding 1, bias",
        "up_4.double_conv.4 = batchNorm(up_4.double_conv.3) 4, epsilon 1e-05",
        "up_4.double_conv.5 = relu(up_4.double_conv.4)",
        "out = convolution(up_4.double_conv.5) 4 -> 1, kernel 1, bias",
      ])
    #expect(network.imageContract == nil)
    let shapes = try network.inferredShapes(inputs: [[2, 3, 32, 48]])
    #expect(shapes["down_5.double_conv.5"] == [2, 64, 2, 3])
    #expect(shapes["up_1.cat"] == [2, 64, 4, 6])
    #expect(shapes["out"] == [2, 1, 32, 48])
    #expect(throws: NetworkError.self) { try network.inferredShapes(inputs: [[1, 3, 40, 48]]) }
  }

  @Test(arguments: [ConvolutionKind.separable, .selection])
  func cheaperUNet(kind: ConvolutionKind) throws {
    let text = try lines(UNet(features: 4, convolution: kind).network(.zeros))
    // The first pair stays as it is.
    #expect(text[1] == "down_1.double_conv.0 = convolution(x) 3 -> 4, kernel 3, padding 1, bias")
    #expect(text[4] == "down_1.double_conv.3 = convolution(down_1.double_conv.2) 4 -> 4, kernel 3, padding 1, bias")
    #expect(
      text[8...10]
        == (kind == .separable
          ? [
            "down_2.double_conv.0.depthwise = convolution(down_2.pool) 4 -> 4, kernel 3, padding 1, groups 4, bias",
            "down_2.double_conv.0.pointwise = convolution(down_2.double_conv.0.depthwise) 4 -> 8, kernel 1, bias",
            "down_2.double_conv.1 = batchNorm(down_2.double_conv.0.pointwise) 8, epsilon 1e-05",
          ]
          : [
            "down_2.double_conv.0.select = convolution(down_2.pool) 4 -> 8, kernel 1",
            "down_2.double_conv.0.kernels = convolution(down_2.double_conv.0.select) 8 -> 8, kernel 3, padding 1, groups 8",
            "down_2.double_conv.1 = batchNorm(down_2.double_conv.0.kernels) 8, epsilon 1e-05",
          ]))
  }

  @Test func skipsFirstAndNoBiases() throws {
    let text = try lines(UNet(features: 4, hasBias: false, skip: .first).network(.zeros))
    #expect(text[1] == "down_1.double_conv.0 = convolution(x) 3 -> 4, kernel 3, padding 1")
    #expect(text.contains("up_4.cat = concatenation(down_1.double_conv.5, up_4.up)"))
  }

  /// The lowest level keeps its channels, and the way up narrows in the second convolution of each pair.
  @Test func bilinearUpsampling() throws {
    let unet = UNet(features: 4, upsampling: .bilinear)
    let network = try unet.network(.zeros)
    let text = lines(network)
    for line in [
      "down_5.double_conv.0 = convolution(down_5.pool) 32 -> 32, kernel 3, padding 1, bias",
      "up_1.cat = concatenation(up_1.up, down_4.double_conv.5)",
      "up_1.double_conv.0 = convolution(up_1.cat) 64 -> 32, kernel 3, padding 1, bias",
      "up_1.double_conv.3 = convolution(up_1.double_conv.2) 32 -> 16, kernel 3, padding 1, bias",
      "up_4.double_conv.3 = convolution(up_4.double_conv.2) 4 -> 4, kernel 3, padding 1, bias",
    ] { #expect(text.contains(line), "\(line)") }
    #expect(text.contains { $0.hasPrefix("up_1.up = resize(down_5.double_conv.5)") && $0.contains("alignCorners") })
    #expect(try Architecture(named: "unet", options: ["features": "4", "upsampling": "bilinear"]) == .unet(unet))
  }

  @Test func seeInTheDark() throws {
    let network = try SeeInTheDark(variant: .light, features: 4).network(.zeros)
    let text = lines(network)
    #expect(
      text[1...6] == [
        "down_1.double_conv.0 = convolution(x) 4 -> 4, kernel 3, padding 1, bias",
        "down_1.double_conv.1 = leakyReLU(down_1.double_conv.0) 0.2",
        "down_1.double_conv.2.depthwise = convolution(down_1.double_conv.1) 4 -> 4, kernel 3, padding 1, groups 4, bias",
        "down_1.double_conv.2.pointwise = convolution(down_1.double_conv.2.depthwise) 4 -> 4, kernel 1, bias",
        "down_1.double_conv.3 = leakyReLU(down_1.double_conv.2.pointwise) 0.2",
        "down_2.pool = maximumPool(down_1.double_conv.3) kernel 2",
      ])
    #expect(
      text.suffix(2) == [
        "out = convolution(up_4.double_conv.3) 4 -> 12, kernel 1, bias", "shuffle = pixelShuffle(out) 2",
      ])
    #expect(try network.inferredShapes(inputs: [[1, 4, 16, 32]])["shuffle"] == [1, 3, 32, 64])
    #expect(network.imageContract == nil)
    let depthwise = { (variant: SeeInTheDark.Variant) throws(ArchitectureError) in
      try SeeInTheDark(variant: variant, features: 4).network(.zeros).nodes.count { $0.name.hasSuffix("depthwise") }
    }
    #expect(try [depthwise(.base), depthwise(.light), depthwise(.lighter)] == [0, 9, 18])
  }

  @Test func smallResNet() throws {
    let text = try lines(SmallResNet(features: 4, convolution: .selection).network(.zeros))
    #expect(
      text[1...10] == [
        "stem = convolution(x) 3 -> 4, kernel 3, padding 1, bias",
        "blocks.0.conv1.select = convolution(stem) 4 -> 4, kernel 1",
        "blocks.0.conv1.kernels = convolution(blocks.0.conv1.select) 4 -> 4, kernel 3, padding 1, groups 4",
        "blocks.0.bn1 = batchNorm(blocks.0.conv1.kernels) 4, epsilon 1e-05",
        "blocks.0.relu1 = relu(blocks.0.bn1)",
        "blocks.0.conv2.select = convolution(blocks.0.relu1) 4 -> 4, kernel 1",
        "blocks.0.conv2.kernels = convolution(blocks.0.conv2.select) 4 -> 4, kernel 3, padding 1, groups 4",
        "blocks.0.bn2 = batchNorm(blocks.0.conv2.kernels) 4, epsilon 1e-05",
        "blocks.0.sum = add(blocks.0.bn2, stem)",
        "blocks.0.relu2 = relu(blocks.0.sum)",
      ])
    // Stride 2 lies on the kernels, and the projection is of the same kind.
    let block = "blocks.2."
    #expect(
      text.contains(
        "\(block)conv1.kernels = convolution(\(block)conv1.select) 8 -> 8, kernel 3, stride 2, padding 1, groups 8"))
    #expect(text.contains("blocks.2.downsample.0.select = convolution(blocks.1.relu2) 4 -> 8, kernel 1"))
    #expect(
      text.contains(
        "\(block)downsample.0.kernels = convolution(\(block)downsample.0.select) 8 -> 8, kernel 1, stride 2, groups 8"))
    #expect(text.contains("blocks.2.downsample.1 = batchNorm(blocks.2.downsample.0.kernels) 8, epsilon 1e-05"))
    #expect(
      text.suffix(3) == [
        "avgpool = globalAveragePool(blocks.5.relu2)", "flatten = flatten(avgpool)", "fc = linear(flatten) 16 -> 3, bias",
      ])
  }

  @Test func resNet18() throws {
    let network = try ResNet18(features: 4).network(.zeros)
    let text = lines(network)
    #expect(
      text[1...7] == [
        "conv1 = convolution(x) 3 -> 4, kernel 7, stride 2, padding 3",
        "bn1 = batchNorm(conv1) 4, epsilon 1e-05",
        "relu = relu(bn1)",
        "maxpool = maximumPool(relu) kernel 3, stride 2, padding 1",
        "layer1.0.conv1 = convolution(maxpool) 4 -> 4, kernel 3, padding 1",
        "layer1.0.bn1 = batchNorm(layer1.0.conv1) 4, epsilon 1e-05",
        "layer1.0.relu1 = relu(layer1.0.bn1)",
      ])
    #expect(text.contains("layer2.0.conv1 = convolution(layer1.1.relu2) 4 -> 8, kernel 3, stride 2, padding 1"))
    #expect(text.contains("layer2.0.downsample.0 = convolution(layer1.1.relu2) 4 -> 8, kernel 1, stride 2"))
    #expect(text.contains("layer2.0.sum = add(layer2.0.bn2, layer2.0.downsample.1)"))
    #expect(text.contains("layer2.1.sum = add(layer2.1.bn2, layer2.0.relu2)"))
    let shapes = try network.inferredShapes(inputs: [[2, 3, 224, 224]])
    #expect(shapes["layer4.1.relu2"] == [2, 32, 7, 7])
    #expect(shapes["fc"] == [2, 1000])
    // Separable: the stem too, its stride on the depthwise part, no biases. Selection: biases behind the kernels.
    let separable = try lines(ResNet18(features: 4, convolution: .separable).network(.zeros))
    #expect(separable[1] == "conv1.depthwise = convolution(x) 3 -> 3, kernel 7, stride 2, padding 3, groups 3")
    #expect(separable[2] == "conv1.pointwise = convolution(conv1.depthwise) 3 -> 4, kernel 1")
    let selection = try lines(ResNet18(features: 4, convolution: .selection).network(.zeros))
    #expect(selection[1] == "conv1.select = convolution(x) 3 -> 4, kernel 1")
    #expect(selection[2] == "conv1.kernels = convolution(conv1.select) 4 -> 4, kernel 7, stride 2, padding 3, groups 4, bias")
  }

  @Test func optionsOfTheNewArchitectures() throws {
    #expect(
      try Architecture(named: "unet", options: ["channels": "1", "classes": "7", "features": "8", "convolution": "selection"])
        == .unet(UNet(channels: 1, classes: 7, features: 8, convolution: .selection)))
    #expect(
      try Architecture(named: "see-in-the-dark", options: ["convolution": "light-selection"])
        == .seeInTheDark(SeeInTheDark(variant: .light, convolution: .selection)))
    #expect(
      try Architecture(named: "see-in-the-dark", options: ["convolution": "light"])
        == .seeInTheDark(SeeInTheDark(variant: .light)))
    #expect(
      try Architecture(named: "resnet18", options: ["classes": "10", "channels": "1"])
        == .resNet18(ResNet18(channels: 1, classes: 10)))
    #expect(
      try Architecture(named: "small-resnet", options: ["features": "32"]) == .smallResNet(SmallResNet(features: 32)))
  }

  private func lines(_ network: Network) -> [String] { network.text.split(separator: "\n").map(String.init) }
}
