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
    let sessions = try [network, passed].map {
      try #require(ReferenceEngine().prepare($0, inputs: shapes) as? any UpdatingSession)
    }
    for run in 0..<3 {
      let results = try sessions.map { try $0.run(inputs).map(\.bits) }
      #expect(results[0] == results[1], "seed \(seed), run \(run)")
      for (mine, other) in zip(network.updates, passed.updates) {
        #expect(
          sessions[0].parameters[mine.parameter]?.bits == sessions[1].parameters[other.parameter]?.bits,
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
  }
}

extension Tensor {
  /// A NaN is like itself.
  fileprivate var bits: [UInt32] { floats.map(\.bitPattern) }
}
