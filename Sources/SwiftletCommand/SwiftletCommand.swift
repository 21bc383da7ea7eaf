import ArgumentParser
import Swiftlet

@main
struct SwiftletCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swiftlet", abstract: "Makes convolutional image networks small and fast, and runs them.",
    version: "0.1.0",
    subcommands: [
      UpscaleCommand.self, PredictCommand.self, EvalCommand.self, InfoCommand.self, NewCommand.self, ConvertCommand.self,
      OptimizeCommand.self, PruneCommand.self, QuantizeCommand.self,
      RunCommand.self, BenchCommand.self, KernelsCommand.self, ProfileCommand.self, ExplainCommand.self, CompareCommand.self,
      LadderCommand.self, MachineCommand.self, DevicesCommand.self, DataCommand.self, TrainCommand.self, RunsCommand.self,
      FrontCommand.self,
    ])

  /// Throws where the first word is no command: the parser would take it for an argument too many.
  private static func checkName(_ name: String?) throws {
    guard let name, !name.isEmpty, !name.hasPrefix("-") else { return }
    let known = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard name != "help", !known.contains(name) else { return }
    let mend =
      TextFormat.nearest(to: name, among: known).map { "do you mean '\($0)'?" } ?? "there are \(known.joined(separator: ", "))"
    throw ValidationError("there is no command '\(name)'; \(mend)")
  }

  /// As the default one, but every error is one line on standard error.
  static func main() {
    Startup.opensStandardStreams()
    Terminal.keepsStandardError()
    Startup.checksMemory()
    Interruption.removesPartialFiles()
    do {
      try FileClaims.together {
        FileClaims.writesStandardStreams()
        let arguments = Startup.arguments
        try checkName(arguments.first)
        var command = try parseAsRoot(arguments)
        try command.run()
      }
      ErrorReport.endWell()
    } catch {
      ErrorReport.exit(with: error)
    }
  }
}
