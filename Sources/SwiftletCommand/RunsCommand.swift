import ArgumentParser
import Swiftlet

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "Shows what 'train' has made, and other commands that train.",
    subcommands: [RunsListCommand.self, RunsShowCommand.self, RunsDiffCommand.self], defaultSubcommand: RunsListCommand.self)
}

struct RunsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the runs in a folder, and in folders there, as rounds of 'prune' are.")

  @Argument(help: ArgumentHelp("The folder that the runs are in.", valueName: "folder"))
  var folder = "runs"

  @Flag(help: "Print the records as JSON.")
  var json = false

  func run() throws {
    let list = try RunList(folder: folder)
    json ? Terminal.showJSON(try list.json) : Terminal.show(list.report)
  }
}

struct RunsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows one run: what it is, and its epochs.")

  @Argument(help: ArgumentHelp("The folder of the run.", valueName: "folder"))
  var folder: String

  @Flag(help: "Print the record and the epochs as JSON.")
  var json = false

  func run() throws {
    let report = try RunReport(RunFolder(path: folder))
    if let notice = report.notice { Terminal.printError("swiftlet: \(notice)") }
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.report)
  }
}

struct RunsDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Shows what differs between two runs: recipes, data, machine and figures.")

  @Argument(help: ArgumentHelp("The folder of one run.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("The folder of another.", valueName: "second"))
  var second: String

  @Flag(help: "Print the differences as JSON.")
  var json = false

  func run() throws {
    let reports = try [first, second].map { try RunReport(RunFolder(path: $0)) }
    for notice in reports.compactMap(\.notice) { Terminal.printError("swiftlet: \(notice)") }
    let difference = RunDifference(reports[0], reports[1])
    json ? Terminal.showJSON(try difference.json) : Terminal.show(difference.report)
  }
}
