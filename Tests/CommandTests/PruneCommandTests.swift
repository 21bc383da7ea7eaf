import Foundation
import Swiftlet
import Testing

/// `swiftlet prune` from the outside.
@Suite struct PruneCommandTests {
  /// The model is an EDSR of 8 features, one block, one channel.
  private func run(_ arguments: String, files: [String: String] = [:]) throws -> (result: Workplace.Result, names: [String]) {
    let place = try Workplace()
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: place.path(name))) }
    let result = try place.run(arguments.split(separator: " ").map(String.init))
    return (result, try place.names())
  }

  @Test func `a pruned model runs and is smaller`() throws {
    let place = try Workplace()
    let pruned = try place.run(["prune", "MODEL", "--sparsity", "0.5", "-o", "small.safetensors"])
    #expect(pruned.code == 0 && pruned.output.contains("head, body.0.b lose outputs"), "\(pruned.error)")
    let network = try ModelFile.read(place.path("small.safetensors"))
    #expect(network.parameters["up.0.weight"]?.shape == [16, 4, 3, 3])
    #expect(try place.run(["upscale", "photo.png", "--model", "small.safetensors", "-o", "large.png"]).code == 0)
    #expect(try place.image("large.png").width == 96)
    // The same again from a list, and nothing written in a dry run.
    try Data("[{\"op_types\": [\"Conv2d\"], \"sparsity\": 0.5}]".utf8).write(to: URL(fileURLWithPath: place.path("list.json")))
    let listed = try place.run(["prune", "MODEL", "--config", "list.json", "-o", "listed.safetensors"])
    #expect(listed.code == 0)
    #expect(try ModelFile.read(place.path("listed.safetensors")) == network)
    let names = try place.names()
    #expect(try place.run(["prune", "MODEL", "--config", "list.json", "--dry-run"]).output.contains("body.0.a"))
    #expect(try place.names() == names)
  }

  @Test func `single weights say that no time is saved`() throws {
    let result = try run("prune MODEL --sparsity 0.9 --granularity weights -o level.safetensors").result
    #expect(
      result.code == 0 && result.output.contains("takes as long as before") && result.output.contains("model file, packed"))
  }

  /// What a configuration asks for and excludes again is told, and not the share.
  @Test func `exclusions are told`() throws {
    let list = "- {op_names: [body.0.a], sparsity: 0.5}\n- {op_names: [body.0.a], exclude: true}\n"
    for more in ["", " --target bytes=0.5"] {
      let result = try run("prune MODEL --config list.yaml\(more)", files: ["list.yaml": list]).result
      #expect(
        result.code == 1 && result.output.isEmpty
          && result.error.contains("'list.yaml' asks for a share of no layer that it does not exclude (body.0.a); leave an"),
        "\(result)")
    }
  }

  /// A layer of one channel is nobody's wish.
  @Test func `what is left of a layer is told`() throws {
    let narrow = try run("prune MODEL --sparsity 0.9 --align 1").result
    #expect(
      narrow.code == 0 && narrow.error.contains("left with one channel") && narrow.error.contains("--align 16"), "\(narrow)")
    #expect(try run("prune MODEL --sparsity 0.5 --align 1").result.error.isEmpty)
  }

  /// Only what a sweep has written is written over by one.
  @Test func `figures of others stay`() throws {
    let place = try Workplace()
    let sweep = ["prune", "MODEL", "--sweep", "0.5:0.5:0.1", "--align", "1", "--input", "1x1x8x8", "-o", "folder"]
    for name in ["sweep.csv", "sweep.svg"] {
      try Data("mine".utf8).write(to: URL(fileURLWithPath: place.path("folder/\(name)")))
      let refused = try place.run(sweep)
      #expect(
        refused.code == 64 && refused.error.contains("'folder/\(name)' stands there and was not saved by 'prune --sweep'"),
        "\(refused)")
      #expect(try String(contentsOfFile: place.path("folder/\(name)"), encoding: .utf8) == "mine")
      try FileManager.default.removeItem(atPath: place.path("folder/\(name)"))
    }
    for _ in 0..<2 { #expect(try place.run(sweep).code == 0) }
  }

  /// As of `eval`: the model is written, what could not be measured is named, and the code is 1.
  @Test func `pictures that cannot be measured`() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: place.path("photo.png"), toPath: place.path("data/a.png"))
    let arguments = ["prune", "MODEL", "--sparsity", "0.5", "--align", "1", "--data", "data", "-o", "small.safetensors"]
    #expect(try place.run(arguments).code == 0)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: place.path("data/b.png")))
    try FileManager.default.removeItem(atPath: place.path("small.safetensors"))
    let result = try place.run(arguments)
    #expect(
      result.code == 1 && result.output.contains("left out: 'data/b.png'")
        && result.output.contains("PSNR on data at scale 2, protocol vdsr: ")
        && result.output.contains(" dB before, "), "\(result)")
    #expect(try ModelFile.read(place.path("small.safetensors")).nodes.isEmpty == false)
    #expect(try place.run(["eval", "MODEL", "--data", "data"]).code == 1)
    let sweep = try place.run(["prune", "MODEL", "--sweep", "0.5:0.5:0.1", "--input", "1x1x8x8", "--data", "data"])
    #expect(sweep.code == 1 && sweep.error.contains("swiftlet: left out: 'data/b.png'"), "\(sweep.error)")
  }

  @Test func `a sweep has a table and figures`() throws {
    let place = try Workplace()
    let result = try place.run(
      [
        "prune", "MODEL", "--sweep", "0.25:0.75:0.25", "--level", "--align", "1", "--input", "1x1x16x16", "--data", ".", "-o",
        "sweep",
      ])
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.split(separator: "\n").count == 8)
    let csv = try String(contentsOfFile: place.path("sweep/sweep.csv"), encoding: .utf8).split(separator: "\n")
    #expect(csv.count == 8 && csv[0] == "method,sparsity,parameters,nonzero,packed_bytes,ms,psnr,tuned_psnr")
    #expect(csv.last?.hasPrefix("level,0.75,") == true)
    #expect(try String(contentsOfFile: place.path("sweep/sweep.svg"), encoding: .utf8).contains("PSNR dB"))
  }

  @Test(arguments: [
    CommandCase("prune MODEL", 64, "swiftlet: give one of --config, --sparsity, --target and --sweep …"),
    CommandCase("prune MODEL --sparsity 1", 64, "swiftlet: The value '1' is invalid for '--sparsity …"),
    CommandCase("prune MODEL --sparsity nan", 64, "swiftlet: The value 'nan' is invalid for '--sparsity …"),
    CommandCase("prune MODEL --target time=2", 64, "swiftlet: The value 'time=2' is invalid for '--target …"),
    CommandCase(
      "prune MODEL --target time=0.5 --sparsity 0.5", 64, "swiftlet: --target finds how much goes; leave out --sparsity …"),
    CommandCase("prune MODEL --sweep 0.5", 64, "swiftlet: The value '0.5' is invalid for '--sweep …"),
    CommandCase(
      "prune MODEL --sparsity 0.5 --dry-run -o x.safetensors", 64, "swiftlet: --dry-run writes nothing; leave out --output …"),
    CommandCase("prune MODEL --sparsity 0.5 --level", 64, "swiftlet: --level needs --sweep …"),
    CommandCase(
      "prune MODEL --sparsity 0.5 --rounds 2", 64,
      "swiftlet: --epochs, --rounds, --schedule, --runs and --data-root need --recipe …"),
    CommandCase("prune MODEL --sparsity 0.5 --recipe r.yaml --epochs -1", 64, "swiftlet: --epochs is 0 or more …"),
    CommandCase("prune MODEL --sparsity -0.5", 64, "swiftlet: The value '-0.5' is invalid for '--sparsity …"),
    CommandCase("prune MODEL --sparsity 0.5 --scales 2", 64, "swiftlet: --scales and --protocol need --data …"),
    CommandCase("prune MODEL --sparsity 0.5 --importance taylor", 64, "swiftlet: --importance taylor needs --recipe …"),
    CommandCase(
      "prune MODEL --sparsity 0.5 --importance magic", 64, "swiftlet: The value 'magic' is invalid for '--importance …"),
    CommandCase(
      "prune MODEL --sparsity 0.5 -o model.safetensors", 1, "swiftlet: 'model.safetensors' is read by this command …"),
    CommandCase("prune MODEL --config text.txt", 1, "swiftlet: 'text.txt' …"),
    CommandCase("prune MODEL --config none.yaml", 1, "swiftlet: …"),
    CommandCase("prune MODEL --sparsity 0.5 --input 1x3x8x8", 1, "swiftlet: …"),
    CommandCase(
      "prune MODEL --sparsity 0.5 --granularity weights --importance l2", 1,
      "swiftlet: nothing of 'edsr' can be pruned as asked: single weights have the importance l1 or taylor, and no l2"),
  ]) func `what cannot be is one line`(example: CommandCase) throws {
    let (result, names) = try run(example.arguments.joined(separator: " "))
    #expect(result.code == example.code)
    let wanted =
      example.message.hasSuffix("…") ? String(example.message.dropLast()).trimmingCharacters(in: .whitespaces) : example.message
    #expect(result.error.hasPrefix(wanted), "\(result.error)")
    #expect(result.error.split(separator: "\n").count == 1 && result.output.isEmpty, "\(result.error)")
    #expect(names == Workplace.contents)
  }
}
