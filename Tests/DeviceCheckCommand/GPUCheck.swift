import ArgumentParser
import CUDABackend
import CUDAEmulation
import DeviceCheck
import Evaluation
import Execution
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The program of `make gpu-check`. It does without full Foundation, which would double what goes to the device's machine.
@main struct GPUCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpu-check",
    abstract: "Checks that a CUDA device computes what the CPU does, and times it. Exits 1 where anything failed.")

  /// What a run does; each can be a process of its own, so that one that falls over takes nothing along.
  enum Part: String, CaseIterable {
    /// Every network against the CPU engine, every case of the list of operations against the reference, steps of training.
    case networks, operations, training
    case times
    case trainingTimes = "training-times"
    case energy
    /// Every kernel that can do a layer, timed: whether the fastest ones are taken.
    case kernels

    static let usual: [Part] = [.networks, .operations, .training, .times, .trainingTimes, .energy]
  }

  @Option(help: "The device.")
  var device = 0

  @Option(
    help: ArgumentHelp(
      "Write everything as JSON, after each part; what the file has of other parts stays. (default: none)", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("What torch_times.py wrote, to be set beside our times. (default: none)", valueName: "file"))
  var torch: String?

  @Option(help: ArgumentHelp("Begin nothing after so many seconds.", valueName: "s"))
  var seconds = 150.0

  @Option(
    help: ArgumentHelp(
      "Parts, with commas between: \(Part.allCases.map(\.rawValue).joined(separator: ", ")). (default: all but kernels)",
      valueName: "parts"),
    transform: { text in
      try text.split(separator: ",").map { name in
        guard let part = Part(rawValue: String(name)) else { throw ValidationError("there is no part '\(name)'") }
        return part
      }
    })
  var parts = Part.usual

  @Flag(help: "Only tell what is in the file of --json: no device is needed.")
  var tell = false

  @Flag(help: "Only tell what an H100 would take for each network, and how long that should last: no device is needed.")
  var plans = false

  @Option(
    help: ArgumentHelp(
      "Only let the driver compile kernels: of so many shares of them one, counted from 0, as in 3/8.", valueName: "share"))
  var compile: String?

  @Option(help: "Threads that check.")
  var workers = 1

  @Flag(help: "Kernels one after the other, none before the one ahead of it is done.")
  var oneByOne = false

  @Option(help: "Only networks of these names, with commas between. (default: all)")
  var networks: String?

  @Option(help: "Only one precision: float32, tf32, float16 or bfloat16. (default: all)")
  var precision: CUDAPrecision?

  @Flag(help: "On a device that is emulated on the CPU, with small networks: to see the program run.")
  var emulated = false

  func run() throws {
    if plans {
      let plans = try DevicePlans()
      if let json { try AtomicFile.write(Array((try plans.json + "\n").utf8), to: json) }
      return print(plans.text, terminator: "")
    }
    var report: DeviceCheckReport
    if tell {
      guard let json, let known = DeviceCheckReport(json: try FileReader.bytes(of: json, limit: 1 << 26)) else {
        throw ValidationError("--tell takes the file of --json that a check wrote")
      }
      report = known
    } else {
      guard let checked = try checked() else { return }
      report = checked
    }
    if let torch {
      guard report.takePeer(try FileReader.bytes(of: torch, limit: 1 << 20)) else {
        throw ValidationError("'\(torch)' is not what torch_times.py writes")
      }
      try keep(report)
    }
    print(report.text, terminator: "")
    let isCheck = tell || !Set(parts).isDisjoint(with: [.networks, .operations, .training])
    if isCheck ? !report.isSound : !report.faults.isEmpty { throw ExitCode(1) }
  }

  /// Nil where nothing is to be told.
  private func checked() throws -> DeviceCheckReport? {
    let driver = try emulated ? CUDADriver { cudaEmulatedSymbol($0) } : CUDADriver.load()
    let index = device, overlaps = !oneByOne
    var check = DeviceCheck(isSmall: emulated) { (precision) throws(CUDAError) in
      var engine = try CUDAEngine(driver, device: index, precision: precision)
      engine.overlapsKernels = overlaps
      return engine
    }
    if let networks { check.networkNames = Set(networks.split(separator: ",").map(String.init)) }
    if let precision { check.precisions = [precision] }
    check.workerCount = emulated ? 1 : max(workers, 1)
    check.progress = Self.say
    let engine = try check.engine(.float32)
    if let compile {
      let numbers = compile.split(separator: "/").compactMap { Int($0) }
      guard numbers.count == 2, numbers[1] > 0 else { throw ValidationError("give --compile a share, as in 3/8") }
      try engine.compile(CUDAKernel.allCases.enumerated().filter { $0.offset % numbers[1] == numbers[0] }.map(\.element))
      return nil
    }
    var report = DeviceCheckReport(device: engine.device, driver: try driver.version())
    // What other parts found of this device.
    if let json, let bytes = try? FileReader.bytes(of: json, limit: 1 << 26), let known = DeviceCheckReport(json: bytes),
      known.device == report.device, known.driver == report.driver
    {
      report = known
    }
    let end = Machine.seconds + seconds
    for (place, part) in parts.enumerated() {
      // Each leaves time for the next.
      check.deadline = Machine.seconds + max(end - Machine.seconds, 0) / Double(parts.count - place)
      try run(part, check, &report)
      try keep(report)
    }
    return report
  }

  private func run(_ part: Part, _ check: DeviceCheck, _ report: inout DeviceCheckReport) throws {
    switch part {
    case .networks: report.networks = try rows(\.networks, check, report) { (check) throws(CUDAError) in try check.networks() }
    case .operations:
      report.operations = try rows(\.operations, check, report) { (check) throws(CUDAError) in
        try check.conversions() + check.operations()
      }
    case .training: report.training = try rows(\.training, check, report) { (check) throws(CUDAError) in try check.training() }
    case .times:
      report.times = []
      let faults = try check.times(runs: emulated ? 3 : 50) { row in
        report.times.append(row)
        try? keep(report)
      }.faults
      report.faults += faults
    case .trainingTimes:
      report.trainingTimes = []
      let faults = try check.trainingTimes(runs: emulated ? 3 : 20) { row in
        report.trainingTimes.append(row)
        try? keep(report)
      }.faults
      report.faults += faults
    case .energy:
      var check = check
      check.precisions = [precision ?? .float16]
      report.energies = try check.energies()
    case .kernels: report.choices = try check.choices()
    }
  }

  /// What a check finds, which is kept in the file every second, so that one that never ends takes nothing along.
  private func rows(
    _ place: WritableKeyPath<DeviceCheckReport, [DeviceCheckReport.Row]> & Sendable, _ check: DeviceCheck,
    _ report: DeviceCheckReport, _ body: (DeviceCheck) throws(CUDAError) -> [DeviceCheckReport.Row]
  ) throws -> [DeviceCheckReport.Row] {
    var check = check, report = report
    report[keyPath: place] = []
    let json = json, found = Monitor((report: report, moment: 0.0))
    check.note = { rows in
      found.change { found in
        found.report[keyPath: place] += rows
        guard Machine.seconds - found.moment >= 1 else { return }
        try? Self.keep(found.report, in: json)
        found.moment = Machine.seconds
      }
    }
    return try body(check)
  }

  private func keep(_ report: DeviceCheckReport) throws { try Self.keep(report, in: json) }

  private static func keep(_ report: DeviceCheckReport, in json: String?) throws {
    if let json { try AtomicFile.write(Array((try report.json + "\n").utf8), to: json) }
  }

  /// On standard error.
  private static let say: @Sendable (String) -> Void = { line in
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}

extension CUDAPrecision: ExpressibleByArgument {}
