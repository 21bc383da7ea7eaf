import ArgumentParser
import CUDABackend
import CUDAEmulation
import DeviceCheck
import Evaluation
import Files
import Foundation

/// The program of `make gpu-check`.
@main struct GPUCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpu-check",
    abstract: "Checks that a CUDA device computes what the CPU does, and times it. Exits 1 where anything failed.")

  @Option(help: "The device.")
  var device = 0

  @Option(help: ArgumentHelp("Write everything as JSON. (default: none)", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("What torch_times.py wrote, to be set beside our times. (default: none)", valueName: "file"))
  var torch: String?

  @Option(help: ArgumentHelp("Begin nothing after so many seconds.", valueName: "s"))
  var seconds = 150.0

  @Flag(help: "Operations alone: for tools that slow the device down.")
  var operations = false

  @Flag(help: "Every kernel that can do a layer, timed, and nothing else: whether the fastest ones are taken.")
  var kernels = false

  @Flag(help: "Times of networks, and nothing else.")
  var times = false

  @Flag(help: "Kernels one after the other, none before the one ahead of it is done.")
  var oneByOne = false

  @Option(help: "Only networks of these names, with commas between. (default: all)")
  var networks: String?

  @Option(help: "Only one precision: float32 or float16. (default: both)")
  var precision: CUDAPrecision?

  @Flag(help: "On a device that is emulated on the CPU, with small networks: to see the program run.")
  var emulated = false

  func run() throws {
    let driver = try emulated ? CUDADriver { cudaEmulatedSymbol($0) } : CUDADriver.load()
    let start = Machine.seconds
    let index = device
    var check = DeviceCheck(isSmall: emulated) { (precision) throws(CUDAError) in
      var engine = try CUDAEngine(driver, device: index, precision: precision)
      engine.overlapsKernels = !oneByOne
      return engine
    }
    if let networks { check.networkNames = Set(networks.split(separator: ",").map(String.init)) }
    if let precision { check.precisions = [precision] }
    // Each part leaves time for the next.
    func until(_ share: Double) -> Double { start + seconds * share }
    check.progress = { line in FileHandle.standardError.write(Data((line + "\n").utf8)) }
    let engine = try check.engine(.float32)
    var report = DeviceCheckReport(device: engine.device, driver: try driver.version())
    if kernels {
      check.deadline = until(1)
      report.choices = try check.choices()
    } else {
      if !operations, !times {
        check.deadline = until(0.4)
        report.networks = try check.networks()
      }
      if !times {
        check.deadline = until(operations ? 1 : 0.7)
        report.operations = try check.operations()
      }
      if !operations {
        check.deadline = until(1)
        report.times = try check.times(runs: emulated ? 3 : 50)
      }
    }
    if let torch {
      guard report.takePeer(try FileReader.bytes(of: torch, limit: 1 << 20)) else {
        throw ValidationError("'\(torch)' is not what torch_times.py writes")
      }
    }
    if let json { try AtomicFile.write(Array((try report.json + "\n").utf8), to: json) }
    print(report.text, terminator: "")
    if !report.isSound, !kernels, !times { throw ExitCode(1) }
  }
}

extension CUDAPrecision: ExpressibleByArgument {}
