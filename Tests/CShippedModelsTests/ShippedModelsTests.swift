import CShippedModels
import Foundation
import Testing

@Suite struct ShippedModelsTests {
  private static let models = (0..<swiftlet_shipped_model_count()).map { swiftlet_shipped_model_at($0) }

  /// The folder the models are embedded from.
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources/CShippedModels/models")

  @Test func namesAreThoseOfTheFiles() throws {
    let names = Self.models.map { String(cString: $0.name) }
    #expect(names == ["upscale-x2", "upscale-x3", "upscale-x4", "photo-x2", "photo-x3", "photo-x4"])
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(files.sorted() == names.map { "\($0).safetensors" }.sorted())
  }

  /// Also red when a build does not notice that a model file has changed.
  @Test func bytesAreThoseOfTheFiles() throws {
    for model in Self.models {
      let file = try Data(contentsOf: Self.folder.appending(path: "\(String(cString: model.name)).safetensors"))
      #expect(Data(bytes: model.bytes, count: model.byte_count) == file, "\(String(cString: model.name))")
      #expect(model.byte_count < 1_500_000)
      #expect(UInt(bitPattern: model.bytes).isMultiple(of: 64))
    }
  }

  @Test func pastTheLastThereIsNone() {
    let none = swiftlet_shipped_model_at(swiftlet_shipped_model_count())
    #expect(none.byte_count == 0)
    #expect(String(cString: none.name).isEmpty)
  }
}
