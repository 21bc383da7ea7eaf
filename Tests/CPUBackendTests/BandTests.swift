@testable import CPUBackend
import Architectures
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Bands, rings and groups change where work is done and when, and no bit of the result.
@Suite struct BandTests {
  static let networks: [Network] = {
    do {
      return [
        try VDSR(depth: 8, features: 20).network(.random(seed: 3)).fusing(),
        try EDSR(scale: 2, channels: 3, features: 16, blocks: 3).network(.random(seed: 4)).fusing(),
        try EDSR(scale: 4, channels: 1, features: 32, blocks: 2).network(.random(seed: 5)).fusing(),
        try EDSR(scale: 3, channels: 3, features: 16, blocks: 2).network(.random(seed: 6)).fusing(),
        // Unfused: activations, sums and shuffles are steps of their own.
        try EDSR(scale: 2, channels: 3, features: 16, blocks: 2).network(.random(seed: 7)),
        try EDSR.original(scale: 2).network(.random(seed: 8)).fusing(),
      ]
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  @Test(
    arguments: networks.indices,
    [Shape(channels: 1, height: 97, width: 40), Shape(batch: 2, channels: 1, height: 61, width: 47)])
  func bandsGiveTheSameBits(_ index: Int, _ size: Shape) throws {
    let network = Self.networks[index]
    try expectTheSameBitsInBands(
      network,
      Shape(
        batch: size.batch, channels: try #require(network.inputs[0].channels), height: size.height, width: size.width))
  }

  /// Down and up again: values of several heights in one group, and windows and spread rows over rings.
  @Test(
    arguments: [1, 2],
    [
      TransposedConvolution(inChannels: 40, outChannels: 24, kernel: 2, stride: 2),
      TransposedConvolution(inChannels: 40, outChannels: 24, kernel: 4, stride: 2, padding: 1),
    ])
  func poolsAndEnlargementsGiveTheSameBits(_ batch: Int, _ up: TransposedConvolution) throws {
    var builder = NetworkBuilder("u")
    let x = builder.input("x", channels: 3)
    let left = builder.activation("left", builder.convolution("in", x, outChannels: 24, kernel: 3, padding: 1), .relu)
    let pooled = builder.maximumPool("pool", left, Pool(kernel: 2))
    let middle = builder.convolution("middle", pooled, outChannels: 40, kernel: 3, padding: 1)
    let low = builder.averagePool("low", middle, Pool(kernel: 3, stride: 2, padding: 1))
    let deep = builder.convolution("deep", low, outChannels: 40, kernel: 3, padding: 1)
    let raised = builder.node("raised", .transposedConvolution(up), [deep], channels: 24)
    let joined = builder.concatenation("joined", [raised, middle])
    let mixed = builder.convolution("mixed", joined, outChannels: 40, kernel: 3, padding: 1)
    let high = builder.node("high", .transposedConvolution(up), [mixed], channels: 24)
    builder.output(builder.convolution("out", builder.add("sum", high, left), outChannels: 2, kernel: 1))
    let network = try builder.build(.random(seed: 9)).fusing()
    // Tall, as a band is some thousand pixels of the narrowest value.
    try expectTheSameBitsInBands(network, Shape(batch: batch, channels: 3, height: 900, width: 36))
  }

  /// Concatenations whose readers take the inputs from where they lie, and one that must be made because a pool reads it, too.
  @Test(arguments: [1, 2]) func concatenationsInPartsGiveTheSameBits(_ batch: Int) throws {
    var builder = NetworkBuilder("parts")
    let x = builder.input("x", channels: 6)
    let a = builder.activation("a", builder.convolution("a.in", x, outChannels: 32, kernel: 3, padding: 1), .relu)
    let b = builder.activation("b", builder.convolution("b.in", a, outChannels: 16, kernel: 3, padding: 1), .relu)
    let c = builder.convolution("c", builder.concatenation("ab", [a, b]), outChannels: 20, kernel: 3, padding: 1)
    let abc = builder.concatenation("bac", [b, a, c])
    let filtered = builder.convolution("d.depthwise", abc, outChannels: 68, kernel: 3, padding: 1, groups: 68)
    let d = builder.convolution("d.pointwise", filtered, outChannels: 32, kernel: 1)
    let made = builder.concatenation("ad", [a, d])
    let mixed = builder.convolution("mixed", made, outChannels: 24, kernel: 3, padding: 1)
    let pooled = builder.maximumPool("pool", made, Pool(kernel: 3, stride: 1, padding: 1))
    builder.output(builder.convolution("out", builder.concatenation("last", [mixed, pooled]), outChannels: 2, kernel: 1))
    let network = try builder.build(.random(seed: 10)).fusing()
    let shape = Shape(batch: batch, channels: 6, height: 300, width: 41)
    try expectTheSameBitsInBands(network, shape)
    // And they are what the reference says.
    var generator = SplitMix64(seed: 12)
    let input = Tensor(uniform: Shape(batch: batch, channels: 6, height: 19, width: 23), bound: 1, using: &generator)
    let expected = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    let tolerance = try Tolerance.outputs(of: network, inputs: [input], convolutionFactor: winogradFactor)[0].error
    for instructionSet in instructionSets {
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      let result = try engine.prepare(network, inputs: [input.shape]).run([input])[0]
      expectClose(result, expected, tolerance: tolerance, seed: 12, "\(instructionSet)")
    }
  }

  /// Transposed convolutions to planes read rows above and below, and write several for each.
  @Test(arguments: [1, 2]) func enlargementsToPlanesGiveTheSameBits(_ batch: Int) throws {
    var builder = NetworkBuilder("planes")
    let x = builder.input("x", channels: 1)
    let features = builder.convolution("features", x, outChannels: 20, kernel: 5, padding: 2)
    let mapped = builder.convolution("mapped", features, outChannels: 36, kernel: 3, padding: 1)
    let payload = TransposedConvolution(inChannels: 36, outChannels: 1, kernel: 9, stride: 3, padding: 4, outputPadding: 2)
    let up = builder.node("up", .transposedConvolution(payload), [mapped], channels: 1)
    builder.output(builder.convolution("out", up, outChannels: 6, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 14))
    try expectTheSameBitsInBands(network, Shape(batch: batch, channels: 1, height: 301, width: 43))
  }

  /// Pads read no rows, or rows far from where they write: bands may end inside of them.
  @Test(arguments: Pad.Mode.allCases, [1, 2])
  func padsGiveTheSameBits(_ mode: Pad.Mode, _ batch: Int) throws {
    var builder = NetworkBuilder("pads")
    var x = builder.input("x", channels: 3)
    for (index, amounts) in [(40, 9), (0, 31), (17, 0)].enumerated() {
      x = builder.convolution("in\(index)", x, outChannels: 6, kernel: 3, padding: 1)
      let padding = Padding(top: amounts.0, left: 1, bottom: amounts.1, right: 2)
      x = builder.pad("pad\(index)", x, Pad(padding, mode: mode, value: 1))
    }
    builder.output(builder.convolution("out", x, outChannels: 2, kernel: 3))
    // Tall and narrow, so that the bottom padding spans several bands.
    let network = try builder.build(.random(seed: 13))
    try expectTheSameBitsInBands(network, Shape(batch: batch, channels: 3, height: 515, width: 120))
  }

  private func expectTheSameBitsInBands(_ network: Network, _ shape: Shape) throws {
    var generator = SplitMix64(seed: 11)
    let input = Tensor(uniform: shape, bound: 1, using: &generator)
    for precision in Precision.allCases { try expectTheSameBitsInBands(network, input, precision) }
  }

  private func expectTheSameBitsInBands(_ network: Network, _ input: Tensor, _ precision: Precision) throws {
    let shape = input.shape
    var plain = CPUEngine(threadCount: 1, precision: precision)
    plain.cacheByteCount = 0
    let expected = try plain.prepare(network, inputs: [shape]).run([input])[0]
    var wasBanded = false
    for instructionSet in instructionSets where instructionSet == .best {
      for threads in 1...3 {
        for cache in [1 << 16, 1 << 18, 1 << 20, 1 << 30] {
          var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads, precision: precision)
          engine.cacheByteCount = cache
          let session = try engine.prepare(network, inputs: [shape])
          wasBanded = wasBanded || (session as? CPUSession)?.usesRings == true
          expectSameBits(try session.run([input])[0], expected, "\(network.name), \(threads) threads, \(cache) bytes")
          // A second run meets the rings as the first left them.
          expectSameBits(try session.run([input])[0], expected, "\(network.name), second run")
        }
      }
    }
    #expect(wasBanded)
  }
}
