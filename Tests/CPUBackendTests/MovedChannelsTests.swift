@testable import CPUBackend
import CKernels
import Execution
import Networks
import ReferenceBackend
import Tensors
import TestSupport
import Testing
import Transforms

/// Channels that are only moved: by shuffles, slices and concatenations that need not be made.
@Suite struct MovedChannelsTests {
  /// A convolution that puts channels in the given order.
  private static func reorder(_ name: String, _ x: NetworkBuilder.Value, _ order: [Int], _ builder: inout NetworkBuilder)
    -> NetworkBuilder.Value
  { builder.convolution(name, x, outChannels: order.count, kernel: 1, bias: false) }

  /// Puts ones where the orders say.
  private static func network(_ builder: NetworkBuilder, orders: [String: [Int]], seed: UInt64) throws -> Network {
    var network = try builder.build(.random(seed: seed))
    for (name, order) in orders {
      let key = "\(name).weight"
      let shape = try #require(network.parameters[key]?.shape)
      var weight = [Float](repeating: 0, count: shape.count)
      for (channel, source) in order.enumerated() { weight[channel * shape[1] + source] = 1 }
      network.parameters[key] = Tensor(shape, weight)
    }
    return network
  }

  private static func shuffled(_ channels: Int, groups: Int) -> [Int] {
    (0..<channels).map { $0 % groups * (channels / groups) + $0 / groups }
  }

  /// Units of a ShuffleNet: concatenation, shuffle, two halves, one of which goes around.
  private static func units(channels: Int, groups: Int) throws -> Network {
    var builder = NetworkBuilder("units")
    var orders: [String: [Int]] = [:]
    let x = builder.input("x", channels: 3)
    var left = builder.convolution("left", x, outChannels: channels, kernel: 3, padding: 1)
    var right = builder.convolution("right", x, outChannels: channels, kernel: 1)
    for unit in 0..<3 {
      let joined = builder.concatenation("join\(unit)", [left, right])
      orders["shuffle\(unit)"] = shuffled(2 * channels, groups: groups)
      let mixed = reorder("shuffle\(unit)", joined, shuffled(2 * channels, groups: groups), &builder)
      left = builder.slice("first\(unit)", mixed, [Slice.Span(axis: 1, start: 0, end: channels)])
      let rest = builder.slice("rest\(unit)", mixed, [Slice.Span(axis: 1, start: channels)])
      let filtered = builder.convolution(
        "filter\(unit)", rest, outChannels: channels, kernel: 3, padding: 1, groups: channels)
      right = builder.activation(
        "right\(unit)", builder.convolution("mix\(unit)", filtered, outChannels: channels, kernel: 1), .relu)
    }
    builder.output(builder.convolution("out", builder.concatenation("end", [left, right]), outChannels: 7, kernel: 1))
    return try network(builder, orders: orders, seed: 3)
  }

  @Test(arguments: [(20, 2), (58, 2), (24, 4), (6, 3), (3, 2)], Precision.allCases)
  func unitsAgreeWithTheReference(_ form: (channels: Int, groups: Int), _ precision: Precision) throws {
    let network = try Self.units(channels: form.channels, groups: form.groups)
    for candidate in [network, network.optimizedForInference()] {
      for shape in [Shape(channels: 3, height: 7, width: 9), Shape(batch: 2, channels: 3, height: 1, width: 21)] {
        var random = SplitMix64(seed: 4)
        let input = Tensor(uniform: shape, bound: 1, using: &random)
        let expected = try ReferenceEngine().prepare(candidate, inputs: [shape]).run([input])[0]
        let tolerance = try Tolerance.outputs(of: candidate, inputs: [input], convolutionFactor: winogradFactor)[0].error
        for instructionSet in instructionSets {
          var results: [Tensor] = []
          for threads in 1...3 {
            let session = try CPUEngine(instructionSet: instructionSet, threadCount: threads, precision: precision)
              .prepare(candidate, inputs: [shape])
            results.append(try session.run([input])[0])
          }
          expectSameBits(results[1], results[0], "two threads")
          expectSameBits(results[2], results[0], "three threads")
          if precision == .float32 {
            expectClose(results[0], expected, tolerance: tolerance, seed: 4, "\(form) on \(instructionSet)")
          }
        }
      }
    }
  }

  @Test func joinsAndShufflesAreNotMade() throws {
    let network = try Self.units(channels: 58, groups: 2).optimizedForInference(),
      shape = Shape(channels: 3, height: 14, width: 14)
    let moved = MovedChannels(network, shapes: try network.inferredShapes(inputs: [shape]))
    #expect(moved.unmade == ["join0", "shuffle0", "join1", "shuffle1", "join2", "shuffle2"])
    #expect(moved.made.keys.sorted() == ["first0", "first1", "first2", "rest0", "rest1", "rest2"])
    #expect(moved.made["rest0"]?.prefix(2) == [.init(value: "left", channel: 29), .init(value: "right", channel: 29)])
    // What leaves the network, or is read by others, is made.
    var open = network
    open.outputs.append("join1")
    #expect(!MovedChannels(open, shapes: try open.inferredShapes(inputs: [shape])).unmade.contains("join1"))
    // A 1x1 convolution of other weights is none.
    var other = network
    other.parameters["shuffle1.weight"] = other.parameters["shuffle1.weight"].map { Tensor($0.shape, $0.floats.map { $0 * 2 }) }
    #expect(
      MovedChannels(other, shapes: try other.inferredShapes(inputs: [shape])).unmade == [
        "join0", "shuffle0", "join2", "shuffle2",
      ])
  }

  /// Bit for bit what the reference moves, for any order, also with channels that are taken twice or not at all.
  @Test(arguments: instructionSets) func anyOrderIsExact(_ instructionSet: InstructionSet) throws {
    var random = SplitMix64(seed: 8)
    for round in 0..<40 {
      let channels = Int.random(in: 1...70, using: &random), count = Int.random(in: 1...70, using: &random)
      let order = (0..<count).map { _ in Int.random(in: 0..<channels, using: &random) }
      var builder = NetworkBuilder("move")
      let x = builder.input("x", channels: channels)
      builder.output(Self.reorder("move", x, order, &builder))
      let network = try Self.network(builder, orders: ["move": order], seed: 1)
      let shape = Shape(batch: 1 + round % 2, channels: channels, height: 3, width: 1 + round)
      var generator = SplitMix64(seed: UInt64(round))
      let input = Tensor(uniform: shape, bound: 1, using: &generator)
      let expected = try ReferenceEngine().prepare(network, inputs: [shape]).run([input])[0]
      let engine = CPUEngine(instructionSet: instructionSet, threadCount: 2)
      expectSameBits(try engine.prepare(network, inputs: [shape]).run([input])[0], expected, "\(order) of \(channels)")
    }
  }

  /// A 1x1 convolution that only moves channels is not joined with a depthwise one: it would become products.
  @Test func shufflesAreNoHalvesOfSeparableConvolutions() throws {
    var builder = NetworkBuilder("shuffle")
    let x = builder.input("x", channels: 12)
    let mixed = Self.reorder("shuffle", x, Self.shuffled(12, groups: 3), &builder)
    builder.output(builder.convolution("filter", mixed, outChannels: 12, kernel: 3, padding: 1, groups: 12))
    let network = try Self.network(builder, orders: ["shuffle": Self.shuffled(12, groups: 3)], seed: 2)
    #expect(network.optimizedForInference().nodes.map(\.name) == ["shuffle", "filter"])
    var products = network
    products.parameters["shuffle.weight"]?.withUnsafeMutableFloats { $0[1] = 0.5 }
    #expect(products.optimizedForInference().nodes.count == 1)
  }
}
