import ArgumentParser
import Swiftlet

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices", abstract: "Shows the CUDA devices of this machine, for --device.")

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    let report = try DeviceReport()
    json ? Terminal.showJSON(try report.json) : Terminal.show(report.text)
  }
}
