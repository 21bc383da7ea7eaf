import Foundation
import Swiftlet
import Testing

/// A command that writes to `OUT`, and the files that it reads.
struct WritingCase: Sendable, CustomTestStringConvertible {
  var arguments: [String]
  var reads: [String]
  /// Standard input.
  var input: String?
  /// An output that nothing stands in the way of.
  var fresh: String

  init(_ arguments: String, reads: [String], input: String? = nil, fresh: String = "out.onnx") {
    self.fresh = fresh
    self.arguments = arguments.split(separator: " ").map(String.init)
    self.reads = reads
    self.input = input
  }

  var testDescription: String { arguments.joined(separator: " ") }
}

/// No command writes over a file that it reads, whatever the file is called, nor two outputs into one.
@Suite struct OverwriteTests {
  /// What a training made stays, whichever command would write a model there; other names in its folder are free.
  @Test(arguments: ["last", "best", "model", "float"]) func `models of runs are not written over`(name: String) throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("run"), withIntermediateDirectories: true)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: place.path("run/run.json")))
    let path = place.path("run/\(name).safetensors")
    try ModelFile.write(SRVGG(scale: 1, features: 4, convolutions: 1).network(.random(seed: 1)), to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    for command in ["new vdsr --depth 3", "prune MODEL --sparsity 0.5", "optimize MODEL", "convert MODEL"] {
      let result = try place.run(command.split(separator: " ").map(String.init) + ["-o", "run/./\(name).safetensors"])
      #expect(result.code == 1 && result.error.contains("is of the training in that folder"), "\(command): \(result.error)")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try place.run(["optimize", "MODEL", "-o", "run/other.safetensors"]).code == 0)
  }

  static let external = ["external.onnx", "external.weights"]
  static let cases = [
    WritingCase("upscale photo.png -o OUT -m MODEL -f png", reads: ["photo.png", "model.safetensors"]),
    WritingCase("upscale - -o OUT -m MODEL -f png", reads: ["model.safetensors"], input: "photo.png"),
    WritingCase("predict mask.safetensors photo.png -o OUT", reads: ["mask.safetensors", "photo.png"], fresh: "out.png"),
    WritingCase("predict classes.safetensors photo.png -o OUT", reads: ["classes.safetensors", "photo.png"], fresh: "out.csv"),
    WritingCase("run MODEL --input x.npy -o OUT", reads: ["model.safetensors", "x.npy"], fresh: "out.npy"),
    WritingCase("run external.onnx --input rgb.npy --output OUT", reads: external + ["rgb.npy"], fresh: "out.npy"),
    WritingCase("convert MODEL -o OUT", reads: ["model.safetensors"]),
    WritingCase("convert external.onnx -o OUT", reads: external),
    WritingCase("convert model.safetensors --architecture edsr -o OUT", reads: ["model.safetensors"]),
    WritingCase("optimize MODEL -o OUT", reads: ["model.safetensors"]),
    WritingCase("optimize external.onnx -o OUT", reads: external),
    WritingCase("prune MODEL --sparsity 0.5 --align 1 -o OUT", reads: ["model.safetensors"], fresh: "out.safetensors"),
    WritingCase(
      "quantize MODEL --data . --count 1 --side 16 --no-sensitivity -o OUT", reads: ["model.safetensors"],
      fresh: "out.safetensors"),
    WritingCase("profile MODEL --input 1x1x8x8 --runs 1 --warmup 0 --trace OUT", reads: ["model.safetensors"]),
    WritingCase(
      "profile MODEL --input photo.png --runs 1 --warmup 0 --roofline OUT", reads: ["model.safetensors", "photo.png"]),
    WritingCase(
      "profile MODEL --input photo.png --diff other.safetensors --trace OUT", reads: ["other.safetensors", "photo.png"]),
    WritingCase("profile MODEL --input photo.png --json --diff saved.json --trace OUT", reads: ["saved.json"]),
    WritingCase("profile external.onnx --input 1x3x8x8 --runs 1 --trace OUT", reads: external),
  ]

  /// Other ways to say a file's name: itself, another spelling, links.
  private static func aliases(_ name: String, _ place: borrowing Workplace) throws -> [String] {
    let (link, hardLink) = ("link-\(name)", "hard-\(name)")
    try FileManager.default.createSymbolicLink(atPath: place.path(link), withDestinationPath: name)
    try FileManager.default.linkItem(atPath: place.path(name), toPath: place.path(hardLink))
    return [name, "./folder/..//\(name)", place.path(name), link, hardLink]
  }

  private static func place() throws -> Workplace {
    let place = try Workplace()
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("FormatsTests/Models")
    for name in external {
      try FileManager.default.copyItem(at: models.appendingPathComponent(name), to: place.folder.appendingPathComponent(name))
    }
    try FileManager.default.copyItem(atPath: place.path("model.safetensors"), toPath: place.path("other.safetensors"))
    try NPYFile.write(Tensor(repeating: 0.5, [1, 1, 8, 8]), to: place.path("x.npy"))
    try NPYFile.write(Tensor(repeating: 0.5, [1, 3, 8, 8]), to: place.path("rgb.npy"))
    for (name, contract) in [
      ("mask", PictureContract.segmenter(SegmenterContract(classes: ["a"]))),
      ("classes", .classifier(ClassifierContract(classes: ["a", "b"]))),
    ] {
      let isMask = name == "mask"
      var builder = NetworkBuilder(name, contract: contract)
      let x = builder.input("x", channels: 3)
      let y = builder.convolution("y", x, outChannels: isMask ? 1 : 2, kernel: 1)
      builder.output(isMask ? y : builder.flatten("f", builder.globalAveragePool("m", y)))
      try ModelFile.write(try builder.build(.random(seed: 1)), to: place.path("\(name).safetensors"))
    }
    let profile = try place.run(["profile", "MODEL", "--input", "1x1x8x8", "--runs", "1", "--json"])
    try AtomicFile.write(Array(profile.outputBytes), to: place.path("saved.json"))
    return place
  }

  private static func contents(_ place: borrowing Workplace) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try place.names() where name != "folder" {
      result[name] = try Data(contentsOf: place.folder.appendingPathComponent(name))
    }
    return result
  }

  @Test(arguments: cases) func `what is read is not written`(writing: WritingCase) throws {
    let place = try Self.place()
    var outputs: [String] = []
    for name in writing.reads { outputs += try Self.aliases(name, place) }
    let before = try Self.contents(place)
    let input = try writing.input.map { try Data(contentsOf: place.folder.appendingPathComponent($0)) }
    for output in outputs {
      let result = try place.run(writing.arguments.map { $0 == "OUT" ? output : $0 }, input: input)
      let byName = result.error.contains("does not say which format to write")
      #expect(result.code == (byName ? 64 : 1) && result.output.isEmpty, "\(output): \(result)")
      // What does not end as a model, and a trace or a roofline by the name of a picture, is refused for that, before it is known what
      // else is read.
      let isRefusedByName = output.hasSuffix(".weights") || (writing.arguments.first == "profile" && output.hasSuffix(".png"))
      let refusals = ["is not overwritten"] + (isRefusedByName ? ["does not say which format to write"] : [])
      #expect(
        result.error.split(separator: "\n").count == 1 && refusals.contains { result.error.contains($0) }, "\(result.error)")
    }
    #expect(try Self.contents(place) == before)
    // The command itself is good.
    let good = try place.run(writing.arguments.map { $0 == "OUT" ? writing.fresh : $0 }, input: input)
    #expect(good.code == 0, "\(good.error)")
  }

  /// Every option that names a file or folder to write, by what the commands say of themselves: none is forgotten above or below.
  @Test func `every output is tried`() throws {
    let place = try Workplace()
    let tried = Set(
      Self.cases.map(\.arguments).compactMap { words -> String? in
        guard let place = words.firstIndex(of: "OUT") else { return nil }
        return "\(words[0]) \(words[place - 1] == "-o" ? "--output" : words[place - 1])"
      } + Self.folderCases.map { "\($0.arguments[0]) \($0.option)" })
    let help = try place.run(["--help"]).output
    var written: Set<String> = []
    for line in help.split(separator: "\n").drop(while: { $0 != "SUBCOMMANDS:" }).dropFirst() {
      guard line.hasPrefix("  "), !line.hasPrefix("   "), let command = line.split(separator: " ").first else { continue }
      let text = try place.run(["help", String(command)]).output
      for line in text.split(separator: "\n") where line.hasPrefix("  -") {
        let words = line.split { " ,".contains($0) }
        guard let option = words.first(where: { $0.hasPrefix("--") }) else { continue }
        let value = words.first { $0.hasPrefix("<") }.map { $0.dropFirst().dropLast() }
        // What reads a file, by name; all others of these placeholders write one.
        let reading: [Substring] = ["--input", "--data", "--labels", "--config"]
        if let value, ["file", "folder", "output"].contains(value), !reading.contains(option) {
          written.insert("\(command) \(option)")
        }
      }
    }
    // A new model is made of nothing, and runs and fronts go into empty folders (TrainCommandTests, FrontCommandTests).
    #expect(
      written.subtracting(tried) == ["new --output", "train --output", "prune --runs", "front --output"],
      "outputs that no case writes")
    #expect(tried.subtracting(written).isEmpty)
  }

  /// Outputs that are folders: a command that lacks the last word.
  struct FolderCase: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var option: String
    var reads: [String]

    init(_ arguments: String, _ option: String, reads: [String]) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      (self.option, self.reads) = (option, reads)
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let folderCases = [
    FolderCase("upscale photo.png -m MODEL -o", "--output", reads: ["photo.png", "model.safetensors"]),
    FolderCase(
      "upscale data -m MODEL --suffix -big -o", "--output", reads: ["data/a.png", "model.safetensors"]),
    FolderCase("run MODEL --input x.npy -o", "--output", reads: ["model.safetensors", "x.npy"]),
    FolderCase("run external.onnx --input rgb.npy -o", "--output", reads: external + ["rgb.npy"]),
    FolderCase("eval MODEL --data data --save", "--save", reads: ["data/a.png", "model.safetensors"]),
  ]

  /// The file in the folder that would be written is a link to one that is read; the folder is there under its own name or another.
  @Test(arguments: folderCases) func `what is read is not written through a folder`(writing: FolderCase) throws {
    let place = try Self.place()
    let manager = FileManager.default
    try manager.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: place.path("photo.png"), toPath: place.path("data/a.png"))
    // The command itself is good, and says which file it writes.
    let good = try place.run(writing.arguments + ["good/"])
    #expect(good.code == 0, "\(good.error)")
    let written = try manager.contentsOfDirectory(atPath: place.path("good"))
    #expect(written.count == 1)
    let file = try #require(written.first)
    try manager.createSymbolicLink(atPath: place.path("other"), withDestinationPath: "folder")
    for read in writing.reads {
      let before = try Data(contentsOf: place.folder.appendingPathComponent(read))
      for isHard in [false, true] {
        let target = place.path("folder/\(file)")
        if isHard {
          try manager.linkItem(atPath: place.path(read), toPath: target)
        } else {
          try manager.createSymbolicLink(atPath: target, withDestinationPath: "../\(read)")
        }
        for folder in ["folder", "./data/../folder/", "other", place.path("folder")] {
          let result = try place.run(writing.arguments + [folder])
          #expect(result.code == 1 && result.error.contains("is not overwritten"), "\(read) in \(folder): \(result)")
          #expect(try Data(contentsOf: place.folder.appendingPathComponent(read)) == before)
        }
        try manager.removeItem(atPath: target)
      }
    }
  }

  @Test(arguments: [
    "profile MODEL --input 1x1x8x8 --trace q --roofline q", "profile MODEL --input 1x1x8x8 --trace q --roofline ./q",
    "profile MODEL --input 1x1x8x8 --trace text.txt --roofline folder/../text.txt",
    "profile MODEL --input 1x1x8x8 --trace - --roofline /dev/stdout",
  ])
  func `two outputs are two files`(arguments: String) throws {
    let place = try Workplace()
    let before = try Self.contents(place)
    let result = try place.run(arguments.split(separator: " ").map(String.init))
    #expect(result.code == 1 && result.error.contains("give each output a file of its own"), "\(result)")
    #expect(try Self.contents(place) == before)
  }

  /// What a shell does with the files that the command reads or writes.
  @Test(arguments: [
    ("\"$0\" upscale - -o photo.png -m model.safetensors < photo.png", "is the same file as standard input"),
    ("\"$0\" upscale /dev/stdin -o photo.png -m model.safetensors < photo.png", "is the same file as"),
    ("\"$0\" info model.safetensors >> model.safetensors", "standard output is the same file as"),
    ("\"$0\" profile model.safetensors --input 1x1x8x8 --trace q > q", "is the same file as standard output"),
    ("\"$0\" upscale photo.png -m model.safetensors -o - >> photo.png", "standard output is the same file as"),
  ])
  func `streams are files, too`(script: String, message: String) throws {
    let place = try Workplace()
    let before = try Self.contents(place)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = ["-c", script, Workplace.executable.path]
    shell.currentDirectoryURL = place.folder
    let errors = Pipe()
    shell.standardError = errors
    try shell.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 1 && text.contains(message), "\(text)")
    var after = try Self.contents(place)
    after["q"] = nil
    #expect(after == before)
  }

  @Test func `pictures that are measured`() throws {
    let place = try Workplace()
    for name in ["a.png", "a-x2.png"] {
      try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("folder/\(name)"))
    }
    let result = try place.run(["eval", "MODEL", "--data", "folder", "--save", "./folder"])
    #expect(result.code == 64 && result.error.contains("would be measured the next time"), "\(result)")
    // In another folder an output may be a link to one that is read.
    let before = try Self.contents(place)
    try FileManager.default.createDirectory(atPath: place.path("saved"), withIntermediateDirectories: true)
    try FileManager.default.linkItem(atPath: place.path("folder/a.png"), toPath: place.path("saved/a-x2.png"))
    let linked = try place.run(["eval", "MODEL", "--data", "folder", "--save", "saved"])
    #expect(linked.code == 1 && linked.error.contains("'saved/a-x2.png' is the same file as 'folder/a.png'"), "\(linked)")
    try FileManager.default.removeItem(atPath: place.path("saved"))
    #expect(try Self.contents(place) == before)
  }

  @Test func `one picture of a folder is the output of another`() throws {
    let place = try Workplace()
    for name in ["a.png", "a-x2.png"] {
      try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("folder/\(name)"))
    }
    let before = try Data(contentsOf: URL(fileURLWithPath: place.path("folder/a-x2.png")))
    let result = try place.run(["upscale", "folder", "-o", "folder", "-m", "MODEL", "--suffix", "-x2"])
    // By its suffix it is what an earlier run made, by its size it is not: neither taken nor written over.
    #expect(result.code == 1 && result.error.contains("'folder/a-x2.png' stands there with 48x36 pixels"), "\(result)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.path("folder/a-x2.png"))) == before)
    #expect(!FileManager.default.fileExists(atPath: place.path("folder/a-x2-x2.png")))
  }
}
