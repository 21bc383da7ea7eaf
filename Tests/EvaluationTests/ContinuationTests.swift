import Files
import Foundation
import Swiftlet
import Testing

@testable import Evaluation

/// Pictures whose sides a network does not take enter continued, and nobody sees it.
@Suite struct ContinuationTests {
  /// RRDB that takes multiples of 2 (x2) or 4 (x1), with an output that fills the range.
  static func rrdb(scale: Int, channels: Int = 3) throws -> Network {
    var network = try RRDB(scale: scale, channels: channels, features: 4, blocks: 1, growth: 2).network(.random(seed: 7))
    network.parameters["conv_last.bias"] = Tensor(repeating: 0.5, [channels])
    network.parameters["conv_last.weight"]?.withUnsafeMutableFloats { for index in $0.indices { $0[index] *= 8 } }
    return network
  }

  private func upscaler(
    _ network: Network, threads: Int = 1, tile: TilePolicy = .none, memory: Int? = nil, tta: Bool = false
  ) throws -> Upscaler {
    let options = Upscaler.Options(tile: tile, memoryLimit: memory, usesTestTimeAugmentation: tta, threadCount: threads)
    let upscaler = try Upscaler(
      network, backend: Engine.cpu(CPUOptions(threadCount: threads)).makeBackend(), options: options)
    // The process holds what all other tests hold.
    if memory != nil { upscaler.residentByteCount = { 30 << 20 } }
    return upscaler
  }

  /// The picture continued by hand: the last row again, then those before it, backwards, and round again.
  private static func continued(_ image: Image, multiple: Int) -> Image {
    func mirrored(_ place: Int, _ count: Int) -> Int {
      var place = place
      while place >= count || place < 0 { place = place < 0 ? -1 - place : 2 * count - 1 - place }
      return place
    }
    let (width, height, channels) = (image.width, image.height, image.channels)
    let (wide, high) = (width + (multiple - width % multiple) % multiple, height + (multiple - height % multiple) % multiple)
    guard case .uint8(let samples) = image.samples else { preconditionFailure("8 bits") }
    let places = (0..<high).flatMap { y in (0..<wide).map { x in mirrored(y, height) * width + mirrored(x, width) } }
    return Image(
      width: wide, height: high, colourModel: image.colourModel,
      samples: .uint8(places.flatMap { samples[channels * $0..<channels * ($0 + 1)] }))
  }

  private static func cropped(_ image: Image, _ width: Int, _ height: Int) -> Image {
    guard case .uint8(let samples) = image.samples else { preconditionFailure("8 bits") }
    let channels = image.channels
    let rows = (0..<height).flatMap { samples[channels * $0 * image.width..<channels * ($0 * image.width + width)] }
    return Image(width: width, height: height, colourModel: image.colourModel, samples: .uint8(rows))
  }

  /// Sides of all remainders, among them a single pixel, against the picture continued by hand; threads, tiles and memory change nothing.
  @Test(arguments: 0..<32) func `any size is enlarged as the continued picture is`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 11)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let scale = pick([1, 2]), multiple = 4 / scale
    let (width, height) =
      seed == 0
      ? (1, 1)
      : pick([
        (Int.random(in: 1...9, using: &generator), Int.random(in: 1...250, using: &generator)),
        (Int.random(in: 1...250, using: &generator), Int.random(in: 1...9, using: &generator)),
        (Int.random(in: 40...150, using: &generator), Int.random(in: 40...150, using: &generator)),
      ])
    let image = Image.chart(width, height, pick([.rgb, .rgb, .grey])), network = try Self.rrdb(scale: scale)
    let continued = try upscaler(network).upscale(Self.continued(image, multiple: multiple))
    let expected = Self.cropped(continued, width * scale, height * scale)
    for (threads, tile, memory) in [
      (1, TilePolicy.none, nil), (2, .pixels(16), nil), (3, .automatic, nil), (2, .automatic, 64 << 20), (1, .pixels(50), nil),
    ] as [(Int, TilePolicy, Int?)] {
      let result = try upscaler(network, threads: threads, tile: tile, memory: memory).upscale(image)
      #expect(result == expected, "\(width)x\(height) x\(scale): \(threads) threads, tile \(tile), memory \(memory ?? 0)")
    }
  }

  /// The rest of a factor is that of the picture itself, and so are chroma and alpha; augmentation turns the picture, not its continuation.
  @Test(arguments: 0..<12) func `other factors, chroma, alpha and turns`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 90)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let (width, height) = (Int.random(in: 1...130, using: &generator), Int.random(in: 1...130, using: &generator))
    let image = Image.chart(width, height, pick([.rgb, .grey]), hasAlpha: pick([false, true]), bitDepth: pick([8, 16]))
    let network = try Self.rrdb(scale: pick([1, 2]), channels: pick([1, 3])), tta = pick([false, true])
    for scale in [nil, 1, 1.5, 3.3] {
      let whole = try upscaler(network, tta: tta).upscale(image, scale: scale)
      let tiled = try upscaler(network, threads: 3, tile: .pixels(20), tta: tta).upscale(image, scale: scale)
      #expect(tiled == whole, "\(width)x\(height) by \(scale ?? 0)")
      guard let scale else { continue }
      #expect(whole.width == Int((Double(width) * scale).rounded()) && whole.height == Int((Double(height) * scale).rounded()))
    }
    guard image.colourModel == .grey, !image.hasAlpha, network.imageContract?.colour == .rgb else { return }
    let plain = try upscaler(network, tta: tta).upscale(image)
    let resized = plain.doublePlane(0).resized(width: 2 * plain.width, height: 2 * plain.height)
    let double = try upscaler(network, tta: tta).upscale(image, scale: 2 * Double(network.imageContract?.scale ?? 1))
    let unit = image.bitDepth == 16 ? 257.0 : 1
    for (a, b) in zip(double.doublePlane(0).elements, resized.elements) {
      #expect(abs(a - min(max(b, 0), 255)) <= 1 / unit + 0.51)
    }
  }

  @Test(arguments: [(451, 300), (37, 201), (2, 3)]) func `files, row by row`(width: Int, height: Int) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("continuation-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let image = Image.chart(width, height), input = folder + "/in.png", output = folder + "/out.png"
    try AtomicFile.write(image.encoded(as: .png), to: input)
    for scale in [1, 2] {
      let network = try Self.rrdb(scale: scale)
      let expected = try upscaler(network).upscale(image)
      #expect((expected.width, expected.height) == (width * scale, height * scale))
      for (tile, memory) in [(TilePolicy.pixels(32), nil), (.automatic, nil), (.automatic, 64 << 20)] as [(TilePolicy, Int?)] {
        let result = try upscaler(network, threads: 2, tile: tile, memory: memory).upscaleFile(
          PictureBatch.Item(input: input, output: output), Upscaler.FileOptions())
        #expect(try Image(path: output).samples == expected.samples && result.heldWhole.isEmpty, "\(tile)")
      }
    }
  }

  /// What is enough for a limit is named for continued pictures, too.
  @Test func `what a refusal names is enough`() throws {
    let image = Image.chart(611, 203), network = try Self.rrdb(scale: 2)
    let expected = try upscaler(network).upscale(image)
    do {
      _ = try upscaler(network, memory: (30 << 20) + 1).upscale(image)
      Issue.record("a byte is enough")
    } catch EvaluationError.memoryLimit(_, let needed) {
      #expect(try upscaler(network, tile: .automatic, memory: needed.byteCount).upscale(image) == expected)
    }
  }

  /// A network that takes no such picture says so once, of the picture as it is.
  @Test func `what no continuation mends`() throws {
    var network = try Self.rrdb(scale: 2)
    network.contract = .image(ImageContract(colour: .rgb, maximum: 1, scale: 3, inputSize: .lowResolution))
    let error = #expect(throws: EvaluationError.self) { try upscaler(network).upscale(Image.chart(11, 7)) }
    #expect(error.map { "\($0)".contains("11") || "\($0)".contains("7") } == true, "\(String(describing: error))")
  }

  @Test func `places of a continued image`() {
    for count in 1...9 {
      for multiple in ImageContinuation.multiples {
        let it = ImageContinuation(height: count, width: count, multiple: multiple)
        #expect(it.fullHeight % multiple == 0 && it.fullHeight - count < multiple)
        for start in 0..<it.fullHeight {
          for end in start + 1...it.fullHeight {
            let places = (start..<end).map { ImageContinuation.place($0, of: count) }
            let range = ImageContinuation.places(start..<end, of: count)
            #expect(places.allSatisfy(range.contains) && range.upperBound <= count && range.lowerBound >= 0)
          }
        }
      }
    }
  }

  /// What is measured on a picture gets it continued, too.
  @Test(arguments: [(1, 4), (2, 2), (4, 1)]) func inputsAreContinued(scale: Int, multiple: Int) throws {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("input-\(UUID().uuidString).png").path
    defer { try? FileManager.default.removeItem(atPath: place) }
    let network = try Self.rrdb(scale: scale)
    for (width, height) in [(33, 18), (8, 12), (1, 7), (21, 21)] {
      let image = Image.chart(width, height)
      try AtomicFile.write(image.encoded(as: .png), to: place)
      let tensor = try ModelInput(place).tensor(for: network)
      let full = Self.continued(image, multiple: multiple)
      try AtomicFile.write(full.encoded(as: .png), to: place)
      let whole = try ModelInput(place).tensor(for: network)
      #expect(tensor.shape == Shape(channels: 3, height: full.height, width: full.width) && tensor.floats == whole.floats)
    }
  }

  /// Pieces to calibrate on have sides that the network takes, whatever pictures and options are.
  @Test(arguments: 0..<40) func piecesAreTaken(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("pieces-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let sides = (0..<2).map { _ in (0..<2).map { _ in Int.random(in: 1...90, using: &generator) } }
    for (index, sides) in sides.enumerated() {
      try AtomicFile.write(Image.chart(sides[0], sides[1]).encoded(as: .png), to: place + "/\(index).png")
    }
    let side = Int.random(in: CalibrationData.leastSide...70, using: &generator)
    for network in try [Self.rrdb(scale: 1), Self.rrdb(scale: 2), SmallNetworks.edsr(scale: 3), SmallNetworks.vdsr()] {
      do {
        let data = try CalibrationData(folder: place, for: network, count: 2, side: side)
        for sample in data.samples {
          _ = try network.inferredShapes(inputs: [sample.input.shape])
          #expect(min(sample.input.shape.height, sample.input.shape.width) >= CalibrationData.leastSide)
        }
      } catch EvaluationError.picturesTooSmall(_, let picture, let size, let needed) {
        #expect(picture.hasPrefix(place) && min(size.width, size.height) < needed.width, "\(sides) \(side) \(network.name)")
      }
    }
  }
}
