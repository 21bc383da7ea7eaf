import ArgumentParser
import Swiftlet

@main
struct SwiftletCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swiftlet", abstract: "Makes convolutional image networks small and fast, and runs them.",
    version: "0.1.0",
    subcommands: [
      UpscaleCommand.self, EvalCommand.self, InfoCommand.self, NewCommand.self, ConvertCommand.self, OptimizeCommand.self,
      RunCommand.self, BenchCommand.self, KernelsCommand.self, ProfileCommand.self, ExplainCommand.self, CompareCommand.self,
      LadderCommand.self, MachineCommand.self,
    ])

  /// As the default one, but every error is one line on standard error.
  static func main() {
    Startup.opensStandardStreams()
    Startup.checksMemory()
    Interruption.removesPartialFiles()
    do {
      try FileClaims.together {
        FileClaims.writesStandardStreams()
        var command = try parseAsRoot()
        try command.run()
      }
      ErrorReport.endWell()
    } catch {
      ErrorReport.exit(with: error)
    }
  }
}
