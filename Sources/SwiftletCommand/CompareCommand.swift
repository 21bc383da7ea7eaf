import ArgumentParser
import Swiftlet

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Runs two models, or one on two paths, and names the first node whose difference leaves its bound.",
    usage: "swiftlet compare [<options>] <model> [<other>]",
    discussion: """
      A path is reference, cpu with an instruction set, a precision or both (cpu:avx2, cpu:portable, cpu:float32), or cuda with a \
      number, a precision or both (cuda:float16). One model runs \
      on the reference and on the CPU, two models on one path, unless told otherwise; --device and --precision say in place of --path-b how the \
      second runs, of two models both. To compare, every value is kept, which changes \
      the order of the work: the outputs are computed once more as other commands do, with the threads and tiles asked for, and must \
      have the same bits. The exit code is 1 where they do not, where a difference leaves its bound, or where nothing can be compared.
      """)

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Argument(help: "The model to hold against it. (default: the same)")
  var other: String?

  @Option(
    help: ArgumentHelp(
      "The input: NxCxHxW of random numbers, or a picture. (default: the model's own size, else 1xCx64x64)", valueName: "input")
  )
  var input: String?

  @Option(
    help: ArgumentHelp("How the first runs. (default: reference; of two models as the second)", valueName: "path"),
    transform: { try EngineName($0) })
  var pathA: EngineName?

  @Option(
    help: ArgumentHelp("How the second runs. (default: cpu; of two models as the first)", valueName: "path"),
    transform: { try EngineName($0) })
  var pathB: EngineName?

  @OptionGroup var place: DeviceArguments

  @Option(
    help: ArgumentHelp("Threads to compute with, 1 to 1024. (default: \(Machine.processorCount))", valueName: "n"),
    transform: Count.init(argument:))
  var threads = Count(Machine.processorCount)

  @OptionGroup var machine: MachineArguments

  @Option(
    help: ArgumentHelp(
      "Tiles to cut the picture into for the run that is not compared: none, auto or a side. (default: none)",
      valueName: "side"), transform: TilePolicy.init(argument:))
  var tile = TilePolicy.none

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws { _ = try namedSecond }

  /// How the second runs, where that is said. Throws where two options say it.
  private var namedSecond: EngineName? {
    get throws {
      guard place.device != nil || place.precision != nil else { return pathB }
      if pathB != nil {
        throw ValidationError(
          "--path-b and --\(place.device == nil ? "precision" : "device") both say how the second runs; give one")
      }
      return try (place.device?.engine ?? .cpu()).storing(place.precision)
    }
  }

  func run() throws {
    let first = try ModelLibrary.network(model)
    let second = try other.map { try ModelLibrary.network($0) } ?? first
    let given = try input.map { ModelInput($0) } ?? ModelInput(for: first, side: 64)
    let tensor = try given.tensor(for: first)
    let names = EngineName.pair(pathA, try namedSecond, ofTwoModels: other != nil), rates = try machine.description
    func engine(_ name: EngineName) -> Engine { Engine(name, threadCount: threads.value, machine: rates) }
    var comparison = try Comparison(
      first, on: engine(names.first), second, on: engine(names.second), input: tensor, tile: tile)
    (comparison.firstModel, comparison.secondModel) = (model, other ?? model)
    comparison.isOfRandomNumbers = given.isRandom
    json ? Terminal.showJSON(try comparison.json) : Terminal.show(comparison.report)
    if !comparison.isGood { throw SilentFailure() }
  }
}
