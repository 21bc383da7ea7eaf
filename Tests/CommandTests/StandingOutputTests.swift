import Files
import Foundation
import Swiftlet
import Testing

/// What stands where outputs go, before a run.
enum Standing: CaseIterable {
  case nothing, empty, earlier, edited, picture, text, linked, dangling

  /// Whether bytes would be lost that nobody made by this program.
  var isStranger: Bool { [.edited, .picture, .text, .linked].contains(self) }
}

/// Where the names of outputs are made by the program, it writes over nothing but its own.
@Suite struct StandingOutputTests {
  private static func contents(_ place: borrowing Workplace) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: place.path("")) {
      result[name] = FileManager.default.contents(atPath: place.path(name))
    }
    return result
  }

  private static func stand(_ what: Standing, at path: String, _ place: borrowing Workplace) throws {
    switch what {
    case .nothing, .earlier: break
    case .empty: try Data().write(to: URL(fileURLWithPath: path))
    case .edited, .picture: try TestChart.image(width: 31, height: 17).write(to: path, as: .png)
    case .text: try Data("notes".utf8).write(to: URL(fileURLWithPath: path))
    case .linked:
      try Data("somebody's".utf8).write(to: URL(fileURLWithPath: path + ".target"))
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".target")
    case .dangling: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".target")
    }
  }

  /// However pictures and outputs are named: what is not known to be the program's stays, is named, and costs the exit code; the rest is made; and
  /// with --overwrite all is.
  @Test(
    arguments: [
      "upscale in -o out", "upscale in/a.png in/b.png in/c.png -o out", "upscale in -o out --suffix -x2",
      "upscale in -o out -f webp",
      "upscale in/a.png in/b.png in/c.png -o in --suffix -x2", "upscale in -r -o in/out", "predict in -o out",
      "predict in -o out --overlay", "predict in/a.png -o out/",
    ], Standing.allCases)
  func `strangers stay`(command: String, what: Standing) throws {
    let place = try Workplace()
    for folder in ["in", "out"] {
      try FileManager.default.createDirectory(atPath: place.path(folder), withIntermediateDirectories: true)
    }
    for name in ["a", "b", "c"] { try TestChart.image(width: 20, height: 14).write(to: place.path("in/\(name).png")) }
    var builder = NetworkBuilder("mask", contract: .segmenter(SegmenterContract(classes: ["a"])))
    let x = builder.input("x", channels: 3)
    builder.output(builder.convolution("y", x, outChannels: 1, kernel: 1))
    try ModelFile.write(try builder.build(.random(seed: 1)), to: place.path("mask.safetensors"))
    var arguments = command.split(separator: " ").map(String.init)
    if arguments[0] == "predict" { arguments.insert("mask.safetensors", at: 1) } else { arguments += ["-m", "MODEL"] }
    let inputs = try Set(Self.contents(place).keys)

    // The names that it makes.
    #expect(try place.run(arguments).code == 0)
    let made = try Set(Self.contents(place).keys).subtracting(inputs).filter { place.isFile($0) }.sorted()
    let keepsMarks = made.first.map { FileMark.isSet(place.path($0)) != nil } ?? false
    #expect(!made.isEmpty && (!keepsMarks || made.allSatisfy { FileMark.isSet(place.path($0)) == true }))
    // Of the first picture alone.
    let first = try #require(made.first)
    for name in made where what != .earlier { try FileManager.default.removeItem(atPath: place.path(name)) }
    try Self.stand(what, at: place.path(first), place)
    let before = try Self.contents(place)

    let again = try place.run(arguments), after = try Self.contents(place)
    // What is called as an output beside its inputs is known by its name, too.
    let isRefused = what.isStranger || what == .earlier && !keepsMarks
    #expect(again.code == (isRefused ? 1 : 0), "\(again)")
    #expect(
      again.error.contains(
        "'\(first)' stands there, is not known to be an output of an earlier run, and is not written over; give another ")
        == isRefused, "\(again.error)")
    #expect(inputs.allSatisfy { before[$0] == after[$0] })
    if isRefused {
      #expect(before.allSatisfy { after[$0.key] == $0.value })
    } else {
      #expect(made.allSatisfy { after[$0]?.isEmpty == false })
    }
    let all = try place.run(arguments + ["--overwrite"]), end = try Self.contents(place)
    #expect(all.code == 0 && all.error.isEmpty, "\(all)")
    #expect(inputs.allSatisfy { before[$0] == end[$0] } && made.allSatisfy { end[$0]?.isEmpty == false })
    #expect(!isRefused || !keepsMarks || FileMark.isSet(place.path(first)) == true)
  }

  /// A name that somebody gives in full means that file.
  @Test func `a named output is written over`() throws {
    let place = try Workplace()
    try Data("notes".utf8).write(to: URL(fileURLWithPath: place.path("out.png")))
    #expect(try place.run(["upscale", "photo.png", "-o", "out.png", "-m", "MODEL"]).code == 0)
    #expect(try place.image("out.png").width == 96)
    let both = try place.run(["upscale", "photo.png", "-o", "out.png", "--overwrite", "--skip-existing"])
    #expect(both.code == 64 && both.error.contains("give one of them"))
  }

  /// Outputs beside their inputs are left alone, told where the picture is newer, and made anew where that is asked for.
  @Test func `what is newer than its output is told`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in ["a", "b"] { try TestChart.image(width: 20, height: 14).write(to: place.path("in/\(name).png")) }
    let command = ["upscale", "in", "-o", "in", "--suffix", "-x2", "-m", "MODEL"]
    #expect(try place.run(command).code == 0)
    let old = FileManager.default.contents(atPath: place.path("in/a-x2.png"))
    try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: place.path("in/a-x2.png"))
    let again = try place.run(command)
    #expect(
      again.code == 0
        && again.error
          == "swiftlet: 'in/a.png': it was written after its output 'in/a-x2.png', which is left as it is; --overwrite makes that anew\n",
      "\(again)")
    let image = Image(width: 20, height: 14, colourModel: .grey, samples: .uint8([UInt8](repeating: 0, count: 280)))
    try image.write(to: place.path("in/a.png"))
    let anew = try place.run(command + ["--overwrite", "-s", "3"])
    #expect(anew.code == 0 && anew.output.contains("2 enlarged; 2 not enlarged, called as outputs"), "\(anew)")
    #expect(FileManager.default.contents(atPath: place.path("in/a-x2.png")) != old)
    #expect(try place.image("in/b-x2.png").width == 60)
  }

  /// Pictures of one's own in the output folder, where that lies among the inputs, are not passed over without a word.
  @Test(arguments: ["v/day1", "./v/../v/day1"]) func `pictures in the output folder are named`(output: String) throws {
    let place = try Workplace()
    for name in ["v/a", "v/day1/b", "v/day1/deep/c", "v/day2/d"] {
      let path = place.path(name + ".png")
      try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try TestChart.image(width: 20, height: 14).write(to: path)
    }
    for _ in 0..<2 {
      let result = try place.run(["upscale", "v", "-o", output, "-r", "-m", "MODEL", "--skip-existing"])
      #expect(
        result.code == 0
          && result.output.contains(
            "2 not taken, in the output folder and not known to be an earlier run's: \(output)/b.png, \(output)/deep/c.png"),
        "\(result)")
    }
    let named = try place.run(["upscale", "v", "v/day1", "-o", output, "-r", "-m", "MODEL", "--suffix", "-x2"])
    #expect(named.code == 0 && !named.output.contains("in the output folder"), "\(named)")
  }

  /// The nearest picture is the source, but where that is an output itself.
  @Test func `sources are named rightly`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in ["a", "a-edit"] { try TestChart.image(width: 20, height: 14).write(to: place.path("in/\(name).png")) }
    let command = ["upscale", "in", "-o", "in", "-m", "MODEL"]
    #expect(try place.run(command + ["--suffix", "-x2"]).code == 0)
    #expect(try place.run(["upscale", "in/a-x2.png", "-o", "in", "-m", "MODEL", "--suffix", "-x2"]).code == 0)
    let json = try place.run(command + ["--suffix", "-big", "--json"])
    let report = try #require(try JSONSerialization.jsonObject(with: json.outputBytes) as? [String: Any])
    let seeming = try #require(report["seeming_outputs"] as? [[String: Any]])
    let sources = Dictionary(uniqueKeysWithValues: seeming.map { ($0["path"] as? String ?? "", $0["source"] as? String ?? "") })
    #expect(
      sources == ["in/a-x2.png": "in/a.png", "in/a-edit-x2.png": "in/a-edit.png", "in/a-x2-x2.png": "in/a.png"], "\(sources)")
  }

  /// Sheets of `eval` that lie among photos are outputs of this program.
  @Test func `saved sheets are no inputs`() throws {
    let place = try Workplace()
    for folder in ["in", "photos"] {
      try FileManager.default.createDirectory(atPath: place.path(folder), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("\(folder)/\(folder).png"))
    }
    #expect(try place.run(["eval", "MODEL", "--data", "in", "--scales", "2", "--save", "photos"]).code == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path("photos"))
    let sheet = try #require(names.first { $0 != "photos.png" })
    guard FileMark.isSet(place.path("photos/\(sheet)")) == true else { return }
    let result = try place.run(["upscale", "photos", "-o", "photos", "--suffix", "-x2", "-m", "MODEL"])
    #expect(result.code == 0 && result.output.contains("photos/\(sheet) (by its mark)"), "\(result)")
  }
}

/// What breaks such promises: things that come in between, and others in the place of files.
@Suite struct OutputPlaceTests {
  private static func place(_ names: [String]) throws -> Workplace {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("in"), withIntermediateDirectories: true)
    for name in names { try TestChart.image(width: 20, height: 14).write(to: place.path("in/\(name)")) }
    var builder = NetworkBuilder("mask", contract: .segmenter(SegmenterContract(classes: ["a"])))
    let x = builder.input("x", channels: 3)
    builder.output(builder.convolution("y", x, outChannels: 1, kernel: 1))
    try ModelFile.write(try builder.build(.random(seed: 1)), to: place.path("mask.safetensors"))
    return place
  }

  private static func files(_ place: borrowing Workplace) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: place.path("in")) {
      result[name] = FileManager.default.contents(atPath: place.path("in/\(name)"))
    }
    return result
  }

  /// Of whatever size a picture is that is called as a mask would be: it is an input, and none is passed over.
  @Test(arguments: [(13, 10), (40, 28), (20, 14), (10, 7), (60, 42)], [[], ["--overlay"]])
  func `masks beside pictures are written over none`(size: (Int, Int), options: [String]) throws {
    let place = try Self.place(["a.jpg", "b.bmp", "c-x2.bmp"])
    try TestChart.image(width: size.0, height: size.1).write(to: place.path("in/a.png"))
    if !options.isEmpty { try TestChart.image(width: size.0, height: size.1).write(to: place.path("in/b-overlay.png")) }
    let before = try Self.files(place)
    for _ in 0..<2 {
      let result = try place.run(["predict", "mask.safetensors", "in", "-o", "in"] + options)
      #expect(result.code == 1 && result.error.contains("'in/a.png'"), "\(result)")
      let after = try Self.files(place)
      #expect(before.allSatisfy { after[$0.key] == $0.value })
      #expect(after["c-x2.png"] != nil && (after["b.png"] != nil) == options.isEmpty)
    }
  }

  /// Twice the same makes the same, and says what was left out.
  @Test func `masks are no inputs`() throws {
    let place = try Self.place(["a.jpg", "b.bmp"]), command = ["predict", "mask.safetensors", "in", "-o", "in", "--overlay"]
    #expect(try place.run(command).code == 0)
    let before = try Self.files(place)
    guard FileMark.isSet(place.path("in/a.png")) == true else { return }
    let again = try place.run(command)
    #expect(again.code == 0 && again.output.contains("4 not taken, masks of an earlier run: in/a-overlay.png, "), "\(again)")
    #expect(try Self.files(place) == before)
    // Enlarged pictures are no masks.
    #expect(try place.run(["upscale", "photo.png", "-o", "in/c.png", "-m", "MODEL"]).code == 0)
    #expect(try place.run(command).error.contains("'in/c.png'"))
    try FileManager.default.copyItem(atPath: place.path("in/a.jpg"), toPath: place.path("in/c.jpg"))
    let both = try place.run(["predict", "mask.safetensors", "in/c.jpg", "-o", "in"])
    #expect(both.code == 1 && both.error.contains("'in/c.png' stands there, is not known to be an output"), "\(both)")
  }

  /// The bytes that somebody has changed in place are that one's.
  @Test func `an edited output is nobody's but the editor's`() throws {
    let place = try Self.place(["a.png"]), command = ["upscale", "in", "-o", "out", "-m", "MODEL"]
    #expect(try place.run(command).code == 0)
    guard FileMark.isSet(place.path("out/a.png")) == true else { return }
    #expect(FileMark.isSet(place.path("out/a.png"), by: "predict") == false)
    let handle = try #require(FileHandle(forWritingAtPath: place.path("out/a.png")))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("x".utf8))
    try handle.close()
    #expect(FileMark.isSet(place.path("out/a.png")) == false)
    let again = try place.run(command)
    #expect(again.code == 1 && again.error.contains("'out/a.png' stands there, is not known"), "\(again)")
    // Moved, it is the same file.
    #expect(try place.run(command + ["--overwrite"]).code == 0)
    try FileManager.default.moveItem(atPath: place.path("out"), toPath: place.path("elsewhere"))
    #expect(FileMark.isSet(place.path("elsewhere/a.png")) == true)
  }

  /// A file that appears while a picture is in work is not lost.
  @Test func `what comes in between stays`() throws {
    let place = try Self.place(["a.png"]), output = place.path("out/a.png")
    let batch = try PictureBatch(inputs: [place.path("in")], output: place.path("out"))
    let upscaler = try BatchUpscaler(
      model: place.path("model.safetensors"), backend: Engine.cpu(CPUOptions(threadCount: 1)).makeBackend())
    var errors: [String] = []
    upscaler.upscale(batch.items, Upscaler.FileOptions()) { _, event in
      switch event {
      case .progress: _ = FileManager.default.createFile(atPath: output, contents: Data("precious".utf8))
      case .finished(.failure(let error)): errors.append(error.text(for: "a"))
      default: break
      }
    }
    #expect(errors.count == 1 && errors[0].contains("stands there, is not known to be an output"), "\(errors)")
    #expect(FileManager.default.contents(atPath: output) == Data("precious".utf8))
  }

  /// A pipe would hold the command up until somebody reads it.
  @Test(arguments: ["upscale in -o out -m MODEL", "predict mask.safetensors in -o out"], [[], ["--overwrite"]])
  func `pipes are no outputs in folders`(command: String, options: [String]) throws {
    let place = try Self.place(["a.png", "b.png"])
    try FileManager.default.createDirectory(atPath: place.path("out"), withIntermediateDirectories: true)
    #expect(mkfifo(place.path("out/a.png"), 0o600) == 0)
    let result = try place.run(command.split(separator: " ").map(String.init) + options)
    #expect(result.code == 1 && result.error.contains("'out/a.png' is a pipe or a device"), "\(result)")
    #expect(FileManager.default.contents(atPath: place.path("out/b.png"))?.isEmpty == false)
  }

  /// Of several folders one without pictures is told, and the others are taken.
  @Test func `a folder without pictures costs the others nothing`() throws {
    let place = try Self.place(["a.png"])
    let result = try place.run(["upscale", "folder", "in", "-o", "out", "-m", "MODEL"])
    #expect(result.code == 1 && result.error.contains("the folder 'folder' holds no pictures"), "\(result)")
    #expect(result.output.contains("1 enlarged, 1 failed"))
    let alone = try place.run(["upscale", "folder", "-o", "out", "-m", "MODEL"])
    #expect(alone.code == 1 && alone.output.isEmpty && alone.error.contains("the folder 'folder' holds no pictures"))
  }

  /// An empty file is nobody's, beside its picture, too; and a link that leads to nothing yet stays a link.
  @Test func `empty files and links are filled`() throws {
    let place = try Self.place(["a.png"])
    try Data().write(to: URL(fileURLWithPath: place.path("in/a-x2.png")))
    let command = ["upscale", "in", "-o", "in", "--suffix=-x2", "-m", "MODEL"]
    #expect(try place.run(command).code == 0)
    #expect(try place.image("in/a-x2.png").width == 40)
    for output in ["out/a.png", "link.png"] {
      try FileManager.default.createDirectory(atPath: place.path("out"), withIntermediateDirectories: true)
      let target = output == "link.png" ? "target.png" : "../folder/target.png"
      try FileManager.default.createSymbolicLink(atPath: place.path(output), withDestinationPath: target)
      let inputs = output == "link.png" ? ["in/a.png", "-o", output] : ["in/a.png", "-o", "out"]
      let result = try place.run(["upscale"] + inputs + ["-m", "MODEL"])
      #expect(result.code == 0, "\(result)")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: place.path(output)) == target)
      #expect(try place.image(output == "link.png" ? "target.png" : "folder/target.png").width == 40)
    }
  }

  /// A value that is empty is one.
  @Test func `an empty suffix is none`() throws {
    let place = try Self.place(["a.png"])
    #expect(try place.run(["upscale", "in", "-o", "out", "-m", "MODEL", "--suffix=", "--threads", "1"]).code == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path("out")) == ["a.png"])
    let model = try place.run(["upscale", "photo.png", "-o", "b.png", "--model="])
    #expect(model.code == 64 && model.error.contains("there is no model ''"), "\(model)")
  }

  /// Two at once write the same pictures; none takes the other's for its own.
  @Test func `two processes in one folder`() throws {
    let place = try Self.place((0..<6).map { "\($0).png" })
    let command = "\"$0\" upscale in -o out -m model.safetensors --threads 1"
    for _ in 0..<4 {
      let result = try place.run(
        ["upscale", "in", "-o", "out", "-m", "MODEL", "--threads", "1"], under: "(\(command)) >both.txt 2>&1 & true")
      #expect(!result.error.contains("is the same file"), "\(result.error)")
    }
  }
}

extension Workplace {
  fileprivate func isFile(_ name: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder) && !isFolder.boolValue
  }
}
