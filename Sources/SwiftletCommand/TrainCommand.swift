import ArgumentParser
import Swiftlet

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a network as a recipe says, and keeps all of it in a folder.",
    discussion: """
      A recipe is a YAML file of what to train, on what and how; Documentation/Recipes.md explains its keys. Options take the places of \
      its values. The folder of the run holds the recipe, figures, curves, the best model and a checkpoint, from which --resume goes on: \
      a training that was broken off ends with the same bits as one that was not. Ctrl-C ends it after the step at work. With --device \
      cuda a CUDA device takes the steps, and the CPU makes the batches and measures.
      """)

  @Argument(help: ArgumentHelp("The recipe (.yaml). With --resume the run's own is taken.", valueName: "recipe"))
  var recipe: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder of the run, which must not be there or be empty. (default: runs/NAME of the recipe, or where that is there runs/NAME-2, and so on)",
      valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Go on with the run in this folder.", valueName: "run"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Where relative paths of data begin. (default: the working folder, with --resume where the run began)", valueName: "root")
  )
  var dataRoot: String?

  @OptionGroup(title: "Options in the places of keys") var keys: RecipeArguments
  @OptionGroup var place: TrainingDeviceArguments
  @OptionGroup var cpu: CPUArguments

  @Flag(help: "Print the record of the run as JSON at the end; lines on the way go to standard error.")
  var json = false

  func validate() throws {
    _ = try cpu.completed(place.device?.engine ?? .cpu(), nil)
    if resume != nil, recipe != nil { throw ValidationError("--resume takes the recipe of the run; leave the other out") }
    if resume != nil, output != nil { throw ValidationError("--resume goes on in the folder of the run; leave out --output") }
    if resume == nil, recipe == nil, keys.architecture == nil {
      throw ValidationError("give a recipe, or at least --architecture, --data and --kind")
    }
  }

  /// Nil for the CPU.
  private var device: CUDAOptions? {
    get throws {
      guard let device = place.device, case .cuda(let options) = try cpu.engine(device.engine, place.precision) else {
        return nil
      }
      return options
    }
  }

  func run() throws {
    var options = try cpu.options
    let folder: RunFolder, recipe: TrainingRecipe
    func read(_ path: String?) throws -> TrainingRecipe {
      try TrainingRecipe(contentsOf: path, options: keys.options, offersOptions: true)
    }
    if let resume {
      folder = RunFolder(path: resume)
      // A folder that is none says so in its own words, and one that another is at work on before anything is read.
      if let known = try folder.checkResumption() {
        options = known.options(options, namesInstructionSet: cpu.isa != nil, namesRates: cpu.machine.rates != nil)
      }
      recipe = try read(folder.recipe)
    } else {
      recipe = try read(self.recipe)
      let name = self.recipe.map { RunFolder.name(ofRecipe: $0) } ?? keys.architecture ?? "run"
      folder = try output.map { RunFolder(path: $0) } ?? RunFolder.made(name: name)
    }
    let job = try TrainingJob(
      recipe, options: options, version: SwiftletCommand.configuration.version, folder: folder, root: dataRoot,
      resumes: resume != nil, device: try device)
    if job.isDone {
      for line in try job.restore() { tell(line + "\n") }
      if json { return Terminal.showJSON(try RunRecord(of: folder).json) }
      return tell(
        "\(folder.path.onOneLine): finished, \(recipe.epochs) epochs; nothing is left to do. More are trained with --epochs\n")
    }
    for line in job.warnings { Terminal.printError("swiftlet: \(line)") }
    tell(job.planText)
    Interruption.isWaited = true
    Interruption.note = "interrupted; 'swiftlet train --resume \(folder.path)' goes on from the last checkpoint"
    defer { Terminal.clearProgress() }
    let start = Machine.seconds, first = Double(job.firstStep)
    let end = try job.run(shouldStop: { Interruption.isRequested }) { progress in
      Terminal.drawProgress(progress.text, progress.share, since: start, from: first * progress.sharePerStep)
    } epochDone: { row in
      Terminal.clearProgress()
      tell(job.epochText(row))
    }
    Terminal.clearProgress()
    for reason in job.skipped { Terminal.printError("swiftlet: left out: \(reason)") }
    if json { Terminal.showJSON(try job.record.json) }
    switch end {
    case .finished: tell(job.endText)
    case .interrupted:
      throw Interruption.Stop("stopped after step \(job.record.step); go on with 'swiftlet train --resume \(folder.path)'")
    }
  }

  /// Lines of the work, as they come. With --json standard output is the record's.
  private func tell(_ lines: String) {
    if json { return Terminal.printReport(ReportText(lines)) }
    Terminal.show(ReportText(lines))
    Terminal.flush()
  }
}

/// Values of recipe keys. The names are those of the projects whose experiments these are.
struct RecipeArguments: ParsableArguments {
  @Option(help: ArgumentHelp("model.architecture", valueName: "name"))
  var architecture: String?

  @Option(help: ArgumentHelp("data.kind: super-resolution, hdf5, classes, masks or low-light", valueName: "kind"))
  var kind: String?

  @Option(help: ArgumentHelp("data.folders, data.folder, data.file or data.pictures, by the kind", valueName: "path"))
  var data: String?

  @Option(help: ArgumentHelp("model.pretrained: a model to begin with", valueName: "model"))
  var pretrained: String?

  @Option(help: ArgumentHelp("training.batch-size", valueName: "n"))
  var batchSize: String?

  @Option(help: ArgumentHelp("training.epochs", valueName: "n"))
  var epochs: String?

  @Option(help: ArgumentHelp("training.learning-rate", valueName: "x"))
  var lr: String?

  @Option(
    help: ArgumentHelp("training.step, with training.schedule step: epochs between divisions of the rate by 10", valueName: "n")
  )
  var step: String?

  @Option(
    help: ArgumentHelp("training.clip-norm: the gradients together are no longer than this", valueName: "x"))
  var clip: String?

  @Option(help: ArgumentHelp("training.momentum, with training.optimizer sgd", valueName: "x"))
  var momentum: String?

  @Option(help: ArgumentHelp("training.weight-decay", valueName: "x"))
  var weightDecay: String?

  @Option(help: ArgumentHelp("training.seed", valueName: "n"))
  var seed: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "training.memory: the most memory to take, as in 512M or 2G; values are computed again where they do not fit",
      valueName: "size"))
  var memory: String?

  @Option(
    help: ArgumentHelp(
      "Any key, as in training.loss=l1; a key without a value, as in training.step=, is taken out of the recipe. May be given again.",
      valueName: "key=value"),
    transform: { try RecipeOption(argument: $0) })
  var set: [RecipeOption] = []

  var options: RecipeOptions {
    var options = RecipeOptions()
    options.architecture = architecture
    options.pretrained = pretrained
    options.kind = kind
    options.data = data
    options.batchSize = batchSize
    options.epochs = epochs
    options.learningRate = lr
    options.step = step
    options.clip = clip
    options.momentum = momentum
    options.weightDecay = weightDecay
    options.seed = seed
    options.memory = memory
    options.values = set.map { ($0.key, $0.value) }
    return options
  }
}

/// `training.loss=l1`
struct RecipeOption {
  let key: String
  let value: YAMLNode

  init(argument: String) throws {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
      throw ValueProblem("give a key and a value, as in training.loss=l1")
    }
    key = String(argument[..<equals])
    let text = String(argument[argument.index(after: equals)...])
    if text.allSatisfy({ $0 == " " }) {
      value = .null
      return
    }
    do throws(YAMLError) {
      value = try YAMLNode(parsing: Array(text.utf8))
    } catch {
      throw ValueProblem("the value is no YAML: \(error.reason)")
    }
  }
}
