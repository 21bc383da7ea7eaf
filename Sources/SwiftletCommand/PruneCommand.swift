import ArgumentParser
import Swiftlet

extension PruningImportance: ExpressibleByArgument {}
extension PruningSchedule: ExpressibleByArgument {}

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Removes channels of a model for good, and shows what goes with what and what it saves.",
    discussion: """
      Channels that are coupled go together: sums tie them, concatenations and pixel shuffles move them. Single weights (--granularity weights) \
      become 0 instead, which makes a file that packs smaller and no network that is faster. Documentation/Pruning.md explains configuration \
      files, whose keys are those of NNI. The model that is given is never overwritten.
      """)

  /// What is removed.
  enum Granularity: String, ExpressibleByArgument, CaseIterable {
    case channels, weights
  }

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Option(help: ArgumentHelp("What of which layers goes (.yaml or .json).", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp("The part of every layer that goes, from 0 to below 1.", valueName: "share"),
    transform: Self.share(argument:))
  var sparsity: Double?

  @Option(
    help: ArgumentHelp(
      """
      Remove as much as it takes: time=0.5 of the measured time, time=20ms, bytes=0.25 of the model file, bytes=2M, or joules=0.5 where the \
      machine tells them. With --config of its layers, with their limits.
      """, valueName: "what=much"), transform: Self.target(argument:))
  var target: PruningTarget?

  @Option(
    help: ArgumentHelp(
      "Prune the model by each of these shares and measure: from, to and by how much, as in 0.1:0.9:0.1.", valueName: "shares"),
    transform: Self.sweep(argument:))
  var sweep: [Double]?

  @Flag(help: "With --sweep: single weights beside channels.")
  var level = false

  @Option(
    help:
      "By what channels are held important; taylor needs --recipe, whose data give the gradients. (default: l1, or what the file names)"
  )
  var importance: PruningImportance?

  @Option(help: "What goes: channels, or single weights. (default: channels, or what the file names)")
  var granularity: Granularity?

  @Option(
    help: ArgumentHelp(
      "Widths are multiples of this, as kernels like them; 1 takes any. (default: \(ModelPruning.Request.kernelWidth))",
      valueName: "n"), transform: Count.init(argument:))
  var align = Count(ModelPruning.Request.kernelWidth)

  @Option(
    help: ArgumentHelp("The input to reckon for. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @OptionGroup(title: "Training behind pruning") var training: PruningTrainingArguments
  @OptionGroup(title: "Pictures to measure on") var pictures: PruningPictureArguments
  @OptionGroup var cpu: CPUArguments

  @Flag(help: "Show what would go and what would be left, and write nothing.")
  var dryRun = false

  @Option(
    name: .shortAndLong,
    help:
      "The model to write (.safetensors or .onnx), or with --sweep the folder of its figures. (default: none, figures alone)")
  var output: String?

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    let ways = [config != nil, sparsity != nil, sweep != nil].count { $0 }
    guard target == nil ? ways == 1 : ways == 0 || (config != nil && ways == 1) else {
      throw ValidationError(
        target == nil
          ? "give one of --config, --sparsity, --target and --sweep"
          : "--target finds how much goes; leave out --sparsity and --sweep"
      )
    }
    if dryRun, output != nil { throw ValidationError("--dry-run writes nothing; leave out --output") }
    if dryRun, sweep != nil { throw ValidationError("--sweep is no dry run; leave one of them out") }
    if level, sweep == nil { throw ValidationError("--level needs --sweep; else give --granularity weights") }
    if target != nil, training.isTrained {
      throw ValidationError("--target prunes at once; train its model with 'swiftlet train'")
    }
    if training.isTrained, sweep != nil, output == nil {
      throw ValidationError("a sweep with training needs --output, a folder")
    }
  }

  func run() throws {
    if let sweep { return try run(sweep) }
    if let output {
      try ModelLibrary.claimOutput(output)
      // Hours of training are in it, as in the folder of a run.
      if training.isTrained, !dryRun, FileReader.exists(output) {
        throw EvaluationError.runFolder(
          path: output, reason: "is there already, and is not written over behind training; give another name, or move it")
      }
    }
    let network = try ModelLibrary.network(model)
    let (request, input) = try request()
    var pruned: Network, report: PruningReport
    if training.isTrained, !dryRun {
      let rounds = try training.rounds(request, options: try cpu.options)
      let folder = try training.runs ?? RunFolder.made(name: "prune").path
      guard
        let result = try Self.followed({ line, progress in
          try rounds.run(
            network, model: model, input: input, folder: folder, shouldStop: { Interruption.isRequested }, line: line,
            progress: progress)
        })
      else { throw Self.stopped(in: folder, option: "--runs") }
      (pruned, report) = result
      report.runs = folder
    } else {
      let gradients = try training.gradients(of: network, request, options: try cpu.options)
      let pruning = try ModelPruning(network, model: model, request: request, input: input, gradients: gradients)
      (pruned, report) = (pruning.network, pruning.report)
    }
    if let measured = pictures.value {
      report.quality = try PruningReport.Quality(
        before: network, after: pruned, model: model, pictures: measured, engine: .cpu(cpu.options))
    }
    if let output {
      try ModelLibrary.write(pruned, to: output)
      report.output = output
    }
    for notice in report.notices { Terminal.printError("swiftlet: \(notice)") }
    let besides = [output].compactMap(\.self)
    json ? Terminal.showJSON(try report.json, besides: besides) : Terminal.show(report.report, besides: besides)
    // As of 'eval': what could not be measured is named, and the figures are those of the others.
    if report.quality?.leftOut != nil { throw SilentFailure() }
  }

  private func run(_ sparsities: [Double]) throws {
    let network = try ModelLibrary.network(model)
    let (request, input) = try request()
    let options = try cpu.options
    let sweep = PruningSweep(
      sparsities: sparsities, request: request, includesWeights: level, engine: .cpu(options), pictures: pictures.value,
      rounds: training.isTrained || request.importance == .taylor ? try training.rounds(request, options: options) : nil)
    guard
      let rows = try Self.followed({ line, progress in
        try sweep.run(
          network, model: model, input: input, folder: output, shouldStop: { Interruption.isRequested },
          row: { line("\($0.method) \($0.sparsity) is measured") }, line: line, progress: progress)
      })
    else {
      // Times of different moments cannot be compared: what was measured is not taken up again.
      throw Interruption.Stop(
        "stopped; " + (output.map { "'\($0.onOneLine)' has what was measured so far, and " } ?? "")
          + "the same command begins anew")
    }
    json ? Terminal.showJSON(try rows.json) : Terminal.show(PruningSweep.report(rows))
    // Those of the network as it was are those of all.
    let leftOut = rows.first?.leftOut ?? []
    for line in leftOut { Terminal.printError("swiftlet: left out: \(line)") }
    if !leftOut.isEmpty { throw SilentFailure() }
  }

  /// Says how work goes on that somebody asked to stop.
  ///
  /// - Parameter option: the option that the folder of the runs goes by.
  private static func stopped(in folder: String?, option: String) -> Interruption.Stop {
    let rest = folder.map { "the same command goes on with \(option) '\($0.onOneLine)'" } ?? "the same command begins anew"
    return Interruption.Stop("stopped, and no model was written; \(rest)")
  }

  /// With lines and progress on the terminal, until it ends or somebody asks to stop.
  private static func followed<R>(
    _ body: (_ line: (String) -> Void, _ progress: (TrainingJob.Progress) -> Void) throws -> R
  ) throws -> R {
    Interruption.isWaited = true
    // What comes behind it looks at no signal.
    defer {
      Interruption.isWaited = false
      Terminal.clearProgress()
    }
    let start = Machine.seconds
    return try body { line in
      Terminal.clearProgress()
      Terminal.printReport(ReportText(line + "\n"))
    } _: { progress in
      Terminal.drawProgress(progress.text, progress.share, since: start)
    }
  }

  /// What the options and the file ask for, and the shape to reckon for.
  private func request() throws -> (ModelPruning.Request, Shape?) {
    let file = try config.map { try PruningFile(contentsOf: $0) }
    var request = ModelPruning.Request(
      file.map { .configuration($0.configuration, path: config) } ?? sparsity.map { .share($0) } ?? .any)
    request.importance = importance ?? file?.importance ?? .l1
    request.isOfWeights = try granularity.map { $0 == .weights } ?? file?.isOfWeights ?? false
    request.multiple = align.value
    request.target = target
    request.engine = .cpu(try cpu.options)
    return (request, input ?? file?.dummyInput)
  }

  static func target(argument: String) throws -> PruningTarget {
    guard let target = PruningTarget(argument) else {
      throw ValueProblem("give time, bytes or joules and a part below 1 or an amount, as in time=0.5, time=20ms or bytes=2M")
    }
    return target
  }

  static func share(argument: String) throws -> Double {
    guard let value = Double(argument), value >= 0, value < 1 else { throw ValueProblem("give a number from 0 to below 1") }
    return value
  }

  static func sweep(argument: String) throws -> [Double] {
    guard let values = PruningSweep.sparsities(argument) else {
      throw ValueProblem("give from, to and by how much, from 0 to below 1, as in 0.1:0.9:0.1")
    }
    return values
  }
}

/// What is trained, and how often.
struct PruningTrainingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Train behind each round of pruning as this recipe says; with --importance taylor its data and loss give the gradients, too.",
      valueName: "recipe"))
  var recipe: String?

  @Option(
    help: ArgumentHelp("Epochs of each training, in place of the recipe's; 0 trains nothing.", valueName: "n"),
    transform: PlainNumber.whole)
  var epochs: Int?

  @Option(help: ArgumentHelp("Rounds of pruning and training. (default: 1)", valueName: "n"), transform: Count.init(argument:))
  var rounds = Count(1)

  @Option(help: "How the part that goes grows over the rounds. (default: agp)")
  var schedule: PruningSchedule?

  @Option(
    help: ArgumentHelp(
      "The folder of the runs; those of the same rounds that are there are gone on with. (default: a new one, runs/prune)",
      valueName: "folder"))
  var runs: String?

  @Option(help: ArgumentHelp("Where relative paths of data begin. (default: the working folder)", valueName: "root"))
  var dataRoot: String?

  func validate() throws {
    if recipe == nil, epochs != nil || rounds.value != 1 || schedule != nil || runs != nil || dataRoot != nil {
      throw ValidationError("--epochs, --rounds, --schedule, --runs and --data-root need --recipe")
    }
    if let epochs, epochs < 0 { throw ValidationError("--epochs is 0 or more") }
  }

  var isTrained: Bool { recipe != nil && epochs != 0 }

  private func trainingRecipe() throws -> TrainingRecipe {
    guard let recipe else {
      throw ValidationError("--importance taylor needs --recipe, whose data and loss give the gradients")
    }
    var options = RecipeOptions()
    if let epochs, epochs > 0 { options.epochs = "\(epochs)" }
    var result = try TrainingRecipe(contentsOf: recipe, options: options)
    if epochs == 0 { result.epochs = 0 }
    return result
  }

  func rounds(_ request: ModelPruning.Request, options: CPUOptions) throws -> PruningRounds {
    PruningRounds(
      request, schedule: schedule ?? .agp, count: rounds.value, recipe: try trainingRecipe(), root: dataRoot, options: options,
      version: SwiftletCommand.configuration.version)
  }

  func gradients(of network: Network, _ request: ModelPruning.Request, options: CPUOptions) throws -> [[String: Tensor]] {
    guard request.importance == .taylor else { return [] }
    return try rounds(request, options: options).gradients(of: network)
  }
}

/// Where quality is measured.
struct PruningPictureArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder of pictures: PSNR before and after, as 'swiftlet eval' measures it; a picture that cannot be measured is named, and the exit code is 1.",
      valueName: "folder"))
  var data: String?

  @Option(
    help: "With --data: the factors, as in 2,3,4. (default: the model's own, or 2,3,4 where it takes any)",
    transform: ScaleList.init(argument:))
  var scales: ScaleList?

  @Option(name: .customLong("protocol"), help: "With --data: what is compared and how: vdsr, edsr or rgb. (default: vdsr)")
  var measure: ProtocolName?

  func validate() throws {
    if data == nil, scales != nil || measure != nil { throw ValidationError("--scales and --protocol need --data") }
  }

  var value: PruningPictures? {
    data.map { PruningPictures(folder: $0, protocol: measure?.value ?? .vdsr, scales: scales?.values) }
  }
}
