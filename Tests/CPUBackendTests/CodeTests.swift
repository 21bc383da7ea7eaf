import CPUBackend
import Execution
import GeneratedNetworks
import Networks
import ReferenceBackend
import Tensors
import OperationCases
import Testing
import Transforms

/// Networks of integers on every instruction set and number of threads against the reference, bit for bit.
@Suite struct CodeTests {
  @Test(arguments: CodeCase.all)
  func bitsAreThoseOfTheReference(_ example: CodeCase) throws {
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)
    for instructionSet in instructionSets {
      // Rates decide whether tiles of registers are used where there are such.
      let machines = instructionSet.hasTiles ? [MachineDescription.current, .sapphireRapids] : [.current]
      for (threadCount, machine) in [1, 2, 3].flatMap({ count in machines.map { (count, $0) } }) {
        let engine = CPUEngine(instructionSet: instructionSet, threadCount: threadCount, machine: machine)
        let session = try engine.prepare(example.network, inputs: example.inputs.map(\.shape))
        // Twice: memory that a run leaves must not reach the next.
        _ = try session.run(example.inputs)
        let outputs = try session.run(example.inputs)
        for (output, wanted) in zip(outputs, expected) where output != wanted {
          let places = zip(output.numbers, wanted.numbers).enumerated().filter { $0.element.0 != $0.element.1 }
          Issue.record(
            """
            \(example.name), \(instructionSet), \(threadCount) threads: \(places.count) of \(output.count) differ, first at \
            \(places.first.map { "\($0.offset): \($0.element.0), not \($0.element.1)" } ?? "none")
            """)
          return
        }
      }
    }
  }

  /// Residual networks whose sums stay float32: those of integers from the first layer on have the bits of the reference, in bands of any height; a
  /// first layer of float32 has its own on each instruction set, and they are the same for every number of threads.
  @Test(arguments: instructionSets) func residualNetworksHaveTheBits(_ instructionSet: InstructionSet) throws {
    for seed in Seeds.first(40) {
      var choices = ChoiceSource(seed: UInt64(seed))
      let residual = try ResidualNetwork(&choices), input = residual.input, keepsFirst = seed % 4 == 3
      var ranges: [String: QuantizationRange] = [:]
      for (name, value) in try ReferenceEngine().values(of: residual.network.preparedForQuantization(), inputs: [input]) {
        guard value.dataType == .float32, let least = value.floats.min(), let most = value.floats.max() else { continue }
        ranges[name] = QuantizationRange(minimum: least, maximum: most)
      }
      let scheme = QuantizationScheme(
        element: seed % 2 == 0 ? .uint8 : .int8, keepsFirst: keepsFirst, residual: seed % 5 == 4 ? .int8 : .float32)
      let network = try residual.network.quantized(ranges, scheme)
      var expected = try ReferenceEngine().prepare(network, inputs: [input.shape]).run([input])
      if keepsFirst {
        expected = try CPUEngine(instructionSet: instructionSet, threadCount: 1).prepare(network, inputs: [input.shape])
          .run([input])
      }
      for threadCount in 1...3 {
        var engine = CPUEngine(instructionSet: instructionSet, threadCount: threadCount)
        engine.leastSharedCycles = choices.pick([0, engine.leastSharedCycles])
        engine.bandPixels = choices.pick([16, 64, engine.bandPixels])
        engine.cacheByteCount = choices.pick([1 << 14, 1 << 16, engine.cacheByteCount])
        let outputs = try engine.prepare(network, inputs: [input.shape]).run([input])
        #expect(outputs == expected, "seed \(seed), \(threadCount) threads")
      }
    }
  }

  /// Each way in which a convolution of integers can run.
  @Test(arguments: [ConvolutionMethod.rows, .direct], CodeCase.all)
  func everyMethodHasTheBits(_ method: ConvolutionMethod, _ example: CodeCase) throws {
    guard case .convolution(let payload) = example.network.nodes[0].operation, example.network.nodes.count == 1,
      let output = try? payload.shapeBeforeShuffle(example.inputs[0].shape),
      ConvolutionGeometry(payload, input: example.inputs[0].shape, output: output).refusal(of: method) == nil
    else { return }
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)
    for instructionSet in instructionSets {
      var engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      engine.preferredMethod = method
      #expect(try engine.prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs) == expected)
    }
  }

  @Test(arguments: OperationCase.integers)
  func casesOfOperations(_ example: OperationCase) throws {
    let expected = try ReferenceEngine().prepare(example.network, inputs: example.inputShapes).run(example.inputs)
    for instructionSet in instructionSets {
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      let outputs = try engine.prepare(example.network, inputs: example.inputShapes).run(example.inputs)
      for (output, wanted) in zip(outputs, expected) {
        #expect(output == wanted, "\(example.name), \(instructionSet)")
      }
    }
  }

  /// Quotients as near to a tie as numbers come, at the ends, beyond them, and none: reciprocals stand in for them where that cannot be told.
  @Test(arguments: instructionSets) func quotientsNearTies(_ instructionSet: InstructionSet) throws {
    var generator = SplitMix64(seed: 8)
    let scales: [Float] = [0.1, 1 / 3, 0x1p-32, 0x1p32, 0.0079855, 7, 1, 0.9999999, 1.7e-9]
    for (index, scale) in scales.enumerated() {
      let payload =
        index % 2 == 0
        ? Quantize(.uint8, .init(scale: scale, zeroPoint: index * 31))
        : Quantize(.int8, .init(scale: scale, zeroPoint: 50 - index * 20))
      var numbers: [Float] = [
        .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0,
      ]
      for integer in -300...300 {
        var number = (Float(integer) + 0.5) * scale
        for _ in 0..<4 { number = number.nextDown }
        for _ in 0..<9 {
          numbers.append(number)
          number = number.nextUp
        }
      }
      while numbers.count < 64 * 13 * 9 { numbers.append(generator.nextUniform(bound: 400) * scale) }
      numbers.shuffle(using: &generator)
      for shape: Shape in [[1, 64, 9, 13], [1, 1, 64 * 9, 13], [1, 20, 9, 41]] {
        var builder = NetworkBuilder("quantize")
        let x = builder.input("x", channels: shape[1])
        builder.output(builder.node("codes", .integer(.quantize(payload)), [x], channels: shape[1]))
        let own = Array(numbers.prefix(shape.count)), network = try builder.build(.zeros)
        let outputs = try CPUEngine(instructionSet: instructionSet, threadCount: 2).prepare(network, inputs: [shape])
          .run([Tensor(shape, own)])
        let wrong = zip(own, outputs[0].integers ?? []).filter { payload.stored($0) != Int($1) }
        #expect(wrong.isEmpty && outputs[0].count == own.count, "\(scale), \(shape): \(wrong.prefix(3))")
      }
    }
  }

  /// Were all results clamped, they would show nothing.
  @Test func casesAreNoConstants() throws {
    let constants = try CodeCase.all.filter { example in
      guard !example.isExtreme else { return false }
      let output = try ReferenceEngine().prepare(example.network, inputs: example.inputs.map(\.shape)).run(example.inputs)[0]
      return Set(output.numbers).count < min(output.count, 3)
    }
    #expect(constants.count * 10 < CodeCase.all.count, "\(constants.map(\.name))")
  }
}
