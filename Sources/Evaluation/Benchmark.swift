import Execution
import Files
import Networks
import Tensors
import Training
import Transforms

/// How fast a network runs on this machine.
public struct BenchmarkReport: Hashable, Codable, Sendable, EngineReport {
  /// How long one node takes.
  public struct NodeTime: Hashable, Codable, Sendable {
    public var node: String
    public var kernels: [String]
    /// The median over the runs, in milliseconds.
    public var ms: Double
    public var gflopsPerS: Double
  }

  public var model: String
  public var input: String
  public var cpu: String
  public internal(set) var engine: EngineName.Kind
  public internal(set) var isa: String?
  public internal(set) var precision: String?
  public internal(set) var threads: Int?
  public internal(set) var rates: String?
  public var warmup: Int
  public var runs: Int
  /// Choosing kernels, packing weights, planning memory.
  public var prepareMs: Double
  public var medianMs: Double
  public var p90Ms: Double
  public var minMs: Double
  /// Of one run, products with padding included.
  public var multiplyAccumulates: Int
  /// Two operations for each multiply-accumulate of the network as it is written, over the median: a fast algorithm that needs
  /// fewer products may pass the machine's peak.
  public var gflopsPerS: Double
  /// What the session holds: values, packed weights, scratch, input and output.
  public var sessionMemoryBytes: Int
  /// The most that the whole process has held.
  public var peakMemoryBytes: Int
  /// By node, where asked for.
  public var nodes: [NodeTime]?
}

/// Measures a network on one input of random numbers.
public struct Benchmark: Sendable {
  public var input: Shape
  public var engine: Engine
  /// Runs before those that count.
  public var warmup: Int
  /// At least 1.
  public var runs: Int
  /// Also times each node, in runs of their own.
  public var timesNodes: Bool

  public init(input: Shape, engine: Engine, warmup: Int = 3, runs: Int = 10, timesNodes: Bool = false) {
    self.input = input
    self.engine = engine
    self.warmup = max(warmup, 0)
    self.runs = max(runs, 1)
    self.timesNodes = timesNodes
  }

  /// Runs the network as set. `model` is what the report calls it.
  public func run(_ network: Network, model: String) throws(EvaluationError) -> BenchmarkReport {
    try run(network.optimizedForInference(), of: network, [input], model: model) { Self.randomInputs([input], of: network) }
  }

  /// Runs steps of training, as set: forward, backward and Adam. The loss is cross entropy where the output is `[N, classes]`, else the mean absolute
  /// error; the targets are random.
  public func train(_ network: Network, model: String) throws(EvaluationError) -> BenchmarkReport {
    let (training, output) = try TrainingNetwork.step(of: network, input: input)
    let isClassifier = output.rank == 2
    let step = training.network.eliminatingDeadNodes().fusing()
    return try run(step, of: training.network, [input, output, [4]], model: model) {
      var target = Self.randomInput(output)
      if isClassifier {
        target = Tensor(output, (0..<output.count).map { $0 % output[1] == $0 / output[1] % output[1] ? 1 : 0 })
      }
      return [Self.randomInput(input), target, Tensor([4], training.scheduleValues(step: 0, learningRate: 1e-4))]
    }
  }

  /// Runs a network in the form in which it is to run. The inputs are made when a session has been: what does not fit the memory is refused
  /// before.
  private func run(
    _ fused: Network, of network: Network, _ shapes: [Shape], model: String, _ makeInputs: () -> [Tensor]
  ) throws(EvaluationError) -> BenchmarkReport {
    let ledger = try wrapping { () throws(NetworkError) in try network.ledger(inputs: shapes) }
    let backend = try engine.makeBackend()
    let fusedLedger = try wrapping { () throws(NetworkError) in try fused.ledger(inputs: shapes) }
    do throws(ExecutionError) {
      let start = Machine.seconds
      let session = try backend.prepare(fused, inputs: shapes)
      let prepare = Machine.seconds - start, inputs = makeInputs()
      let warmup = try WarmUp.run(warmup) { () throws(ExecutionError) in _ = try session.run(inputs) }
      var times: [Double] = []
      for _ in 0..<runs {
        let start = Machine.seconds
        _ = try session.run(inputs)
        times.append((Machine.seconds - start) * 1000)
      }
      times.sort()
      let median = Self.percentile(times, 0.5)
      var report = BenchmarkReport(
        model: model, input: input.description, cpu: Machine.processorName, engine: engine.name.kind, warmup: warmup,
        runs: runs,
        prepareMs: prepare * 1000, medianMs: median, p90Ms: Self.percentile(times, 0.9), minMs: times[0],
        multiplyAccumulates: ledger.multiplyAccumulates,
        gflopsPerS: 2 * Double(ledger.multiplyAccumulates) / (median * 1e6), sessionMemoryBytes: session.peakMemoryByteCount,
        peakMemoryBytes: Machine.peakResidentByteCount,
        nodes: timesNodes ? try nodeTimes(session, inputs, fusedLedger, fused) : nil)
      report.setEngine(engine)
      return report
    } catch {
      throw .execution(network: network.name, error)
    }
  }

  private func nodeTimes(
    _ session: any Session, _ inputs: [Tensor], _ ledger: Ledger, _ fused: Network
  ) throws(ExecutionError) -> [BenchmarkReport.NodeTime]? {
    guard let session = session as? any TimingSession else { return nil }
    var kernels: [String: [String]] = [:]
    var times: [String: [Double]] = [:]
    for _ in 0..<runs {
      var sums: [String: Int] = [:]
      for timing in try session.timedRun(inputs).timeline.timings {
        sums[timing.node, default: 0] += timing.nanoseconds
        if !kernels[timing.node, default: []].contains(where: timing.kernels.contains) {
          kernels[timing.node, default: []] += timing.kernels
        }
      }
      for (node, sum) in sums { times[node, default: []].append(Double(sum) / 1e6) }
    }
    let work = Dictionary(ledger.entries.map { ($0.node, $0.multiplyAccumulates) }) { first, _ in first }
    return fused.nodes.compactMap { node in
      guard let all = times[node.name]?.sorted() else { return nil }
      let ms = Self.percentile(all, 0.5)
      return BenchmarkReport.NodeTime(
        node: node.name, kernels: kernels[node.name] ?? [], ms: ms,
        gflopsPerS: ms > 0 ? 2 * Double(work[node.name] ?? 0) / (ms * 1e6) : 0)
    }
  }

  /// Uniform in 0 ..< 1, the same each time.
  package static func randomInput(_ shape: Shape, _ element: DataType = .float32) -> Tensor {
    var generator = SplitMix64(seed: 1)
    if let integers = element.integers {
      return Tensor(shape, element, integers: (0..<shape.count).map { _ in Int.random(in: integers, using: &generator) })
    }
    return Tensor(unsafeUninitialized: shape) { bytes in
      let floats = bytes.bindMemory(to: Float.self)
      for index in floats.indices { floats[index] = generator.nextUnit() }
    }
  }

  /// Such numbers for each input of a network, of its elements.
  package static func randomInputs(_ shapes: [Shape], of network: Network) -> [Tensor] {
    zip(shapes, network.inputs).map { randomInput($0, $1.element) }
  }

  /// The value below which the share of sorted values lies, between neighbours in proportion.
  package static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[index] + (sorted[index + 1] - sorted[index]) * (position - Double(index))
  }
}

extension BenchmarkReport: TextReport {
  /// The figures for people.
  public var report: ReportText {
    func ms(_ value: Double) -> String { TextFormat.fixed(value, value < 10 ? 3 : 1) }
    var text: ReportText = """
      \(model.onOneLine), input \(input), \(engineText)
      \(cpu)
      median \(ms(medianMs)) ms, p90 \(ms(p90Ms)) ms, min \(ms(minMs)) ms (\(runs) runs after \(warmup)); prepared in \(ms(prepareMs)) ms
      \(TextFormat.fixed(gflopsPerS, 1)) GFLOP/s (\(TextFormat.grouped(multiplyAccumulates)) multiply-accumulates)
      memory: session \(TextFormat.bytes(sessionMemoryBytes)), process peak \(TextFormat.bytes(peakMemoryBytes))

      """
    guard let nodes else { return text }
    var table = TextTable(["node", "ms", "GFLOP/s", "kernels"])
    for node in nodes {
      table.append([node.node, ms(node.ms), TextFormat.fixed(node.gflopsPerS, 1), node.kernels.joined(separator: " ")])
    }
    text += "\n\(table)"
    return text
  }
}
