import ArgumentParser
import Swiftlet

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a model on tensors: .npy in, .npy out, [N, C, H, W].",
    usage: "swiftlet run [<options>] <model> --input <file> ... --output <file> ...",
    discussion: """
      A model of several inputs or outputs takes --input and --output once for each, in the order that 'info' shows. One --output \
      that is a folder, or ends in /, gets a file of each output's name.
      """)

  @Argument(help: "The model: a name (upscale-x2), a model file or an .onnx file.")
  var model: String

  @Option(
    name: .customLong("input"), parsing: .singleValue,
    help: ArgumentHelp("An input: an .npy file, or - for standard input.", valueName: "file"))
  var inputs: [String]

  @Option(
    name: [.customShort("o"), .customLong("output")], parsing: .singleValue,
    help: ArgumentHelp(
      "An output: an .npy file, of float32 or the output's integers, or - for standard output; or a folder for all.",
      valueName: "file"))
  var outputs: [String]

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func run() throws {
    for (index, output) in outputs.enumerated() where outputs.count > 1 || output == "-" || Folder.fileExists(output) {
      try Folder.claimOutput(output, for: TensorRun.purpose(index))
    }
    let report = try TensorRun(
      ModelLibrary.network(model), model: model, inputs: inputs, outputs: outputs, engine: try engine.value)
    if json { return Terminal.showJSON(try report.json, besides: outputs) }
    func text(_ files: [TensorRun.File]) -> String { files.map { "\($0.path.onOneLine) \($0.shape)" }.joined(separator: ", ") }
    Terminal.show(
      "\(text(report.inputs)) -> \(text(report.outputs)) in \(TextFormat.fixed(report.seconds, 3)) s\n", besides: outputs)
  }
}
