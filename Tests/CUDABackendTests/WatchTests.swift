import Architectures
import CUDAEmulation
import Execution
import Networks
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Runs that somebody watches are runs.
@Suite struct WatchTests {
  @Test(arguments: CUDAPrecision.allCases) func watchedRunsHaveTheSameBits(_ precision: CUDAPrecision) throws {
    let network = try EDSR(blocks: 1).network(.random(seed: 12)).optimizedForInference()
    let shape = Shape(channels: 3, height: 5, width: 8), inputs = network.randomInputs([shape], seed: 13)
    var engine = try EmulatedDevice.engine(precision)
    let plain = try engine.prepare(network, inputs: [shape]).run(inputs)
    let watch = DeviceWatch()
    engine.watch = watch
    let session = try engine.prepare(network, inputs: [shape])
    #expect(watch.account.busy == 0)
    cudaEmulatedResetCounts()
    for run in 1...2 {
      #expect(try session.run(inputs) == plain)
      #expect(cudaEmulatedCounts().graphLaunches == run && cudaEmulatedCounts().uploads == run)
    }
    let account = watch.account
    #expect(account.busy > 0 && account.busy <= account.span && account.waited(for: .handOver) >= 0)
  }

  /// A run whose moments fail says so, and so does the next; nothing is told of it.
  @Test func faultsAreTold() throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let network = try VDSR(depth: 3).network(.random(seed: 1)).optimizedForInference()
    let shape = Shape(channels: 1, height: 5, width: 5), inputs = network.randomInputs([shape], seed: 1)
    var engine = try EmulatedDevice.engine()
    engine.watch = DeviceWatch()
    let session = try engine.prepare(network, inputs: [shape])
    cudaEmulatedFail("cuEventElapsedTime", 719, 1)
    #expect(throws: ExecutionError.self) { try session.run(inputs) }
    cudaEmulatedFail(nil, 0, 0)
    #expect(throws: ExecutionError.self) { try session.run(inputs) }
    #expect(engine.watch?.account.busy == 0)
  }
}
