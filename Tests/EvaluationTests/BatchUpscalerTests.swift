import CUDAEmulation
import Files
import Foundation
import Swiftlet
import Testing

@testable import Evaluation

/// What is made and told of many pictures does not depend on how many are in work at once.
@Suite struct BatchUpscalerTests {
  /// A folder that goes with the value.
  private struct Place: ~Copyable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("batch-\(UUID().uuidString)").path
    init() throws {
      for name in ["in", "out"] {
        try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
      }
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Each output's bytes.
    var outputs: [String: [UInt8]] {
      get throws {
        var result: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path + "/out") {
          result[name] = try FileReader.bytes(of: path + "/out/" + name, limit: 1 << 26)
        }
        return result
      }
    }
  }

  private static let encodings: [(name: String, encoding: ImageEncoding)] = [
    ("png", .png), ("jpg", .jpeg(quality: 92)), ("tif", .tiff), ("bmp", .bmp), ("webp", .webpLossless),
  ]
  /// What the process would hold; in fact it holds what all other tests hold.
  private static let resident = 30 << 20
  /// EXIF that turns the picture.
  private static let turned: [UInt8] =
    Array("II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]

  /// What is done with a folder.
  private struct Case {
    var files: [(name: String, bytes: [UInt8])] = []
    /// What stands among the outputs before.
    var standing: [(name: String, bytes: [UInt8])] = []
    var model: Network?
    var options = Upscaler.Options()
    var reading = Upscaler.FileOptions()

    init(seed: Int) throws {
      var generator = SplitMix64(seed: UInt64(seed) + 11)
      func pick<T>(_ choices: [T]) -> T { choices[Int(generator.next() % UInt64(choices.count))] }
      let sizes = pick([[(24, 20)], [(24, 20), (1, 1), (40, 9), (17, 31)]])
      for index in 0..<3 + Int(generator.next() % 5) {
        let (width, height) = pick(sizes), (ending, encoding) = pick(BatchUpscalerTests.encodings)
        var picture = Image.chart(
          width, height, pick([.grey, .rgb]), hasAlpha: pick([false, false, true]), bitDepth: pick([8, 16]))
        if pick([false, false, false, true]) { picture.metadata.exif = BatchUpscalerTests.turned }
        var bytes = try picture.encoded(as: encoding)
        switch generator.next() % 8 {
        case 0: bytes.removeLast(bytes.count / 3)
        case 1: bytes = pick([[], Array("no picture".utf8)])
        default: break
        }
        files.append(("\(index).\(ending)", bytes))
        if pick([false, false, true]) {
          let (scale, name) = (pick([2, 2, 3]), "\(index).\(ending)")
          standing.append((name, try Image.chart(width * scale, height * scale).encoded(as: encoding)))
        }
      }
      model = try pick([SmallNetworks.nearest(), SmallNetworks.nearest(.rgb), SmallNetworks.nearest(), SmallNetworks.edsr()])
      if seed % 10 == 7 { model = nil }
      // The models inside the program are large for an emulated device.
      if model == nil { files = Array(files.prefix(3)) }
      options.tile = pick([.automatic, .automatic, .pixels(16)])
      options.usesTestTimeAugmentation = model != nil && pick([false, false, false, true])
      options.alpha = pick([.bicubic, .bicubic, .network])
      options.threadCount = 2 + seed % 2
      if pick([false, false, true]) {
        options.memoryLimit = BatchUpscalerTests.resident + (4 << 20) + Int(generator.next() % (40 << 20))
      }
      reading.target = pick([nil, nil, .scale(1.5)])
      reading.quality = pick([nil, 70])
      reading.isTolerant = pick([false, true])
      reading.skipsExisting = pick([false, true])
    }
  }

  /// What is told of the pictures, in its order; how long each took is left out.
  private func run(
    _ it: Case, atOnce: Int, _ place: borrowing Place, backend: any Backend
  ) throws -> (told: [String], batch: BatchUpscaler) {
    for (name, bytes) in it.files { try AtomicFile.write(bytes, to: place.path + "/in/" + name) }
    if it.reading.skipsExisting {
      for (name, bytes) in it.standing { try AtomicFile.write(bytes, to: place.path + "/out/" + name) }
    }
    var model: String?
    if let network = it.model {
      model = place.path + "/model.safetensors"
      try ModelLibrary.write(network, to: place.path + "/model.safetensors")
    }
    let folder = place.path, reading = it.reading, options = it.options
    return try FileClaims.together { () throws(EvaluationError) in
      let pictures = try PictureBatch(
        inputs: [folder + "/in"], output: folder + "/out", skipsExisting: reading.skipsExisting)
      let batch = try BatchUpscaler(model: model, backend: backend, options: options)
      batch.mostAtOnce = atOnce
      if options.memoryLimit != nil { batch.residentByteCount = { Self.resident } }
      var told: [String] = [], last = 0, done = 0, isInOrder = true
      batch.upscale(pictures.items, reading) { index, event in
        isInOrder = isInOrder && index >= last
        last = index
        switch event {
        case .notice(let line): told.append("\(index): \(line)")
        case .progress(let share): isInOrder = isInOrder && (0...1).contains(share)
        case .done(let count):
          isInOrder = isInOrder && count >= done && count <= pictures.items.count
          done = count
        case .finished(.success(var result)):
          result.seconds = 0
          told.append("\(index): \(result)")
        case .finished(.failure(let error)): told.append("\(index): \(error.text(for: pictures.items[index].input))")
        }
      }
      #expect(isInOrder && done == pictures.items.count)
      return (told.map { $0.replacingOccurrences(of: folder, with: "") }, batch)
    }
  }

  @Test(arguments: 0..<20) func `pictures at once are those one after the other`(seed: Int) throws {
    let it = try Case(seed: seed)
    func device() throws -> any Backend { try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }) }
    let one = try Place()
    let (told, alone) = try run(it, atOnce: 1, one, backend: device()), outputs = try one.outputs
    #expect(told.count >= it.files.count && (alone.deviceUse?.seconds ?? 0) > 0)
    for atOnce in 2...3 {
      let place = try Place()
      let (again, batch) = try run(it, atOnce: atOnce, place, backend: device())
      #expect(again == told, "seed \(seed), \(atOnce) at once")
      #expect(try place.outputs == outputs, "seed \(seed), \(atOnce) at once")
      if let limit = it.options.memoryLimit { #expect(batch.mostByteCount <= limit, "seed \(seed)") }
      let use = try #require(batch.deviceUse)
      #expect(abs(use.waitedFor.values.reduce(use.busy, +) - 1) < 1e-6 && use.text.contains("busy"), "\(use)")
      if told.contains(where: { $0.contains("isSkipped: false") }) { #expect(use.busy > 0) }
    }
  }

  /// Memory for one picture: they come one after the other, and none is refused.
  @Test func `a tight limit leaves one at a time`() throws {
    var it = try Case(seed: 1)
    it.files = try (0..<5).map { ("\($0).png", try Image.chart(40, 30).encoded(as: .png)) }
    (it.standing, it.model, it.reading) = ([], try SmallNetworks.nearest(.rgb), Upscaler.FileOptions())
    it.options = Upscaler.Options(memoryLimit: Self.resident + 1, threadCount: 2)
    func device() throws -> any Backend { try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }) }
    let one = try Place()
    let refused = try run(it, atOnce: 2, one, backend: device()).told
    #expect(refused.count == 5 && refused.allSatisfy { $0.contains("memory") })
    let upscaler = try Upscaler(it.model!, backend: device(), options: it.options)
    upscaler.residentByteCount = { Self.resident }
    let error = #expect(throws: EvaluationError.self) {
      try upscaler.upscaleFile(
        PictureBatch.Item(input: one.path + "/in/0.png", output: one.path + "/x.png"), Upscaler.FileOptions())
    }
    guard case .memoryLimit(_, let needed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    it.options.memoryLimit = needed.byteCount
    for atOnce in 1...2 {
      let place = try Place()
      let (told, batch) = try run(it, atOnce: atOnce, place, backend: device())
      #expect(told.allSatisfy { $0.contains("isSkipped: false") } && batch.mostByteCount <= needed.byteCount, "\(told)")
      #expect(try place.outputs.count == 5)
    }
    // With much of it several are in work.
    it.options.memoryLimit = Self.resident + (1 << 30)
    let place = try Place()
    let (told, batch) = try run(it, atOnce: 2, place, backend: device())
    #expect(told.count == 5 && batch.mostByteCount > Self.resident)
  }

  /// On the processor one comes after the other, and nothing is said of a device.
  @Test func `the processor takes one after the other`() throws {
    let it = try Case(seed: 2), place = try Place()
    let batch = try run(it, atOnce: 1, place, backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend()).batch
    #expect(batch.deviceUse == nil)
    #expect(try BatchUpscaler(backend: Engine.cpu(CPUOptions(threadCount: 2)).makeBackend()).mostAtOnce == 1)
    let device = try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) })
    #expect(try BatchUpscaler(backend: device, options: Upscaler.Options(threadCount: 5)).mostAtOnce == 5)
  }
}
