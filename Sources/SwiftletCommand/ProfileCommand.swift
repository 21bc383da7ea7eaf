import ArgumentParser
import Swiftlet

extension ProfileTable.Grouping: ExpressibleByArgument {}
extension ProfileTable.SortKey: ExpressibleByArgument {}

/// What a network is measured on, and how often.
struct MeasuringArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The input: NxCxHxW of random numbers, or a picture. (default: 1xCx256x256)", valueName: "input"))
  var input: String?

  @Option(help: ArgumentHelp("Runs that count.", valueName: "n"))
  var runs = Count(10)

  @Option(help: ArgumentHelp("Runs before those that count.", valueName: "n"))
  var warmup = WarmUpCount(3)

  @OptionGroup var engine: EngineArguments

  func input(for network: Network) -> ModelInput { input.map { ModelInput($0) } ?? ModelInput(for: network) }

  /// The profile of a model; roofs are measured unless known.
  func profile(_ model: String, roofs: Roofs? = nil) throws -> Profile {
    let network = try ModelLibrary.network(model)
    let profiler = Profiler(engine: engine.options, warmup: warmup.value, runs: runs.value, roofs: roofs)
    return try profiler.profile(network, model: model, input: input(for: network).tensor(for: network))
  }
}

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Shows where a model's time goes, in the columns of PyTorch's profiler and beyond them.")

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @OptionGroup var measuring: MeasuringArguments

  @Option(help: ArgumentHelp("What a row is: layer, operator or kernel.", valueName: "grouping"))
  var by = ProfileTable.Grouping.layer

  @Option(
    help: ArgumentHelp(
      "What rows are sorted by: order, name, self, total, average, calls, flops, bytes or share.", valueName: "key"))
  var sort = ProfileTable.SortKey.`self`

  @Flag(help: "Also show the shapes of the inputs.")
  var shapes = false

  @Flag(help: "Also show the memory that outputs take.")
  var memory = false

  @Flag(help: "Also show the number of operations.")
  var flops = false

  @Option(help: ArgumentHelp("Write a trace for Perfetto or chrome://tracing. (default: none)", valueName: "file"))
  var trace: String?

  @Option(help: ArgumentHelp("Write the roofline as an SVG. (default: none)", valueName: "file"))
  var roofline: String?

  @Option(
    help: ArgumentHelp(
      "Compare layer by layer with another model, or with a profile saved by --json. (default: none)", valueName: "model"))
  var diff: String?

  @Flag(help: "Print the profile as JSON.")
  var json = false

  func run() throws {
    let profile = try measuring.profile(model)
    if let trace { try AtomicFile.write(Array(profile.trace.utf8), to: trace) }
    if let roofline { try AtomicFile.write(Array(Roofline(profile).svg.utf8), to: roofline) }
    if let diff {
      let other = try diff.hasSuffix(".json") ? Profile(contentsOf: diff) : measuring.profile(diff, roofs: profile.roofs)
      let difference = ProfileDifference(profile, other)
      print(json ? try difference.json + "\n" : difference.text, terminator: "")
    } else {
      let table = ProfileTable(
        grouping: by, sortKey: sort, showsMemory: memory, showsShapes: shapes, showsFlops: flops)
      print(json ? try profile.json + "\n" : table.text(profile), terminator: "")
    }
  }
}
