import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import Testing
import Transforms

/// Random networks with updates: written and read, and passes that change no bit of what runs leave.
@Suite struct GeneratedUpdateTests {
  @Test(arguments: Seeds.first(150)) func passesKeepUpdates(_ seed: Int) throws {
    var choices = ChoiceSource(seed: UInt64(seed))
    guard let generated = GeneratedNetwork(.small, &choices),
      let network = generated.network.withUpdates(seed: UInt64(seed))
    else { return }
    try network.verify()
    #expect(try NetworkGraph(json: network.graph.json) == network.graph)
    #expect(network.graph.namesParameters)

    // Nothing of these rounds otherwise.
    let passed = network.eliminatingDeadNodes().fusing()
    try passed.verify()
    let shapes = generated.inputShapes, inputs = generated.inputs
    let models = try [network, passed].map { try ReferenceEngine().prepare($0) }
    let sessions = try models.map { try $0.session(inputs: shapes) }
    for run in 0..<3 {
      let results = try sessions.map { try $0.run(inputs).map(\.bits) }
      #expect(results[0] == results[1], "seed \(seed), run \(run)")
      for (mine, other) in zip(network.updates, passed.updates) {
        #expect(
          models[0].network.parameters[mine.parameter]?.bits == models[1].network.parameters[other.parameter]?.bits,
          "seed \(seed), run \(run): \(mine.parameter), \(other.parameter)")
      }
    }

    // Folding rounds what it may touch, and nothing else.
    let optimised = network.optimizedForInference()
    try optimised.verify()
    #expect(optimised.optimizedForInference() == optimised)
    #expect(optimised.updates.count == network.updates.count && optimised.outputs.count == network.outputs.count)
    for (mine, other) in zip(network.updates, optimised.updates) {
      #expect(network.parameters[mine.parameter] == optimised.parameters[other.parameter])
    }
    try Self.expectUpdatesAsByHand(optimised, shapes, inputs, seed)
  }

  /// The CPU engine's runs leave what they would if the values left the network and were set by the caller.
  private static func expectUpdatesAsByHand(_ network: Network, _ shapes: [Shape], _ inputs: [Tensor], _ seed: Int) throws {
    var plain = network
    for update in network.updates where !plain.outputs.contains(update.value) { plain.outputs.append(update.value) }
    plain.updates = []
    let engine = CPUEngine(threadCount: 1)
    let model = try engine.prepare(network), session = try model.session(inputs: shapes)
    let byHand = try engine.prepare(plain), other = try byHand.session(inputs: shapes)
    for run in 0..<3 {
      let results = try session.run(inputs), expected = try other.run(inputs)
      #expect(results.map(\.bits) == expected.prefix(results.count).map(\.bits), "seed \(seed), run \(run)")
      let values = Dictionary(uniqueKeysWithValues: zip(plain.outputs, expected))
      var changed: [String: Tensor] = [:]
      for update in network.updates { changed[update.parameter] = values[update.value] }
      try byHand.setParameters(changed)
      for name in network.parameters.keys {
        #expect(
          model.network.parameters[name]?.bits == byHand.network.parameters[name]?.bits, "seed \(seed), run \(run): \(name)")
      }
    }
  }
}

extension Tensor {
  /// A NaN is like itself.
  fileprivate var bits: [UInt32] { floats.map(\.bitPattern) }
}
