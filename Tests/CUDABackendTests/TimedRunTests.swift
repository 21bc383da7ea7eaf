import Architectures
import CUDAEmulation
import Execution
import Networks
import Tensors
import Testing
import Transforms

@testable import CUDABackend

/// Runs that say where their time goes.
@Suite struct TimedRunTests {
  private func session(
    _ network: Network, _ shape: Shape, _ precision: CUDAPrecision = .float16
  ) throws -> CUDASession {
    try #require(try EmulatedDevice.engine(precision).prepare(network, inputs: [shape]) as? CUDASession)
  }

  /// The same bits as any run, as one graph, with one event a copy or kernel, which follow each other inside the host's time.
  @Test func timedRunsAreRuns() throws {
    let network = try EDSR(blocks: 1).network(.random(seed: 12)).optimizedForInference()
    let shape = Shape(channels: 3, height: 5, width: 8), inputs = network.randomInputs([shape], seed: 13)
    let session = try session(network, shape), plain = try session.run(inputs)
    cudaEmulatedResetCounts()
    let (outputs, timeline) = try session.timedRun(inputs)
    let counts = cudaEmulatedCounts()
    #expect(outputs == plain)
    // Once without moments between the commands, and once with them.
    #expect(counts.graphLaunches == 2 && counts.uploads == 2 && counts.downloads == 2)
    #expect(
      2 * (timeline.steps.count - 2) == Int(counts.launches) && timeline.events.map(\.step) == Array(timeline.steps.indices))
    #expect(timeline.steps.first?.isCopy == true && timeline.steps.last?.isCopy == true)
    for (event, next) in zip(timeline.events, timeline.events.dropFirst()) {
      #expect(event.duration >= 0 && event.start + event.duration == next.start)
    }
    let host = try #require(timeline.host)
    #expect(host.staging + host.launching + host.waiting + host.taking == timeline.nanoseconds)
    #expect(timeline.stepNanoseconds + timeline.engineNanoseconds == timeline.nanoseconds && timeline.engineNanoseconds >= 0)
    #expect((timeline.events.first?.start ?? -1) >= 0)
    #expect(timeline.events.last.map { $0.start + $0.duration <= timeline.nanoseconds } == true)
    // The graphs stay.
    cudaEmulatedResetCounts()
    #expect(try session.timedRun(inputs).outputs == plain && session.run(inputs) == plain)
    #expect(cudaEmulatedCounts().graphLaunches == 3)
  }

  /// Every node that computes is a step's, or said to be done by one; weights and copies are counted where they are fetched.
  @Test(arguments: WholeNetworkTests.examples) func everyNodeIsTold(_ example: WholeNetworkTests.Example) throws {
    // Results are others' matter.
    defer { cudaEmulatedLeaveOutKernels(0) }
    cudaEmulatedLeaveOutKernels(1)
    let network = try example.network().optimizedForInference()
    for precision in CUDAPrecision.allCases {
      let session = try session(network, example.input, precision)
      let steps = try session.timedRun(network.randomInputs([example.input], seed: 3)).timeline.steps
      var told: [String] = []
      for step in steps.dropFirst().dropLast() where !step.isCopy {
        if !told.contains(step.node) { told.append(step.node) }
        told += step.joined
        #expect(step.blocks.map { $0.count >= 1 && $0.atOnce >= 4 && $0.waves >= 1 && $0.filling <= 1 } == true)
      }
      #expect(Set(told).count == told.count)
      for node in network.nodes where !told.contains(node.name) {
        // Operands may be written where they are concatenated, and one pixel lies as it is when it is flattened.
        switch node.operation {
        case .concatenation, .flatten: continue
        default: break
        }
        Issue.record("\(node.name) is told by no step")
      }
      let weights = steps.reduce(0) { $0 + $1.traffic.constantBytes }
      let count = network.parameters.values.reduce(0) { $0 + $1.shape.count }
      #expect(weights >= count * precision.element.byteCount, "\(weights) bytes of \(count) weights")
      // Values begin at multiples of 256 bytes, and what lies between them goes along.
      func copied(_ shapes: [Shape]) -> Int { shapes.reduce(0) { $0 + (4 * $1.count + 255) / 256 * 256 } }
      #expect(steps[0].traffic.transferredBytes == copied([example.input]))
      #expect(steps[0].traffic.bytesMoved == copied([example.input]))
      #expect(steps[steps.count - 1].traffic.transferredBytes == copied(session.outputShapes))
    }
  }

  /// What a residual block's kernel does is the work of both layers.
  @Test func blocksTellBothLayers() throws {
    let network = try EDSR(blocks: 2, convolution: .separable).network(.random(seed: 1)).optimizedForInference()
    let shape = Shape(channels: 3, height: 8, width: 8)
    let timeline = try session(network, shape).timedRun(network.randomInputs([shape], seed: 2)).timeline
    let blocks = timeline.steps.filter { $0.kernels == ["separableBlock_half"] }
    #expect(blocks.count == 2 && blocks.allSatisfy { !$0.joined.isEmpty }, "\(blocks)")
    #expect(blocks.first?.joined.first == "body.0.a" && blocks.first?.node == "body.0.b")
  }

  /// Where taking moments fails the run says so, and so does the next.
  @Test func faultsAreTold() throws {
    defer { cudaEmulatedFail(nil, 0, 0) }
    let network = try VDSR(depth: 3).network(.random(seed: 1)).optimizedForInference()
    let shape = Shape(channels: 1, height: 5, width: 5), inputs = network.randomInputs([shape], seed: 1)
    let session = try session(network, shape)
    cudaEmulatedFail("cuEventRecordWithFlags", 719, 2)
    #expect(throws: ExecutionError.self) { try session.timedRun(inputs) }
    cudaEmulatedFail(nil, 0, 0)
    #expect(throws: ExecutionError.self) { try session.run(inputs) }
  }

  /// What moments cost is taken off evenly, but of no command more than a half; all together what they cost in all, if that can be.
  @Test func momentsAreTakenOff() {
    var generator = SplitMix64(seed: 1)
    for _ in 0..<500 {
      let intervals = (0..<Int(generator.next() % 20)).map { _ in Int(generator.next() % 20_000) }
      let all = intervals.reduce(0, +), whole = Int(generator.next() % UInt64(all + 5000))
      let taken = MomentCost.takenOff(intervals, whole: whole, all: all)
      #expect(taken.rest.count == intervals.count && taken.each >= 0)
      for (rest, interval) in zip(taken.rest, intervals) {
        #expect(
          rest <= interval && rest >= interval - interval / 2
            && (rest == interval - taken.each || rest == interval - interval / 2))
      }
      let left = taken.rest.reduce(0, +), least = intervals.reduce(0) { $0 + $1 - $1 / 2 }
      // A nanosecond more for each would be too much.
      if whole >= all {
        #expect(left == all)
      } else {
        #expect(left >= whole && left < max(whole, least) + max(intervals.count, 1))
      }
    }
    #expect(MomentCost.takenOff([3000, 5000], whole: 4000, all: 8000).rest == [1500, 2500])
    #expect(MomentCost.takenOff([1000, 5000, 5000], whole: 8000, all: 11000).rest == [500, 3750, 3750])
    #expect(MomentCost.takenOff([], whole: 0, all: 0).rest == [])
  }

  /// Copies within the device and to the host have rates, and leave no memory behind.
  @Test func ratesAreMeasured() throws {
    let engine = try EmulatedDevice.engine()
    let before = cudaEmulatedCounts().allocatedBytes
    #expect(try engine.copyRate(byteCount: 1 << 16) > 0 && engine.transferRate(byteCount: 1 << 16) > 0)
    #expect(cudaEmulatedCounts().allocatedBytes == before)
  }
}
