import ArgumentParser
import Swiftlet

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Says what bounds each layer; for two models, why the smaller one is not faster where it is not.")

  @Argument(help: "The model: a name (upscale-x2) or a model file.")
  var model: String

  @Argument(help: "A smaller model to hold against it. (default: none)")
  var other: String?

  @OptionGroup var measuring: MeasuringArguments

  @Option(
    help: ArgumentHelp(
      "Runs that count, 1 to 1024; each layer is judged by the one in which it was fastest. (default: 30)", valueName: "n"),
    transform: Count.init(argument:))
  var runs = Count(30)

  @Flag(help: "A line for each layer, also of those that are alike.")
  var each = false

  @Flag(help: "Show all columns and whole lines, however wide the terminal is.")
  var wide = false

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let profiles = try measuring.profiles([model, other].compactMap { $0 }, runs: runs, .fastestOfEachLayer)
    if let other = profiles.dropFirst().first {
      let explanation = PairExplanation(profiles[0], other)
      json ? Terminal.showJSON(try explanation.json) : Terminal.show(explanation.report(groupsAlike: !each), isWide: wide)
    } else {
      let explanation = Explanation(profiles[0])
      json
        ? Terminal.showJSON(try explanation.json) : Terminal.show(explanation.report(groupsAlike: !each), isWide: wide)
    }
  }
}
