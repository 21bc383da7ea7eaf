import Foundation
import Swiftlet
import Testing

/// Runs, looked at while they are at work and after.
@Suite struct RunsCommandTests {
  private static func place() throws -> Workplace {
    let place = try Workplace()
    let recipe = """
      model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
      data: {kind: super-resolution, folders: data, patch: 16, patches-per-picture: 12}
      training: {epochs: 2, batch-size: 4}

      """
    try AtomicFile.write(Array(recipe.utf8), to: place.path("recipe.yaml"))
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try TestChart.image(width: 48, height: 36).write(to: place.path("data/photo.png"))
    return place
  }

  private static func object(_ result: Workplace.Result) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: result.outputBytes) as? [String: Any], "\(result.error)")
  }

  /// A run is at work as long as its process holds the folder, whatever its record says; one that was killed is interrupted, and goes on.
  @Test func `a run that was killed is interrupted`() throws {
    let place = try Self.place()
    let process = Process()
    process.executableURL = Workplace.executable
    process.arguments = ["train", "recipe.yaml", "--epochs", "100000", "--threads", "1", "-o", "runs/long"]
    process.currentDirectoryURL = place.folder
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    while !FileReader.exists(place.path("runs/long/best.safetensors")), process.isRunning { usleep(2000) }
    #expect(try place.run(["runs"]).output.contains(" running "))
    #expect(try place.run(["runs", "show", "runs/long"]).output.hasPrefix("runs/long: running, "))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let record = try String(contentsOfFile: place.path("runs/long/run.json"), encoding: .utf8)
    #expect(record.contains("\"running\""))
    let list = try place.run(["runs"]).output
    #expect(list.contains(" interrupted ") && !list.contains(" running "), "\(list)")
    #expect(try place.run(["runs", "--json"]).output.contains("\"state\" : \"interrupted\""))
    #expect(try place.run(["runs", "show", "runs/long"]).output.hasPrefix("runs/long: interrupted, "))
    // To look is not to change.
    #expect(try String(contentsOfFile: place.path("runs/long/run.json"), encoding: .utf8) == record)
    let epoch = try #require(try Self.object(try place.run(["runs", "show", "runs/long", "--json"]))["epoch"] as? Int)
    let resumed = try place.run(["train", "--resume", "runs/long", "--epochs", "\(epoch + 1)"])
    #expect(resumed.code == 0, "\(resumed.error)")
    #expect(try place.run(["runs"]).output.contains(" finished "))
  }

  /// What is shown of a folder that is none of a run, or of a run that was killed before its figures were written.
  @Test func `what is no run says what is`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "runs/a/b"]).code == 0)
    let epochs = try #require(
      try Self.object(try place.run(["runs", "show", "runs/a/b", "--json"]))["epochs"] as? [[String: Any]])
    #expect(epochs.map { $0["epoch"] as? Int } == [1, 2] && epochs.allSatisfy { $0["loss"] is Double }, "\(epochs)")
    try place.check(
      CommandCase(
        "runs show runs", 1, "swiftlet: 'runs' is no run and holds a/b; give one of them, as in runs/a/b, or list them with …"))
    try place.check(CommandCase("runs show recipe.yaml", 1, "swiftlet: 'recipe.yaml' is a file; give the folder of a run…"))
    try FileManager.default.removeItem(atPath: place.path("runs/a/b/metrics.csv"))
    #expect(try place.run(["runs", "show", "runs/a/b"]).code == 0)
    try FileManager.default.removeItem(atPath: place.path("runs/a/b/run.json"))
    try place.check(CommandCase("runs show runs/a/b", 1, "…'swiftlet train --resume runs/a/b' goes on with it"))
  }

  /// Numbers are numbers in JSON, and labels are whole in short lines.
  @Test func `differences have numbers`() throws {
    let place = try Self.place()
    for (name, epochs) in [("a", "1"), ("b", "2")] {
      #expect(try place.run(["train", "recipe.yaml", "-o", "runs/\(name)", "--epochs", epochs]).code == 0)
    }
    let object = try Self.object(try place.run(["runs", "diff", "runs/a", "runs/b", "--json"]))
    let figures = try #require(object["figures"] as? [[String: Any]])
    let epochs = try #require(figures.first { $0["name"] as? String == "epochs" })
    #expect(epochs["first"] as? Int == 1 && epochs["second"] as? Int == 2)
    for figure in figures {
      for side in ["first", "second"] {
        guard let text = figure[side] as? String else { continue }
        #expect(Double(text) == nil, "\(figure)")
      }
    }
    for width in [40, 60, 80] {
      let text = try place.run(["runs", "diff", "runs/a", "runs/b"], under: "export COLUMNS=\(width)").output
      let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(!text.contains("…") && words.contains("training.epochs"), "\(text)")
    }
  }

  /// Of a run whose figures are damaged the rest is shown.
  @Test(arguments: ["", "garbage\n", "epoch,step\n1,x\n"]) func `damaged figures hide nothing else`(text: String) throws {
    let place = try Self.place()
    for name in ["a", "b"] { #expect(try place.run(["train", "recipe.yaml", "-o", name]).code == 0) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: place.path("a/metrics.csv")))
    let shown = try place.run(["runs", "show", "a"])
    #expect(shown.code == 0 && shown.output.hasPrefix("a: finished, epoch 2 of 2, step 6") && shown.output.contains("started "))
    #expect(
      shown.error.hasPrefix("swiftlet: 'a/metrics.csv' is damaged or of another version, and no epoch is shown"), "\(shown)")
    #expect(try Self.object(try place.run(["runs", "show", "a", "--json"]))["epoch"] as? Int == 2)
    let difference = try place.run(["runs", "diff", "a", "b"])
    #expect(difference.code == 0 && difference.output.contains("last loss") && difference.error.contains("'a/metrics.csv'"))
  }

  /// Rounds of pruning have runs in folders of their own.
  @Test func `rounds are runs`() throws {
    let place = try Self.place()
    let pruned = try place.run([
      "prune", "MODEL", "--sparsity", "0.5", "--align", "1", "--recipe", "recipe.yaml", "--epochs", "1", "--rounds", "2",
    ])
    #expect(pruned.code == 0, "\(pruned.error)")
    let list = try place.run(["runs"])
    #expect(list.code == 0 && list.output.contains("prune/round-1 ") && list.output.contains("prune/round-2 "), "\(list)")
    #expect(try place.run(["runs", "diff", "runs/prune/round-1", "runs/prune/round-2"]).code == 0)
    // Lines on the way fit where they are read.
    let narrow = try place.run(
      ["prune", "MODEL", "--sparsity", "0.5", "--align", "1", "--recipe", "recipe.yaml", "--epochs", "1"],
      under: "export COLUMNS=60")
    #expect(narrow.code == 0 && narrow.error.contains("epoch 1/1"))
    #expect(narrow.error.split(separator: "\n").allSatisfy { $0.count <= 60 }, "\(narrow.error)")
  }

  @Test func `differences and records as JSON`() throws {
    let place = try Self.place()
    let first = try place.run(["train", "recipe.yaml", "-o", "a", "--json"])
    let record = try Self.object(first)
    #expect(first.code == 0 && record["state"] as? String == "finished" && record["epoch"] as? Int == 2)
    // What is said on the way goes to standard error.
    #expect(first.error.contains("epoch 2/2: loss ") && first.error.contains("models: a/model.safetensors"))
    // Finished, and asked again.
    #expect(try Self.object(try place.run(["train", "--resume", "a", "--json"]))["state"] as? String == "finished")
    #expect(try place.run(["train", "recipe.yaml", "-o", "b", "--lr", "0.002", "--set", "data.degradations=[]"]).code == 0)
    let still = try place.run(["train", "recipe.yaml", "-o", "still", "--lr", "0"])
    #expect(still.code == 0 && still.output.contains("the learning rate is 0: no parameter will change\n"), "\(still)")
    let difference = try Self.object(try place.run(["runs", "diff", "a", "b", "--json"]))
    #expect(difference["first"] as? String == "a" && difference["second"] as? String == "b")
    let keys = try #require(difference["recipe"] as? [[String: Any]])
    #expect(keys.map { $0["key"] as? String } == ["training.learning-rate"])
    #expect(keys[0]["second"] as? String == "0.002" && keys[0]["first_is_default"] as? Bool == true)
    #expect(keys[0]["second_is_default"] as? Bool == false)
    let figures = try #require(difference["figures"] as? [[String: Any]])
    #expect(figures.contains { $0["name"] as? String == "last loss" } && !figures.contains { $0["name"] as? String == "data" })
    // An empty list and one that is not there are the same, with and without other degradations.
    #expect(try place.run(["train", "recipe.yaml", "-o", "c", "--set", "data.degradations=[noise:2-2]"]).code == 0)
    #expect(try place.run(["train", "recipe.yaml", "-o", "d", "--set", "data.degradations=noise:2"]).code == 0)
    #expect(try place.run(["runs", "diff", "a", "a"]).output == "a and a: no difference\n")
    #expect(!(try place.run(["runs", "diff", "c", "d"]).output.contains("degradations")))
    #expect(try place.run(["runs", "diff", "a", "d"]).output.contains("data.degradations  [] (by default)"))
  }

  @Test func `rows that are left out are said`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "long", "--epochs", "50"]).code == 0)
    let long = try place.run(["runs", "show", "long"]).output
    #expect(long.hasSuffix(" of 50 epochs are shown; long/metrics.csv has all.\n"), "\(long)")
    #expect(try place.run(["train", "recipe.yaml", "-o", "short", "--epochs", "20"]).code == 0)
    #expect(!(try place.run(["runs", "show", "short"]).output.contains("are shown")))
  }

  /// Where data were looked for, and what says another place.
  @Test func `data that are gone`() throws {
    let place = try Self.place()
    let root = try #require(Folder.resolved(place.folder.path))
    let mend = ": put the data there, or say with --data-root where they begin\n"
    let wrong = try place.run(["train", "recipe.yaml", "-o", "a", "--data", "small"])
    #expect(wrong.code == 1)
    #expect(wrong.error == "swiftlet: 'small' does not exist; relative paths of data begin at '\(root)'\(mend)")
    #expect(try place.run(["train", "recipe.yaml", "-o", "a", "--data-root", "."]).code == 0)
    try FileManager.default.moveItem(atPath: place.path("data"), toPath: place.path("folder/data"))
    let gone = try place.run(["train", "--resume", "a", "--epochs", "3"])
    #expect(gone.code == 1)
    #expect(gone.error == "swiftlet: '\(root)/data' does not exist; relative paths of data begin at '\(root)'\(mend)")
    #expect(try place.run(["train", "--resume", "a", "--epochs", "3", "--data-root", "folder"]).code == 0)
    // The place itself is gone.
    try FileManager.default.moveItem(atPath: place.path("folder"), toPath: place.path("other"))
    let moved = try place.run(["train", "--resume", "a", "--epochs", "4"])
    #expect(moved.code == 1)
    #expect(
      moved.error
        == "swiftlet: 'data' does not exist; relative paths of data begin at '\(root)' now that '\(root)/folder', where they began, is gone\(mend)"
    )
    let absolute = try place.run(["train", "recipe.yaml", "-o", "b", "--data", "/nowhere/small"])
    #expect(absolute.error == "swiftlet: '/nowhere/small' does not exist; check the path\n")
    let file = try place.run(["train", "--architecture", "vdsr", "--kind", "hdf5", "--data", "none.h5", "-o", "c"])
    #expect(file.error == "swiftlet: 'none.h5' does not exist; relative paths of data begin at '\(root)'\(mend)")
  }

  static let failures = [
    CommandCase("runs shwo", 64, "swiftlet: there is no command 'runs shwo'; do you mean 'runs show'? (see 'swiftlet --help')"),
    CommandCase("runs shwo runs/a", 64, "swiftlet: there is no command 'runs shwo'; do you mean 'runs show'?…"),
    CommandCase("data perpare . -o a.h5", 64, "swiftlet: there is no command 'data perpare'; do you mean 'data prepare'?…"),
    CommandCase("data photo.png", 64, "swiftlet: there is no command 'data photo.png'; there are prepare…"),
    CommandCase("runs", 1, "swiftlet: 'runs' is not there; 'swiftlet train' makes it, or give the folder that the runs are in"),
    CommandCase("runs diff folder folder", 1, "swiftlet: 'folder' is no folder of a run, which holds 'run.json'…"),
  ]

  @Test(arguments: failures) func `one line, and a code`(failure: CommandCase) throws {
    try Self.place().check(failure)
  }

  /// The folder of a run in the place of a model names the model in it.
  @Test func `the folder of a run is no model`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "a"]).code == 0)
    for command in ["eval a --data data", "info a", "upscale photo.png -o b.png -m a", "info a/"] {
      let result = try place.run(command.split(separator: " ").map(String.init))
      let folder = command == "info a/" ? "a/" : "a"
      #expect(result.code == 1, "\(command)")
      #expect(
        result.error.contains("'\(folder)' is the folder of a run; give its model, 'a/best.safetensors'"), "\(result.error)")
    }
  }
}
