import ArgumentParser
import Swiftlet

struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Measures a model on pictures: PSNR and SSIM beside bicubic interpolation.",
    discussion: """
      Each picture is made smaller, enlarged again and compared with what it was. The protocol is printed in full. A picture that \
      cannot be measured is named and the others go on; the means are then those of the others, and the exit code is 1.
      """)

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Option(help: ArgumentHelp("The folder of pictures.", valueName: "folder"))
  var data: String

  @Option(help: "The factors, as in 2,3,4. (default: the model's own, or 2,3,4 where it takes any)")
  var scales: ScaleList?

  @Option(name: .customLong("protocol"), help: "What is compared and how: vdsr, edsr or rgb.")
  var measure = ProtocolName(EvaluationProtocol.vdsr)

  @Option(
    help: ArgumentHelp(
      "What is done to the small pictures, in order: blur:SIGMA, noise:SIGMA or jpeg:QUALITY, as in noise:2,jpeg:75. (default: nothing)",
      valueName: "list"))
  var degrade: DegradationList?

  @Option(help: ArgumentHelp("Write truth, bicubic and output side by side there. (default: no pictures)", valueName: "folder"))
  var save: String?

  @Option(
    name: .shortAndLong,
    help: "Tiles: auto, none, or their side in pixels. Does not change the result; small ones take longer. (default: auto)",
    transform: TilePolicy.init(argument:))
  var tile = TilePolicy.automatic

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func run() throws {
    var measure = measure.value
    measure.degradations = degrade?.values ?? []
    let evaluator = try Evaluator(ModelLibrary.network(model), protocol: measure, engine: try engine.value, tile: tile)
    let start = Machine.seconds
    defer { Terminal.clearProgress() }
    let report = try evaluator.evaluate(
      folder: data, model: model, scales: scales?.values, saveFolder: save,
      failure: { line in
        Terminal.clearProgress()
        Terminal.printError("swiftlet: \(line)")
      }
    ) { label, share in
      Terminal.drawProgress(label, share, since: start)
    }
    Terminal.clearProgress()
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.text)
    guard let line = report.failureText else { return }
    Terminal.printError("swiftlet: \(line)")
    throw SilentFailure()
  }
}

/// `2,3,4`
struct ScaleList: ExpressibleByArgument {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let values = parts.compactMap(\.self)
    guard values.count == parts.count, !values.isEmpty else { return nil }
    self.values = values
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}

/// `noise:2,jpeg:75`
struct DegradationList: ExpressibleByArgument {
  let values: [Degradation]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Degradation(String($0)) }
    values = parts.compactMap(\.self)
    guard values.count == parts.count, !values.isEmpty else { return nil }
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
