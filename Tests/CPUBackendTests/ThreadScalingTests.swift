@testable import CPUBackend
import Architectures
import Networks
import Tensors
import Testing
import Transforms

/// How threads share the networks of the catalogue, on paper: two cores of a test machine cannot show sixteen. A loop takes t threads as
/// long as the one that does the most of its tasks, and besides the time in which they hear of it.
@Suite struct ThreadScalingTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var architecture: String
    var kind: String
    var batch = 1
    var channels = 3
    var side: Int
    /// Of 2, 4, 8 or 16 threads the least share that is at work at any time.
    var least: Double

    var testDescription: String { "\(architecture) \(kind) \(batch)x\(channels)x\(side)x\(side)" }
  }

  private static let examples = [
    Example(architecture: "edsr", kind: "standard", side: 256, least: 0.9),
    Example(architecture: "edsr", kind: "separable", side: 256, least: 0.9),
    Example(architecture: "edsr", kind: "selection", side: 256, least: 0.9),
    Example(architecture: "vdsr", kind: "standard", channels: 1, side: 256, least: 0.9),
    Example(architecture: "vdsr", kind: "separable", channels: 1, side: 256, least: 0.9),
    Example(architecture: "unet", kind: "standard", side: 256, least: 0.9),
    Example(architecture: "unet", kind: "separable", side: 256, least: 0.9),
    Example(architecture: "unet", kind: "selection", side: 256, least: 0.9),
    Example(architecture: "see-in-the-dark", kind: "standard", channels: 4, side: 256, least: 0.9),
    Example(architecture: "small-resnet", kind: "standard", batch: 64, side: 32, least: 0.9),
    Example(architecture: "resnet18", kind: "standard", side: 224, least: 0.88),
    Example(architecture: "resnet18", kind: "separable", side: 224, least: 0.77),
    Example(architecture: "resnet18", kind: "selection", side: 224, least: 0.77),
  ]

  @Test(arguments: examples) func threadsHaveEqualShares(_ example: Example) throws {
    let network = try Architecture(named: example.architecture, options: ["convolution": example.kind]).network(.zeros)
      .optimizedForInference()
    let shape = Shape(batch: example.batch, channels: example.channels, height: example.side, width: example.side)
    let shapes = try network.inferredShapes(inputs: [shape])
    for threads in [2, 4, 8, 16] {
      let engine = CPUEngine(threadCount: threads, machine: .zen5)
      var lowering = Lowering(
        network, types: shapes.mapValues { ValueType($0) }, wholeShapes: shapes, engine: engine,
        packs: PackStore(network.parameters))
      let program = try lowering.program()
      let schedule = BandSchedule(
        program, threadCount: threads, cacheByteCount: engine.cacheByteCount, bandPixels: engine.bandPixels)
      let costs = StepCosts(program, network, shapes: shapes, engine: engine)
      var alone = 0.0, together = 0.0
      for group in schedule.groups {
        guard let images = group.imagesPerTask else { continue }
        // Each thread takes some images through all steps.
        let cycles = group.items.reduce(0) { $0 + costs.cycles(of: $1) }, tasks = (example.batch + images - 1) / images
        alone += cycles
        together += cycles * Double((tasks + threads - 1) / threads) / Double(tasks) + 1_500 + 400 * Double(threads - 1)
      }
      for item in schedule.groups.filter({ $0.imagesPerTask == nil }).flatMap(\.items) {
        let cycles = costs.cycles(of: item), shared = shared(item, program, costs, threads)
        // Never slower than one thread: a loop is shared only where that is quicker on paper, too.
        #expect(shared <= cycles, "\(program.steps[item.step].node), \(item.region), \(threads) threads")
        alone += cycles
        together += shared
      }
      let share = alone / Double(threads) / together
      #expect(share >= example.least, "\(threads) threads: \(share)")
    }
  }

  /// The cycles that an item takes where as many threads share it as the costs say.
  private func shared(_ item: BandSchedule.Item, _ program: Program, _ costs: StepCosts, _ most: Int) -> Double {
    let cycles = costs.cycles(of: item)
    if costs.sharing(of: item) == .never { return cycles }
    var region = item.region
    region.threadCount = costs.threadCount(of: item, most: most)
    let step = program.steps[item.step], stages = step.stageCount(region)
    var result = 0.0
    for stage in 0..<stages {
      // Of transform, products and transform the products take most.
      let share = stages % 3 == 0 ? (stage % 3 == 1 ? 0.7 : 0.15) * 3 / Double(stages) : 1 / Double(stages)
      let tasks = max(step.taskCount(region, stage: stage), 1), threads = min(tasks, region.threadCount)
      // The last task is as a rule a part of one: half of it, on paper.
      let rounds =
        tasks > 1 && tasks % threads == 1 ? Double(tasks / threads) + 0.5 : Double((tasks + threads - 1) / threads)
      result += share * cycles * rounds / (Double(tasks) - (tasks > 1 && tasks % threads == 1 ? 0.5 : 0))
      // One task is done by the caller.
      if threads > 1 { result += 1_500 + 400 * Double(threads - 1) }
    }
    return result
  }
}
