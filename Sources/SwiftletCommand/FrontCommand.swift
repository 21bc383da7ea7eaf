import ArgumentParser
import Swiftlet

struct FrontCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "front",
    abstract: "Trains variants of a network by one budget, times them in turn, and shows which are worth their cost.",
    usage: "swiftlet front [<options>] <recipe>",
    discussion: """
      A recipe names the variants: other convolutions, fewer channels, bfloat16, int8, distilled from another. Documentation/Fronts.md explains its \
      keys. The folder holds all that was made, the table (front.csv), the curves (front.svg) and a page (front.html). The same command goes on \
      where it was broken off, and makes nothing twice; what was measured elsewhere or otherwise is not mixed in.
      """)

  @Argument(help: ArgumentHelp("The recipe (.yaml).", valueName: "recipe"))
  var recipe: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder of the front: one that is not there, empty, or of this front. (default: fronts/NAME of the recipe)",
      valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Where relative paths of data begin. (default: the working folder)", valueName: "root"))
  var dataRoot: String?

  @OptionGroup var cpu: CPUArguments

  @Flag(help: "Show what would be made, on what data, in which order and for how many steps, and write nothing.")
  var dryRun = false

  @Flag(help: "Print the table as JSON.")
  var json = false

  func run() throws {
    let front = try FrontRecipe(contentsOf: recipe)
    let job = try FrontJob(
      front, options: try cpu.options, version: SwiftletCommand.configuration.version,
      folder: output.map { FrontFolder(path: $0) } ?? .standard(forRecipe: recipe), root: dataRoot)
    if dryRun { return Terminal.show(job.plan) }
    if !json {
      Terminal.show(job.plan)
      Terminal.flush()
    }
    Interruption.isWaited = true
    Interruption.note = "interrupted; the same command goes on with '\(job.folder.path.onOneLine)', from the last checkpoint"
    defer { Terminal.clearProgress() }
    // Of the variant at work.
    var current = "", start = Machine.seconds, first = 0.0
    let table = try job.run(shouldStop: { Interruption.isRequested }) { line in
      Terminal.clearProgress()
      Terminal.printReport(ReportText(line + "\n"))
    } progress: { name, progress in
      if name != current { (current, start, first) = (name, Machine.seconds, progress.share) }
      Terminal.drawProgress("\(name): \(progress.text)", progress.share, since: start, from: first)
    }
    Terminal.clearProgress()
    guard let table else {
      throw Interruption.Stop("stopped; the same command goes on with '\(job.folder.path.onOneLine)'")
    }
    json ? Terminal.showJSON(try table.json) : Terminal.show("\n\(table.report)\n\(job.folder.html.onOneLine)\n" as ReportText)
  }
}
