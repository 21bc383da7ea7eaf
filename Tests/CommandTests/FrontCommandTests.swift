import Foundation
import Swiftlet
import Testing

/// `swiftlet front` from the outside.
@Suite struct FrontCommandTests {
  private static let recipe = """
    base:
      model: {architecture: edsr, options: {layout: direct, channels: 1, features: 6, blocks: 1}}
      data: {kind: super-resolution, folders: ., patch: 16, patches-per-picture: 8}
      validation: {folder: .}
      training: {epochs: 12, batch-size: 2}
    calibration: {folder: folder, count: 1, side: 16}
    timing: {input: 1x1x16x16, rounds: 6}
    variants:
      - {name: int8, of: half, quantize: minmax}
      - {name: standard}
      - {name: half, of: standard, prune: {sparsity: 0.5, align: 1}}
      - {name: bf16, of: standard, precision: bfloat16}

    """

  private static func place(_ text: String = recipe) throws -> Workplace {
    let place = try Workplace()
    try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("folder/photo.png"))
    try Data(text.utf8).write(to: URL(fileURLWithPath: place.path("front.yaml")))
    return place
  }

  /// The table without what the clock says.
  private static func table(_ place: borrowing Workplace, _ folder: String) throws -> [[String]] {
    let bytes = try FileReader.bytes(of: place.path("\(folder)/front.csv"), limit: 1 << 20)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
      // `what` holds commas, in quotes.
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      let fields = (parts.count == 3 ? parts[0] + "what" + parts[2] : line).split(
        separator: ",", omittingEmptySubsequences: false)
      return (fields[..<7] + [fields[10]] + fields[12..<14]).map(String.init)
    }
  }

  @Test func `a dry run says what would be made`() throws {
    let place = try Self.place()
    let result = try place.run(["front", "front.yaml", "--dry-run", "--threads", "1"])
    #expect(result.code == 0, "\(result.error)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines[1].hasPrefix("1 standard: trained  ") && lines[1].contains(" 48 "), "\(result.output)")
    #expect(lines[2].contains("half") && lines[3].contains("int8") && lines[4].contains("bf16"), "\(result.output)")
    #expect(result.output.contains("96 steps in all, then all variants are timed in turn"))
    #expect(
      result.output.contains("training data: 1 file, ") && result.output.contains("protocol: vdsr (")
        && result.output.contains("folder: fronts/front\n"))
    #expect(try place.names() == (Workplace.contents + ["front.yaml"]).sorted())
  }

  /// Killed at moments that nobody chose, and once by a signal that asks: the same models and the same table.
  @Test func `a killed front goes on`() throws {
    let place = try Self.place()
    let whole = try place.run(["front", "front.yaml", "-o", "whole", "--threads", "1"])
    #expect(whole.code == 0, "\(whole.error)")
    #expect(
      whole.output.contains("whole/front.html") && whole.output.contains("\nvariant ")
        && whole.output.contains("not measurable here") != FileReader.exists("/sys/class/powercap/intel-rapl:0/energy_uj"))
    for attempt in 0..<12 {
      let process = Process()
      process.executableURL = Workplace.executable
      process.arguments = ["front", "front.yaml", "-o", "broken", "--threads", "1"]
      process.currentDirectoryURL = place.folder
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try process.run()
      usleep(UInt32(20_000 + 15_000 * attempt))
      kill(process.processIdentifier, attempt == 5 ? SIGTERM : SIGKILL)
      process.waitUntilExit()
    }
    let resumed = try place.run(["front", "front.yaml", "-o", "broken", "--threads", "1"])
    #expect(resumed.code == 0, "\(resumed.error)")
    func bytes(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: place.path(name), limit: 1 << 24) }
    for name in ["standard", "half", "int8", "bf16"] {
      let model = "variants/\(name)/model.safetensors"
      #expect(try bytes("broken/\(model)") == bytes("whole/\(model)"), "\(name)")
    }
    let table = try Self.table(place, "broken")
    #expect(table == (try Self.table(place, "whole")) && table.map(\.first) == ["name", "int8", "standard", "half", "bf16"])
    let again = try place.run(["front", "front.yaml", "-o", "whole", "--threads", "1", "--json"])
    #expect(again.code == 0 && again.error.isEmpty && again.output.contains("\"dominated_by\""), "\(again.error)")
    // Other conditions, one line.
    let before = try bytes("whole/front.csv")
    let other = try place.run(["front", "front.yaml", "-o", "whole", "--threads", "2"])
    #expect(
      other.code == 1 && other.error.hasPrefix("swiftlet: 'whole': the threads of the figures there is '1 to train"),
      "\(other.error)")
    #expect(try bytes("whole/front.csv") == before)
  }

  @Test(arguments: [
    CommandCase("front none.yaml", 1, "swiftlet: 'none.yaml' does not exist; check the path…"),
    CommandCase("front text.txt", 1, "swiftlet: 'text.txt'…"),
    CommandCase("front", 64, "swiftlet: Missing expected argument '<recipe>' …"),
    CommandCase("front front.yaml -o folder/x --data-root none", 1, "swiftlet: …"),
    CommandCase("front front.yaml -o text.txt", 1, "swiftlet: …"),
    CommandCase("front front.yaml -o .", 1, "swiftlet: '.': the folder of a front must be empty, …"),
    CommandCase("front front.yaml --threads 0", 64, "swiftlet: The value '0' is invalid for '--threads …"),
  ]) func `what cannot be is one line`(failure: CommandCase) throws {
    let place = try Self.place()
    let before = try place.names()
    let result = try place.run(failure.arguments)
    #expect(result.code == failure.code && result.error.hasPrefix(failure.message.dropLast()), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(try place.names() == before)
  }
}
