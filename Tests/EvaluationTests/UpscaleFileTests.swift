import Evaluation
import Files
import Foundation
import Swiftlet
import Testing

/// Pictures that flow from file to file are those that were in memory.
@Suite struct UpscaleFileTests {
  /// A folder that goes with the value.
  private struct Place: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("upscale-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
  }

  private func upscaler(
    _ network: Network, tile: TilePolicy = .automatic, threads: Int = 2, memory: Int? = nil, tta: Bool = false
  ) throws -> Upscaler {
    let upscaler = try Upscaler(
      network, backend: Engine.cpu(CPUOptions(threadCount: threads)).makeBackend(),
      options: Upscaler.Options(tile: tile, memoryLimit: memory, usesTestTimeAugmentation: tta, threadCount: threads))
    if memory != nil { upscaler.residentByteCount = { 30 << 20 } }
    return upscaler
  }

  private static let encodings: [(name: String, encoding: ImageEncoding)] = [
    ("png", .png), ("jpg", .jpeg(quality: 92)), ("tif", .tiff), ("bmp", .bmp), ("webp", .webpLossless),
  ]

  @Test(arguments: 0..<40) func `a file is enlarged as its picture is`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 1)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let place = try Place()
    let (width, height) = pick([(1, 1), (1, 90), (130, 1), (37, 201), (211, 64), (300, 131)])
    var picture = Image.chart(
      width, height, pick([.grey, .rgb]), hasAlpha: pick([false, true]), bitDepth: pick([8, 16]))
    if pick([false, false, true]) { picture.metadata.exif = Self.turned }
    let (inputName, inputEncoding) = Self.encodings[seed % 5]
    let (outputName, outputEncoding) = Self.encodings[(seed / 5) % 5]
    let input = place.path + "/in." + inputName, output = place.path + "/out." + outputName
    try AtomicFile.write(picture.encoded(as: inputEncoding), to: input)
    let read = try Image(path: input)
    let network = try pick([
      SmallNetworks.edsr(), SmallNetworks.edsr(scale: 4, channels: 1), SmallNetworks.vdsr(), SmallNetworks.nearest(.rgb),
    ])
    let scale: Double? = pick([nil, nil, 1, 1.5, 2, 3.1]), tta = pick([false, false, false, true])
    let whole = try upscaler(network, tile: .none, threads: 1, tta: tta).upscale(read, scale: scale)
    for (tile, threads) in [(TilePolicy.pixels(16), 1), (.pixels(50), 3), (.automatic, 2)] {
      let upscaler = try upscaler(network, tile: tile, threads: threads, tta: tta)
      let result = try upscaler.upscaleFile(
        PictureBatch.Item(input: input, output: output), Upscaler.FileOptions(target: scale.map { .scale($0) }))
      #expect(try FileReader.bytes(of: output, limit: 1 << 28) == whole.encoded(as: outputEncoding), "\(tile)")
      #expect(result.width == whole.width && result.height == whole.height && result.inputWidth == read.width)
      let flows =
        inputName != "webp" && outputName != "webp" && !tta
        && (picture.metadata.exif == nil || inputName == "bmp" || inputName == "tif")
      #expect(result.heldWhole.isEmpty == flows, "\(inputName) \(outputName) \(result.heldWhole)")
    }
    #expect(try place.names == ["in." + inputName, "out." + outputName].sorted())
  }

  /// An EXIF block that says that the right side is up.
  private static let turned: [UInt8] =
    Array("II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]

  @Test func `what is cut short leaves no file, in whatever row`() throws {
    let place = try Place()
    let picture = Image.chart(90, 300)
    for (name, encoding) in Self.encodings {
      let bytes = try picture.encoded(as: encoding), input = place.path + "/in." + name
      for share in [2, 5, 9] {
        try AtomicFile.write(Array(bytes[..<(bytes.count * share / 10)]), to: input)
        let upscaler = try upscaler(SmallNetworks.nearest(.rgb), tile: .pixels(16))
        #expect(throws: EvaluationError.self) {
          try upscaler.upscaleFile(PictureBatch.Item(input: input, output: place.path + "/out.png"), Upscaler.FileOptions())
        }
        #expect(try !place.names.contains { $0.contains("out") }, "\(name) \(share)")
      }
    }
  }

  @Test func `no file is made of NaN or black`() throws {
    let place = try Place()
    let input = place.path + "/in.png"
    try AtomicFile.write(Image.chart(90, 300).encoded(as: .png), to: input)
    for network in [try SmallNetworks.nearest(.rgb, gain: 0), try SmallNetworks.nearest(.rgb, gain: 3e38, bias: 3e38)] {
      let upscaler = try upscaler(network, tile: .pixels(16))
      #expect(throws: EvaluationError.self) {
        try upscaler.upscaleFile(PictureBatch.Item(input: input, output: place.path + "/out.png"), Upscaler.FileOptions())
      }
    }
    #expect(try place.names == ["in.png"])
  }

  @Test func `what is enough for a low picture is nearly enough for a high one`() throws {
    let place = try Place()
    let needed = try [1500, 6000].map { height in
      let input = place.path + "/\(height).png"
      try AtomicFile.write(Image.chart(120, height).encoded(as: .png), to: input)
      let item = PictureBatch.Item(input: input, output: place.path + "/out.jpg")
      do {
        _ = try upscaler(SmallNetworks.edsr(), memory: (30 << 20) + 1).upscaleFile(item, Upscaler.FileOptions())
      } catch EvaluationError.memoryLimit(_, let needed) {
        _ = try upscaler(SmallNetworks.edsr(), memory: needed.byteCount).upscaleFile(item, Upscaler.FileOptions())
        let free = try Image(path: place.path + "/out.jpg")
        #expect(free.height == 2 * height)
        return needed.byteCount
      }
      Issue.record("a byte is enough")
      return 0
    }
    // The result alone would take 13 MiB more; weights of interpolation are some bytes a row.
    #expect(needed[1] - needed[0] < 6 << 20, "\(needed)")
  }

  /// Pages of a TIFF file, each as it would be alone; not a page is read twice or left out.
  @Test(arguments: 0..<6) func `all pages are enlarged as each would be`(seed: Int) throws {
    var generator = SplitMix64(seed: UInt64(seed) + 50)
    func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
    let place = try Place()
    let sink = MemorySink(), chain = TIFFPageChain(byteCount: pick([1, 1 << 33]))
    let pages = (0..<pick([1, 2, 3, 5])).map { _ in
      Image.chart(
        pick([17, 90, 131]), pick([33, 64, 201]), pick([.grey, .rgb]), hasAlpha: pick([false, true]), bitDepth: pick([8, 16]))
    }
    for page in pages {
      let writer = try ImageWriter(page.properties, as: .tiff, to: sink, pages: chain)
      try page.withUnsafeSampleBytes { samples in
        if let base = samples.baseAddress { try writer.append(base, count: page.height) }
      }
      try writer.finish()
    }
    let input = place.path + "/in.tif", output = place.path + "/out.tif"
    try AtomicFile.write(sink.bytes, to: input)
    let network = try SmallNetworks.edsr(), upscaler = try upscaler(network, tile: pick([.automatic, .pixels(20)]))
    let item = PictureBatch.Item(input: input, output: output)
    let result = try upscaler.upscaleFile(item, Upscaler.FileOptions(takesAllPages: true))
    #expect(result.pages == (pages.count > 1 ? pages.count : nil) && result.remarks.isEmpty)
    #expect(result.inputWidth == pages[0].width && result.height == 2 * pages[0].height)
    #expect(
      result.pageSizes?.map { [$0.inputWidth, $0.height] } == (pages.count > 1 ? pages.map { [$0.width, 2 * $0.height] } : nil))
    let areas = pages.map { $0.width * $0.height }, texts = result.sizeText.split(separator: " ")
    func text(_ area: Int?) -> [String] {
      pages.filter { $0.width * $0.height == area }.map { "\(2 * $0.width)x\(2 * $0.height)" }
    }
    #expect(text(areas.min()).contains(String(texts[0])) && text(areas.max()).contains(String(texts[texts.count - 1])))
    #expect(texts.count == 1 || (texts.count == 3 && texts[1] == "to"), "\(result.sizeText)")
    let file = try RandomAccessFile(path: output, limit: 1 << 28, memory: 1 << 28)
    for (index, page) in pages.enumerated() {
      let reader = try ImageReader(file, name: output, page: index)
      #expect(reader.pageCount == pages.count)
      #expect(try reader.decoded().samples == upscaler.upscale(page).samples, "page \(index)")
    }
    let first = try upscaler.upscaleFile(item, Upscaler.FileOptions())
    #expect(first.remarks.count == (pages.count > 1 ? 1 : 0))
    #expect(try Image(path: output).samples == upscaler.upscale(pages[0]).samples)
    guard pages.count > 1 else { return }
    #expect(throws: EvaluationError.pagesNeedTIFF(path: input, pages: pages.count)) {
      try upscaler.upscaleFile(
        PictureBatch.Item(input: input, output: place.path + "/out.png"), Upscaler.FileOptions(takesAllPages: true))
    }
    #expect(try place.names == ["in.tif", "out.tif"])
  }

  /// Soft alpha is what the network makes of it as a grey picture; colours, and alpha that is not soft, are as ever.
  @Test(arguments: [8, 16], [Image.ColourModel.grey, .rgb]) func `alpha through the network`(
    bits: Int, model: Image.ColourModel
  ) throws {
    let place = try Place()
    let picture = Image.chart(70, 45, model, hasAlpha: true, bitDepth: bits)
    let alphas: [Double] = (0..<70 * 45).map { index in
      let x = Double(index % 70) - 35, y = Double(index / 70) - 22
      return min(max((18 - (x * x + y * y).squareRoot()) / 6, 0), 1)
    }
    func with(_ alphas: [Double]) -> Image {
      let channels = picture.channels
      switch picture.samples {
      case .uint8(var values):
        for (index, alpha) in alphas.enumerated() { values[(index + 1) * channels - 1] = UInt8(alpha * 255) }
        return Image(picture.properties, samples: .uint8(values))
      case .uint16(var values):
        for (index, alpha) in alphas.enumerated() { values[(index + 1) * channels - 1] = UInt16(alpha * 65_535) }
        return Image(picture.properties, samples: .uint16(values))
      }
    }
    for network in [try SmallNetworks.edsr(), try SmallNetworks.edsr(channels: 1), try SmallNetworks.vdsr()] {
      let plain = try upscaler(network)
      let asked = try Upscaler(
        network, backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend(),
        options: Upscaler.Options(tile: .pixels(24), threadCount: 2, alpha: .network))
      let soft = with(alphas), hard = with(alphas.map { $0.rounded() })
      #expect(try asked.upscale(hard) == plain.upscale(hard))
      let result = try asked.upscale(soft), usual = try plain.upscale(soft)
      let grey = Image(
        width: 70, height: 45, colourModel: .grey,
        samples: bits == 8 ? .uint8(alphas.map { UInt8($0 * 255) }) : .uint16(alphas.map { UInt16($0 * 65_535) }))
      #expect(result.floatPlane(result.channels - 1) == (try plain.upscale(grey)).floatPlane(0))
      for channel in 0..<model.channels { #expect(result.floatPlane(channel) == usual.floatPlane(channel)) }
      let input = place.path + "/in.png", output = place.path + "/out.png"
      try AtomicFile.write(soft.encoded(as: .png), to: input)
      _ = try asked.upscaleFile(PictureBatch.Item(input: input, output: output), Upscaler.FileOptions())
      #expect(try Image(path: output).samples == result.samples)
    }
  }

  @Test func `the most pixels are an option`() throws {
    let place = try Place()
    let input = place.path + "/in.png", item = PictureBatch.Item(input: input, output: place.path + "/out.png")
    try AtomicFile.write(Image.chart(50, 40).encoded(as: .png), to: input)
    func run(_ limit: Int?) throws {
      _ = try Upscaler(
        SmallNetworks.nearest(.rgb), backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend(),
        options: Upscaler.Options(pixelLimit: limit)
      ).upscaleFile(item, Upscaler.FileOptions())
    }
    for (limit, words) in [(1999, "--max-pixels"), (7999, "--max-pixels")] {
      let error = #expect(throws: EvaluationError.self) { try run(limit) }
      #expect(error.map { "\($0)".contains(words) } == true, "\(String(describing: error))")
    }
    try run(8000)
    try run(nil)
  }
}
