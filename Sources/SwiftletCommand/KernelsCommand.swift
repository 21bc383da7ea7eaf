import ArgumentParser
import Swiftlet

struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "Lists the engine's kernels; for a model, what is taken for each layer, and why.")

  @Argument(help: "A name (upscale-x2) or a model file. (default: none, list all kernels)")
  var model: String?

  @Option(help: ArgumentHelp("The model's input. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"))
  var input: Shape?

  @Option(help: "The instruction set to choose for: portable, avx2, avx512, avx512vnni or avx512bf16.")
  var isa = InstructionSet.best

  @Option(help: "The precision to choose for: float32 or bfloat16.")
  var precision = Precision.float32

  @OptionGroup var machine: MachineArguments

  @Flag(help: "A part for each layer, also of those that are alike.")
  var each = false

  @Flag(help: "Show all columns and whole lines, however wide the terminal is.")
  var wide = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    var report = KernelReport()
    if let model {
      let network = try ModelLibrary.network(model)
      let shape = try network.inputShape(given: input)
      report = try KernelReport(
        network, input: shape,
        options: CPUOptions(instructionSet: isa, precision: precision, machine: try machine.description))
    }
    json
      ? Terminal.showJSON(try report.json)
      : Terminal.show(report.text(groupsAlike: !each, width: wide ? nil : Terminal.width))
  }
}
