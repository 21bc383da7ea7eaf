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
      #expect(result.code == 1 && result.error.hasPrefix("swiftlet: 'rates.json' does not say what a machine can do; "))
    }
  }
}
