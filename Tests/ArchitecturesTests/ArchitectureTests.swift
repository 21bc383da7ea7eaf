import Architectures
import Networks
import Tensors
import Testing

@Suite struct ArchitectureTests {
  @Test func vdsrCounts() throws {
    let network = try VDSR().network(.zeros)
    // 1 -> 64 and 64 -> 1 with 9 weights each, and 18 times 64 -> 64.
    #expect(network.parameterCount == 2 * 576 + 18 * 36_864)
    #expect(network.parameterCount == 664_704)
    #expect(network.nodes.count { $0.operation.typeName == "convolution" } == 20)
    #expect(network.parameters["layers.19.weight"]?.shape == [1, 64, 3, 3])
    #expect(
      network.imageContract == ImageContract(colour: .luma, maximum: 1, scale: nil, inputSize: .bicubicEnlarged))
    let ledger = try network.ledger(inputs: [[1, 1, 256, 256]])
    #expect(ledger.multiplyAccumulates == 664_704 * 65_536)
    // The input, which the last addition reads, and two values of 64 channels.
    #expect(ledger.peakActivationByteCount == 129 * 65_536 * 4)
  }

  /// By PyTorch's own bounds a chain of twenty layers makes 1e-7 of what it is given, and learns nothing.
  @Test(arguments: ConvolutionKind.allCases) func `random weights of VDSR keep the size of what goes through`(
    kind: ConvolutionKind
  ) throws {
    let network = try VDSR(features: 32, convolution: kind).network(.random(seed: 1))
    for node in network.nodes {
      guard case .convolution(let payload) = node.operation else { continue }
      let weight = try #require(network.parameter(.weight, of: node)).floats
      let fanIn = Float(payload.inChannels / payload.groups * payload.kernel.height * payload.kernel.width)
      let bound = (6 / fanIn).squareRoot(), largest = weight.map(abs).max() ?? 0
      #expect(largest <= bound * 1.001 && largest > bound * 0.9, "\(node.name)")
    }
  }

  @Test func smallVDSRText() throws {
    #expect(
      try VDSR(depth: 3, features: 8).network(.zeros).text == """
        network vdsr: x [1] -> sum
        layers.0 = convolution(x) 1 -> 8, kernel 3, padding 1
        layers.0.relu = relu(layers.0)
        layers.1 = convolution(layers.0.relu) 8 -> 8, kernel 3, padding 1
        layers.1.relu = relu(layers.1)
        layers.2 = convolution(layers.1.relu) 8 -> 1, kernel 3, padding 1
        sum = add(layers.2, x)

        """)
  }

  @Test(arguments: [(2, 1_332_931), (3, 1_517_571), (4, 1_480_643)])
  func edsrCounts(scale: Int, count: Int) throws {
    let network = try EDSR(scale: scale).network(.zeros)
    let square = 64 * 64 * 9 + 64
    let up = scale == 3 ? 64 * 576 * 9 + 576 : (64 * 256 * 9 + 256) * (scale / 2)
    #expect(network.parameterCount == (3 * 64 * 9 + 64) + 32 * square + up + (64 * 3 * 9 + 3))
    #expect(network.parameterCount == count)
    let original = try EDSR.original(scale: scale).network(.zeros)
    #expect(original.parameterCount == count + square)
    #expect(try network.inferredShapes(inputs: [[1, 3, 5, 7]])[network.outputs[0]] == Shape([1, 3, 5 * scale, 7 * scale]))
  }

  @Test func originalEDSR() throws {
    let network = try EDSR.original().network(.zeros)
    #expect(network.parameterCount == 1_369_859)
    let ledger = try network.ledger(inputs: [[1, 3, 1, 1]])
    #expect(ledger.bufferCount == 12)
    #expect(network.parameters["subtractMean.scale"]?.floats == [1, 1, 1])
    #expect(network.parameters["subtractMean.shift"]?.floats == [-0.4488 * 255, -0.4371 * 255, -0.4040 * 255])
    #expect(network.parameters["addMean.shift"]?.floats == [0.4488 * 255, 0.4371 * 255, 0.4040 * 255])
    #expect(network.imageContract == ImageContract(colour: .rgb, maximum: 255, scale: 2, inputSize: .lowResolution))
    #expect(!network.nodes.contains { $0.name.hasSuffix("scaled") })
  }

  @Test func smallEDSRText() throws {
    #expect(
      try EDSR(scale: 4, channels: 1, features: 8, blocks: 1).network(.zeros).text == """
        network edsr: x [1] -> tail
        head = convolution(x) 1 -> 8, kernel 3, padding 1, bias
        body.0.a = convolution(head) 8 -> 8, kernel 3, padding 1, bias
        body.0.relu = relu(body.0.a)
        body.0.b = convolution(body.0.relu) 8 -> 8, kernel 3, padding 1, bias
        body.0.scaled = scale(body.0.b) 0.1
        body.0.sum = add(body.0.scaled, head)
        skip = add(body.0.sum, head)
        up.0 = convolution(skip) 8 -> 32, kernel 3, padding 1, bias
        up.0.shuffle = pixelShuffle(up.0) 2
        up.1 = convolution(up.0.shuffle) 8 -> 32, kernel 3, padding 1, bias
        up.1.shuffle = pixelShuffle(up.1) 2
        tail = convolution(up.1.shuffle) 8 -> 1, kernel 3, padding 1, bias

        """)
  }

  @Test func byName() throws {
    #expect(try Architecture(named: "vdsr") == .vdsr(VDSR()))
    #expect(try Architecture(named: "edsr") == .edsr(EDSR()))
    #expect(try Architecture(named: "edsr", options: ["layout": "original", "scale": "4"]) == .edsr(.original(scale: 4)))
    #expect(
      try Architecture(named: "edsr", options: ["layout": "direct", "channels": "1", "features": "32", "blocks": "4"])
        == .edsr(.direct()))
    #expect(
      try Architecture(named: "edsr", options: ["features": "48", "blocks": "4", "residual-scale": "1", "channels": "1"])
        == .edsr(EDSR(channels: 1, features: 48, blocks: 4, residualScale: 1)))
    for summary in Architecture.catalogue {
      let defaults = Dictionary(uniqueKeysWithValues: summary.options.map { ($0.name, $0.defaultValue) })
      #expect(try Architecture(named: summary.name, options: defaults) == Architecture(named: summary.name))
      #expect(try Architecture(named: summary.name).name == summary.name)
    }
  }

  @Test(
    arguments: [
      (
        "u-net", [:],
        "there is no architecture 'u-net'; there are vdsr, edsr, unet, see-in-the-dark, small-resnet, resnet18, srvgg, rrdb"
      ),
      ("vdsr", ["scale": "2"], "vdsr has no option 'scale'; it has depth, features, convolution"),
      ("vdsr", ["depth": "1"], "the option depth of vdsr is '1' and must be 2 to 1000"),
      ("edsr", ["features": "many"], "the option features of edsr is 'many' and must be a whole number"),
      ("edsr", ["scale": "5"], "the option scale of edsr is '5' and must be 2 to 4"),
      ("edsr", ["channels": "2"], "the option channels of edsr is '2' and must be 1 (luma) or 3 (RGB)"),
      (
        "edsr", ["channels": "1", "layout": "original"],
        "the option channels of edsr is '1' and must be 3 with the original layout"
      ),
      ("edsr", ["layout": "big"], "the option layout of edsr is 'big' and must be plain, original or direct"),
      ("edsr", ["maximum": "2"], "the option maximum of edsr is '2.0' and must be 1 or 255"),
      ("edsr", ["features": "1025"], "the option features of edsr is '1025' and must be 1 to 1024"),
      (
        "unet", ["convolution": "cheap"],
        "the option convolution of unet is 'cheap' and must be standard, separable or selection"
      ),
      ("unet", ["classes": "0"], "the option classes of unet is '0' and must be 1 to 4096"),
      (
        "unet", ["variant": "light"],
        "unet has no option 'variant'; it has channels, classes, features, convolution, upsampling"
      ),
      ("unet", ["features": "0"], "the option features of unet is '0' and must be 1 to 1024"),
      (
        "unet", ["features": "1024"],
        "unet would have 7942429697 parameters and buffers with these options, and no more than 268435456 are made; "
          + "give fewer features or layers"
      ),
      (
        "vdsr", ["features": "1024", "depth": "1000"],
        "vdsr would have 9418328064 parameters and buffers with these options, and no more than 268435456 are made; "
          + "give fewer features or layers"
      ),
      ("see-in-the-dark", ["channels": "4"], "see-in-the-dark has no option 'channels'; it has convolution, features"),
      (
        "see-in-the-dark", ["convolution": "lightest"],
        "the option convolution of see-in-the-dark is 'lightest' and must be standard, light, lighter, separable, selection or "
          + "light-selection"
      ),
      ("rrdb", ["scale": "3"], "the option scale of rrdb is '3' and must be 1, 2 or 4"),
      ("rrdb", ["growth": "0"], "the option growth of rrdb is '0' and must be 1 to 1024"),
      ("srvgg", ["channels": "2"], "the option channels of srvgg is '2' and must be 1 (luma) or 3 (RGB)"),
      ("srvgg", ["convolutions": "-1"], "the option convolutions of srvgg is '-1' and must be 0 to 1000"),
      ("small-resnet", ["channels": "1025"], "the option channels of small-resnet is '1025' and must be 1 to 1024"),
      ("resnet18", ["classes": "many"], "the option classes of resnet18 is 'many' and must be a whole number"),
      ("resnet18", ["classes": "1000001"], "the option classes of resnet18 is '1000001' and must be 1 to 1000000"),
    ] as [(String, [String: String], String)])
  func refusals(name: String, options: [String: String], message: String) {
    do throws(ArchitectureError) {
      _ = try Architecture(named: name, options: options).network(.zeros)
      Issue.record("accepted")
    } catch {
      #expect(error.description == message)
    }
  }
}
