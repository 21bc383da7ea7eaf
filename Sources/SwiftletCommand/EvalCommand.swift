import ArgumentParser
import Swiftlet

struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures models on pictures: PSNR and SSIM beside bicubic interpolation.",
    discussion: """
      Of several models the means are compared, beside parameters and the multiply-adds for an output of 1280x720. Each picture is made smaller, enlarged again and compared with what it was. The protocol is printed in full. At scale 1, of pictures that nothing is done to, there is no bicubic beside the model. A picture that \
      cannot be measured is named and the others go on; the means are then those of the others, and the exit code is 1.
      """)

  @Argument(help: ArgumentHelp("Models: names (upscale-x2) or model files.", valueName: "model"))
  var models: [String]

  @Option(help: ArgumentHelp("The folder of pictures.", valueName: "folder"))
  var data: String

  @Option(
    help: "The factors, as in 2,3,4. (default: the model's own, or 2,3,4 where it takes any)",
    transform: ScaleList.init(argument:))
  var scales: ScaleList?

  @Option(name: .customLong("protocol"), help: "What is compared and how: vdsr, edsr or rgb.")
  var measure = ProtocolName(EvaluationProtocol.vdsr)

  @Option(
    help: ArgumentHelp(
      "What is done to the small pictures, in order: blur:SIGMA, noise:SIGMA or jpeg:QUALITY, as in noise:2,jpeg:75. (default: nothing)",
      valueName: "list"), transform: DegradationList.init(argument:))
  var degrade: DegradationList?

  @Option(
    help: ArgumentHelp(
      "Write truth, bicubic and output side by side there; of several models in a folder each. Only what was saved of the same model, folder and protocol is written over. (default: no pictures)",
      valueName: "folder"))
  var save: String?

  @Option(
    name: .shortAndLong,
    help: "Tiles: auto, none, or their side in pixels. Does not change the result; small ones take longer. (default: auto)",
    transform: TilePolicy.init(argument:))
  var tile = TilePolicy.automatic

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Print the figures as JSON; of several models a list.")
  var json = false

  @Flag(help: "Print every picture and the means as CSV.")
  var csv = false

  @Flag(help: "Print the means as a table of Markdown.")
  var markdown = false

  func validate() throws {
    guard [json, csv, markdown].count(where: { $0 }) < 2 else {
      throw ValidationError("--json, --csv and --markdown are forms of one table; give one of them")
    }
    if let twice = models.indices.first(where: { models[..<$0].contains(models[$0]) }) {
      throw ValidationError("the model '\(models[twice].onOneLine)' is named twice; leave one out")
    }
  }

  func run() throws {
    var measure = measure.value
    measure.degradations = degrade?.values ?? []
    let folders = save.map { Evaluator.saveFolders($0, models: models) }
    // All are read and asked before the first one works.
    let evaluators = try models.map { model in
      try Evaluator(ModelLibrary.network(model), protocol: measure, engine: try engine.value, tile: tile)
    }
    for evaluator in evaluators { try evaluator.checkedScales(scales?.values) }
    if let folders {
      for (evaluator, folder) in zip(evaluators, folders) {
        try evaluator.checkSaving(to: folder, folder: data, scales: scales?.values)
      }
    }
    for (model, evaluator) in zip(models, evaluators) {
      if let notice = evaluator.untrainedNotice { Terminal.printError("swiftlet: '\(model.onOneLine)': \(notice)") }
    }
    for line in try Evaluator.notices(folder: data) { Terminal.printError("swiftlet: \(line)") }
    let start = Machine.seconds
    defer { Terminal.clearProgress() }
    let reports = try evaluators.enumerated().map { (place, evaluator) in
      let model = models[place]
      return try evaluator.evaluate(
        folder: data, model: model, scales: scales?.values, saveFolder: folders?[place],
        failure: { line in
          Terminal.clearProgress()
          Terminal.printError("swiftlet: \(line)")
        }
      ) { label, share in
        let share = (Double(place) + share) / Double(models.count)
        Terminal.drawProgress(models.count > 1 ? "\(model) \(label)" : label, share, since: start)
      }
    }
    Terminal.clearProgress()
    if json {
      Terminal.showJSON(reports.count > 1 ? try reports.json : try reports[0].json)
    } else if csv || markdown || reports.count > 1 {
      let table = EvaluationTable(reports)
      csv || markdown ? Terminal.show(csv ? table.csv : table.markdown) : Terminal.show(table.report)
      // A table that others read holds nothing else.
      if reports.count > 1 { csv || markdown ? Terminal.printText(table.savedText) : Terminal.show(table.savedText) }
    } else {
      Terminal.show(reports[0].report)
    }
    let failures = reports.compactMap { report in report.failureText.map { (report.model, $0) } }
    for (model, line) in failures {
      Terminal.printError("swiftlet: \(reports.count > 1 ? "\(model.onOneLine): " : "")\(line)")
    }
    if !failures.isEmpty { throw SilentFailure() }
  }
}

/// `2,3,4`
struct ScaleList {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  init(argument: String) throws {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    values = parts.compactMap(\.self)
    guard values.count == parts.count, !values.isEmpty else { throw ValueProblem("give whole numbers, as in 2,3,4") }
  }
}

/// `noise:2,jpeg:75`
struct DegradationList {
  let values: [Degradation]

  init(argument: String) throws {
    values = try argument.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let value = Degradation(String(part)) else {
        throw ValueProblem(
          "'\(part)' is no degradation; give blur:SIGMA (0 to 10), noise:SIGMA (0 to 255) or jpeg:QUALITY (1 to 100), as in "
            + "noise:2,jpeg:75")
      }
      return value
    }
  }
}

/// `vdsr`, `edsr` or `rgb`.
struct ProtocolName: ExpressibleByArgument {
  let value: EvaluationProtocol

  init(_ value: EvaluationProtocol) { self.value = value }

  init?(argument: String) {
    guard let value = EvaluationProtocol.all.first(where: { $0.name == argument }) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.name }
  static var allValueStrings: [String] { EvaluationProtocol.all.map(\.name) }
}
