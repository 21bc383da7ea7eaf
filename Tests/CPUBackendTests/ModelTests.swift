import Architectures
import Execution
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import TestSupport
import Testing
import Transforms

@testable import CPUBackend

/// A model and its sessions: what they share, parameters that change, outputs that are written over.
@Suite struct ModelTests {
  private static func session(_ model: any Model, _ shape: Shape, of whole: Shape? = nil) throws -> CPUSession {
    try #require(try model.session(inputs: [shape], kernelsFor: [whole ?? shape]) as? CPUSession)
  }

  @Test(arguments: Precision.allCases) func tilesPackNothingAgain(_ precision: Precision) throws {
    let whole = Shape(channels: 3, height: 192, width: 208), tile = Shape(channels: 3, height: 64, width: 96)
    for network in [try EDSR(blocks: 2).network(.random(seed: 1)), try UNet().network(.random(seed: 1))] {
      let network = network.optimizedForInference()
      let model = try CPUEngine(threadCount: 1, precision: precision).prepare(network)
      var first: CPUSession? = try Self.session(model, whole)
      let packs = Set(first?.packs.map(ObjectIdentifier.init) ?? [])
      #expect(!packs.isEmpty)
      // Also where the first has gone.
      for isKept in [true, false] {
        if !isKept { first = nil }
        let second = try Self.session(model, tile, of: whole)
        #expect(Set(second.packs.map(ObjectIdentifier.init)) == packs)
      }
    }
  }

  @Test func packsGoWithTheSessionsThatReadThem() throws {
    let network = try EDSR(blocks: 1).network(.random(seed: 1)).optimizedForInference()
    let model = try CPUEngine(threadCount: 1).prepare(network)
    // Small images take other kernels than large ones.
    weak var pack: Pack?
    do {
      let small = try Self.session(model, Shape(channels: 3, height: 4, width: 4))
      let large = try Self.session(model, Shape(channels: 3, height: 96, width: 96))
      pack = small.packs.first { own in !large.packs.contains { $0 === own } }
      #expect(pack != nil)
    }
    _ = try Self.session(model, Shape(channels: 3, height: 96, width: 96))
    #expect(pack == nil)
  }

  /// Every operation: sessions that have run with other numbers are as good as new ones.
  @Test(arguments: OperationCase.all.filter { !$0.network.parameters.isEmpty })
  func changedParametersArePackedAgain(_ example: OperationCase) throws {
    let network = example.network, shapes = example.inputShapes
    var other = network
    other.parameters = network.parameters.mapValues { tensor in Tensor(tensor.shape, tensor.floats.map { 3 * $0 - 0.25 }) }
    // Each instruction set has many of the cases.
    let instructionSet = instructionSets[Int(example.seed % UInt64(instructionSets.count))]
    for precision in Precision.allCases {
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 1, precision: precision)
      let model = try engine.prepare(other), session = try model.session(inputs: shapes)
      _ = try session.run(example.inputs)
      try model.setParameters(network.parameters)
      let expected = try engine.prepare(network, inputs: shapes).run(example.inputs)
      expectSameBits(try session.run(example.inputs)[0], expected[0], "\(instructionSet), \(precision)")
      #expect(model.network == network)
    }
  }

  @Test(arguments: [true, false]) func parametersThatDoNotFitChangeNothing(_ isReference: Bool) throws {
    let network = try VDSR(depth: 3).network(.random(seed: 2))
    let backend: any Backend = isReference ? ReferenceEngine() : CPUEngine(threadCount: 1)
    let model = try backend.prepare(network)
    let name = try #require(network.parameters.keys.sorted().first), good = try #require(network.parameters[name])
    let zeros = Tensor(zeros: good.shape)
    #expect(throws: ExecutionError.unknownParameter("nobody.weight")) {
      try model.setParameters([name: zeros, "nobody.weight": good])
    }
    #expect(throws: ExecutionError.parameterShape(name: name, expected: good.shape, got: [1])) {
      try model.setParameters([name: Tensor(zeros: [1])])
    }
    #expect(model.network == network)
    try model.setParameters([name: zeros])
    #expect(model.network.parameters[name] == zeros)
  }

  @Test func outputsAreWrittenOverWhereNobodyElseHoldsThem() throws {
    let network = try VDSR(depth: 3).network(.random(seed: 2)), shape = Shape(channels: 1, height: 20, width: 30)
    let session = try CPUEngine(threadCount: 1).prepare(network, inputs: [shape])
    var generator = SplitMix64(seed: 3)
    let inputs = (0..<3).map { _ in Tensor(uniform: shape, bound: 1, using: &generator) }
    let expected = try inputs.map { try session.run([$0])[0] }
    var outputs: [Tensor] = []
    try session.run([inputs[0]], into: &outputs)
    let place = outputs[0].storage.base
    try session.run([inputs[1]], into: &outputs)
    #expect(outputs[0].storage.base == place)
    #expect(outputs == [expected[1]])
    // Held by somebody: he keeps what he has.
    let held = outputs
    try session.run([inputs[2]], into: &outputs)
    #expect(held == [expected[1]])
    #expect(outputs == [expected[2]])
    // The input itself, given as an output; another shape; too many.
    outputs = [inputs[0], Tensor(zeros: [1])]
    try session.run([inputs[0]], into: &outputs)
    #expect(outputs == [expected[0]])
    outputs = [Tensor(zeros: [1, 1, 30, 20])]
    try session.run(inputs.suffix(1), into: &outputs)
    #expect(outputs == [expected[2]])
  }

  /// The threads of an engine serve one run at a time; the others do their work alone, with the same bits.
  @Test func sessionsOfOneEngineRunAtTheSameTime() async throws {
    let network = try EDSR(blocks: 2).network(.random(seed: 1)).optimizedForInference()
    let shape = Shape(channels: 3, height: 48, width: 64)
    var engine = CPUEngine(threadCount: 3)
    engine.leastSharedCycles = 0
    let model = try engine.prepare(network)
    var generator = SplitMix64(seed: 3)
    let inputs = (0..<4).map { _ in Tensor(uniform: shape, bound: 1, using: &generator) }
    let expected = try inputs.map { try CPUEngine(threadCount: 1).prepare(network, inputs: [shape]).run([$0])[0] }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for (input, truth) in zip(inputs, expected) {
        group.addTask {
          let session = try model.session(inputs: [shape])
          for _ in 0..<8 where try session.run([input])[0] != truth { return false }
          return true
        }
      }
      for try await isSame in group { #expect(isSame) }
    }
  }
}

extension ModelTests {
  /// Convolutions whose weights only move channels run as moves; with other weights they are convolutions, or other moves.
  @Test func weightsThatMovedChannelsMayChange() throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 16)
    let moved = builder.convolution("moved", x, outChannels: 16, kernel: 1, bias: false)
    builder.output(builder.convolution("last", moved, outChannels: 8, kernel: 3, padding: 1))
    var network = try builder.build(.random(seed: 4))
    func selection(_ source: (Int) -> Int) -> Tensor {
      Tensor([16, 16, 1, 1], (0..<256).map { source($0 / 16) == $0 % 16 ? 1 : 0 })
    }
    network.parameters["moved.weight"] = selection { 15 - $0 }
    var generator = SplitMix64(seed: 9)
    let shape = Shape(channels: 16, height: 5, width: 7), input = Tensor(uniform: shape, bound: 1, using: &generator)
    let model = try CPUEngine(threadCount: 1).prepare(network), session = try model.session(inputs: [shape])
    let oracle = try ReferenceEngine().prepare(network), expected = try oracle.session(inputs: [shape])
    let others = [selection { ($0 + 3) % 16 }, Tensor(uniform: [16, 16, 1, 1], bound: 1, using: &generator), selection { $0 }]
    for weight in [selection { 15 - $0 }] + others {
      for model in [model, oracle] { try model.setParameters(["moved.weight": weight]) }
      let result = try session.run([input])[0], right = try expected.run([input])[0]
      #expect(zip(result.floats, right.floats).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }
}
