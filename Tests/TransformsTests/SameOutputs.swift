import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// The outputs of a network in the reference, for random inputs between -1 and 1.
func referenceOutputs(_ network: Network, _ shapes: [Shape], seed: UInt64 = 5) throws -> (inputs: [Tensor], outputs: [Tensor]) {
  var generator = SplitMix64(seed: seed)
  let inputs = shapes.map { Tensor(uniform: $0, bound: 1, using: &generator) }
  return (inputs, try ReferenceEngine().prepare(network, inputs: shapes).run(inputs))
}

/// Records an issue unless both networks give the same bits.
func expectSameOutputs(
  _ result: Network, _ network: Network, _ shapes: [Shape], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let expected = try referenceOutputs(network, shapes).outputs
  let outputs = try referenceOutputs(result, shapes).outputs
  #expect(outputs.count == expected.count, sourceLocation: sourceLocation)
  for (a, b) in zip(outputs, expected) { expectSameBits(a, b, sourceLocation: sourceLocation) }
}

/// Records an issue unless the outputs lie within the rounding that both networks may show, each on its own way.
func expectCloseOutputs(
  _ result: Network, _ network: Network, _ shapes: [Shape], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let (inputs, expected) = try referenceOutputs(network, shapes)
  let outputs = try referenceOutputs(result, shapes).outputs
  let before = try Tolerance.outputs(of: network, inputs: inputs), after = try Tolerance.outputs(of: result, inputs: inputs)
  #expect(outputs.count == expected.count, sourceLocation: sourceLocation)
  for index in expected.indices {
    expectClose(
      outputs[index], expected[index], tolerance: before[index].error + after[index].error, sourceLocation: sourceLocation)
  }
}

extension Network {
  /// A network with random parameters from one input of each shape; what `build` returns are the outputs.
  static func built(
    _ shapes: [Shape], seed: UInt64 = 11,
    _ build: (inout NetworkBuilder, [NetworkBuilder.Value]) -> [NetworkBuilder.Value]
  ) throws -> Network {
    var builder = NetworkBuilder("n")
    let inputs = shapes.enumerated().map { builder.input("x\($0.offset)", channels: $0.element.channels) }
    for value in build(&builder, inputs) { builder.output(value) }
    return try builder.build(.zeros).randomized(seed: seed)
  }

  /// The nodes as text.
  var lines: [String] { text.split(separator: "\n").dropFirst().map(String.init) }
}
