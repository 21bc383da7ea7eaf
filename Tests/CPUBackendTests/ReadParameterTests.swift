import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing

/// Networks whose nodes read parameters by name.
@Suite struct ReadParameterTests {
  private static func builder() -> NetworkBuilder {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", axes: [nil, 3])
    builder.output(builder.linear("head", x, outFeatures: 2))
    builder.output(builder.matrixMultiply("back", builder.linear("tail", x, outFeatures: 2), builder.parameter("head.weight")))
    return builder
  }

  @Test func parametersAreReadAsConstants() throws {
    let network = try Self.builder().build(.random(seed: 2))
    var generator = SplitMix64(seed: 5)
    let x = Tensor(uniform: [4, 3], bound: 1, using: &generator)
    let expected = try ReferenceEngine().prepare(network, inputs: [x.shape]).run([x])
    let result = try CPUEngine(threadCount: 2).prepare(network, inputs: [x.shape]).run([x])
    for (a, b) in zip(result, expected) { #expect(zip(a.floats, b.floats).allSatisfy { abs($0 - $1) < 1e-6 }) }
  }

  @Test func updatesReachWhatReadsTheParameter() throws {
    var builder = Self.builder()
    builder.update("head.weight", to: builder.parameter("tail.weight"))
    let network = try builder.build(.random(seed: 2)), x = Tensor(repeating: 0.5, [1, 3])
    let model = try CPUEngine(threadCount: 1).prepare(network), session = try model.session(inputs: [x.shape])
    let oracle = try ReferenceEngine().prepare(network), expected = try oracle.session(inputs: [x.shape])
    for _ in 0..<2 {
      for (a, b) in zip(try session.run([x]), try expected.run([x])) {
        #expect(zip(a.floats, b.floats).allSatisfy { abs($0 - $1) < 1e-6 })
      }
      #expect(model.network == oracle.network)
    }
    #expect(model.network.parameters["head.weight"] == network.parameters["tail.weight"])
  }
}

extension ReadParameterTests {
  /// What leaves is the parameter, however it is stored between layers.
  @Test(arguments: Precision.allCases) func parametersLeaveAsTheyAre(_ precision: Precision) throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", channels: 32), values = Tensor([1, 32, 1, 1], (0..<32).map { 1 + Float($0) / 1000 })
    let constant = builder.constant("c", values)
    builder.output(builder.binary("sum", .add, x, constant))
    builder.output(builder.parameter("c.value"))
    builder.output(constant)
    let network = try builder.build(.random(seed: 3)), shape = Shape(channels: 32, height: 3, width: 3)
    let outputs = try CPUEngine(threadCount: 1, precision: precision).prepare(network, inputs: [shape]).run([
      Tensor(zeros: shape)
    ])
    #expect(outputs[1] == network.parameters["c.value"])
    #expect(outputs[2] == network.parameters["c.value"])
  }
}

extension ReadParameterTests {
  /// What leaves is the input, however nodes read it, and where there are none.
  @Test(arguments: Precision.allCases, [3, 17, 40]) func inputsLeaveAsTheyAre(_ precision: Precision, _ channels: Int) throws {
    let shape = Shape(channels: channels, height: 4, width: 5)
    var generator = SplitMix64(seed: 6)
    let input = Tensor(uniform: shape, bound: 1, using: &generator)
    for isRead in [false, true] {
      var builder = NetworkBuilder("net")
      let x = builder.input("x", channels: channels)
      builder.output(x)
      if isRead { builder.output(builder.activation("relu", x, .relu)) }
      let network = try builder.build(.random(seed: 3))
      let outputs = try CPUEngine(threadCount: 1, precision: precision).prepare(network, inputs: [shape]).run([input])
      #expect(outputs[0] == input)
    }
  }
}
