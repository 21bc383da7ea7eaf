import Foundation
import Swiftlet
import Testing

/// Outputs beside their inputs: what is taken for an output of an earlier run, and what is not.
@Suite struct InPlaceTests {
  private static func place() throws -> Workplace {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in ["a", "b"] { try TestChart.image(width: 40, height: 30).write(to: place.path("in/\(name).png")) }
    return place
  }

  private static func files(_ place: borrowing Workplace, _ folder: String = "in") throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: place.path(folder)) {
      result[name] = try Data(contentsOf: URL(fileURLWithPath: place.path("\(folder)/\(name)")))
    }
    return result
  }

  /// Those of another scale are not this run's, in whichever folder they stand.
  @Test(arguments: ["in", "out"]) func `another scale is another output`(folder: String) throws {
    let place = try Self.place()
    let command = ["upscale", "in", "-o", folder, "-m", "MODEL", "--suffix", "-large"]
    let skips = folder == "out" ? ["--skip-existing"] : []
    #expect(try place.run(command).code == 0)
    let before = try Self.files(place, folder)
    let other = try place.run(command + ["-s", "4"] + skips)
    #expect(other.code == 1 && other.error.split(separator: "\n").count == 2, "\(other.error)")
    #expect(
      other.error.hasPrefix(
        "swiftlet: '\(folder)/a-large.png' stands there with 80x60 pixels, and this run makes 160x120 of 'in/a.png': it is not taken for "
          + "its output, and is neither enlarged nor written over; give another --suffix"), "\(other.error)")
    #expect(try Self.files(place, folder) == before)
    let same = try place.run(command + ["-s", "2"] + skips)
    #expect(same.code == 0 && same.output.contains("0 enlarged, 2 there already") && same.error.isEmpty, "\(same)")
    #expect(same.output.contains("a-large.png is there already, of the right size, skipped"))
    #expect(try Self.files(place, folder) == before)
    #expect(try place.run(command + ["-s", "4", "--suffix=-larger"] + skips).code == 0)
  }

  /// Someone's own picture that is called like an output is neither lost nor passed over without a word.
  @Test func `own pictures are told`() throws {
    let place = try Self.place()
    try TestChart.image(width: 52, height: 44).write(to: place.path("in/a-x2.png"))
    let before = try Self.files(place)
    let result = try place.run(["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-x2"])
    #expect(result.code == 1 && result.error.contains("'in/a-x2.png' stands there with 52x44 pixels"), "\(result.error)")
    #expect(result.output.contains("1 enlarged, 1 failed"), "\(result.output)")
    let after = try Self.files(place)
    #expect(before.allSatisfy { after[$0.key] == $0.value } && after.count == before.count + 1 && after["b-x2.png"] != nil)
    // What is no picture is no output, either.
    try Data("notes".utf8).write(to: URL(fileURLWithPath: place.path("in/b-x2.png")))
    let again = try place.run(["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-x2"])
    #expect(
      again.code == 1 && again.error.contains("'in/b-x2.png' stands there and is no picture that can be read"), "\(again.error)"
    )
  }

  @Test func `without a suffix the option is named`() throws {
    let place = try Self.place()
    let before = try Self.files(place)
    let result = try place.run(["upscale", "in", "-o", "in", "-m", "MODEL"])
    #expect(
      result.code == 1 && result.error.contains("'in/a.png' is read by this command and is not overwritten; give --suffix"),
      "\(result.error)")
    #expect(try Self.files(place) == before)
    let twice = try place.run(["upscale", "in/a.png", "in/./a.png", "-o", "out", "-m", "MODEL"])
    #expect(twice.code == 1 && twice.error.contains("'in/./a.png' is given twice; leave one out"), "\(twice.error)")
    #expect(try place.names().contains("out"))
  }
}
