import CUDAEmulation
import Execution
import Imaging
import Networks
import Swiftlet
import Testing

@testable import Evaluation

/// What a device makes of samples, and of planes, has the bits of what the host makes.
@Suite struct DeviceConversionTests {
  /// The same engine, which nobody knows for a device: pictures come and go as planes.
  private struct Plain: Backend {
    let engine: CUDAEngine
    var name: String { engine.name }
    func support(for node: Node, in network: Network, shapes: [String: Shape]) -> Support {
      engine.support(for: node, in: network, shapes: shapes)
    }
    func prepare(_ network: Network) throws(ExecutionError) -> any Model { try engine.prepare(network) }
  }

  private static func engine(_ precision: CUDAPrecision = .float32) throws -> CUDAEngine {
    try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }, precision: precision)
  }

  /// A network that gives back what it gets, to the bit.
  private static func identity(channels: Int) throws -> Network {
    var builder = NetworkBuilder("identity")
    let x = builder.input("x", channels: channels)
    builder.output(builder.activation("same", x, .leakyReLU(slope: 1)))
    return try builder.build(.zeros)
  }

  private static func session(
    channels: Int, _ shape: Shape, _ conversion: SampleConversion
  ) throws -> any StagedSession {
    let model = try engine().prepare(identity(channels: channels))
    let converting = try #require(model as? any StagedModel)
    return try converting.session(input: shape, kernelsFor: shape, converting: conversion)
  }

  private static func range(_ notes: Tensor) -> ValueRange {
    notes.withUnsafeFloats {
      let notes = SampleNotes($0)
      return ValueRange(low: notes.low, high: notes.high, isFinite: notes.isFinite)
    }
  }

  /// A picture of random samples.
  private static func picture(
    _ width: Int, _ height: Int, _ model: Image.ColourModel, hasAlpha: Bool, bitDepth: Int, _ generator: inout SplitMix64
  ) -> Image {
    let properties = ImageProperties(width: width, height: height, colourModel: model, hasAlpha: hasAlpha, bitDepth: bitDepth)
    let count = width * height * properties.channels
    let numbers = (0..<count).map { _ in generator.next() }
    return Image(
      properties,
      samples: bitDepth == 16
        ? .uint16(numbers.map { UInt16(truncatingIfNeeded: $0) }) : .uint8(numbers.map { UInt8(truncatingIfNeeded: $0) }))
  }

  private static let models: [Image.ColourModel] = [.grey, .rgb]
  private static let colours: [ImageContract.Colour] = [.luma, .rgb]

  @Test(arguments: 0..<24) func `planes of samples are the host's`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 1)
    let (width, height) = [(1, 1), (37, 5), (130, 67), (256, 17)][seed % 4]
    let colour = Self.colours[seed / 4 % 2], model = Self.models[seed / 8 % 2], bitDepth = generator.next() % 2 == 0 ? 8 : 16
    let image = Self.picture(
      width, height, model, hasAlpha: generator.next() % 2 == 0, bitDepth: bitDepth, &generator)
    let channels = colour == .luma ? 1 : 3, unit: Float = seed % 3 == 0 ? 1 : 1 / 255
    let planes = PicturePlanes(model, hasAlpha: image.properties.hasAlpha, colour: colour)
    let conversion = planes.sampleInput(image.properties, channels: channels, unit: unit)
    let byteCount = image.properties.channels * bitDepth / 8
    guard let conversion else {
      #expect(byteCount > 4 * channels)
      return
    }
    #expect(byteCount <= 4 * channels)
    let shape = Shape(channels: channels, height: height, width: width)
    let session = try Self.session(channels: channels, shape, SampleConversion(input: conversion))
    let samples = Tensor(unsafeUninitialized: conversion.format.shape(height: height, width: width), .uint8) { target in
      image.withUnsafeSampleBytes { target.copyMemory(from: $0) }
    }
    let outputs = try session.run([samples])
    var range = ValueRange(), expected: [Float] = []
    for plane in image.networkPlanes(colour) {
      range.include(plane)
      expected += plane.elements.map { $0 * unit }
    }
    #expect(
      outputs.count == 2 && outputs[0].shape == shape
        && outputs[0].floats.elementsEqual(expected) {
          $0.bitPattern == $1.bitPattern
        })
    #expect(Self.range(outputs[1]) == range)
  }

  @Test(arguments: 0..<32) func `samples of planes are the host's`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 1)
    let (width, height) = [(1, 1), (41, 9), (130, 67), (256, 17)][seed % 4]
    let colour = Self.colours[seed / 4 % 2], model = Self.models[seed / 8 % 2], bitDepth = seed / 16 % 2 == 0 ? 8 : 16
    let maximum: Float = seed % 3 == 0 ? 255 : 1, factor = 255 / maximum
    let properties = ImageProperties(width: width, height: height, colourModel: model, bitDepth: bitDepth)
    guard let conversion = ImageComposer.sampleOutput(properties, colour, factor: factor) else {
      #expect(colour == .luma && model == .rgb)
      return
    }
    let channels = colour == .luma ? 1 : 3, shape = Shape(channels: channels, height: height, width: width)
    // Beyond both ends, halves between two levels, and now and then what is no number.
    let isBad = seed % 5 == 4
    let numbers = (0..<shape.count).map { _ -> Float in
      let number = (generator.nextUnit() * 1.5 - 0.25) * maximum
      return switch generator.next() % 16 {
      case 0: (Float(Int(number * factor)) + 0.5) / factor
      case 1 where isBad: [Float.nan, .infinity, -.infinity, -0.0][Int(generator.next() % 4)]
      default: number
      }
    }
    let top = Int(generator.next() % UInt64(height)), left = Int(generator.next() % UInt64(width))
    let kept = SampleOutput.Kept(rows: top..<height, columns: left..<width)
    let session = try Self.session(channels: channels, shape, SampleConversion(output: conversion))
    let outputs = try session.run([
      Tensor(shape, numbers),
      Tensor(unsafeUninitialized: SampleOutput.Kept.shape, .uint8) { if let base = $0.baseAddress { kept.write(to: base) } },
    ])
    var samples = [UInt8](repeating: 0, count: properties.sampleByteCount), check = OutputCheck()
    let workers = Workers(threadCount: 1)
    numbers.withUnsafeBufferPointer { numbers in
      let composer = ImageComposer(
        properties: properties, colour: colour, planes: PicturePlanes(model, hasAlpha: false, colour: colour),
        window: PlaneWindow(count: 0, width: width, height: height, capacity: height), firstBeside: 0, resize: nil,
        workers: workers)
      var region = ModelRunner.Region(
        rows: 0..<height, columns: 0..<width, base: numbers.baseAddress!, planeStride: width * height, rowStride: width)
      samples.withUnsafeMutableBytes { composer.compose(0..<height, of: region, factor: factor, into: $0.baseAddress!) }
      (region.rows, region.columns, region.base) = (kept.rows, kept.columns, region.base + top * width + left)
      check.include(region, channels: channels, factor: 1, workers)
    }
    #expect(outputs.count == 2 && outputs[0].withUnsafeBytes { $0.elementsEqual(samples) })
    let range = Self.range(outputs[1])
    #expect(range == check.output, "\(kept)")
  }

  /// What a network of no picture cannot take is refused.
  @Test func `other networks take no samples`() throws {
    let network = try Self.identity(channels: 4), shape = Shape(channels: 4, height: 2, width: 2)
    let model = try #require(try Self.engine().prepare(network) as? any StagedModel)
    let conversion = SampleConversion(
      output: SampleOutput(format: SampleFormat(bitDepth: 8, channels: 4), gain: 1))
    #expect(throws: ExecutionError.self) {
      try model.session(input: shape, kernelsFor: shape, converting: conversion)
    }
  }

  /// Pictures of all kinds, in tiles and whole: the same samples and errors whether the device converts or the host.
  @Test(arguments: 0..<60) func `pictures are the same whoever converts`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 77)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let colour = pick(Self.colours), bitDepth = pick([8, 16]), model = pick(Self.models), hasAlpha = pick([false, false, true])
    let (width, height) = pick([(24, 20), (1, 1), (40, 9), (17, 31), (33, 33)])
    let image =
      seed % 4 == 0
      ? Self.picture(width, height, model, hasAlpha: hasAlpha, bitDepth: bitDepth, &generator)
      : Image.chart(width, height, model, hasAlpha: hasAlpha, bitDepth: bitDepth)
    let network =
      switch seed % 10 {
      case 0: try SmallNetworks.nearest(colour, gain: 0)
      case 1: try SmallNetworks.nearest(colour, gain: 1.7, bias: -0.3)
      case 2: try SmallNetworks.nearest(colour, gain: .nan)
      case 3: try SmallNetworks.nearest(colour, maximum: 255)
      case 4 where colour == .luma: try SmallNetworks.vdsr()
      case 5: try Self.unshuffling(colour)
      default: try SmallNetworks.edsr(channels: colour == .luma ? 1 : 3)
      }
    let options = Upscaler.Options(
      tile: pick([.none, .automatic, .pixels(8), .pixels(16)]), usesTestTimeAugmentation: pick([false, false, false, true]),
      threadCount: 1 + seed % 2)
    let scale = pick([nil, nil, nil, 1.5]), precision = pick([CUDAPrecision.float32, .float16, .bfloat16])
    let device = try Self.engine(precision), plain = try Self.engine(precision)
    func upscaled(_ backend: any Backend) -> Result<Image, EvaluationError> {
      Result { () throws(EvaluationError) in
        try Upscaler(network, backend: backend, options: options).upscale(image, scale: scale)
      }
    }
    let made = upscaled(device), expected = upscaled(Plain(engine: plain))
    let what = "seed \(seed), \(colour), \(model), \(bitDepth) bits, \(width)x\(height), \(options.tile)"
    #expect(made == expected, "\(what)")
  }

  /// Bytes of samples, for three channels of float32, and what is rounded up to 256.
  @Test func `fewer bytes are copied`() throws {
    let image = Image.chart(40, 30), pixels = 40 * 30
    func copied(_ engine: CUDAEngine, _ backend: any Backend) throws -> TransferCount {
      let upscaler = try Upscaler(SmallNetworks.nearest(.rgb), backend: backend)
      _ = try upscaler.upscale(image)
      let before = engine.transfers
      _ = try upscaler.upscale(image)
      return engine.transfers - before
    }
    let device = try Self.engine(), plain = try Self.engine()
    let samples = try copied(device, device), planes = try copied(plain, Plain(engine: plain))
    #expect(planes.uploadedBytes >= 12 * pixels && planes.downloadedBytes >= 4 * 12 * pixels)
    #expect(samples.uploads == 1 && samples.uploadedBytes <= 3 * pixels + 512)
    #expect(samples.downloads == 1 && samples.downloadedBytes <= 4 * 3 * pixels + 1024)
  }

  /// A network that wants multiples of two, so that images are continued.
  private static func unshuffling(_ colour: ImageContract.Colour) throws -> Network {
    let channels = colour == .luma ? 1 : 3
    var builder = NetworkBuilder(
      "unshuffling", contract: .image(ImageContract(colour: colour, maximum: 1, scale: 1, inputSize: .lowResolution)))
    let x = builder.input("x", channels: channels)
    let deep = builder.pixelUnshuffle("down", x, factor: 2)
    builder.output(builder.pixelShuffle("up", builder.activation("same", deep, .leakyReLU(slope: 1)), factor: 2))
    return try builder.build(.zeros)
  }
}
