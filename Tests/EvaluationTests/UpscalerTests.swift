import Evaluation
import Swiftlet
import Testing

@Suite struct UpscalerTests {
  private func upscale(
    _ image: Image, _ network: Network, scale: Double? = nil, threads: Int = 2, tile: TilePolicy = .automatic,
    memory: Int? = nil, tta: Bool = false, isa: InstructionSet = .best
  ) throws -> Image {
    let engine = try Engine.cpu(CPUOptions(instructionSet: isa, threadCount: threads)).makeBackend()
    let options = Upscaler.Options(tile: tile, memoryLimit: memory, usesTestTimeAugmentation: tta, threadCount: threads)
    let upscaler = try Upscaler(network, backend: engine, options: options)
    // The process holds what all other tests hold.
    if memory != nil { upscaler.residentByteCount = { 30 << 20 } }
    return try upscaler.upscale(image, scale: scale)
  }

  @Test(arguments: [Image.ColourModel.grey, .rgb], [8, 16]) func `kind and size`(model: Image.ColourModel, bits: Int) throws {
    for colour in [ImageContract.Colour.luma, .rgb] {
      for hasAlpha in [false, true] {
        let image = Image.chart(37, 23, model, hasAlpha: hasAlpha, bitDepth: bits)
        for scale in [1.0, 2, 2.5, 3.7] {
          let result = try upscale(image, SmallNetworks.nearest(colour), scale: scale)
          #expect(result.colourModel == model && result.hasAlpha == hasAlpha && result.bitDepth == bits)
          #expect(result.width == Int((37 * scale).rounded()) && result.height == Int((23 * scale).rounded()))
        }
      }
    }
  }

  @Test(arguments: [8, 16]) func `a network that repeats pixels repeats grey samples exactly`(bits: Int) throws {
    let image = Image.chart(19, 13, .grey, bitDepth: bits)
    for colour in [ImageContract.Colour.luma, .rgb] {
      for maximum in [Float(1), 255] {
        let result = try upscale(image, SmallNetworks.nearest(colour, maximum: maximum))
        let (source, target) = (PlanarImage<Float>(image).colour[0], PlanarImage<Float>(result).colour[0])
        for y in 0..<26 { for x in 0..<38 { #expect(abs(target[x, y] - source[x / 2, y / 2]) < 0.005) } }
      }
    }
  }

  @Test func `a network that repeats pixels repeats red, green and blue exactly`() throws {
    let image = Image.chart(19, 13)
    let result = try upscale(image, SmallNetworks.nearest(.rgb))
    let (source, target) = (PlanarImage<Float>(image), PlanarImage<Float>(result))
    for channel in 0..<3 {
      for y in 0..<26 { for x in 0..<38 { #expect(target.colour[channel][x, y] == source.colour[channel][x / 2, y / 2]) } }
    }
  }

  @Test func `chroma and alpha are the bicubic ones`() throws {
    var chart = PlanarImage<Float>(Image.chart(24, 17, hasAlpha: true))
    // Colours under full transparency are not kept.
    chart.alpha = chart.alpha.map { Plane(width: $0.width, height: $0.height, elements: $0.elements.map { max($0, 1) }) }
    let image = Image(chart, bitDepth: 8)
    let result = PlanarImage<Double>(try upscale(image, SmallNetworks.nearest(.luma)))
    let source = PlanarImage<Double>(image)
    let luma = source.luma
    var expected = PlanarImage(
      colour: source.lumaChroma.colour.map { $0.resized(scale: 2) }, alpha: source.alpha?.resized(scale: 2))
    for y in 0..<34 { for x in 0..<48 { expected.colour[0][x, y] = luma[x / 2, y / 2] } }
    let rounded = PlanarImage<Double>(Image(expected.rgbFromLumaChroma, bitDepth: 8))
    for (a, b) in zip(result.colour + [result.alpha!], rounded.colour + [rounded.alpha!]) {
      let worst = zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? 0
      // Single against double precision may fall on the other side of a half.
      #expect(worst <= 1)
    }
  }

  @Test func `the rest of a scale is bicubic`() throws {
    let image = Image.chart(24, 18, .grey)
    let result = PlanarImage<Double>(try upscale(image, SmallNetworks.nearest(.rgb), scale: 1.5)).colour[0]
    let double = PlanarImage<Double>(try upscale(image, SmallNetworks.nearest(.rgb))).colour[0]
    let expected = double.resized(width: 36, height: 27)
    let worst = zip(result.elements, expected.elements).map { abs($0 - min(max($1, 0), 255)) }.max() ?? 0
    #expect(worst <= 0.51)
  }

  @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
  func `threads and tiles change no bit`(isa: InstructionSet) throws {
    let networks = [try SmallNetworks.edsr(), try SmallNetworks.vdsr(), try SmallNetworks.edsr(channels: 1)]
    for network in networks {
      for (image, scale) in [(Image.chart(131, 97), nil), (Image.chart(70, 101, hasAlpha: true, bitDepth: 16), 2.3)] {
        let whole = try upscale(image, network, scale: scale, threads: 1, tile: .none, isa: isa)
        let ways: [(Int, TilePolicy)] = [
          (1, .pixels(64)), (2, .pixels(16)), (2, .automatic), (2, .pixels(96)), (3, .pixels(64)), (3, .none),
        ]
        for (threads, tile) in ways {
          let tiled = try upscale(image, network, scale: scale, threads: threads, tile: tile, isa: isa)
          #expect(tiled == whole, "\(network.name) \(threads) threads, tile \(tile)")
        }
      }
    }
  }

  @Test func `augmentation is the mean over the eight turns, and tiles change no bit of it`() throws {
    let image = Image.chart(45, 29)
    let network = try SmallNetworks.edsr()
    #expect(try upscale(image, network, tile: .pixels(16), tta: true) == upscale(image, network, tile: .none, tta: true))
    // A network that treats all directions alike gives the same with and without.
    let nearest = try SmallNetworks.nearest(.rgb)
    #expect(try upscale(image, nearest, tta: true) == upscale(image, nearest))
    #expect(try upscale(image, network, tta: true) != upscale(image, network))
  }

  @Test func `a memory limit changes no bit`() throws {
    let image = Image.chart(300, 200)
    let network = try EDSR(scale: 2, channels: 3, features: 32, blocks: 1).network(.random(seed: 3))
    #expect(try upscale(image, network, memory: 64 << 20) == upscale(image, network, tile: .none))
    #expect(throws: EvaluationError.self) { try upscale(image, network, memory: 42 << 20) }
  }

  @Test func `no picture is made of NaN, black or one colour`() throws {
    let image = Image.chart(20, 20)
    #expect(throws: EvaluationError.constantOutput(network: "nearest", isBlack: true)) {
      try upscale(image, SmallNetworks.nearest(.rgb, gain: 0))
    }
    #expect(throws: EvaluationError.constantOutput(network: "nearest", isBlack: true)) {
      try upscale(image, SmallNetworks.nearest(.luma, gain: 0))
    }
    #expect(throws: EvaluationError.constantOutput(network: "nearest", isBlack: false)) {
      try upscale(image, SmallNetworks.nearest(.rgb, gain: 0, bias: 0.5))
    }
    #expect(throws: EvaluationError.notFinite(network: "nearest", what: "the output")) {
      try upscale(image, SmallNetworks.nearest(.rgb, gain: 3e38, bias: 3e38))
    }
    #expect(throws: EvaluationError.notFinite(network: "nearest", what: "the parameter 'spread.weight'")) {
      try upscale(image, SmallNetworks.nearest(.rgb, gain: .nan))
    }
    // What is black, or of one colour, may stay so.
    let black = Image(width: 4, height: 4, colourModel: .grey, samples: .uint8(Array(repeating: 0, count: 16)))
    let grey = Image(width: 4, height: 4, colourModel: .grey, samples: .uint8(Array(repeating: 90, count: 16)))
    for flat in [black, grey] {
      #expect(try upscale(flat, SmallNetworks.nearest()).samples.count == 64)
    }
  }

  @Test(arguments: [0.5, 0, -2, 65, Double.nan, .infinity]) func `senseless scales are refused`(scale: Double) throws {
    #expect(throws: EvaluationError.self) { try upscale(Image.chart(8, 8), SmallNetworks.nearest(), scale: scale) }
  }

  @Test func `one pixel`() throws {
    let image = Image(width: 1, height: 1, colourModel: .rgb, samples: .uint8([10, 200, 90]))
    for network in [try SmallNetworks.edsr(), try SmallNetworks.edsr(channels: 1), try SmallNetworks.vdsr()] {
      let result = try upscale(image, network, scale: 2)
      #expect(result.width == 2 && result.height == 2)
    }
  }
}
