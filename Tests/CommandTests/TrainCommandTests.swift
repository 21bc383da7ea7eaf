import Foundation
import Swiftlet
import Testing

@Suite struct TrainCommandTests {
  private static let recipe = """
    model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
    data: {kind: super-resolution, folders: ., patch: 16, patches-per-picture: 12}
    training: {epochs: 2, batch-size: 4}

    """

  private static func place(_ recipe: String = recipe) throws -> Workplace {
    let place = try Workplace()
    try AtomicFile.write(Array(recipe.utf8), to: place.path("recipe.yaml"))
    return place
  }

  static let failures = [
    CommandCase(
      "train", 64, "swiftlet: give a recipe, or at least --architecture, --data and --kind (see 'swiftlet train --help')"),
    CommandCase("train absent.yaml", 1, "swiftlet: 'absent.yaml' does not exist; check the path"),
    CommandCase("train text.txt", 1, "swiftlet: 'text.txt', line 1: it is '\"no picture\"' and must be keys with values"),
    CommandCase("train recipe.yaml -o .", 1, "swiftlet: '.': the folder of a run must be empty; give another"),
    CommandCase("train recipe.yaml -o photo.png", 1, "swiftlet: 'photo.png': a file is there; give a folder"),
    CommandCase(
      "train --resume folder", 1,
      "swiftlet: 'folder': it is no folder of a run, which holds 'run.json'; give one that 'train' made"),
    CommandCase(
      "train --resume folder recipe.yaml", 64, "swiftlet: --resume takes the recipe of the run; leave the other out…"),
    CommandCase(
      "train recipe.yaml --epochs 0 -o r", 64,
      "swiftlet: the options: 'training.epochs' is '0' and must be a whole number from 1 to 10000000…"),
    CommandCase(
      "train recipe.yaml --epochs -1 -o r", 64,
      "swiftlet: the options: 'training.epochs' is '-1' and must be a whole number from 1 to 10000000…"),
    CommandCase(
      "train recipe.yaml --lr -1e-3 -o r", 64, "swiftlet: the options: 'training.learning-rate' is '-1e-3' and must be…"),
    CommandCase(
      "train recipe.yaml --architecture nosuch -o r", 64,
      "swiftlet: there is no architecture 'nosuch'; there are vdsr…"),
    CommandCase(
      "train recipe.yaml --set data.patch=17 -o r", 64,
      "swiftlet: the options: 'data.patch' is '17' and must be a multiple of each scale up to 4096 pixels (see…"),
    CommandCase(
      "train recipe.yaml --set data.scales=[2,3] -o r", 64,
      "swiftlet: the options: 'data.scales' is '2,3' and must be [2], by which 'edsr' enlarges (see…"),
    CommandCase(
      "train recipe.yaml --seed 18446744073709551615 -o r", 64,
      "swiftlet: the options: 'training.seed' is '18446744073709551615' and must be a whole number from 0 to…"),
    CommandCase("train recipe.yaml --threads -1 -o r", 64, "swiftlet: The value '-1' is invalid for '--threads <n>': give a…"),
    CommandCase(
      "train recipe.yaml --set loss -o r", 64, "swiftlet: The value 'loss' is invalid for '--set <key=value>': give…"),
    CommandCase(
      "train recipe.yaml --set training.los=l1 -o r", 64,
      "swiftlet: the options: there is no key 'training.los'; do you mean 'loss'?…"),
    CommandCase(
      "train recipe.yaml --set data.patch=64 -o r", 1,
      "swiftlet: './photo.png': 48x36 pixels hold no patch of 64x64; leave it out or take smaller patches"),
    CommandCase(
      "train recipe.yaml --pretrained MODEL --set model.options.features=5 -o r", 1,
      "swiftlet: no parameter of 'model.safetensors'…"),
    CommandCase(
      "train recipe.yaml --architecture unet --set model.options={} -o r", 1,
      "swiftlet: the network 'unet' is none that enlarges…"),
    CommandCase(
      "train recipe.yaml --memory much -o r", 64,
      "swiftlet: the options: 'training.memory' is 'much' and must be bytes, as in 512M or 2G…"),
    CommandCase("info MODEL --loss l1", 64, "swiftlet: --loss, --optimizer and --batch-size speak of training…"),
    CommandCase(
      "info MODEL --training --loss l3", 64,
      "swiftlet: the loss is 'l3' and must be l1, mse, mse-sum, charbonnier, ssim, cross-entropy, binary-cross-entropy or dice …"
    ),
    CommandCase("runs list .", 1, "swiftlet: '.': no folder in it is one of a run…"),
    CommandCase("runs show folder", 1, "swiftlet: 'folder': it is no folder of a run…"),
  ]

  @Test(arguments: failures) func `one line, and a code`(failure: CommandCase) throws {
    try Self.place().check(failure)
  }

  @Test func `a run can be looked at`() throws {
    let place = try Self.place()
    for number in 1...2 {
      let result = try place.run(["train", "recipe.yaml", "--seed", "\(number)"])
      #expect(result.code == 0, "\(result.error)")
      #expect(result.output.contains("epoch 2/2: loss "))
      #expect(result.output.contains("models: runs/recipe"))
    }
    let list = try place.run(["runs"])
    #expect(list.output.split(separator: "\n").count == 3 && list.output.contains("recipe-2"))
    #expect(try place.run(["runs", "show", "runs/recipe"]).output.contains("finished, epoch 2 of 2, step 6"))
    let difference = try place.run(["runs", "diff", "runs/recipe", "runs/recipe-2"]).output
    #expect(difference.contains("training.seed") && !difference.contains("data.patch"))
    // The model enlarges.
    #expect(try place.run(["upscale", "photo.png", "-m", "runs/recipe/model.safetensors", "-o", "big.png"]).code == 0)
  }

  /// By a signal that asks, or one that does not: what comes out is the same.
  @Test(arguments: [SIGINT, SIGTERM, SIGKILL]) func `a signal costs nothing but time`(signal: Int32) throws {
    let place = try Self.place()
    let options = ["--epochs", "60", "--threads", "1"]
    #expect(try place.run(["train", "recipe.yaml", "-o", "whole"] + options).code == 0)
    let process = Process()
    process.executableURL = Workplace.executable
    process.arguments = ["train", "recipe.yaml", "-o", "broken"] + options
    process.currentDirectoryURL = place.folder
    let errors = Pipe()
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
    try process.run()
    while !FileReader.exists(place.path("broken/best.safetensors")), process.isRunning { usleep(2000) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    if signal != SIGKILL, process.terminationReason == .exit, process.terminationStatus != 0 {
      let line = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(line.contains("go on with 'swiftlet train --resume broken'"))
    }
    // From any folder: the recipe's paths begin where they began.
    let resumed = try place.run(["train", "--resume", "../broken", "--threads", "2"], under: "cd folder")
    #expect(resumed.code == 0, "\(resumed.error)")
    func bytes(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: place.path(name), limit: 1 << 24) }
    #expect(try bytes("broken/model.safetensors") == bytes("whole/model.safetensors"))
  }

  /// The whole process keeps a limit, and leaves the same bits; what cannot be kept is refused with what is enough.
  @Test func `memory is kept`() throws {
    let place = try Self.place(
      """
      model: {architecture: vdsr, options: {depth: 10, features: 32}}
      data: {kind: super-resolution, folders: ., patch: 32, patches-per-picture: 24, scales: [2]}
      validation: {folder: .}
      training: {epochs: 1, batch-size: 24}

      """)
    let free = try place.run(["train", "recipe.yaml", "-o", "free"])
    #expect(free.code == 0, "\(free.error)")
    #expect(!free.output.contains("memory:"))
    let refused = try place.run(["train", "recipe.yaml", "-o", "capped", "--memory", "8M"])
    #expect(
      refused.code == 1 && refused.error.hasSuffix("allow more, or take smaller batches or patches\n"), "\(refused.error)")
    #expect(!FileReader.exists(place.path("capped")))
    let amount = try #require(refused.error.firstMatch(of: /about ([0-9]+) MiB of memory are needed/)?.1)
    let capped = try place.run(["train", "recipe.yaml", "-o", "capped", "--memory", "\(amount)M"])
    #expect(capped.code == 0, "\(capped.error)")
    #expect(capped.output.contains("values computed again, +"), "\(capped.output)")
    func bytes(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: place.path(name), limit: 1 << 24) }
    #expect(try bytes("capped/model.safetensors") == bytes("free/model.safetensors"))
    let limit = try #require(Int(amount)) << 20
    let peak = try #require(
      String(decoding: bytes("capped/run.json"), as: UTF8.self).firstMatch(of: /"peak_memory_bytes" ?: ?([0-9]+)/)?.1)
    #expect(try #require(Int(peak)) <= limit)
    // The limit is the recipe's from now on; a run is gone on with under another.
    let again = try place.run(["train", "--resume", "capped", "--memory", "\(amount)M"])
    #expect(again.code == 0, "\(again.error)")
  }

  @Test func `what a step of training costs`() throws {
    let place = try Self.place()
    let report = try place.run(["info", "MODEL", "--training", "--input", "4x1x24x24", "--loss", "mse", "--optimizer", "sgd"])
    #expect(report.code == 0, "\(report.error)")
    #expect(report.output.contains("loss mse, optimizer sgd") && report.output.contains("input 4x1x24x24, target 4x1x48x48"))
    #expect(report.output.contains("memory of the step on "))
    let json = try place.run(["info", "MODEL", "--training", "--batch-size", "4", "--json"]).output
    #expect(json.contains("\"session_memory_bytes\"") && json.contains("4x1x256x256"))
  }
}
