import Files
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
    try AtomicFile.write(
      Array(
        (recipe.split(separator: "\n").prefix(2).joined(separator: "\n")
          + "\ntraining:\n  schedule: cosine\n  least-learning-rate: 1e-5\n  epochs: 2\n  batch-size: 4\n").utf8),
      to: place.path("cosine.yaml"))
    return place
  }

  static let failures = [
    CommandCase(
      "train", 64, "swiftlet: give a recipe, or at least --architecture, --data and --kind (see 'swiftlet train --help')"),
    CommandCase("train absent.yaml", 1, "swiftlet: 'absent.yaml' does not exist; check the path"),
    CommandCase("train text.txt", 1, "swiftlet: 'text.txt', line 1: it is '\"no picture\"' and must be keys with values"),
    CommandCase("train recipe.yaml -o .", 1, "swiftlet: '.': the folder of a run must be empty; give another"),
    CommandCase(
      "train recipe.yaml --memory -5M -o r", 64, "swiftlet: the options: 'training.memory' is '-5M' and must be bytes, …"),
    CommandCase(
      "train recipe.yaml --set validation.folders=. -o r", 64, "…there is no key 'validation.folders'; do you mean 'folder'?…"),
    CommandCase(
      "train recipe.yaml --data folder -o r", 1, "swiftlet: the folder 'folder' holds no pictures; give one that does"),
    CommandCase("train recipe.yaml -o photo.png", 1, "swiftlet: 'photo.png': a file is there; give a folder"),
    CommandCase(
      "train --resume folder", 1,
      "swiftlet: 'folder' is no folder of a run, which holds 'run.json'; give one that 'train' made"),
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
    CommandCase(
      "train --architecture unet --kind masks --data . -o r", 64,
      "swiftlet: the options: 'data.masks' is missing; --set data.masks=VALUE gives it (see…"),
    CommandCase(
      "train --architecture unet -o r", 64, "swiftlet: the options: 'data' is missing; --kind and --data give it (see…"),
    CommandCase(
      "train recipe.yaml --set training.momentum=0.9 -o r", 64,
      "swiftlet: the options: 'training.momentum' belongs to 'training.optimizer' sgd, and here that is adam; leave it out, or choose sgd (see…"
    ),
    CommandCase(
      "train cosine.yaml --step 3 -o r", 1,
      "swiftlet: 'cosine.yaml', line 5: 'training.least-learning-rate' belongs to 'training.schedule' cosine, and here that is step; leave it out, "
        + "or choose cosine; --set training.least-learning-rate= takes it out"),
    CommandCase(
      "train cosine.yaml --set training.schedul= -o r", 64,
      "swiftlet: the options: there is no key 'training.schedul'; do you mean 'schedule'?…"),
    CommandCase("info MODEL --loss l1", 64, "swiftlet: --loss, --optimizer and --batch-size speak of training…"),
    CommandCase(
      "info MODEL --training --loss l3", 64,
      "swiftlet: the loss is 'l3' and must be l1, mse, mse-sum, charbonnier, ssim, cross-entropy, binary-cross-entropy or dice …"
    ),
    CommandCase("runs list .", 1, "swiftlet: '.': no folder in it is one of a run…"),
    CommandCase("runs show folder", 1, "swiftlet: 'folder' is no folder of a run…"),
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

  /// A key that says what would be so without it is no difference, however it is written.
  @Test func `defaults are no differences`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "plain"]).code == 0)
    let spelt = [
      "--lr", "1e-3", "--seed", "01", "--weight-decay", "0.0", "--clip", "3", "--set", "training.optimizer=adam", "--set",
      "training.betas=[0.90, 0.999]", "--set", "training.schedule=constant", "--set", "data.flips=yes", "--set",
      "data.pre-scales=1", "--set", "training.loss=l1", "--set", "model.options.scale=2", "--set", "data.scales=[2]", "--set",
      "model.options.residual-scale=1.0", "--set", "data.cache=1G", "--set", "training.average=",
    ]
    let other = try place.run(["train", "recipe.yaml", "-o", "spelt", "--set", "data.folders=[.]"] + spelt)
    #expect(other.code == 0, "\(other.error)")
    let difference = try place.run(["runs", "diff", "plain", "spelt"]).output
    let keys = difference.split(separator: "\n").compactMap { $0.split(separator: " ").first }.filter { $0.contains(".") }
    #expect(keys == ["training.clip-norm"], "\(difference)")
    // What a key is by default is said where the other run has another.
    let step = try place.run(["train", "recipe.yaml", "-o", "step", "--step", "1", "--set", "model.options.features=6"])
    #expect(step.code == 0, "\(step.error)")
    let table = try place.run(["runs", "diff", "plain", "step"]).output
    #expect(table.contains("constant (by default)") && table.contains("model.options.features"), "\(table)")
    #expect(!table.contains("training.factor"), "\(table)")
  }

  /// An option takes the keys out that would not go with it.
  @Test func `keys are taken out`() throws {
    let place = try Self.place()
    let result = try place.run([
      "train", "cosine.yaml", "--step", "1", "--set", "training.least-learning-rate=", "--set", "training.warm-up=null", "-o",
      "r",
    ])
    #expect(result.code == 0, "\(result.error)")
    let recipe = try String(contentsOfFile: place.path("r/recipe.yaml"), encoding: .utf8)
    #expect(recipe.contains("schedule: step") && !recipe.contains("least") && !recipe.contains("null"), "\(recipe)")
    #expect(try place.run(["train", "--resume", "r"]).code == 0)
  }

  /// The data say how many channels and classes there are; what is given all the same and does not go with them is named with its option.
  @Test func `options that the data tell`() throws {
    let place = try Self.place()
    for name in ["cells", "truth", "birds/owl", "birds/rook"] {
      try FileManager.default.createDirectory(atPath: place.path(name), withIntermediateDirectories: true)
    }
    try TestChart.image(width: 32, height: 32).write(to: place.path("cells/1.png"))
    let mask = (0..<32 * 32).map { UInt8($0 % 32 < 16 ? 255 : 0) }
    try Image(width: 32, height: 32, colourModel: .grey, samples: .uint8(mask)).write(to: place.path("truth/1.png"))
    for name in ["owl/1", "owl/2", "rook/1", "rook/2"] {
      try TestChart.image(width: 32, height: 32).write(to: place.path("birds/\(name).png"))
    }
    let masks = [
      "train", "--architecture", "unet", "--kind", "masks", "--data", "cells", "--set", "data.masks=truth", "--epochs", "1",
      "--batch-size", "1", "--set", "model.options.features=4",
    ]
    let one = try place.run(masks + ["-o", "masks"])
    #expect(one.code == 0, "\(one.error)")
    #expect(try ModelFile.read(place.path("masks/model.safetensors")).inputs[0].channels == 1)
    for (option, message) in [
      ("channels", "model.options.channels the value 1, or --set model.options.channels=1"),
      ("classes", "--set model.options.classes=1"),
    ] {
      let wrong = try place.run(masks + ["-o", "wrong", "--set", "model.options.\(option)=2"])
      #expect(wrong.code == 1 && wrong.error.contains(message), "\(wrong.error)")
    }
    let classes = [
      "train", "--architecture", "small-resnet", "--kind", "classes", "--data", "birds", "--epochs", "1", "--batch-size", "2",
      "--set", "model.options.features=4",
    ]
    let two = try place.run(classes + ["-o", "classes"])
    #expect(two.code == 0, "\(two.error)")
    let wrong = try place.run(classes + ["-o", "wrong", "--set", "model.options.classes=5"])
    #expect(wrong.code == 1 && wrong.error.contains("--set model.options.classes=2"), "\(wrong.error)")
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
    if signal != SIGKILL, process.terminationReason == .uncaughtSignal || process.terminationStatus != 0 {
      let line = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(line.contains("go on with 'swiftlet train --resume broken'") && process.terminationStatus == signal)
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

  /// A limit that is taken at the beginning is taken by whoever goes on, and one that a refusal names is taken: of limits around what is needed.
  @Test(arguments: [("vdsr", "{depth: 6, features: 32}"), ("edsr", "{layout: direct, channels: 1, features: 64, blocks: 4}")])
  func `limits that are taken stay taken`(architecture: String, options: String) throws {
    let place = try Self.place(
      """
      model: {architecture: \(architecture), options: \(options)}
      data: {kind: super-resolution, folders: ., patch: 24, patches-per-picture: 8, scales: [2]}
      validation: {folder: .}
      training: {epochs: 1, batch-size: 8}

      """)
    func needed(_ result: Workplace.Result) throws -> Int {
      try #require(
        (result.error.firstMatch(of: /about ([0-9]+) MiB of memory are needed/)?.1).flatMap { Int($0) }, "\(result.error)")
    }
    let enough = try needed(place.run(["train", "recipe.yaml", "-o", "run", "--memory", "8M"]))
    var named: Set<Int> = [], taken = 0
    for limit in stride(from: enough - 12, through: enough + 6, by: 2) + [enough] {
      let run = "run-\(limit)-\(taken)"
      let result = try place.run(["train", "recipe.yaml", "-o", run, "--memory", "\(limit)M"])
      guard result.code == 0 else {
        #expect(limit != enough)
        named.insert(try needed(result))
        continue
      }
      taken += 1
      // Its own limit is that of the recipe in its folder.
      let again = try place.run(["train", "--resume", run, "--epochs", "2"])
      #expect(again.code == 0 && again.output.contains("of \(limit).0 MiB"), "\(limit) MiB: \(again.error)")
      let record = try String(contentsOfFile: place.path("\(run)/run.json"), encoding: .utf8)
      let peak = try #require((record.firstMatch(of: /"peak_memory_bytes" ?: ?([0-9]+)/)?.1).flatMap { Int($0) })
      #expect(peak <= limit << 20, "\(limit) MiB")
    }
    #expect(taken > 1)
    for limit in named {
      let result = try place.run(["train", "recipe.yaml", "-o", "named-\(limit)", "--memory", "\(limit)M"])
      #expect(result.code == 0, "\(limit) MiB were said to be enough: \(result.error)")
    }
  }

  /// Who goes on with a run that is at work hears that first.
  @Test func `runs at work are not gone on with`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "run"]).code == 0)
    guard let lock = try FolderLock(place.path("run")) else { return }
    let result = try place.run(["train", "--resume", "run", "--epochs", "9"])
    #expect(
      result.code == 1 && result.output.isEmpty
        && result.error == "swiftlet: 'run': another training is at work there; wait for its end\n",
      "\(result)")
    withExtendedLifetime(lock) {}
  }

  /// The first file, too, is passed over where that is asked for.
  @Test func `a damaged first file is passed over`() throws {
    let place = try Self.place(
      """
      model: {architecture: edsr, options: {layout: direct, channels: 1, features: 4, blocks: 1}}
      data: {kind: super-resolution, folders: pictures, patch: 16, patches-per-picture: 2, damaged: skip}
      training: {epochs: 1, batch-size: 2}

      """)
    let picture = try FileReader.bytes(of: place.path("photo.png"), limit: 1 << 24)
    try FileManager.default.createDirectory(atPath: place.path("pictures"), withIntermediateDirectories: true)
    try AtomicFile.write(Array(picture.prefix(picture.count / 2)), to: place.path("pictures/a.png"))
    for name in ["b", "c"] { try AtomicFile.write(picture, to: place.path("pictures/\(name).png")) }
    let result = try place.run(["train", "recipe.yaml", "-o", "run"])
    #expect(result.code == 0 && result.error.contains("left out: 'pictures/a.png'"), "\(result.error)")
  }

  /// What is finished stays as it is; fewer epochs than there are were none.
  @Test func `a finished run is left as it is`() throws {
    let place = try Self.place()
    #expect(try place.run(["train", "recipe.yaml", "-o", "run"]).code == 0)
    func bytes(_ name: String) throws -> [UInt8] { try FileReader.bytes(of: place.path(name), limit: 1 << 24) }
    let recipe = try bytes("run/recipe.yaml"), record = try bytes("run/run.json")
    let again = try place.run(["train", "--resume", "run"])
    #expect(again.code == 0 && again.output.hasPrefix("run: finished, 2 epochs; nothing is left to do"), "\(again.output)")
    let fewer = try place.run(["train", "--resume", "run", "--epochs", "1"])
    #expect(fewer.code == 1 && fewer.error.contains("it has trained 2 epochs, and 1 are asked for"), "\(fewer.error)")
    #expect(try bytes("run/recipe.yaml") == recipe && bytes("run/run.json") == record)
    #expect(try place.run(["train", "--resume", "run", "--epochs", "3"]).output.contains("epoch 3/3"))
  }

  /// No precision is offered that is refused.
  @Test func `the help offers what is taken`() throws {
    let help = try Workplace().run(["train", "--help"]).output
    #expect(
      help.contains("--precision") && help.contains("bfloat16") && !help.contains("float16, float16")
        && !help.contains(" float16"))
    try Self.place().check(
      CommandCase(
        "train recipe.yaml -o r --device cuda --precision float16", 64,
        "swiftlet: networks are trained in float32, tf32 or bfloat16; …"))
    try Self.place().check(CommandCase("train recipe.yaml -o r --precision half", 64, "…give float32, tf32 or bfloat16…"))
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
