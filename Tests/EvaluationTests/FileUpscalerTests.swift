import Evaluation
import Files
import Foundation
import Swiftlet
import Testing

/// Each file by the model for it.
@Suite struct FileUpscalerTests {
  /// Names lie, first bytes do not.
  @Test(arguments: [nil, 2, 2.5, 4] as [Double?]) func `JPEG files are enlarged by models of photos`(scale: Double?) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let picture = Image.chart(30, 22)
    let contents: [(name: String, encoding: ImageEncoding)] = [
      ("a.jpg", .jpeg(quality: 80)), ("b.png", .png), ("c.png", .jpeg(quality: 80)), ("d.jpg", .png), ("e.webp", .webpLossless),
      ("f.tif", .tiff), ("g.bmp", .bmp),
    ]
    let backend = try Engine.cpu(CPUOptions(threadCount: 2)).makeBackend()
    let chosen = try FileUpscaler(backend: backend)
    let named = try FileUpscaler(model: "upscale-x2", backend: backend)
    let files = Upscaler.FileOptions(target: scale.map { .scale($0) })
    for (name, encoding) in contents {
      let input = "\(folder)/\(name)", output = "\(folder)/out.png"
      try AtomicFile.write(picture.encoded(as: encoding), to: input)
      func written(_ upscale: (PictureBatch.Item) throws -> UpscaleResult) throws -> (name: String?, bytes: [UInt8]) {
        let result = try upscale(PictureBatch.Item(input: input, output: output))
        return (result.model, try FileReader.bytes(of: output, limit: 1 << 24))
      }
      let (model, bytes) = try written { try chosen.upscaleFile($0, files) }
      let format = ImageFormat(sniffing: try picture.encoded(as: encoding).prefix(12))
      let expected = ModelLibrary.shippedName(forScale: scale, format: format)
      #expect(model == expected, "\(name)")
      let own = try Upscaler(ModelLibrary.network(expected), backend: backend)
      #expect(try written { try own.upscaleFile($0, files) }.bytes == bytes, "\(name)")
      #expect(try written { try named.upscaleFile($0, files) }.name == "upscale-x2")
    }
  }

  /// Memory is for one model: what the sessions of the other held is let go.
  @Test func `pictures in turn take no more memory than the larger of their models`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let backend = try Engine.cpu(CPUOptions(threadCount: 2)).makeBackend()
    let upscaler = try FileUpscaler(backend: backend)
    let picture = Image.chart(64, 48)
    for (name, encoding) in [("a.png", ImageEncoding.png), ("b.jpg", .jpeg(quality: 80)), ("c.png", .png)] {
      try AtomicFile.write(picture.encoded(as: encoding), to: "\(folder)/\(name)")
      let item = PictureBatch.Item(input: "\(folder)/\(name)", output: "\(folder)/out.png")
      let model = try upscaler.upscaleFile(item, Upscaler.FileOptions()).model
      #expect(upscaler.modelsWithSessions == [model])
    }
  }

  @Test func `an unknown model is refused at once, before a file is opened`() throws {
    #expect(throws: EvaluationError.unknownModel(name: "best", known: ModelLibrary.shippedNames)) {
      try FileUpscaler(model: "best", backend: Engine.cpu(CPUOptions()).makeBackend())
    }
  }
}
