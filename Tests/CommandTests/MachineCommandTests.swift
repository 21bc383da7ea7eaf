import Foundation
import Swiftlet
import Testing

/// Rates that are printed, read again, and decide what is taken.
@Suite struct MachineCommandTests {
  @Test func `what is printed is read again`() throws {
    let place = try Workplace()
    for name in MachineDescription.families.map(\.name) {
      let printed = try place.run(["machine", "--rates", name, "--json"])
      #expect(printed.code == 0 && printed.error.isEmpty)
      try printed.outputBytes.write(to: URL(fileURLWithPath: place.path("rates.json")))
      #expect(try place.run(["machine", "--rates", "rates.json", "--json"]).output == printed.output)
      #expect(try place.run(["machine", "--rates", "rates.json"]).output.contains("rates: \(name)"))
    }
  }

  /// Files from before products by tiles had a rate of their own say it as that of integers.
  @Test func `rates without tiles of their own`() throws {
    let place = try Workplace()
    let printed = try place.run(["machine", "--rates", "sapphire-rapids", "--json"])
    var machine = try #require(try JSONSerialization.jsonObject(with: printed.outputBytes) as? [String: Any])
    for name in InstructionSet.allCases.map(\.rawValue) {
      var rates = try #require(machine[name] as? [String: Double])
      if let tiled = rates.removeValue(forKey: "tiled_integer_products"), tiled > 0 { rates["integer_products"] = tiled }
      machine[name] = rates
    }
    try JSONSerialization.data(withJSONObject: machine).write(to: URL(fileURLWithPath: place.path("rates.json")))
    #expect(try place.run(["machine", "--rates", "rates.json", "--json"]).output == printed.output)
  }

  /// What a file says that is not known is not passed over, wherever it stands.
  @Test(arguments: [
    ("\"caches\"", "\"cash\" : 1, \"caches\"", "the machine has a field 'cash'"),
    ("\"last_level\" : ", "\"level3\" : 5, \"last_level\" : ", "has a field 'level3'"),
    ("\"additions\" : ", "\"halves\" : 2, \"additions\" : ", "has a field 'halves'"),
    ("\"much_cycles\" : ", "\"many_cycles\" : 2, \"much_cycles\" : ", "'sharing' has a field 'manyCycles'"),
    ("\"kept_weights\" : ", "\"kept\" : ", "'memory' has a field 'kept'"),
    ("\"level2\" : ", "\"level2\" : \"much\", \"level1\" : ", "is not a"),
  ])
  func `unknown fields of rates`(from: String, to: String, message: String) throws {
    let place = try Workplace()
    let text = try place.run(["machine", "--json"]).output
    let changed = text.replacingOccurrences(of: from, with: to, range: text.range(of: from))
    #expect(changed != text)
    try Data(changed.utf8).write(to: URL(fileURLWithPath: place.path("rates.json")))
    let result = try place.run(["kernels", "model.safetensors", "--rates", "rates.json"])
    #expect(result.code == 1 && result.error.hasPrefix("swiftlet: 'rates.json' does not say what a machine can do: "))
    #expect(result.error.contains(message) && result.error.split(separator: "\n").count == 1, "\(result.error)")
  }

  /// A file whose numbers cannot be is refused by name.
  @Test func `rates that cannot be`() throws {
    let place = try Workplace()
    let text = try place.run(["machine", "--json"]).output
    for (from, to) in [("\"level2\" : ", "\"level2\" : -"), ("\"additions\" : ", "\"additions\" : -"), ("\"avx2\"", "\"sse\"")]
    {
      let changed = text.replacingOccurrences(of: from, with: to)
      #expect(changed != text)
      try Data(changed.utf8).write(to: URL(fileURLWithPath: place.path("rates.json")))
      let result = try place.run(["kernels", "model.safetensors", "--rates", "rates.json"])
      #expect(result.code == 1 && result.error.hasPrefix("swiftlet: 'rates.json' does not say what a machine can do: "))
    }
  }
}
