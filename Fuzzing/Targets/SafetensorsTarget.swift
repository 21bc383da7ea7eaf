import Formats
import GeneratedNetworks
import Networks
import Tensors
import OperationCases
import TestSupport

/// Safetensors and model files: what is read comes back from what is written.
struct SafetensorsTarget: FuzzTarget {
  let name = "safetensors"
  let sizeLimit = 1 << 14

  func run(_ bytes: [UInt8]) {
    guard let file = made({ try Safetensors(bytes: bytes) }) else { return }
    guard let again = made({ try Safetensors(bytes: file.encoded()) }) else {
      fatalError("broken promise: tensors that were written are not read again")
    }
    promise(NetworkPromises.sameBits(again.tensors, file.tensors), "tensors came back changed")
    promise(again.metadata == file.metadata, "metadata came back changed")
    guard let network = made({ try ModelFile.read(bytes: bytes) }) else { return }
    network.checkPromises()
  }

  func seeds() throws -> [[UInt8]] {
    var seeds = OperationCase.all.map { ModelFile.contents(of: $0.network).encoded() }.filter { $0.count <= sizeLimit }
    let tensors: [String: Tensor] = ["a": Tensor([2, 3], [1, 2, 3, 4, 5, 6]), "b": Tensor([], [7]), "c": Tensor([0], [])]
    seeds.append(Safetensors(tensors: tensors, metadata: ["k": "v"]).encoded())
    return seeds
  }

  let dictionary = [
    "__metadata__", "dtype", "shape", "data_offsets", "F32", "F16", "BF16", "F64", "I64", "I32", "I16", "I8", "U8", "BOOL",
    "{}", "[]",
    "null", "1e400", "\\u0000", "swiftlet.network", "swiftlet.version",
  ]

  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    // The header changed and its length set right.
    guard generator.next() % 4 != 0, let length = bytes.integer(at: 0, bytes: 7), length <= bytes.count - 8, bytes[7] == 0
    else {
      return plain(bytes)
    }
    let header = JSONMutation.mutated(Array(bytes[8..<8 + length]), using: &generator, plain: plain)
    var result: [UInt8] = []
    result.append(header.count, bytes: 8)
    return result + header + bytes[(8 + length)...]
  }
}
