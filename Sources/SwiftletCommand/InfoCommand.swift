import ArgumentParser
import Swiftlet

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Shows what a model is and what it costs.",
    usage: "swiftlet info [<options>] <model>")

  @Argument(help: "The model: a name (upscale-x2), a model file or an .onnx file.")
  var model: String

  @Flag(help: "Also show every node with its costs.")
  var nodes = false

  @Option(
    help: ArgumentHelp("The input to reckon for. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @Flag(help: "Show what a step of training costs instead: products, bytes, memory.")
  var training = false

  @Option(
    help: ArgumentHelp(
      "With --training: the loss, as in a recipe. (default: l1, of classes cross-entropy)", valueName: "name"))
  var loss: String?

  @Option(help: ArgumentHelp("With --training: sgd, adam or adamw. (default: adam)", valueName: "name"))
  var optimizer: String?

  @Option(
    help: ArgumentHelp("With --training: the images of a batch. (default: the input's)", valueName: "n"),
    transform: PlainNumber.whole)
  var batchSize: Int?

  @OptionGroup var cpu: CPUArguments

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    if !training, loss != nil || optimizer != nil || batchSize != nil {
      throw ValidationError("--loss, --optimizer and --batch-size speak of training; give --training, too")
    }
    if let batchSize, !(1...65536).contains(batchSize) { throw ValidationError("--batch-size must be 1 to 65536") }
  }

  func run() throws {
    let network = try ModelLibrary.network(model)
    guard training else {
      let report = try NetworkReport(network, model: model, input: input)
      return json ? Terminal.showJSON(try report.json) : Terminal.show(report.report(showsNodes: nodes))
    }
    let report = try TrainingReport(
      network, model: model, input: input, batchSize: batchSize, loss: loss, optimizer: optimizer, options: try cpu.options)
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.report(showsNodes: nodes))
  }
}
