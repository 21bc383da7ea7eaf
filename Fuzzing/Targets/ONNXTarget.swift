import Formats
import Networks
import ONNXProto
import Tensors
import OperationCases
import TestSupport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// ONNX models: whatever is imported is a network that keeps every promise; anything else is refused with a line.
struct ONNXTarget: FuzzTarget {
  let name = "onnx"
  let sizeLimit = 1 << 15

  func run(_ bytes: [UInt8]) {
    guard let network = made({ try ONNXFile.read(bytes: bytes) }) else { return }
    network.checkPromises()
  }

  /// Our own exports, and the models that PyTorch's exporters made for the tests.
  func seeds() throws -> [[UInt8]] {
    var seeds = OperationCase.all.compactMap { try? ONNXFile.bytes(of: $0.network) }
    let root = #filePath.prefix(#filePath.count - "/Fuzzing/Targets/ONNXTarget.swift".count)
    let folder = "\(root)/Tests/FormatsTests/Models"
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".onnx") {
      seeds.append(Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
    }
    return seeds.filter { $0.count <= sizeLimit }
  }

  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    guard generator.next() % 8 != 0, let model = try? ONNXModelProto(serializedBytes: bytes), model.hasGraph else {
      return plain(bytes)
    }
    var mutation = ONNXMutation(model: model, generator: generator)
    for _ in 0..<1 + generator.next() % 3 { mutation.step(plain) }
    return (try? mutation.model.serializedBytes()) ?? plain(bytes)
  }
}
