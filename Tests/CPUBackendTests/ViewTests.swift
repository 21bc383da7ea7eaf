@testable import CPUBackend
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing

/// Channels of a value that are read where they lie.
@Suite struct ViewTests {
  /// Some convolutions, slices of whose channels others read; the slices as they are, or in a form that is copied.
  private static func network(seed: Int, asCopies: Bool) throws -> Network {
    var random = SplitMix64(seed: UInt64(seed))
    var builder = NetworkBuilder("slices")
    let x = builder.input("x", channels: 3)
    var value = builder.convolution("first", x, outChannels: 48, kernel: 3, padding: 1)
    for round in 0..<3 {
      var parts: [NetworkBuilder.Value] = []
      for index in 0..<3 {
        // Mostly whole blocks; slices of slices, too.
        let isWhole = Int.random(in: 0..<4, using: &random) > 0, step = isWhole ? 16 : 1
        let first = Int.random(in: 0..<value.channels / step, using: &random) * step
        let most = (value.channels - first) / step
        let end =
          Int.random(in: 0..<3, using: &random) == 0
          ? value.channels : first + Int.random(in: 1...max(most, 1), using: &random) * step
        var spans = [Slice.Span(axis: 1, start: index == 1 ? 0 : first, end: index == 1 ? nil : end)]
        if asCopies { spans.append(Slice.Span(axis: 2, start: 0)) }
        parts.append(builder.slice("slice\(round)\(index)", index == 1 ? parts[0] : value, spans))
      }
      let name = "\(round)"
      let made = parts.enumerated().map { index, part in
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return builder.convolution("dense" + name + "\(index)", part, outChannels: 20, kernel: 3, padding: 1)
        case 1: return builder.convolution("pixels" + name + "\(index)", part, outChannels: 32, kernel: 1)
        case 2:
          return builder.convolution(
            "filter" + name + "\(index)", part, outChannels: part.channels, kernel: 3, padding: 1, groups: part.channels)
        case 3: return builder.activation("relu" + name + "\(index)", part, .relu)
        case 4: return builder.maximumPool("pool" + name + "\(index)", part, Pool(kernel: 3, stride: 1, padding: 1))
        default: return part
        }
      }
      if Int.random(in: 0..<4, using: &random) == 0 { builder.output(parts[0]) }
      value = builder.convolution(
        "next" + name, builder.concatenation("join" + name, made), outChannels: [16, 40, 64][round], kernel: 3, padding: 1)
    }
    builder.output(value)
    return try builder.build(.random(seed: UInt64(seed)))
  }

  private static let shapes = [Shape(channels: 3, height: 37, width: 9), Shape(batch: 3, channels: 3, height: 5, width: 6)]

  @Test(arguments: instructionSets, Precision.allCases) func haveTheBitsOfCopies(
    _ instructionSet: InstructionSet, _ precision: Precision
  ) throws {
    var views = 0
    for seed in 0..<20 {
      let network = try Self.network(seed: seed, asCopies: false), copies = try Self.network(seed: seed, asCopies: true)
      let shape = Self.shapes[seed % 2], shapes = try network.inferredShapes(inputs: [shape])
      var random = SplitMix64(seed: 5)
      let input = Tensor(uniform: shape, bound: 1, using: &random)
      let plain = CPUEngine(instructionSet: instructionSet, threadCount: 1, precision: precision)
      let expected = try plain.prepare(copies, inputs: [shape]).run([input])
      for threads in 1...3 {
        for cache in [0, 1 << 15, 1 << 30] {
          var engine = CPUEngine(instructionSet: instructionSet, threadCount: threads, precision: precision)
          engine.cacheByteCount = cache
          let session = try engine.prepare(network, inputs: [shape])
          for run in 0..<2 {
            for (result, expected) in zip(try session.run([input]), expected) {
              expectSameBits(result, expected, "seed \(seed), \(threads) threads, a cache of \(cache), run \(run)")
            }
          }
        }
      }
      var lowering = Lowering(
        network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: plain,
        packs: PackStore(network.parameters))
      let program = try lowering.program()
      views += program.layouts.indices.count { program.memoryValue($0) != $0 }
      for (pixels, cache) in [(1, 1 << 13), (100, 1 << 17), (1536, 1 << 40)] {
        let schedule = BandSchedule(program, threadCount: 2, cacheByteCount: cache, bandPixels: pixels)
        #expect(ScheduleSimulation.fault(program, schedule) == nil, "seed \(seed)")
      }
    }
    #expect(views > 20)
  }

  /// Values that are computed again are viewed again.
  @Test(arguments: 1...3) func serveWhatIsComputedAgain(_ threads: Int) throws {
    var builder = NetworkBuilder("again")
    let x = builder.input("x", channels: 3)
    let first = builder.convolution("first", x, outChannels: 64, kernel: 3, padding: 1)
    func part(_ name: String, _ channels: Range<Int>) -> NetworkBuilder.Value {
      builder.slice(name, first, [Slice.Span(axis: 1, start: channels.lowerBound, end: channels.upperBound)])
    }
    var value = part("left", 0..<32)
    for index in 0..<3 {
      value = builder.convolution("middle\(index)", value, outChannels: 96, kernel: 1)
      value = builder.globalAveragePool("mean\(index)", value)
      value = builder.resize(
        "back\(index)", value, Resize(method: .nearest, target: .factor(height: 64, width: 64), coordinates: .asymmetric))
    }
    value = builder.convolution("narrow", value, outChannels: 32, kernel: 1)
    let sum = builder.add("sum", value, part("right", 32..<64))
    builder.output(builder.convolution("last", builder.add("all", sum, part("leftAgain", 0..<32)), outChannels: 3, kernel: 1))
    let network = try builder.build(.random(seed: 4)), shape = Shape(channels: 3, height: 64, width: 64)
    var random = SplitMix64(seed: 6)
    let input = Tensor(uniform: shape, bound: 1, using: &random)
    let plain = try CPUEngine(threadCount: threads).prepare(network, inputs: [shape]), expected = try plain.run([input])[0]
    var again = 0
    for less in [1, 100_000, 400_000, 700_000] {
      let engine = CPUEngine(threadCount: threads, memoryLimit: plain.peakMemoryByteCount - less, recomputesValues: true)
      guard let session = try? engine.prepare(network, inputs: [shape]) else { continue }
      if session.recomputation != nil { again += 1 }
      expectSameBits(try session.run([input])[0], expected, "\(less) bytes less")
    }
    #expect(again > 0)
  }
}
