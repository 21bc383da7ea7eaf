import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing
import Transforms

/// Passes leave alone what is updated or read by name, and keep what updates need.
@Suite struct UpdatePassTests {
  private static func network(updating: Bool) throws -> Network {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 4)
    let a = builder.batchNorm("norm", builder.convolution("conv", x, outChannels: 4, kernel: 3, padding: 1, bias: false))
    let b = builder.activation("act", a, .prelu(channels: 4))
    let depthwise = builder.convolution("pair.depthwise", b, outChannels: 4, kernel: 3, padding: 1, groups: 4)
    let c = builder.convolution("pair.pointwise", depthwise, outChannels: 4, kernel: 1)
    _ = builder.convolution("dead", x, outChannels: 1, kernel: 1)
    builder.output(c)
    if updating {
      let mean = builder.reduction("mean", x, .mean, axes: [0, 2, 3], keepsAxes: false, channels: 4)
      builder.update("norm.runningMean", to: mean)
      builder.update("act.slope", to: builder.scale("slower", builder.parameter("act.slope"), by: 0.5))
      let decayed = builder.scale("decayed", builder.parameter("pair.depthwise.weight"), by: 0.5)
      builder.update("pair.depthwise.weight", to: decayed)
    }
    return try builder.build(.random(seed: 3))
  }

  @Test func withoutUpdatesAllOfItFolds() throws {
    let lines = try Self.network(updating: false).optimizedForInference().nodes.map(\.name)
    #expect(lines == ["conv", "pair"])
  }

  @Test func whatIsUpdatedStays() throws {
    let network = try Self.network(updating: true)
    let result = network.optimizedForInference()
    try result.verify()
    // The batch norm has statistics that change; slopes and weights move to other nodes, and those that read and update them follow.
    #expect(result.nodes.map(\.name) == ["conv", "norm", "act", "pair", "mean", "slower", "decayed"])
    #expect(
      result.updates == [
        ParameterUpdate(parameter: "norm.runningMean", value: "mean"),
        ParameterUpdate(parameter: "act.slope", value: "slower"),
        ParameterUpdate(parameter: "pair.depthwiseWeight", value: "decayed"),
      ])
    #expect(result.nodes.last?.inputs == ["pair.depthwiseWeight"])
    #expect(result.optimizedForInference() == result)
    try expectSameRuns(network, result)
  }

  /// A weight that is read, by what is no update, does not change under its reader.
  @Test func whatIsReadStays() throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 2)
    let y = builder.channelAffine("affine", builder.convolution("conv", x, outChannels: 2, kernel: 1))
    builder.output(builder.activation("act", y, .relu))
    builder.output(builder.scale("weight", builder.parameter("conv.weight"), by: 1))
    let network = try builder.build(.random(seed: 3)).withShift()
    let result = network.optimizedForInference()
    try result.verify()
    #expect(result.nodes.map(\.name) == ["conv", "affine", "act", "weight"])
    try expectSameRuns(network, result)
    let substituted = network.substitutingConvolutions(.selection, weights: .factorised, includingPointwise: true)
    #expect(substituted == network)
  }

  private func expectSameRuns(_ a: Network, _ b: Network) throws {
    var generator = SplitMix64(seed: 5)
    let shape: Shape = [2, a.inputs[0].channels ?? 1, 4, 5]
    let sessions = try [a, b].map { try ReferenceEngine().prepare($0, inputs: [shape]) }
    for _ in 0..<3 {
      let x = Tensor(uniform: shape, bound: 1, using: &generator)
      let results = try sessions.map { try $0.run([x]) }
      #expect(results[0] == results[1])
    }
  }
}

extension Network {
  /// With an affine that is no identity.
  fileprivate func withShift() -> Network {
    var result = self
    result.parameters["affine.shift"] = Tensor([2], [1, -1])
    return result
  }
}
