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

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let profile = try measuring.profile(model)
    if let other {
      let explanation = PairExplanation(profile, try measuring.profile(other, roofs: profile.roofs))
      print(json ? try explanation.json + "\n" : explanation.text, terminator: "")
    } else {
      let explanation = Explanation(profile)
      print(json ? try explanation.json + "\n" : explanation.text, terminator: "")
    }
  }
}
