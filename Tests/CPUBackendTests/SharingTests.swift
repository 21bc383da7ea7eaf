@testable import CPUBackend
import Execution
import Networks
import Tensors
import TestSupport
import Testing
import Transforms

/// Which loops are shared among threads, tested as pure things: times are made up.
@Suite struct SharingTests {
  /// The share of the runs after the first that share, for made-up times of a run with and without.
  private func share(_ trial: inout SharingTrial, runs: Int, shared: Double, alone: Double) -> Double {
    var count = 0
    for run in 0..<runs {
      if trial.isShared { count += 1 }
      // Each twentieth run is held up.
      trial.record(nanoseconds: (trial.isShared ? shared : alone) * (run % 20 == 7 ? 30 : 1))
    }
    return Double(count) / Double(runs)
  }

  @Test func theQuickerIsKept() {
    var trial = SharingTrial()
    #expect(share(&trial, runs: 1000, shared: 50, alone: 90) > 0.9)
    trial = SharingTrial()
    #expect(share(&trial, runs: 1000, shared: 90, alone: 50) < 0.1)
  }

  /// Cores move apart, or another program comes: the choice follows within a few periods, in either direction.
  @Test func theChoiceFollowsTheMachine() {
    var trial = SharingTrial()
    _ = share(&trial, runs: 500, shared: 50, alone: 70)
    _ = share(&trial, runs: 300, shared: 100, alone: 70)
    #expect(share(&trial, runs: 500, shared: 100, alone: 70) < 0.1)
    _ = share(&trial, runs: 300, shared: 50, alone: 70)
    #expect(share(&trial, runs: 500, shared: 50, alone: 70) > 0.9)
  }

  /// Trials cost little: four runs in 128.
  @Test func trialsAreFew() {
    var trial = SharingTrial()
    let share = share(&trial, runs: 6400, shared: 50, alone: 90)
    #expect(share > 0.95 && share < 1)
  }

  /// First runs that met a sleeping thread do not decide for long.
  @Test func badBeginningsAreForgotten() {
    var trial = SharingTrial()
    for run in 0..<4 { trial.record(nanoseconds: run < 3 ? 100 : 70) }
    #expect(!trial.isShared)
    #expect(share(&trial, runs: 100, shared: 50, alone: 70) > 0.8)
  }

  /// Loops of a network, from short to long.
  @Test func loopsAreToldApartByTheirWork() throws {
    func sharing(_ shape: Shape, outChannels: Int) throws -> Sharing {
      var builder = NetworkBuilder("loop")
      let x = builder.input("x", channels: shape.channels)
      builder.output(builder.convolution("y", x, outChannels: outChannels, kernel: 3, padding: 1))
      let network = try builder.build(.random(seed: 1))
      let shapes = try network.inferredShapes(inputs: [shape]), engine = CPUEngine(threadCount: 2)
      var lowering = Lowering(
        network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: engine,
        packs: PackStore(network.parameters))
      let program = try lowering.program()
      let step = try #require(program.steps.firstIndex { $0.kernelNames != ["copy"] })
      let region = WorkRegion(images: 0..<1, rows: 0..<program.steps[step].rowCount)
      return StepCosts(program, network, shapes: shapes, engine: engine)
        .sharing(of: BandSchedule.Item(step: step, region: region))
    }
    #expect(try sharing(Shape(channels: 16, height: 2, width: 2), outChannels: 16) == .never)
    let middling = try sharing(Shape(channels: 32, height: 12, width: 16), outChannels: 32)
    #expect(middling == .whenItPays)
    #expect(try sharing(Shape(channels: 64, height: 128, width: 128), outChannels: 64) == .always)
  }

  /// A session that is run many times tries both, and gives the same bits each time.
  @Test func trialsChangeNoBit() throws {
    var builder = NetworkBuilder("layers")
    let x = builder.input("x", channels: 3)
    let a = builder.activation("a", builder.convolution("a.in", x, outChannels: 24, kernel: 3, padding: 1), .relu)
    let b = builder.activation("b", builder.convolution("b.in", a, outChannels: 24, kernel: 3, padding: 1), .relu)
    builder.output(builder.convolution("y", b, outChannels: 3, kernel: 3, padding: 1))
    let network = try builder.build(.random(seed: 1)).optimizedForInference(), shape = Shape(channels: 3, height: 21, width: 30)
    let input = Tensor(shape, (0..<shape.count).map { Float($0 % 17) / 17 })
    let expected = try CPUEngine(threadCount: 1).prepare(network, inputs: [shape]).run([input])[0]
    let session = try CPUEngine(threadCount: 3).prepare(network, inputs: [shape])
    for run in 0..<150 { expectSameBits(try session.run([input])[0], expected, "run \(run)") }
  }
}
