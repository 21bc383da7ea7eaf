import ArgumentParser
import Swiftlet

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "Shows the CUDA devices of this machine, for --device.")

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let report: DeviceReport
    do throws(EvaluationError) {
      report = try DeviceReport()
    } catch {
      // Programs that ask are answered, too.
      if json { Terminal.showJSON(try DeviceReport.Failure(error: error.description).json) }
      throw error
    }
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.report)
  }
}
