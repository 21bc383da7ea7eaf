import Architectures
import CUDAEmulation
import Execution
import Networks
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Runs that are under way at once: copies in streams of their own.
@Suite struct OverlapTests {
  private static let whole = Shape(channels: 3, height: 24, width: 12), tile = Shape(channels: 3, height: 9, width: 7)

  private static func network() throws -> Network {
    try EDSR(blocks: 1).network(.random(seed: 12)).optimizedForInference()
  }

  private static func session(_ engine: CUDAEngine) throws -> any StagedSession {
    let model = try #require(try engine.prepare(network()) as? any StagedModel)
    return try model.session(input: tile, kernelsFor: whole, converting: SampleConversion())
  }

  /// The outputs of runs of which as many are under way as can be.
  private static func outputs(_ session: any StagedSession, _ inputs: [Tensor]) throws -> [[Float]] {
    var results: [[Float]] = []
    func finish() throws {
      let output = try session.finish(results.count % session.placeCount)[0].assumingMemoryBound(to: Float.self)
      results.append(Array(UnsafeBufferPointer(start: output, count: session.outputShapes[0].count)))
    }
    for (index, input) in inputs.enumerated() {
      if index - results.count == session.placeCount { try finish() }
      let place = index % session.placeCount, target = session.inputPlaces(place)[0]
      input.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      try session.begin(place)
    }
    while results.count < inputs.count { try finish() }
    return results
  }

  private static func inputs(_ count: Int) -> [Tensor] {
    var generator = SplitMix64(seed: 4)
    return (0..<count).map { _ in Tensor(uniform: tile, bound: 1, using: &generator) }
  }

  /// Whatever order the streams are carried out in: the bits of runs that come one after the other, with a copy there and one back each.
  @Test(arguments: [CUDAPrecision.float32, .float16], [false, true]) func runsAtOnceHaveTheSameBits(
    _ precision: CUDAPrecision, isWatched: Bool
  ) throws {
    var engine = try EmulatedDevice.engine(precision)
    let watch = isWatched ? DeviceWatch() : nil
    engine.watch = watch
    let session = try Self.session(engine), inputs = Self.inputs(5)
    #expect(session.placeCount == 2)
    let exact = try inputs.map { try session.run([$0])[0].floats }
    for seed in 1...4 {
      cudaEmulatedSetSeed(UInt32(seed))
      cudaEmulatedResetCounts()
      #expect(try Self.outputs(session, inputs) == exact, "seed \(seed)")
      let counts = cudaEmulatedCounts()
      #expect(counts.uploads == 5 && counts.downloads == 5 && counts.graphLaunches == 5)
    }
    #expect(EmulatedDevice.fault == "")
    guard let account = watch?.account else { return }
    #expect(account.busy > 0 && account.copies >= 0 && account.busy + account.copies <= account.span)
  }

  /// Kernels that do not wait for the copy there, or a copy back that does not wait for the kernels, are found.
  @Test(arguments: 0...1) func missingEventsAreFound(call: Int) throws {
    defer { cudaEmulatedForgetWaits(0, 0) }
    let session = try Self.session(EmulatedDevice.engine()), inputs = Self.inputs(4)
    let exact = try Self.outputs(session, inputs)
    var found = 0
    for seed in 1...6 {
      cudaEmulatedSetSeed(UInt32(seed))
      cudaEmulatedForgetWaits(Int32(call), 2)
      if try Self.outputs(session, inputs) != exact { found += 1 }
      cudaEmulatedForgetWaits(0, 0)
    }
    #expect(found >= 4)
    #expect(try Self.outputs(session, inputs) == exact)
  }

  /// A run that fails says so, and so does the next; a session with runs under way may go.
  @Test(arguments: ["cuMemcpyHtoDAsync_v2", "cuStreamWaitEvent", "cuGraphLaunch", "cuEventSynchronize"]) func faultsAreTold(
    function: String
  ) throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let held = cudaEmulatedCounts().allocatedBytes
    func use() throws {
      var engine = try EmulatedDevice.engine()
      engine.watch = DeviceWatch()
      let session = try Self.session(engine), inputs = Self.inputs(4)
      cudaEmulatedFail(function, 719, 2)
      #expect(throws: ExecutionError.self) { try Self.outputs(session, inputs) }
      cudaEmulatedFail(nil, 0, 0)
      #expect(throws: ExecutionError.self) { try session.begin(0) }
      let other = try Self.session(engine)
      other.inputPlaces(0)[0].initializeMemory(as: Float.self, repeating: 0, count: Self.tile.count)
      try other.begin(0)
    }
    try use()
    #expect(cudaEmulatedCounts().allocatedBytes == held)
  }
}
