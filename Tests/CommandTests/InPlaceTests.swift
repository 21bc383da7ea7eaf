import Files
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

  /// What a run with another suffix, scale or format has made is known, said, and enlarged only where that is asked for.
  @Test(arguments: [
    ["-s", "2"], ["-s", "3"], ["-s", "1.37"], ["--width", "93"], ["-s", "2", "-f", "webp"],
    ["-s", "2", "-f", "bmp", "--strip"],
  ])
  func `outputs of runs with other options are no inputs`(options: [String]) throws {
    let place = try Self.place()
    let start = ["upscale", "in", "-o", "in", "-m", "MODEL"]
    #expect(try place.run(start + ["--suffix", "-first"] + options).code == 0)
    let before = try Self.files(place), made = Set(before.keys).subtracting(["a.png", "b.png"])
    #expect(made.count == 2)
    let other = try place.run(start + ["--suffix", "-big"])
    #expect(other.code == 0 && other.error.isEmpty, "\(other.error)")
    let line = try #require(other.output.split(separator: "\n").last)
    #expect(
      line.hasPrefix(
        "2 enlarged; 2 not enlarged, taken for outputs of an earlier run (--take-outputs enlarges them): in/a-first."),
      "\(line)")
    #expect(try Set(Self.files(place).keys) == Set(before.keys).union(["a-big.png", "b-big.png"]))
    // Those of both runs now.
    let json = try place.run(start + ["--suffix", "-third", "--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: json.outputBytes) as? [String: Any])
    let seeming = try #require(report["seeming_outputs"] as? [[String: Any]])
    #expect(seeming.count == 4 && seeming.allSatisfy { ["in/a.png", "in/b.png"].contains($0["source"] as? String) })
    #expect((report["results"] as? [Any])?.count == 2)
    let all = try place.run(start + ["--suffix", "-all", "--take-outputs"])
    #expect(all.code == 0 && all.output.contains("\n8 enlarged"), "\(all.output)")
    // In another folder nobody takes them for anything.
    #expect(
      try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "-f", "png", "--suffix", "-x"]).output.contains("16 enlarged")
    )
  }

  /// An output whose picture got another name, or is gone, is known by its mark, where the disk keeps marks.
  @Test(arguments: ["c.png", nil]) func `outputs without their picture are no inputs`(name: String?) throws {
    let place = try Self.place(), start = ["upscale", "in", "-o", "in", "-m", "MODEL"]
    #expect(try place.run(start + ["--suffix", "-x2"]).code == 0)
    guard FileMark.isSet(place.path("in/a-x2.png")) == true else { return }
    if let name {
      try FileManager.default.moveItem(atPath: place.path("in/a.png"), toPath: place.path("in/\(name)"))
    } else {
      try FileManager.default.removeItem(atPath: place.path("in/a.png"))
    }
    let before = try Set(Self.files(place).keys)
    let second = try place.run(start + ["--suffix", "-x2"])
    #expect(second.code == 0 && second.output.contains("in/a-x2.png (by its mark)"), "\(second.output)")
    #expect(try Set(Self.files(place).keys) == before.union(name == nil ? [] : ["c-x2.png"]))
    let other = try place.run(start + ["--suffix", "-big", "--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: other.outputBytes) as? [String: Any])
    let seeming = try #require(report["seeming_outputs"] as? [[String: Any]])
    #expect(seeming.contains { $0["path"] as? String == "in/a-x2.png" && $0["source"] == nil })
    #expect(try place.run(start + ["--suffix", "-all", "--take-outputs"]).output.contains("in/a-x2-all.png"))
  }

  /// Folders of inputs that lie in each other, or that another's outputs go to: a second run finds everything done, whichever it is. Runs with another suffix
  /// make their own of the same pictures.
  @Test(
    arguments: [
      "z z/sub -o z", "z/sub z -o z", "z z/sub -o z/sub", "z z/sub -o z -r", "z z/out -o z/out", "z y -o y", "y z -o z",

      "z/a.png z/sub -o z/sub", "z/*.png -o z", "z/*.png z/sub/*.png -o z/sub",
    ], [["-s", "2"], ["-s", "1"], ["-s", "3", "-f", "webp"], ["-m", "keeps.safetensors"]])
  func `outputs that go to folders of other inputs are no inputs`(folders: String, options: [String]) throws {
    let place = try Workplace()
    try ModelFile.write(
      SRVGG(scale: 1, features: 4, convolutions: 1).network(.random(seed: 1)), to: place.path("keeps.safetensors"))
    for (index, name) in ["z/a", "z/sub/b", "z/sub/deep/c", "z/out/d", "y/e"].enumerated() {
      let path = place.path(name + ".png")
      try FileManager.default.createDirectory(atPath: String(path.dropLast(6)), withIntermediateDirectories: true)
      try TestChart.image(width: 30 + index, height: 20).write(to: path)
    }
    func all() throws -> [String: Data] {
      var result: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: place.path(""))
      where name.contains(".") && (name.hasPrefix("z/") || name.hasPrefix("y/")) {
        result[name] = FileManager.default.contents(atPath: place.path(name)) ?? Data()
      }
      return result
    }
    func upscale(_ suffix: String) throws -> Workplace.Result {
      // As a shell names files.
      var arguments: [String] = []
      for word in folders.split(separator: " ").map(String.init) {
        let folder = String(word.dropLast(5))
        arguments +=
          word.hasSuffix("*.png")
          ? try FileManager.default.contentsOfDirectory(atPath: place.path(folder)).filter { $0.contains(".") }.sorted()
            .map { "\(folder)/\($0)" } : [word]
      }
      return try place.run(
        ["upscale"] + arguments + ["--suffix=\(suffix)"] + (options[0] == "-m" ? [] : ["-m", "MODEL"]) + options)
    }
    let originals = try Set(all().keys)
    let first = try upscale("-big")
    #expect(first.code == 0, "\(first.error)")
    let before = try all(), made = Set(before.keys).subtracting(originals)
    #expect(!made.isEmpty && made.allSatisfy { $0.contains("-big.") && !$0.contains("-big-big") })
    let again = try upscale("-big")
    #expect(
      again.code == 0 && again.error.isEmpty && again.output.contains("\n0 enlarged, \(made.count) there already"), "\(again)")
    #expect(try all() == before)
    // What somebody names is meant, unless this run would make it.
    guard !folders.contains("*") else { return }
    let other = try upscale("-more")
    #expect(other.code == 0 && other.error.isEmpty, "\(other)")
    let added = try Set(all().keys).subtracting(before.keys)
    #expect(added == Set(made.map { $0.replacingOccurrences(of: "-big.", with: "-more.") }), "\(added)")
  }

  /// At scale 1 outputs are known by their mark: whatever their format and the scale of the next run; and somebody's own picture, whose name is only like
  /// that of one, is taken.
  @Test func `marks tell outputs of the same size`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in ["a", "b", "b-edit"] { try TestChart.image(width: 40, height: 30).write(to: place.path("in/\(name).jpg")) }
    let start = ["upscale", "in", "-o", "in", "-m", "MODEL", "-s", "1"]
    let first = try place.run(start + ["-f", "png"])
    #expect(first.code == 0 && first.output.contains("\n3 enlarged"), "\(first)")
    // A disk that keeps no marks: names alone tell.
    guard FileMark.isSet(place.path("in/a.png")) == true else { return }
    #expect(FileMark.isSet(place.path("in/a.jpg")) == false)
    for (options, endings) in [
      (["-f", "webp"], [".webp"]), (["--suffix", "-x2", "-s", "2"], ["-x2.jpg"]), (["--suffix", "-other"], ["-other.jpg"]),
      (["-f", "bmp", "--suffix", "-x2", "-s", "2"], ["-x2.bmp"]),
    ] {
      let before = try Self.files(place)
      let next = try place.run(start.dropLast(2) + (options.contains("-s") ? [] : ["-s", "1"]) + options)
      #expect(next.code == 0 && next.output.contains("\n3 enlarged"), "\(next)")
      let added = try Set(Self.files(place).keys).subtracting(before.keys)
      #expect(added == Set(["a", "b", "b-edit"].map { $0 + endings[0] }), "\(added)")
    }
    // What is written over by another program is that program's.
    try TestChart.image(width: 40, height: 30).write(to: place.path("in/a-other.jpg"))
    let edited = try place.run(start + ["--suffix", "-last"])
    #expect(edited.code == 0 && edited.output.contains("\n4 enlarged"), "\(edited.output)")
  }

  /// Each picture that cannot be made has a line of its own.
  @Test func `no line is told twice`() throws {
    let place = try Self.place()
    let command = ["upscale", "in", "-o", "in", "-m", "MODEL", "-s", "1", "-f", "webp"]
    #expect(try place.run(command).code == 0)
    let before = try Self.files(place)
    let result = try place.run(command + ["--take-outputs"])
    let lines = result.error.split(separator: "\n")
    #expect(result.code == 1 && lines.count == 4 && Set(lines).count == 4, "\(result.error)")
    #expect(
      result.error.contains(
        "'in/a.webp' would be the output for 'in/a.png', and is read by this command and is not overwritten; "),
      "\(result.error)")
    #expect(try Self.files(place) == before)
  }

  /// Where a run keeps the size what only counts is no suffix.
  @Test(arguments: [["-m", "keeps.safetensors"], ["-m", "MODEL", "-s", "1"]])
  func `outputs of the same size are known by name`(model: [String]) throws {
    let place = try Self.place()
    try ModelFile.write(
      SRVGG(scale: 1, features: 4, convolutions: 1).network(.random(seed: 1)), to: place.path("keeps.safetensors"))
    let start = ["upscale", "in", "-o", "in"] + model
    #expect(try place.run(start + ["--suffix", "-clean"]).code == 0)
    for options in [["--suffix", "-clean"], ["--suffix", "-other"], ["-f", "webp"]] {
      let before = try Self.files(place)
      let result = try place.run(start + options)
      #expect(result.code == 0, "\(result.error)")
      let added = try Set(Self.files(place).keys).subtracting(before.keys)
      let ending = options[0] == "-f" ? ".webp" : "\(options[1]).png"
      #expect(added == (options[1] == "-clean" ? [] : ["a\(ending)", "b\(ending)"]), "\(added)")
      if options[1] == "-other" {
        #expect(
          result.output.contains(
            "2 enlarged; 2 not enlarged, taken for outputs of an earlier run (--take-outputs enlarges them): in/a-clean.png "
              + "(as large as a.png), "), "\(result.output)")
      }
    }
    // Twice the same changes nothing.
    let before = try Self.files(place)
    #expect(try place.run(start + ["-f", "webp"]).output.contains("\n0 enlarged, 2 there already; 6 not enlarged"))
    #expect(try Self.files(place) == before)
    // One's own; and of two formats nobody knows which was first.
    for name in ["c", "c-1", "c_02", "cd", "c 2"] {
      try TestChart.image(width: 40, height: 30).write(to: place.path("in/\(name).png"))
    }
    let own = try place.run(start + ["--suffix", "-third"])
    let isMarked = FileMark.isSet(place.path("in/a-clean.png")) == true
    #expect(
      own.code == 0 && own.output.contains(isMarked ? "\n7 enlarged; 6 not enlarged" : "\n9 enlarged; 4 not enlarged"),
      "\(own.output)")
    #expect(try place.run(start + ["--suffix", "-all", "--take-outputs"]).output.contains("enlarged\n"))
  }

  /// Both inputs of one output are named.
  @Test func `two inputs of one output`() throws {
    let place = try Self.place()
    try FileManager.default.createDirectory(atPath: place.path("other"), withIntermediateDirectories: true)
    try TestChart.image(width: 40, height: 30).write(to: place.path("other/a.png"))
    let result = try place.run(["upscale", "in", "other", "-o", "out", "-m", "MODEL"])
    #expect(result.code == 1 && result.output.contains("2 enlarged, 1 failed"))
    #expect(
      result.error
        == "swiftlet: 'out/a.png' would be the output for both 'in/a.png' and 'other/a.png', and is that of the former; take the two apart, each "
        + "into a folder of its own\n", "\(result.error)")
  }

  /// Outputs of another format need no suffix; what stands in the place of one that is to be made is never written over.
  @Test func `formats beside one another`() throws {
    let place = try Self.place()
    let start = ["upscale", "in", "-o", "in", "-m", "MODEL"]
    #expect(try place.run(start + ["-f", "webp"]).code == 0)
    let before = try Self.files(place)
    #expect(Set(before.keys) == ["a.png", "a.webp", "b.png", "b.webp"])
    let again = try place.run(start + ["-f", "webp"])
    #expect(again.code == 0 && again.output.contains("\n0 enlarged, 2 there already; 2 not enlarged"), "\(again)")
    let other = try place.run(start + ["-f", "webp", "-s", "3"])
    #expect(other.code == 1 && other.error.contains("'in/a.webp' stands there with 80x60 pixels"), "\(other.error)")
    #expect(try Self.files(place) == before)
    #expect(try place.run(start + ["-f", "bmp"]).output.contains("\n2 enlarged; 2 not enlarged"))
  }

  /// Pictures of one's own that only look like others are taken: other sizes, other proportions, other numbers.
  @Test func `own pictures are taken`() throws {
    let place = try Self.place()
    for (name, width, height) in [
      ("a-edit", 40, 30), ("a-wide", 80, 50), ("a-small", 20, 15), ("c1", 40, 30), ("c12", 80, 60), ("ab", 41, 30),
    ] { try TestChart.image(width: width, height: height).write(to: place.path("in/\(name).png")) }
    let result = try place.run(["upscale", "in", "-o", "in", "-m", "MODEL", "--suffix", "-big"])
    #expect(result.code == 0 && result.output.hasSuffix("\n8 enlarged\n"), "\(result.output)")
  }

  /// However the folder is written, a picture whose output would be itself is refused, and never passed over as an output.
  @Test(arguments: ["in", "./in", "in/../in", "in/"]) func `a picture is not its own output`(folder: String) throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("in/a.png"))
    let result = try place.run(["upscale", "in", "-o", folder, "-m", "MODEL", "--skip-existing"])
    #expect(result.code == 1 && result.error.contains("is not overwritten; give --suffix"), "\(result)")
  }
}
