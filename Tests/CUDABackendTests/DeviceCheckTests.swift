import CUDAEmulation
import Execution
import Networks
import OperationCases
import Testing

@testable import CUDABackend
@testable import DeviceCheck

/// The check that goes to machines with a device, on the one that is emulated.
@Suite struct DeviceCheckTests {
  private static func check() -> DeviceCheck {
    DeviceCheck(isSmall: true) { (precision) throws(CUDAError) in
      try CUDAEngine(CUDADriver { cudaEmulatedSymbol($0) }, precision: precision)
    }
  }

  private static func report() throws -> DeviceCheckReport {
    let driver = try EmulatedDevice.driver()
    return DeviceCheckReport(device: try driver.devices()[0], driver: try driver.version(), host: "a processor")
  }

  /// Every network is equal, timed and told; what PyTorch took stands beside it in the same precision.
  @Test func networksAreEqualAndTimed() throws {
    var check = Self.check(), report = try Self.report()
    check.precisions = [.float16]
    report.networks = try check.networks()
    var noted: [String] = []
    (report.times, report.faults) = try check.times(runs: 3) { noted.append($0.name) }
    #expect(report.faults.isEmpty && noted == report.times.map(\.name))
    #expect(report.isSound && report.networks.count == 16 && report.times.count == 16, "\(report.text)")
    for row in report.networks { #expect({ if case .equal = row.outcome { true } else { false } }(), "\(row)") }
    for row in report.times {
      #expect(row.kernels.count > 2 && row.kernels.first?.kernel == "copy" && row.kernels.last?.kernel == "copy")
      #expect(row.leastMilliseconds > 0 && row.leastMilliseconds < row.expectedMilliseconds && row.profileMilliseconds > 0)
      let least = row.kernels.compactMap(\.leastMicroseconds)
      #expect(least.count == row.kernels.count - 2 && abs(least.reduce(0, +) - 1e3 * row.leastMilliseconds) < 1e-6)
    }
    let times =
      #"{"program": "PyTorch 2.11.0", "times": {"edsr_separable": {"eager32": 3.5, "eager16": 2.0, "compile16": 1.5}}}"#
    #expect(report.takePeer(Array(times.utf8)) && !report.takePeer(Array("[1]".utf8)))
    let row = try #require(report.times.first { $0.name == "edsr_separable" })
    #expect(report.best(row).map { $0.mode == "compile16" && $0.milliseconds == 1.5 } == true)
    #expect(report.text.contains("PyTorch 2.11.0") && report.text.contains("networks, float16: 16 equal, 0 refused, 0 FAILED"))
    #expect(report.text.contains("float16: edsr_separable / edsr "))
    // What a part wrote the next reads.
    let known = try #require(DeviceCheckReport(json: Array(try report.json.utf8)))
    #expect(try known.json == report.json && known.text == report.text)
  }

  /// A figure is held to its bar, and what was not measured is no figure.
  @Test func barsAreToldApart() throws {
    var report = try Self.report()
    func timing(_ name: String, _ milliseconds: Double) -> DeviceCheckReport.Timing {
      DeviceCheckReport.Timing(
        name: name, precision: "float16", input: "", milliseconds: milliseconds, withCopiesMilliseconds: 2,
        leastMilliseconds: 0,
        expectedMilliseconds: 0, profileMilliseconds: 2.1, kernels: [])
    }
    report.times = [timing("edsr", 1), timing("edsr_separable", 0.5), timing("unet_b4", 1), timing("unet_separable_b4", 0.7)]
    let times =
      #"{"program": "PyTorch", "times": {"edsr": {"eager16": 1.3, "eagertf32": 0.1}, "edsr_separable": {"eager16": 0.9}}}"#
    let isTaken = report.takePeer(Array(times.utf8))
    #expect(isTaken)
    func verdict(_ name: String) -> String? {
      report.text.split(separator: "\n").first { $0.hasPrefix(name) }?.split(separator: " ").last.map(String.init)
    }
    #expect(verdict("float16: edsr, ours / best") == "kept")
    #expect(verdict("float16: edsr_separable, ours / best") == "MISSED")
    #expect(verdict("float16: unet, ours / best") == "measured")
    #expect(verdict("float16: edsr_separable / edsr") == "kept")
    #expect(verdict("float16: unet_separable_b4 / unet_b4") == "MISSED")
    #expect(verdict("rows of a profile") == "MISSED")
    report.faults = ["a network: not timed"]
    #expect(report.text.contains("FAILED: a network: not timed"))
  }

  /// Steps of training are the CPU engine's, refused in float16, and timed; a device that fails is found.
  @Test func trainingIsEqualAndTimed() throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    var check = Self.check(), report = try Self.report()
    check.networkNames = ["vdsr", "small_resnet"]
    report.training = try check.training()
    #expect(report.isSound && report.training.count == 8, "\(report.text)")
    for row in report.training {
      let isEqual = if case .equal = row.outcome { true } else { false }
      let isRefused = if case .refused = row.outcome { true } else { false }
      #expect(row.precision == "float16" ? isRefused : isEqual, "\(row)")
    }
    check.networkNames = ["vdsr"]
    (report.trainingTimes, report.faults) = try check.trainingTimes(runs: 2)
    #expect(report.trainingTimes.map(\.precision) == ["float32", "bfloat16"] && report.faults.isEmpty, "\(report.faults)")
    #expect(report.text.contains("training, float32: 2 equal") && report.text.contains("vdsr_train"))
    cudaEmulatedFail("cuGraphLaunch", 719, 3)
    report.training = try check.training()
    #expect(!report.isSound, "\(report.training)")
  }

  /// Several threads find what one does.
  @Test func workersFindTheSame() throws {
    var check = Self.check()
    let cases = OperationCase.all.enumerated().filter { $0.offset % 31 == 0 }.map(\.element)
    let one = try check.operations(cases)
    let noted = Monitor<[DeviceCheckReport.Row]>([])
    check.note = { rows in noted.change { $0 += rows } }
    check.workerCount = 3
    #expect(try check.operations(cases) == one && one.count == 4 * cases.count)
    #expect(Set(noted.change { $0 }) == Set(one))
  }

  /// A plan tells all products and parameters of the network once, and no kernel is expected to take less than it must.
  @Test(arguments: ["edsr", "edsr_separable", "vdsr", "unet", "small_resnet", "resnet18_selection"], CUDAPrecision.allCases)
  func plansTellAllProducts(_ name: String, _ precision: CUDAPrecision) throws {
    let example = try #require(DeviceCheckNetwork.all.first { $0.name == name })
    let network = try example.network(isSmall: false).optimizedForInference(), input = example.input(isSmall: false)
    let plan = try DevicePlan(network, inputs: [input], precision: precision, device: .h100)
    let ledger = try network.ledger(inputs: [input]), ceilings = DeviceCeilings(.h100)
    #expect(plan.steps.reduce(0) { $0 + $1.multiplyAccumulates } == ledger.multiplyAccumulates)
    let weights = plan.steps.reduce(0) { $0 + $1.weightByteCount } / precision.element.byteCount
    #expect(weights > ledger.parameterCount * 9 / 10 && weights <= ledger.parameterCount)
    for step in plan.steps {
      let least = step.least(ceilings), expected = step.expectedNanoseconds(ceilings)
      #expect(least.nanoseconds > 0 && expected >= 0.9 * least.nanoseconds, "\(step.node) \(step.kernel) \(least) \(expected)")
    }
    // What large products of matrices reach on an H100.
    let products = 2 * Double(ledger.multiplyAccumulates)
    #expect(
      plan.leastNanoseconds(ceilings) >= products / ([CUDAPrecision.float32: 129e3, .tensorFloat32: 386e3][precision] ?? 686e3))
  }

  /// A sample of the operations in each precision; out of time they are counted, and a check of nothing is not sound.
  @Test func operationsAreEqualOrRefused() throws {
    var check = Self.check(), report = try Self.report()
    let cases = OperationCase.all.enumerated().filter { $0.offset % 9 == 0 }.map(\.element)
    report.operations = try check.operations(cases)
    #expect(report.isSound, "\(report.text)")
    let refused = report.operations.filter { if case .refused = $0.outcome { true } else { false } }
    #expect(!refused.isEmpty && refused.count < report.operations.count / 2)
    check.deadline = 0
    report.operations = try check.operations(cases)
    #expect(report.operations.allSatisfy { $0.outcome == .notRun } && !report.isSound)
    #expect(report.text.contains("not run: out of time"))
    #expect(try check.times().rows.isEmpty)
  }

  /// Samples become planes, and planes samples, to the bit; a device that fails is found.
  @Test func conversionsAreEqual() throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let rows = try Self.check().conversions()
    #expect(rows.count == 6 * CUDAPrecision.allCases.count)
    #expect(rows.allSatisfy { $0.outcome == .equal(error: 0, bound: 0) }, "\(rows)")
    cudaEmulatedFail("cuGraphLaunch", 719, 3)
    let isFound = try Self.check().conversions().contains { if case .failed = $0.outcome { true } else { false } }
    #expect(isFound)
  }

  /// Every kernel that can do a layer is timed once, with the splits that it can have.
  @Test func kernelsAreTimed() throws {
    var check = Self.check(), report = try Self.report()
    check.networkNames = ["vdsr"]
    check.precisions = [.float16]
    let choices = try check.choices()
    #expect(choices.count > 6 && choices.contains { $0.splits > 1 } && choices.contains { $0.isChosen }, "\(choices)")
    #expect(Set(choices.map { "\($0.layer) \($0.kernel) \($0.splits)" }).count == choices.count)
    #expect(choices.allSatisfy { $0.network == "vdsr" && $0.estimate > 0 && $0.microseconds >= 0 })
    report.choices = choices
    #expect(report.text.contains("\(choices.count) times of kernels") && !report.isSound)
  }

  /// A device that fails is found.
  @Test(arguments: ["cuLaunchKernelEx", "cuStreamSynchronize", "cuMemcpyDtoHAsync_v2"]) func faultsAreFound(function: String)
    throws
  {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let check = Self.check()
    cudaEmulatedFail(function, 719, 0)
    let rows = try check.operations(Array(OperationCase.all.filter { $0.network.updates.isEmpty }.prefix(4)))
    #expect(rows.contains { if case .failed = $0.outcome { true } else { false } }, "\(rows)")
  }
}
