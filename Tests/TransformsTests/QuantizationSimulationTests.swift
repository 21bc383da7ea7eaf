import Architectures
import CPUBackend
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

/// What is simulated is what the network of integers computes: the same bits on the reference.
@Suite struct QuantizationSimulationTests {
  private static let schemes = [
    QuantizationScheme(), QuantizationScheme(element: .int8), QuantizationScheme(weightBits: 4),
    QuantizationScheme(keepsFirst: false), QuantizationScheme(residual: .float32),
  ]

  /// The simulation with other weights and scales than it begins with, and whole numbers that follow from them, as a training leaves it.
  private static func trained(
    _ simulation: QuantizationSimulation, seed: UInt64, inputs: [Tensor]
  ) throws -> Network {
    var network = simulation.network, generator = SplitMix64(seed: seed)
    for name in simulation.weights where network.parameters[name]?.dataType == .float32 {
      guard let old = network.parameters[name] else { continue }
      let change = Tensor(uniform: old.shape, bound: 0.2, using: &generator)
      network.parameters[name] = Tensor(old.shape, zip(old.floats, change.floats).map { $0 * (1 + $1) + 0.01 * $1 })
    }
    for name in simulation.factors {
      guard let old = network.parameters[name] else { continue }
      // Now and then beyond what a scale may become.
      let change = Tensor(uniform: old.shape, bound: generator.next() % 16 == 0 ? 20 : 0.6, using: &generator)
      network.parameters[name] = Tensor(old.shape, change.floats.map { 1 + $0 })
    }
    let values = try ReferenceEngine().values(of: network, inputs: inputs)
    for (parameter, value) in simulation.standIns { network.parameters[parameter] = values[value] }
    return network
  }

  /// - Returns: whether there was something to compare.
  private static func expectSame(
    _ network: Network, _ inputs: [Tensor], _ scheme: QuantizationScheme, seed: UInt64, _ name: String
  ) throws -> Bool {
    let shapes = inputs.map(\.shape)
    guard network.graph.updates.isEmpty, let layers = try? network.quantizableLayers(scheme), !layers.isEmpty else {
      return false
    }
    let ranges = try QuantizingTests.ranges(network, inputs)
    guard ranges.values.allSatisfy({ $0.minimum.isFinite && $0.maximum.isFinite }) else { return false }
    let simulation: QuantizationSimulation
    do throws(QuantizationError) {
      simulation = try QuantizationSimulation(network, ranges: ranges, scheme, inputs: shapes)
    } catch {
      // A layer that reads a parameter: of that no range is measured.
      if case .noRange = error { return false }
      Issue.record("\(name): \(error)")
      return false
    }
    for isTrained in [false, true] {
      let simulated = try isTrained ? trained(simulation, seed: seed, inputs: inputs) : simulation.network
      let integers = try simulation.integers(simulated.parameters)
      // As it begins, it is what post-training quantisation makes, but for biases of layers with scales of their own.
      let expected = try ReferenceEngine().prepare(integers, inputs: shapes).run(inputs)
      let outputs = try ReferenceEngine().prepare(simulated, inputs: shapes).run(inputs)
      guard expected.allSatisfy({ $0.floats.allSatisfy(\.isFinite) }) else { continue }
      for (output, truth) in zip(outputs, expected) {
        let differences = zip(output.floats, truth.floats).count { $0 != $1 }
        #expect(
          output.shape == truth.shape && differences == 0,
          "\(name), \(isTrained ? "trained" : "at first"), \(scheme): \(differences) of \(truth.count) differ")
      }
      if outputs.count != expected.count { Issue.record("\(name): another number of outputs") }
    }
    return true
  }

  private static func input(_ shape: Shape, seed: UInt64 = 3) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor(uniform: shape, bound: 1, using: &generator)
  }

  @Test(arguments: try RemovingChannelsTests.catalogue()) func theCatalogue(row: RemovingChannelsTests.Row) throws {
    let input = Self.input(row.input)
    for (index, scheme) in Self.schemes.enumerated() {
      #expect(try Self.expectSame(row.network, [input], scheme, seed: UInt64(index), row.testDescription))
    }
  }

  @Test(arguments: OperationCase.all) func everyCase(_ example: OperationCase) throws {
    for (index, scheme) in Self.schemes.enumerated() where index >= 3 {
      _ = try Self.expectSame(example.network, example.inputs, scheme, seed: example.seed, example.name)
    }
  }

  @Test func generatedNetworks() throws {
    var compared = 0
    for seed in Seeds.first(400) {
      var choices = ChoiceSource(seed: UInt64(seed))
      guard let generated = GeneratedNetwork(seed % 4 == 0 ? .picture : .small, &choices) else { continue }
      let scheme = Self.schemes[seed % Self.schemes.count]
      if try Self.expectSame(generated.network, generated.inputs, scheme, seed: UInt64(seed), "seed \(seed)") { compared += 1 }
    }
    #expect(compared > 100, "\(compared)")
  }

  @Test func residualNetworks() throws {
    for seed in Seeds.first(60) {
      var choices = ChoiceSource(seed: UInt64(seed))
      let residual = try ResidualNetwork(&choices), name = "seed \(seed)"
      let scheme = QuantizationScheme(keepsFirst: seed % 2 == 0, residual: seed % 4 == 3 ? .int8 : .float32)
      #expect(try Self.expectSame(residual.network, [residual.input], scheme, seed: UInt64(seed), name))
    }
  }

  /// Functions that close layers, as steps and as tables; factors of either sign, sums, shuffles, and layers of all kinds in groups.
  @Test func stepsOfLayers() throws {
    for function: ActivationFunction in [
      .relu, .leakyReLU(slope: 0.1), .prelu(channels: 8), .prelu(channels: 1), .clip(minimum: 0, maximum: 0.4), .sigmoid, .tanh,
      .hardSwish, .gelu,
    ] {
      for factor: Float in [1, 0.3, -0.3] {
        var builder = NetworkBuilder("steps")
        let x = builder.input("x", channels: 3)
        let a = builder.activation("act1", builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1), function)
        let b = builder.activation("act2", builder.convolution("b", a, outChannels: 8, kernel: 3, padding: 1), function)
        let scaled = builder.scale("scaled", builder.convolution("c", b, outChannels: 8, kernel: 1), by: factor)
        let sum = builder.activation("act3", builder.add("sum", scaled, a), function)
        let grouped = TransposedConvolution(
          inChannels: 8, outChannels: 12, kernel: Pair(2), stride: Pair(2), groups: 2, hasBias: true)
        let twice = builder.activation(
          "twice", builder.activation("once", builder.convolution("e", sum, outChannels: 8, kernel: 1), .relu),
          factor == 1 ? .clip(minimum: -0.2, maximum: 0.3) : .relu)
        let t = builder.node("t", .transposedConvolution(grouped), [twice], channels: 12)
        let shuffled = builder.pixelShuffle("shuffled", builder.activation("act4", t, .relu), factor: 2)
        builder.output(builder.convolution("d", shuffled, outChannels: 3, kernel: 3, padding: 1))
        let network = try builder.build(.random(seed: 2)), input = Self.input([2, 3, 7, 6])
        for (index, scheme) in Self.schemes.enumerated() {
          #expect(try Self.expectSame(network, [input], scheme, seed: UInt64(index), "\(function) by \(factor)"))
        }
        // An end that a clip says moves with no scale.
        let simulation = try QuantizationSimulation(
          network, ranges: QuantizingTests.ranges(network, [input]), inputs: [input.shape])
        if case .clip = function {
          #expect(!simulation.factors.contains("b.range.factor.value") && simulation.factors.contains("t.range.factor.value"))
        } else if function.isBoundOrStep {
          #expect(simulation.factors.contains("b.range.factor.value"), "\(function): \(simulation.factors)")
        }
      }
    }
  }

  /// What follows a layer in float32 may take operands beside the value that its epilogue is of: the moments of a batch come first.
  @Test func stepsOfBatchNormalization() throws {
    for steps: [Epilogue.Step] in [[.activation(.relu)], [.add], [.scale(0.5), .add, .activation(.leakyReLU(slope: 0.1))]] {
      var builder = NetworkBuilder("moments")
      let x = builder.input("x", channels: 3)
      let a = builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1)
      let b = builder.convolution("b", a, outChannels: 8, kernel: 3, padding: 1)
      let moments = builder.node(
        "moments", .training(.batchNormalization(BatchNormalization(.moments, channels: 8))), [b], channels: 8)
      let output = BatchNormalization(.output, channels: 8, epilogue: Epilogue(steps))
      let added = Array(repeating: a, count: output.epilogue.extraInputCount)
      let y = builder.node("y", .training(.batchNormalization(output)), [b, moments] + added, channels: 8)
      builder.output(builder.convolution("c", y, outChannels: 3, kernel: 3, padding: 1))
      let network = try builder.build(.random(seed: 5)), input = Self.input([2, 3, 7, 6])
      for (index, scheme) in Self.schemes.enumerated() {
        #expect(try Self.expectSame(network, [input], scheme, seed: UInt64(index), "\(steps)"))
      }
    }
  }

  private static func twoLayers() throws -> Network {
    var builder = NetworkBuilder("two")
    let x = builder.input("x", channels: 3)
    let a = builder.activation("relu", builder.convolution("a", x, outChannels: 8, kernel: 3, padding: 1), .relu)
    let b = builder.activation("relu2", builder.convolution("b", a, outChannels: 8, kernel: 3, padding: 1), .relu)
    builder.output(builder.convolution("c", b, outChannels: 3, kernel: 3, padding: 1))
    return try builder.build(.random(seed: 4))
  }

  /// The gradient of a weight is that of its whole numbers over the scale, where they lie inside; that of its scale has a part through them.
  @Test func gradientsGoThroughWhatStandsIn() throws {
    let input = Self.input([1, 3, 8, 9]), network = try Self.twoLayers()
    let simulation = try QuantizationSimulation(
      network, ranges: QuantizingTests.ranges(network, [input]), inputs: [input.shape])
    #expect(simulation.weights.contains("a.weight") && simulation.weights.contains("b.weight.float.value"))
    var withLoss = simulation.network
    withLoss.nodes.append(
      Node(name: "loss", operation: .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), inputs: [withLoss.outputs[0]]))
    withLoss.outputs = ["loss"]
    func gradients(_ names: [String], _ standIns: [String: String]) throws -> [Tensor] {
      let found = try withLoss.differentiated("loss", by: names, standIns: standIns, inputs: [input.shape])
      var network = found.network
      network.outputs = try names.map { try #require(found.gradients[$0]) }
      return try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])
    }
    let all = simulation.weights + simulation.factors
    let ours = Dictionary(uniqueKeysWithValues: zip(all, try gradients(all, simulation.standIns)))
    let codes = try gradients(["b.weight"], [:])[0].floats, ofBias = try gradients(["b.bias"], [:])[0].floats
    let masters = try #require(withLoss.parameters["b.weight.float.value"]).floats
    let scales = try #require(withLoss.parameters["b.weight.range.initial.value"]).floats
    let size = masters.count / scales.count, found = try #require(ours["b.weight.float.value"]).floats
    var ofScales = [Double](repeating: 0, count: scales.count)
    for index in masters.indices {
      let scale = scales[index / size], ratio = masters[index] / scale
      let expected = abs(ratio) <= 127 ? Double(codes[index]) / Double(scale) : 0
      #expect(abs(Double(found[index]) - expected) <= 1e-5 * abs(expected))
      if abs(ratio) <= 127 { ofScales[index / size] -= Double(codes[index]) * Double(ratio) }
    }
    // A bias is a number of units of both scales.
    let integers = try simulation.integers(withLoss.parameters)
    let bias = try #require(integers.parameters["b.bias"]?.integers)
    for channel in scales.indices { ofScales[channel] -= Double(ofBias[channel]) * Double(bias[channel]) }
    // Without the part through the whole numbers it is another.
    let without = try gradients(["b.weight.range.factor.value"], [:])[0].floats
    let with = try #require(ours["b.weight.range.factor.value"]).floats
    for channel in scales.indices {
      #expect(abs(Double(with[channel] - without[channel]) - ofScales[channel]) <= 5e-3 * abs(ofScales[channel]) + 1e-3)
    }
    for name in all { #expect(ours[name]?.floats.contains { $0 != 0 } ?? false, "\(name)") }
  }

  /// Away from what rounds, gradients of scales are what differences say: sums of many roundings move little from one step to the next.
  @Test func scalesThatClipLearnToReachFurther() throws {
    let input = Self.input([1, 3, 16, 16]), network = try Self.twoLayers()
    var ranges = try QuantizingTests.ranges(network, [input])
    for (name, range) in ranges { ranges[name] = QuantizationRange(minimum: range.minimum / 4, maximum: range.maximum / 4) }
    let simulation = try QuantizationSimulation(network, ranges: ranges, inputs: [input.shape])
    let truth = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])[0]
    func loss(_ factor: Float) throws -> Double {
      var simulated = simulation.network
      for name in simulation.factors where !name.contains("weight") { simulated.parameters[name] = Tensor([1], [factor]) }
      let values = try ReferenceEngine().values(of: simulated, inputs: [input])
      for (parameter, value) in simulation.standIns { simulated.parameters[parameter] = values[value] }
      let output = try ReferenceEngine().prepare(simulated, inputs: [input.shape]).run([input])[0]
      return zip(output.floats, truth.floats).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    }
    #expect(try loss(3.5) < loss(2) && loss(2) < loss(1))
    var withLoss = simulation.network
    withLoss.parameters["truth.value"] = truth
    withLoss.nodes += [
      Node(name: "truth", operation: .constant(Constant(truth.shape)), inputs: []),
      Node(name: "difference", operation: .binary(.subtract), inputs: [withLoss.outputs[0], "truth"]),
      Node(name: "loss", operation: .reduction(Reduction(.sumOfSquares, axes: [0, 1, 2, 3])), inputs: ["difference"]),
    ]
    withLoss.outputs = ["loss"]
    let names = simulation.factors.filter { !$0.contains("weight") }
    let found = try withLoss.differentiated("loss", by: names, standIns: simulation.standIns, inputs: [input.shape])
    var graph = found.network
    graph.outputs = try names.map { try #require(found.gradients[$0]) }
    let gradients = try ReferenceEngine().prepare(graph, inputs: [input.shape]).run([input]).map { Double($0.floats[0]) }
    let difference = (try loss(1.02) - loss(0.98)) / 0.04, sum = gradients.reduce(0, +)
    #expect(gradients.allSatisfy { $0 < 0 })
    #expect(abs(sum - difference) < 0.1 * abs(difference), "\(gradients), \(difference)")
  }

  /// The CPU engine sums whole numbers exactly but by Winograd, whose rounding may decide a tie otherwise: few differ, and by one.
  @Test func theEngineIsNear() throws {
    let network = try VDSR(depth: 5, features: 16).network(.random(seed: 3)), input = Self.input([1, 1, 40, 36])
    let simulation = try QuantizationSimulation(
      network, ranges: QuantizingTests.ranges(network, [input]), inputs: [input.shape])
    var everything = simulation.network
    let codes = everything.nodes.map(\.name).filter { $0.hasSuffix(".codes") && !$0.contains("weight") && !$0.contains("bias") }
    everything.outputs = codes
    let expected = try ReferenceEngine().prepare(everything, inputs: [input.shape]).run([input])
    for isa in InstructionSet.allCases where isa.isAvailable {
      let outputs = try CPUEngine(instructionSet: isa, threadCount: 2).prepare(everything, inputs: [input.shape]).run([input])
      for (name, (output, truth)) in zip(codes, zip(outputs, expected)) {
        let differing = zip(output.floats, truth.floats).filter { $0 != $1 }
        #expect(differing.allSatisfy { abs($0 - $1) == 1 }, "\(name) on \(isa)")
        #expect(differing.count * 200 < truth.count, "\(name) on \(isa): \(differing.count) of \(truth.count)")
      }
    }
  }
}

extension ActivationFunction {
  /// Whether a layer of integers does it by itself.
  fileprivate var isBoundOrStep: Bool {
    switch self {
    case .relu, .leakyReLU, .prelu: true
    default: false
    }
  }
}
