import Networks
import Tensors

/// The estimated times of a program's steps: they tell the loops that are worth sharing among threads from those that one thread
/// has done before another hears of them. Speed depends on them, no result does.
struct StepCosts {
  /// Of a row of work of one image, in cycles of one core.
  private let cyclesPerRow: [Double]
  /// Rows of work of all images.
  private let rowCounts: [Int]
  /// Multiply-accumulates of each node.
  private let products: [String: Int]

  /// See `CPUEngine.leastSharedCycles`.
  private let leastCycles: Double
  private let muchCycles: Double
  private let threadCycles: Double

  init(_ program: Program, _ network: Network, shapes: [String: Shape], engine: CPUEngine) {
    leastCycles = engine.leastSharedCycles
    muchCycles = engine.machine.sharing.muchCycles
    threadCycles = engine.machine.sharing.threadCycles
    var products: [String: Int] = [:]
    for node in network.nodes {
      guard let output = shapes[node.name] else { continue }
      products[node.name] = node.operation.definition.multiplyAccumulates(
        node.inputs.compactMap { shapes[$0] }, output: output)
    }
    self.products = products
    rowCounts = program.steps.map { max(program.layouts[$0.writes].batch * $0.rowCount, 1) }
    let rates = KernelRates(engine.machine, engine.instructionSet, engine.precision)
    cyclesPerRow = zip(program.steps, rowCounts).map { step, rows in
      let values = Set(step.reads + [step.writes] + step.alsoWrites)
      let moved = values.reduce(0) { $0 + program.layouts[$1].movedByteCount }
      // Copies beside the step that does a node's products have none, nor has a convolution that only moves channels.
      let count = step.work.method.isOfProducts ? products[step.node] ?? 0 : 0
      return (rates.products(2 * Double(count)) + Double(moved + step.constantByteCount) / 16) / Double(rows)
    }
  }

  func sharing(of item: BandSchedule.Item) -> Sharing { sharing(ofAll: [item]) }

  /// Of items that are shared as one.
  func sharing(ofAll items: [BandSchedule.Item]) -> Sharing {
    let cycles = items.reduce(0) { $0 + self.cycles(of: $1) }
    return cycles < leastCycles ? .never : cycles < muchCycles ? .whenItPays : .always
  }

  /// Of one core.
  func cycles(of item: BandSchedule.Item) -> Double { cyclesPerRow[item.step] * Double(item.region.imageRows) }

  /// Of one core, for all of a step.
  func cycles(ofStep step: Int) -> Double { cyclesPerRow[step] * Double(rowCounts[step]) }

  /// The multiply-accumulates of each step of the program: of a node with several steps that do products each has its part.
  func multiplyAccumulates(of program: Program) -> [Double] {
    let steps = program.steps.filter(\.work.method.isOfProducts)
    let counts = Dictionary(steps.map { ($0.node, 1) }, uniquingKeysWith: +)
    return program.steps.map { step in
      guard step.work.method.isOfProducts, let all = products[step.node], let count = counts[step.node] else { return 0 }
      return Double(all) / Double(count)
    }
  }

  /// The threads of which an item is done soonest: n of them take the cycles by n, and hear of it one after the other.
  func threadCount(of item: BandSchedule.Item, most: Int) -> Int {
    let threads = (cycles(of: item) / threadCycles).squareRoot()
    return leastCycles > 0 && threads < Double(most) ? min(most, max(2, Int(threads))) : most
  }
}
