import CUDAEmulation
import DeviceCheck
import Networks
import OperationCases
import Testing

@testable import CUDABackend

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
    report.times = try check.times(runs: 3)
    #expect(report.isSound && report.networks.count == 16 && report.times.count == 16, "\(report.text)")
    for row in report.networks { #expect({ if case .equal = row.outcome { true } else { false } }(), "\(row)") }
    for row in report.times {
      #expect(row.kernels.count > 2 && row.kernels.first?.kernel == "copy" && row.kernels.last?.kernel == "copy")
    }
    let times =
      #"{"program": "PyTorch 2.11.0", "times": {"edsr_separable": {"eager32": 3.5, "eager16": 2.0, "compile16": 1.5}}}"#
    #expect(report.takePeer(Array(times.utf8)) && !report.takePeer(Array("[1]".utf8)))
    let row = try #require(report.times.first { $0.name == "edsr_separable" })
    #expect(report.best(row).map { $0.mode == "compile16" && $0.milliseconds == 1.5 } == true)
    #expect(report.text.contains("PyTorch 2.11.0") && report.text.contains("networks, float16: 16 equal, 0 refused, 0 FAILED"))
    #expect(report.text.contains("float16: edsr_separable / edsr "))
    _ = try report.json
  }

  /// A sample of the operations in both precisions; out of time they are counted, and a check of nothing is not sound.
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
    #expect(try check.times().isEmpty)
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
