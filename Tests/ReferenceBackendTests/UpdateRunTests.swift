import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import Testing

/// Runs of networks with updates.
@Suite struct UpdateRunTests {
  /// A running mean of what was seen, and a counter: both change at the end of a run, from what they were before it.
  private static func network() throws -> Network {
    var builder = NetworkBuilder("statistics")
    let x = builder.input("x", channels: 2)
    let norm = builder.batchNorm("norm", x)
    let mean = builder.reduction("mean", x, .mean, axes: [0, 2, 3], keepsAxes: false, channels: 2)
    let old = builder.scale("old", builder.parameter("norm.runningMean"), by: 0.75)
    builder.update("norm.runningMean", to: builder.add("new", old, builder.scale("seen", mean, by: 0.25)))
    let count = builder.constant("count", Tensor([1], [0]))
    builder.update(
      "count.value", to: builder.add("counted", builder.parameter("count.value"), builder.constant("one", Tensor([1], [1]))))
    // Two parameters that change places.
    builder.update("norm.weight", to: builder.parameter("norm.bias"))
    builder.update("norm.bias", to: builder.parameter("norm.weight"))
    builder.output(norm)
    builder.output(count)
    var network = try builder.build(.random(seed: 1))
    network.parameters["norm.bias"] = Tensor([2], [3, 4])
    return network
  }

  @Test(arguments: [true, false]) func runsApplyUpdatesAtTheirEnd(_ isReference: Bool) throws {
    let network = try Self.network()
    let x = Tensor([1, 2, 1, 2], [1, 3, -2, 2])
    let backend: any Backend = isReference ? ReferenceEngine() : CPUEngine(threadCount: 2)
    let model = try backend.prepare(network), session = try model.session(inputs: [x.shape])
    let scale = 1 / (1 + 1e-5 as Double).squareRoot()
    func expected(_ weight: Double, _ mean: [Double], _ bias: [Double], _ other: [Double]) -> [Float] {
      zip([1, 3, -2, 2], [0, 0, 1, 1]).map { value, channel in
        Float((weight == 0 ? other[channel] : weight) * (value - mean[channel]) * scale + bias[channel])
      }
    }
    func close(_ a: [Float], _ b: [Float]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 } }
    var results = try session.run([x])
    #expect(close(results[0].floats, expected(1, [0, 0], [3, 4], [])) && results[1].floats == [0])
    #expect(model.network.parameters["norm.runningMean"]?.floats == [0.5, 0])
    #expect(model.network.parameters["count.value"]?.floats == [1])
    #expect(
      model.network.parameters["norm.weight"]?.floats == [3, 4] && model.network.parameters["norm.bias"]?.floats == [1, 1])
    results = try session.run([x])
    #expect(close(results[0].floats, expected(0, [0.5, 0], [1, 1], [3, 4])) && results[1].floats == [1])
    #expect(model.network.parameters["norm.runningMean"]?.floats == [0.875, 0])

    // What is set is where the next run begins; what does not fit is refused.
    try model.setParameters(["count.value": Tensor([1], [41])])
    #expect(try session.run([x])[1].floats == [41])
    #expect(model.network.parameters["count.value"]?.floats == [42])
    #expect(throws: ExecutionError.parameterShape(name: "norm.weight", expected: [2], got: [1])) {
      try model.setParameters(["norm.weight": Tensor([1], [1])])
    }
    // Sessions of other shapes go on from there.
    let wider = try model.session(inputs: [[1, 2, 2, 2]])
    #expect(try wider.run([Tensor(zeros: [1, 2, 2, 2])])[1].floats == [42])
    #expect(try session.run([x])[1].floats == [43])
    // The network that was prepared is a value, and has not changed.
    #expect(network.parameters["count.value"]?.floats == [0])
  }

  /// Operations that move elements do so with those of any type.
  @Test(arguments: [DataType.int8, .uint8, .float16, .bfloat16, .int32])
  func elementsOfAnyTypeMove(_ type: DataType) throws {
    var builder = NetworkBuilder("net")
    let x = builder.input("x", axes: [1, 4, 2, 2])
    let y = builder.pixelUnshuffle("down", builder.pixelShuffle("up", x, factor: 2), factor: 2)
    let z = builder.slice("last", builder.concatenation("twice", [y, x]), [.init(axis: 1, start: 2, end: 6)])
    builder.output(builder.flatten("flat", builder.transpose("t", z, [0, 2, 3, 1], channels: 2)))
    var network = try builder.build(.zeros)
    network.inputs[0].element = type
    // The same places as numbers take.
    let numbers = Tensor([1, 4, 2, 2], (0..<16).map(Float.init))
    var floats = network
    floats.inputs[0].element = .float32
    let places = try ReferenceEngine().prepare(floats, inputs: [numbers.shape]).run([numbers])[0].floats.map { Int($0) }
    var input = Tensor(zeros: numbers.shape, type)
    input.withUnsafeMutableBytes { bytes in for index in bytes.indices { bytes[index] = UInt8(index * 3 + 1) } }
    let output = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    #expect(output.dataType == type && output.shape == [1, 16])
    let size = type.byteCount
    input.withUnsafeBytes { source in
      output.withUnsafeBytes { result in
        for (index, place) in places.enumerated() {
          #expect(result[index * size..<(index + 1) * size].elementsEqual(source[place * size..<(place + 1) * size]))
        }
      }
    }
  }
}
