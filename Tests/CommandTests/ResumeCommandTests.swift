import Foundation
import Swiftlet
import Testing

/// What `train --resume` takes from the run, and what it says that it does not.
@Suite struct ResumeCommandTests {
  private static func place(validates: Bool = false) throws -> Workplace {
    let place = try Workplace()
    let recipe = """
      model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
      data: {kind: super-resolution, folders: data, patch: 16, patches-per-picture: 12}
      training: {epochs: 2, batch-size: 4}

      """
    try AtomicFile.write(
      Array((recipe + (validates ? "validation: {folder: data}\n" : "")).utf8), to: place.path("recipe.yaml"))
    try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: true)
    try TestChart.image(width: 48, height: 36).write(to: place.path("data/photo.png"))
    return place
  }

  private static func bytes(_ place: borrowing Workplace, _ name: String) throws -> [UInt8] {
    try FileReader.bytes(of: place.path(name), limit: 1 << 24)
  }

  @Test func `what is changed is told`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "run"]).code == 0)
    let recipe = try Self.bytes(place, "run/recipe.yaml"), record = try Self.bytes(place, "run/run.json")
    // Nothing is left to do for which it would count.
    for option in [["--lr", "0.5"], ["--set", "data.damaged=skip"]] {
      let refused = try place.run(["train", "--resume", "run"] + option)
      #expect(
        refused.code == 1 && refused.error.hasPrefix("swiftlet: 'run' is finished, and nothing is left to do with ")
          && refused.error.split(separator: "\n").count == 1, "\(refused.error)")
    }
    // Nor is what the checkpoint does not go with.
    for option in [["--clip", "1"], ["--set", "training.loss=mse"], ["--weight-decay", "0.1"]] {
      #expect(try place.run(["train", "--resume", "run"] + option).code == 1)
    }
    #expect(try Self.bytes(place, "run/recipe.yaml") == recipe && Self.bytes(place, "run/run.json") == record)
    let more = try place.run(["train", "--resume", "run", "--epochs", "3", "--lr", "0.5"])
    #expect(more.code == 0)
    let line = try #require(more.error.split(separator: "\n").first { $0.contains("changed against the recipe of the run") })
    #expect(
      line.contains("training.learning-rate from 0.001 to 0.5") && line.contains("training.epochs from 2 to 3"), "\(line)")
    // Nothing that stays as it is is told.
    let same = try place.run(["train", "--resume", "run", "--epochs", "3", "--lr", "0.50"])
    #expect(same.code == 0 && !same.error.contains("changed"), "\(same.error)")
  }

  /// The same instruction set and rates, unless somebody says others.
  @Test func `the instruction set stays`() throws {
    let place = try Self.place(), isa = ["--isa", "portable"]
    let others = [
      "--rates", try #require(MachineDescription.families.first { $0.name != MachineDescription.current.name }?.name),
    ]
    #expect(try place.run(["train", "recipe.yaml", "-o", "whole", "--epochs", "3"] + isa + others).code == 0)
    for name in ["run", "other"] { #expect(try place.run(["train", "recipe.yaml", "-o", name] + isa + others).code == 0) }
    let resumed = try place.run(["train", "--resume", "run", "--epochs", "3"])
    #expect(resumed.code == 0 && resumed.output.contains(", portable\n") && !resumed.error.contains("goes on on"), "\(resumed)")
    #expect(try Self.bytes(place, "run/model.safetensors") == Self.bytes(place, "whole/model.safetensors"))
    if InstructionSet.avx2.isAvailable {
      let other = try place.run(["train", "--resume", "other", "--epochs", "3", "--isa", "avx2"] + others)
      #expect(
        other.error.contains("the run was on portable and goes on on avx2: from here on its last bits are others"),
        "\(other.error)")
      #expect(try place.run(["runs", "show", "other"]).output.contains(", avx2, rates \(others[1]), "))
    }
    let difference = try place.run(["runs", "diff", "run", "whole"]).output
    #expect(!difference.contains("instruction set"), "\(difference)")
  }

  /// Killed between its first files: what its bits depend on is known, or it is said that it is not.
  @Test func `what decides the bits stands first`() throws {
    let place = try Self.place(), isa = ["--isa", "portable"]
    #expect(try place.run(["train", "recipe.yaml", "-o", "whole"] + isa).code == 0)
    #expect(
      try place.run(["train", "../recipe.yaml", "-o", "../run", "--data-root", ".."] + isa, under: "cd folder").code == 0)
    for name in [
      "best.safetensors", "model.safetensors", "metrics.csv", "events.out.tfevents.swiftlet", "curves.svg", "last.safetensors",
    ] {
      try FileManager.default.removeItem(atPath: place.path("run/\(name)"))
    }
    let record = place.path("run/run.json"), text = try String(contentsOfFile: record, encoding: .utf8)
    let begun = text.replacing(/"step" ?: ?[0-9]+/, with: "\"step\" : 0").replacing("\"finished\"", with: "\"running\"")
    try begun.write(toFile: record, atomically: true, encoding: .utf8)
    let resumed = try place.run(["train", "--resume", "../run"], under: "cd folder")
    #expect(resumed.code == 0 && resumed.output.contains(", portable\n"), "\(resumed)")
    #expect(try Self.bytes(place, "run/model.safetensors") == Self.bytes(place, "whole/model.safetensors"))
    // Without its record.
    for name in ["best.safetensors", "model.safetensors", "metrics.csv", "last.safetensors", "run.json"] {
      try FileManager.default.removeItem(atPath: place.path("run/\(name)"))
    }
    let unknown = try place.run(["train", "--resume", "run"])
    #expect(
      unknown.code == 0 && unknown.error.contains("'run/run.json' is gone or damaged, and the run begins anew")
        && unknown.error.contains("--isa, --rates and --device") && unknown.error.contains("--data-root"), "\(unknown.error)")
  }

  /// A model that is gone comes back from the checkpoint; one that cannot is told.
  @Test(arguments: [true, false]) func `models of finished runs come back`(validates: Bool) throws {
    let place = try Self.place(validates: validates)
    #expect(try place.run(["train", "recipe.yaml", "-o", "run"]).code == 0)
    let model = try Self.bytes(place, "run/model.safetensors"), record = try Self.bytes(place, "run/run.json")
    for name in ["model.safetensors", "curves.svg"] { try FileManager.default.removeItem(atPath: place.path("run/\(name)")) }
    let again = try place.run(["train", "--resume", "run"])
    #expect(again.code == 0 && again.output.contains("'run/model.safetensors' was gone, and is made again"), "\(again)")
    #expect(try Self.bytes(place, "run/model.safetensors") == model && FileReader.exists(place.path("run/curves.svg")))
    try FileManager.default.removeItem(atPath: place.path("run/best.safetensors"))
    let best = try place.run(["train", "--resume", "run"])
    let isLast = !validates || String(decoding: record, as: UTF8.self).contains("\"best_epoch\" : 2")
    #expect(
      best.code == 0
        && best.output.contains(isLast ? "'run/best.safetensors' was gone, and is made again" : "is gone for good"),
      "\(best)")
    #expect(try FileReader.exists(place.path("run/best.safetensors")) == isLast && Self.bytes(place, "run/run.json") == record)
  }

  /// Each of several that begin at once has a folder of its own, by the names that are promised.
  @Test func `trainings at once`() throws {
    let place = try Self.place()
    var processes: [Process] = []
    for _ in 0..<4 {
      let process = Process()
      process.executableURL = Workplace.executable
      process.arguments = ["train", "recipe.yaml", "--threads", "1"]
      process.currentDirectoryURL = place.folder
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try process.run()
      processes.append(process)
    }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: place.path("runs")).sorted()
    #expect(names == ["recipe", "recipe-2", "recipe-3", "recipe-4"])
    for name in names { #expect(FileReader.exists(place.path("runs/\(name)/model.safetensors"))) }
    // What is refused keeps no folder.
    let refused = try place.run(["train", "recipe.yaml", "--set", "data.patch=64"])
    #expect(refused.code == 1 && !FileReader.exists(place.path("runs/recipe-5")), "\(refused.error)")
  }
}
