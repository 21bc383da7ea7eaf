import Architectures
import Formats
import Networks
import Tensors
import TestSupport

/// Checkpoints of both formats, and their conversion to every architecture.
struct CheckpointTarget: FuzzTarget {
  let name = "checkpoint"
  let sizeLimit = 1 << 15

  func run(_ bytes: [UInt8]) {
    guard let file = made({ try PyTorchCheckpoint(bytes: bytes, name: "f") }) else { return }
    for line in file.skipped { checkLine(line) }
    promise(Set(file.names) == Set(file.parameters.keys), "names and parameters differ")
    for kind in CheckpointConversion.Kind.allCases {
      let conversion = CheckpointConversion(architecture: kind)
      guard let (network, report) = made({ try conversion.network(from: file.parameters) }) else { continue }
      promise(report.isComplete, "a network of an incomplete report")
      for line in report.text.split(separator: "\n") { checkLine(String(line)) }
      promise(made { try network.verify() } != nil, "a converted network does not verify")
      let again = made { try ModelFile.read(bytes: ModelFile.contents(of: network).encoded()) }
      promise(again == network, "a converted network came back changed")
    }
  }

  func seeds() throws -> [[UInt8]] {
    let architectures: [Architecture] = [
      .vdsr(VDSR(depth: 3, features: 2)), .edsr(EDSR(features: 1, blocks: 1)),
      .edsr(.original(scale: 2, features: 1, blocks: 1)), .smallResNet(SmallResNet(features: 1)),
    ]
    var seeds: [[UInt8]] = []
    for architecture in architectures {
      let state = try architecture.network(.random(seed: 1)).parameters
      for value in [
        CheckpointValue.stateDict(state), .stateDict(state, .half), .module(state, .bfloat16),
        .dictionary([("epoch", .integer(3)), ("best", .tensor(Tensor([], [3]))), ("state_dict", .stateDict(state))]),
      ] {
        let file = CheckpointFile(value)
        seeds += [file.zip, file.legacy]
      }
    }
    return seeds.filter { $0.count <= sizeLimit }
  }

  let dictionary = [
    "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n",
    "ctorch\nLongStorage\n",
    "ccollections\nOrderedDict\n)R", "cos\nsystem\n", "_parameters", "_modules", "_buffers", "state_dict", "params_ema",
    "module.",
    "_orig_mod.", "model.", "weight", "bias", "body.0.a", "layers.0",
  ]

  func mutated(_ bytes: [UInt8], limit: Int, using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    guard generator.next() % 8 != 0 else { return plain(bytes) }
    guard var zip = StoredZip(bytes) else { return PickleMutation.mutated(bytes, using: &generator, plain: plain) }
    // The pickle more often than the storages.
    let index = generator.next() % 4 == 0 ? Int.random(in: zip.entries.indices, using: &generator) : 0
    zip.entries[index].data = PickleMutation.mutated(zip.entries[index].data, using: &generator, plain: plain)
    return zip.bytes
  }
}

/// Changes of a pickle by whole instructions.
enum PickleMutation {
  /// Instructions without an operand, and some with a short one.
  private static let instructions: [[UInt8]] =
    Array(")tl]}dsauebRoQ012(N.".utf8).map { [$0] }
    + [
      [0x81], [0x85], [0x86], [0x87], [0x88], [0x89], [0x8F], [0x90], [0x91], [0x92], [0x93], [0x94], [0x97], [0x98],
      [0x4B, 0], [0x4B, 1], [0x4B, 7], [0x68, 0], [0x68, 1], [0x71, 0], [0x71, 1], [0x4D, 0xFF, 0xFF], [0x8A, 1, 0x80],
      [0x4A, 0xFF, 0xFF, 0xFF, 0xFF], [0x4A, 0, 0, 0, 0x80], [0x4A, 0xFF, 0xFF, 0xFF, 0x7F], [0x8C, 1, 0x61],
      [0x8A, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x80],
      [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x40],
    ]

  static func mutated(_ bytes: [UInt8], using generator: inout SplitMix64, plain: ([UInt8]) -> [UInt8]) -> [UInt8] {
    guard !bytes.isEmpty, generator.next() % 3 != 0 else { return plain(bytes) }
    var result = bytes
    for _ in 0..<1 + generator.next() % 3 {
      let place = Int.random(in: result.indices, using: &generator)
      let instruction = instructions.randomElement(using: &generator) ?? []
      switch generator.next() % 4 {
      case 0: result.insert(contentsOf: instruction, at: place)
      case 1: result.replaceSubrange(place..<min(place + instruction.count, result.count), with: instruction)
      case 2:
        // A part of the program once more, elsewhere.
        let end = min(result.count, place + Int.random(in: 1...64, using: &generator))
        result.insert(contentsOf: Array(result[place..<end]), at: Int.random(in: result.indices, using: &generator))
      default:
        // Integers of four bytes, `J`.
        guard let integer = result[place...].firstIndex(of: 0x4A), integer + 5 <= result.count else { continue }
        let values = [0, 1, 2, 3, -1, 1 << 16, 1 << 30, Int(Int32.max), Int(Int32.min)]
        var number: [UInt8] = []
        number.append(values.randomElement(using: &generator) ?? 0, bytes: 4)
        result.replaceSubrange(integer + 1..<integer + 5, with: number)
      }
      if result.isEmpty { return bytes }
    }
    return result
  }
}
