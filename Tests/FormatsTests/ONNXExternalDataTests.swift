import Files
import Networks
import ONNXProto
import Tensors
import Testing

@testable import Formats

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Weights in files beside the model.
@Suite struct ONNXExternalDataTests {
  /// The error for a model whose weights lie where the entries say.
  private func problem(_ entries: [String: String], in folder: Folder, name: String = "model.onnx") throws -> String? {
    let model = ONNXSafetyTests.model { model in
      var tensor = ONNXSafetyTests.tensor("w", [4, 3, 3, 3])
      tensor.floatData = []
      tensor.dataLocation = .external
      tensor.externalData = entries.map { key, value in
        var entry = ONNXStringStringEntryProto()
        entry.key = key
        entry.value = value
        return entry
      }
      model.graph.initializer = [tensor]
    }
    let path = "\(folder.path)/\(name)"
    try AtomicFile.write(model.serializedBytes(), to: path)
    do {
      _ = try ONNXFile.read(path)
      return nil
    } catch {
      return "\(error)"
    }
  }

  private func folder() throws -> Folder {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.path + "/below", withIntermediateDirectories: true)
    for name in ["weights", "below/weights"] {
      try AtomicFile.write([UInt8](repeating: 0, count: 4 * 108 + 16), to: "\(folder.path)/\(name)")
    }
    return folder
  }

  @Test func siblingsAreRead() throws {
    let folder = try folder()
    #expect(try problem(["location": "weights", "length": "432"], in: folder) == nil)
    #expect(try problem(["location": "weights", "offset": "16"], in: folder) == nil)
    #expect(try problem(["location": "below/weights", "offset": "8", "length": "432"], in: folder) == nil)
  }

  @Test func nothingElseIsRead() throws {
    let folder = try folder()
    let inner = try Folder()
    try FileManager.default.createSymbolicLink(atPath: inner.path + "/link", withDestinationPath: folder.path + "/weights")
    try FileManager.default.createSymbolicLink(atPath: inner.path + "/folder", withDestinationPath: folder.path)
    for location in [
      "../weights", "/etc/passwd", folder.path + "/weights", "below/../../weights", "link", "folder/weights", "", ".", "./",
      "below",
      "missing", "weights\0", "/dev/zero", "..",
    ] {
      let problem = try problem(["location": location], in: inner)
      #expect(problem?.contains("is no file in the folder of the model") ?? false, "\(location): \(problem ?? "read")")
    }
    #expect(try problem([:], in: folder)?.contains("it is not named") ?? false)
  }

  @Test func rangesAreChecked() throws {
    let folder = try folder()
    let largest = "9223372036854775807"
    for (offset, length) in [("17", "432"), ("-1", "432"), ("0", largest), (largest, "1"), ("x", "432"), ("0", "-4")] {
      let problem = try problem(["location": "weights", "offset": offset, "length": length], in: folder)
      #expect(problem?.contains("ends before it") ?? false, "\(offset), \(length): \(problem ?? "read")")
    }
    #expect(try problem(["location": "weights", "length": "428"], in: folder)?.contains("has 428 bytes") ?? false)
  }

  @Test func bytesAloneHaveNoSiblings() throws {
    let bytes = try FileReader.bytes(of: ONNXFixture.path("external"), limit: 1 << 20)
    do {
      _ = try ONNXFile.read(bytes: bytes)
      Issue.record("it was read")
    } catch {
      #expect("\(error)".contains("give the model as a file"))
    }
  }
}
