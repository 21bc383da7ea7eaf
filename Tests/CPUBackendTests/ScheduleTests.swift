@testable import CPUBackend
import Architectures
import Execution
import GeneratedNetworks
import Networks
import Tensors
import OperationCases
import Testing
import Transforms

/// Schedules as pure things: no data, any height, bands, cache and number of threads.
@Suite struct ScheduleTests {
  private func program(_ network: Network, _ inputs: [Shape], _ engine: CPUEngine) throws -> Program {
    let shapes = try network.inferredShapes(inputs: inputs)
    var lowering = Lowering(
      network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: engine,
      packs: PackStore(network.parameters))
    return try lowering.program()
  }

  /// Every schedule of a program: rings and bands of all sizes.
  private func expectGoodSchedules(_ network: Network, _ inputs: [Shape], _ label: String) throws {
    for (precision, threads) in [(Precision.float32, 1), (.float32, 3), (.bfloat16, 8)] {
      let engine = CPUEngine(threadCount: threads, precision: precision)
      let program = try program(network, inputs, engine)
      for bandPixels in [1, 100, 1536] {
        for cache in [1 << 13, 1 << 17, 1 << 40] {
          let schedule = BandSchedule(program, threadCount: threads, cacheByteCount: cache, bandPixels: bandPixels)
          if let fault = ScheduleSimulation.fault(program, schedule) {
            Issue.record("\(label), \(threads) threads, bands of \(bandPixels) pixels, a cache of \(cache): \(fault)")
            return
          }
        }
      }
    }
  }

  /// Each operation between two others, so that it reads bands and is read in bands.
  @Test(arguments: supportedCases) func everyOperation(_ example: OperationCase) throws {
    try expectGoodSchedules(example.network, example.inputShapes, example.name)
    guard let shape = example.inputShapes.first, shape.isImage, example.inputShapes.count == 1,
      example.network.nodes.count == 1, example.network.nodes[0].inputs.first == example.network.inputs[0].name
    else { return }
    for height in [shape.height, 37, 95] {
      var network = example.network
      var input = shape
      input[2] = height
      let before = Convolution(inChannels: shape.channels, outChannels: shape.channels, kernel: 3, padding: 1)
      network.nodes.insert(Node(name: "before", operation: .convolution(before), inputs: [network.inputs[0].name]), at: 0)
      network.nodes[1].inputs[0] = "before"
      guard let output = try? network.inferredShapes(inputs: [input])[network.outputs[0]], output.isImage else { return }
      let behind = Convolution(inChannels: output.channels, outChannels: 8, kernel: 3, padding: 1)
      network.nodes.append(Node(name: "behind", operation: .convolution(behind), inputs: [network.outputs[0]]))
      network.outputs = ["behind"]
      try expectGoodSchedules(network.randomized(seed: 1), [input], "\(example.name) at height \(height)")
    }
  }

  @Test(arguments: 0..<200) func generatedNetworks(_ seed: Int) throws {
    var choices = ChoiceSource(seed: UInt64(seed))
    guard let generated = GeneratedNetwork(seed % 4 == 0 ? .small : .tall, &choices) else { return }
    let network = (seed % 2 == 0 ? generated.network : generated.network.optimizedForInference())
    do {
      try expectGoodSchedules(network, generated.inputShapes, "seed \(seed)")
    } catch ExecutionError.unsupported {
    }
  }
}

/// The groups of networks whose speed was measured with them.
@Suite struct KnownGroupTests {
  struct Example: Sendable, CustomStringConvertible {
    var architecture: String
    var kind: ConvolutionKind
    var side: Int
    /// The number of steps of each group.
    var groups: [Int]

    var description: String { "\(architecture) (\(kind.rawValue)) at \(side)" }

    func network() throws -> Network {
      switch architecture {
      case "vdsr": try VDSR(convolution: kind).network(.zeros)
      case "edsr": try EDSR(scale: 2, convolution: kind).network(.zeros)
      case "unet": try UNet(convolution: kind).network(.zeros)
      default: try ResNet18(convolution: kind).network(.zeros)
      }
    }
  }

  static let examples: [Example] = [
    Example(architecture: "vdsr", kind: .standard, side: 256, groups: [2, 6, 6, 6]),
    Example(architecture: "vdsr", kind: .separable, side: 256, groups: [8, 12]),
    Example(architecture: "vdsr", kind: .selection, side: 256, groups: [4, 4, 4, 4, 4]),
    Example(architecture: "edsr", kind: .standard, side: 256, groups: [3, 6, 6, 6, 6, 6, 3]),
    Example(architecture: "edsr", kind: .separable, side: 256, groups: [11, 10, 11, 4]),
    Example(architecture: "edsr", kind: .selection, side: 256, groups: [5, 4, 4, 4, 4, 4, 4, 4, 3]),
    Example(
      architecture: "unet", kind: .standard, side: 256, groups: [6, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 4]),
    Example(architecture: "unet", kind: .separable, side: 256, groups: [6, 7, 2, 3, 3, 6]),
    Example(architecture: "unet", kind: .selection, side: 256, groups: [6, 6, 2, 3, 5, 6]),
    Example(architecture: "resnet18", kind: .standard, side: 224, groups: [9, 2, 3, 1, 2, 1, 1, 1, 1, 1, 1, 1]),
    Example(architecture: "resnet18", kind: .separable, side: 224, groups: [3, 19, 1, 1, 1]),
  ]

  @Test(arguments: examples) func areAsTheyWere(_ example: Example) throws {
    let network = try example.network().optimizedForInference()
    let shapes = try network.inferredShapes(
      inputs: [Shape(channels: try #require(network.inputs[0].channels), height: example.side, width: example.side)])
    // The caches and rates of one machine, whichever the test runs on.
    let engine = CPUEngine(instructionSet: .portable, threadCount: 2, machine: .zen5)
    var lowering = Lowering(
      network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: engine,
      packs: PackStore(network.parameters))
    let program = try lowering.program()
    let schedule = BandSchedule(
      program, threadCount: 2, cacheByteCount: engine.cacheByteCount, bandPixels: engine.bandPixels)
    #expect(schedule.groups.map(\.steps.count) == example.groups)
  }
}
