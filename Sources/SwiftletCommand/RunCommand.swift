import ArgumentParser
import Swiftlet

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a model on a tensor: .npy in, .npy out, both [N, C, H, W].")

  @Argument(help: "The model: a name (upscale-x2), a model file or an .onnx file.")
  var model: String

  @Option(help: ArgumentHelp("The input: an .npy file, or - for standard input.", valueName: "file"))
  var input: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The output: an .npy file, float32.", valueName: "file"))
  var output: String

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func run() throws {
    let report = try TensorRun(
      ModelLibrary.network(model), model: model, input: input, output: output, engine: engine.options)
    if json {
      print(try report.json)
    } else {
      print("\(input) \(report.input) -> \(output) \(report.output) in \(TextFormat.fixed(report.seconds, 3)) s")
    }
  }
}
