import ArgumentParser
import Swiftlet

extension ProfileTable.Grouping: ExpressibleByArgument {}
extension ProfileTable.SortKey: ExpressibleByArgument {}

/// What a network is measured on, and how.
struct MeasuringArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The input: NxCxHxW of random numbers, or a picture, continued where the model does not take its sides. (default: the model's own size, else 1xCx256x256)",
      valueName: "input"))
  var input: String?

  @Option(
    help: ArgumentHelp(
      "Runs before those that count, at least, and 50 ms of them; none for 0, at most 1024. (default: 3)", valueName: "n"),
    transform: WarmUpCount.init(argument:))
  var warmup = WarmUpCount(3)

  @OptionGroup var engine: TimedEngineArguments

  /// An option that says how to measure, for who measures nothing; nil where none is given.
  var given: String? {
    let engine = engine.any, cpu = engine.cpu
    let all: [(String, Bool)] = [
      ("--input", input != nil), ("--warmup", warmup.value != 3), ("--engine", engine.engine != nil),
      ("--device", engine.place.device != nil), ("--precision", engine.place.precision != nil), ("--isa", cpu.isa != nil),
      ("--threads", cpu.threads.value != Machine.processorCount), ("--rates", cpu.machine.rates != nil),
    ]
    return all.first { $0.1 }?.0
  }

  func input(for network: Network) throws -> ModelInput {
    try input.map { ModelInput($0) } ?? ModelInput(for: network)
  }

  /// The profiles of some models, which run in turn.
  func profiles(_ models: [String], runs: Count, _ statistic: Profile.Statistic) throws -> [Profile] {
    let subjects = try models.map { model in
      let network = try ModelLibrary.network(model)
      return Profiler.Subject(network, model: model, input: try input(for: network).tensor(for: network))
    }
    let profiler = Profiler(
      engine: try engine.value, warmup: warmup.value, runs: runs.value, statistic: statistic, memory: .ofUser)
    return try profiler.profiles(subjects)
  }
}

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Shows where a model's time goes, in the columns of PyTorch's profiler and beyond them.")

  @Argument(
    help:
      "The model: a name (upscale-x2) or a model file; or a profile saved by --json (.json), which is shown without measuring.")
  var model: String

  @OptionGroup var measuring: MeasuringArguments

  @Option(
    help: ArgumentHelp(
      "Runs that count, 1 to 1024; the one is shown whose time is the median. (default: 10)", valueName: "n"),
    transform: Count.init(argument:))
  var runs = Count(10)

  @Option(help: ArgumentHelp("What a row is: layers that are alike, layer, operator or kernel.", valueName: "grouping"))
  var by = ProfileTable.Grouping.alike

  @Option(
    help: ArgumentHelp(
      "What rows are sorted by: order, name, self, total, average, calls, flops, bytes or share.", valueName: "key"))
  var sort = ProfileTable.SortKey.`self`

  @Flag(help: "Show all columns, however wide the terminal is.")
  var wide = false

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

  func validate() throws {
    guard [model, diff].allSatisfy({ $0.map(Self.isSaved) ?? true }) else { return }
    if let option = measuring.given ?? (runs.value != 10 ? "--runs" : nil) {
      throw ValidationError(
        "\(option) says how to measure, and '\(model.onOneLine)' is measured already; leave it out, or give a model")
    }
  }

  /// Whether the name is that of a profile, which is shown without measuring.
  private static func isSaved(_ name: String) -> Bool { name.lowercased().hasSuffix(".json") }

  func run() throws {
    // Before anything is measured: an output that cannot be written, or a profile that cannot be read, is told at once.
    let outputs = [trace, roofline].compactMap(\.self)
    if let trace { try Folder.claimOutput(trace, for: "--trace") }
    if let roofline { try Folder.claimOutput(roofline, for: "--roofline") }
    // Nobody means a picture by the name of one.
    for (path, ending) in [(trace, ".json"), (roofline, ".svg")] {
      if let path, ImageFormat(path: path) != nil { throw EvaluationError.outputExtension(path: path, known: [ending]) }
    }
    let names = [model] + (diff.map { [$0] } ?? [])
    var saved: [String: Profile] = [:]
    for name in names where Self.isSaved(name) { saved[name] = try Profile(contentsOf: name) }
    let models = names.filter { saved[$0] == nil }
    var measured = try models.isEmpty ? [] : measuring.profiles(models, runs: runs, .medianRun)
    let profiles = names.map { saved[$0] ?? measured.removeFirst() }
    let profile = profiles[0]
    if let trace { try AtomicFile.write(Array(profile.trace.utf8), to: trace) }
    if let roofline { try AtomicFile.write(Array(Roofline(profile).svg.utf8), to: roofline) }
    if let diff, let other = profiles.dropFirst().first {
      let difference = ProfileDifference(profile, other, names: (model, diff))
      json ? Terminal.showJSON(try difference.json, besides: outputs) : Terminal.show(difference.report, besides: outputs)
    } else {
      let table = ProfileTable(
        grouping: by, sortKey: sort, showsMemory: memory, showsShapes: shapes, showsFlops: flops)
      json
        ? Terminal.showJSON(try profile.json, besides: outputs)
        : Terminal.show(table.report(profile), isWide: wide, besides: outputs)
    }
  }
}
