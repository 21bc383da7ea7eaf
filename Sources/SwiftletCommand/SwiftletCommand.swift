import ArgumentParser
import Swiftlet

@main
struct SwiftletCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "swiftlet", abstract: "Makes convolutional image networks small and fast, and runs them.",
    discussion: """
      Reports fit the terminal, or as many columns as COLUMNS says; in a pipe or a file tables have 120, and sentences are whole lines. In JSON a byte of a name \
      that is no UTF-8 is written as in reports, \\xe9. A command that is interrupted says in one line what stands, and ends by the signal: 130 \
      after Ctrl-C, 143 after SIGTERM.
      """,
    version: "0.1.0",
    subcommands: [
      UpscaleCommand.self, PredictCommand.self, EvalCommand.self, InfoCommand.self, NewCommand.self, ConvertCommand.self,
      OptimizeCommand.self, PruneCommand.self, QuantizeCommand.self,
      RunCommand.self, BenchCommand.self, KernelsCommand.self, ProfileCommand.self, ExplainCommand.self, CompareCommand.self,
      LadderCommand.self, MachineCommand.self, DevicesCommand.self, DataCommand.self, TrainCommand.self, RunsCommand.self,
      FrontCommand.self,
    ])

  /// The commands that the first words name, from the outermost on.
  static func commands(named words: [String]) -> [any ParsableCommand.Type] {
    var found: [any ParsableCommand.Type] = [], known = configuration.subcommands
    for word in words {
      guard let next = known.first(where: { $0.configuration.commandName == word }) else { break }
      found.append(next)
      known = next.configuration.subcommands
    }
    return found
  }

  /// Throws where a word that should be a command is none: the parser would take it for an argument too many, or for that of the command that is meant
  /// where none is named.
  private static func checkNames(_ words: [String]) throws {
    let named = commands(named: words)
    let owner = named.last?.configuration ?? configuration
    guard words.count > named.count, !owner.subcommands.isEmpty else { return }
    let word = words[named.count], known = owner.subcommands.compactMap { $0.configuration.commandName }
    guard !word.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
    let path = (named.compactMap { $0.configuration.commandName } + [""]).joined(separator: " ")
    let nearest = TextFormat.nearest(to: word, among: known)
    // What is no command may be a folder of runs.
    if owner.defaultSubcommand != nil, nearest == nil || Folder.exists(word) { return }
    let mend = nearest.map { "do you mean '\(path)\($0)'?" } ?? "there are \(known.joined(separator: ", "))"
    throw ValidationError("there is no command '\(path)\(word)'; \(mend)")
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
        try checkNames(arguments)
        var command = try parseAsRoot(arguments)
        try command.run()
      }
      ErrorReport.endWell()
    } catch {
      ErrorReport.exit(with: error)
    }
  }
}
