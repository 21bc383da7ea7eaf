import CPUBackend
import Files
import Networks

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A description without fields that are not known: a rate of another name would be taken for one that is not stated.
private struct Checked: Decodable {
  let machine: MachineDescription

  init(from decoder: any Decoder) throws {
    typealias Fields = MachineDescription.CodingKeys
    let fields = try decoder.container(knowing: Fields.self, of: "the machine")
    _ = try fields.superDecoder(forKey: .caches).container(knowing: CacheSizes.CodingKeys.self, of: "'caches'")
    _ = try fields.superDecoder(forKey: .sharing).container(knowing: SharingCosts.CodingKeys.self, of: "'sharing'")
    _ = try fields.superDecoder(forKey: .memory).container(knowing: MemoryRates.CodingKeys.self, of: "'memory'")
    for key in [Fields.portable, .avx2, .avx512, .avx512vnni, .avx512bf16, .amx] where fields.contains(key) {
      _ = try fields.superDecoder(forKey: key).container(knowing: InstructionRates.CodingKeys.self, of: "'\(key.rawValue)'")
    }
    machine = try MachineDescription(from: decoder)
  }
}

extension MachineDescription {
  /// Known rates by name, with the caches of a machine, this one unless given; or what a file says that `swiftlet machine --json` printed.
  public init(named name: String, caches: CacheSizes = MachineDescription.current.caches) throws(EvaluationError) {
    if let family = Self.families.first(where: { $0.name == name }) {
      self = family
      self.caches = caches
    } else if FileReader.exists(name) {
      self = try Self(contentsOf: name)
    } else {
      throw .unknownRates(name: name, known: Self.families.map(\.name))
    }
  }

  private init(contentsOf path: String) throws(EvaluationError) {
    let bytes = try wrapping { () throws(FileError) in try FileReader.bytes(of: path, limit: 1 << 20) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Checked.self, from: Data(bytes)).machine
    } catch let error as DecodingError {
      throw .notMachine(path: path, reason: error.line)
    } catch NetworkError.unknownField(let name, let owner) {
      throw .notMachine(path: path, reason: "\(owner) has a field '\(name)', which is not known")
    } catch {
      throw .notMachine(path: path, reason: "\(error)")
    }
    guard isPossible else { throw .notMachine(path: path, reason: "some of its numbers are none of a machine") }
  }

  /// For people.
  public var report: ReportText {
    var table = TextTable([
      "instruction set", "products a cycle", "of bfloat16, widened", "of bfloat16, in pairs", "of integers",
      "by tiles", "additions a cycle",
    ])
    for instructionSet in InstructionSet.allCases {
      let rates = self[instructionSet]
      table.append(
        [instructionSet.rawValue]
          + [
            rates.products, rates.widenedProducts, rates.pairedProducts, rates.integerProducts, rates.tiledIntegerProducts,
            rates.additions,
          ].map { TextFormat.fixed($0, 1) })
    }
    return """
      rates: \(name)
      caches: level 1 \(TextFormat.bytes(caches.level1)), level 2 \(TextFormat.bytes(caches.level2)), \
      last level \(TextFormat.bytes(caches.lastLevel))
      bytes a cycle: level 2 \(TextFormat.fixed(memory.level2, 1)), last level \(TextFormat.fixed(memory.lastLevel, 1)), \
      memory \(TextFormat.fixed(memory.memory, 1)); up to \(TextFormat.bytes(Int(memory.keptWeights))) of weights stay in the cache
      loops are shared from \(TextFormat.fixed(sharing.leastCycles, 0)) cycles on where that pays, from \
      \(TextFormat.fixed(sharing.muchCycles, 0)) always; each thread more takes \(TextFormat.fixed(sharing.threadCycles, 0))

      \(table)
      """
  }
}
