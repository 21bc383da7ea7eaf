import ArgumentParser
import Swiftlet

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures how fast a model runs on this machine.")

  @Argument(help: "The model: a name (upscale-x2), a model file or an .onnx file.")
  var model: String

  @Option(
    help: ArgumentHelp("The input, random numbers. (default: the model's own size, else 1xCx256x256)", valueName: "NxCxHxW"),
    transform: Shape.init(argument:))
  var input: Shape?

  @Option(
    help: ArgumentHelp("Runs that count, 1 to 1024. (default: 10)", valueName: "n"), transform: Count.init(argument:))
  var runs = Count(10)

  @Option(
    help: ArgumentHelp(
      "Runs before those that count, at least, and 50 ms of them; none for 0, at most 1024. (default: 3)", valueName: "n"),
    transform: WarmUpCount.init(argument:))
  var warmup = WarmUpCount(3)

  @OptionGroup var engine: EngineArguments

  @Flag(help: "Time steps of training instead: forward, backward and Adam, on random targets.")
  var train = false

  @Flag(help: "Also time every node, in runs of their own.")
  var nodes = false

  @Flag(help: "Print the figures as JSON.")
  var json = false

  func run() throws {
    let network = try ModelLibrary.network(model)
    let shape = try network.inputShape(given: input)
    let benchmark = Benchmark(
      input: shape, engine: try engine.value, warmup: warmup.value, runs: runs.value, timesNodes: nodes)
    let report = train ? try benchmark.train(network, model: model) : try benchmark.run(network, model: model)
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.report)
  }
}
