import ArgumentParser
import Swiftlet

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Shows what a model is and what it costs.")

  @Argument(help: "The model: a name (upscale-x2), a model file or an .onnx file.")
  var model: String

  @Flag(help: "Also show every node with its costs.")
  var nodes = false

  @Option(
    help: ArgumentHelp("The input to reckon for. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"))
  var input: Shape?

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let report = try NetworkReport(ModelLibrary.network(model), model: model, input: input)
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.text(showsNodes: nodes))
  }
}
