import CPUBackend
import Execution
import Networks
import Tensors
import Transforms

/// How long a network takes in float32, in bfloat16 and of integers, in turn, and which layers hold integers back.
public struct QuantizationTiming: Hashable, Codable, Sendable {
  /// One form of the network.
  public struct Form: Hashable, Codable, Sendable {
    /// `float32`, `bfloat16`; `integers`, whose other layers are float32, and `integers and bfloat16`.
    public var name: String
    /// The median of a run, and where it lies in 95 of 100 such measurements, in milliseconds.
    public var ms: Double
    public var leastMs: Double
    public var mostMs: Double
    public var isOfIntegers: Bool
  }

  /// A node that takes longer in the network of integers than in the faster one of numbers.
  public struct Layer: Hashable, Codable, Sendable {
    public var name: String
    public var ms: Double
    /// In the other network; nil where that has no such node.
    public var otherMs: Double?
  }

  /// The shapes of what the network was given.
  public var input: String
  public var threads: Int
  public var forms: [Form]
  /// What integers would have to take less for, the most first.
  public var heldBack: [Layer]

  /// The fastest form of numbers, and of integers.
  public var numbers: Form? { forms.filter { !$0.isOfIntegers }.min { $0.ms < $1.ms } }
  public var integers: Form? { forms.filter(\.isOfIntegers).min { $0.ms < $1.ms } }
  /// The time of integers in the faster one's of float32 and bfloat16.
  public var ratio: Double? {
    guard let numbers, let integers, numbers.ms > 0 else { return nil }
    return integers.ms / numbers.ms
  }
  /// Whether integers are slower, beyond what the measurement leaves open.
  public var isSlower: Bool {
    guard let numbers, let integers else { return false }
    return integers.ms > numbers.ms && integers.leastMs > numbers.mostMs
  }
}

extension QuantizationTiming {
  /// Throws where the forms, which are not known yet, would not fit into memory together.
  static func check(_ network: Network, shapes: [Shape], options: CPUOptions) throws(EvaluationError) {
    var own = options
    own.precision = .float32
    // Those of bfloat16 and of integers take less.
    try InterleavedTiming(shapes: shapes).check(.init(network: network, engine: .cpu(own)), count: 3)
  }

  /// Times the forms in turn.
  ///
  /// - Parameter options: of the engine; its precision is not looked at.
  init(
    _ network: Network, integers: Network, shapes: [Shape], options: CPUOptions, rounds: Int = 11
  ) throws(EvaluationError) {
    input = shapes.map(\.description).joined(separator: ", ")
    threads = options.threadCount
    func engine(_ precision: Precision) -> Engine {
      var own = options
      own.precision = precision
      return .cpu(own)
    }
    // A network all of whose layers sum integers has nothing for bfloat16 to change.
    let isMixed = integers.nodes.contains { $0.operation.epilogue.map { !$0.sumsIntegers } ?? false }
    let all: [(name: String, candidate: InterleavedTiming.Candidate, isOfIntegers: Bool)] =
      [
        ("float32", .init(network: network, engine: engine(.float32)), false),
        ("bfloat16", .init(network: network, engine: engine(.bfloat16)), false),
        ("integers", .init(network: integers, engine: engine(.float32)), true),
      ] + (isMixed ? [("integers and bfloat16", .init(network: integers, engine: engine(.bfloat16)), true)] : [])
    let results = try InterleavedTiming(shapes: shapes, rounds: rounds).run(all.map(\.candidate))
    forms = zip(all, results).map { form, result in
      Form(
        name: form.name, ms: result.seconds * 1000, leastMs: result.leastSeconds * 1000, mostMs: result.mostSeconds * 1000,
        isOfIntegers: form.isOfIntegers)
    }
    heldBack = []
    guard let own = self.integers.flatMap({ best in all.first { $0.name == best.name } }),
      let other = numbers.flatMap({ best in all.first { $0.name == best.name } })
    else { return }
    let (mine, theirs) = try Self.layers(own.candidate, other.candidate, shapes)
    let total = mine.values.reduce(0, +)
    heldBack = mine.map { name, ms in Layer(name: name, ms: ms, otherMs: theirs[name]) }
      .filter { $0.ms - ($0.otherMs ?? 0) > 0.01 * total }
      .sorted { ($1.ms - ($1.otherMs ?? 0), $0.name) < ($0.ms - ($0.otherMs ?? 0), $1.name) }
  }

  /// What each node takes at least, in milliseconds, of runs of both in turn.
  private static func layers(
    _ first: InterleavedTiming.Candidate, _ second: InterleavedTiming.Candidate, _ shapes: [Shape]
  ) throws(EvaluationError) -> ([String: Double], [String: Double]) {
    var best: [[String: Double]] = [[:], [:]], sessions: [(any TimingSession, [Tensor])] = []
    for candidate in [first, second] {
      let backend = try candidate.engine.makeBackend()
      do throws(ExecutionError) {
        let session = try backend.prepare(candidate.network.optimizedForInference(), inputs: shapes)
        guard let session = session as? any TimingSession else { return ([:], [:]) }
        sessions.append((session, Benchmark.randomInputs(shapes, of: candidate.network)))
      } catch {
        throw .execution(network: candidate.network.name, error)
      }
    }
    for _ in 0..<6 {
      for (index, (session, inputs)) in sessions.enumerated() {
        var sums: [String: Double] = [:]
        do throws(ExecutionError) {
          for timing in try session.timedRun(inputs).timeline.timings {
            sums[timing.node, default: 0] += Double(timing.nanoseconds) / 1e6
          }
        } catch {
          throw .execution(network: first.network.name, error)
        }
        best[index].merge(sums) { min($0, $1) }
      }
    }
    return (best[0], best[1])
  }
}

extension QuantizationTiming {
  /// One line: the forms, and what integers gain; where they gain nothing, another with the layers that hold them back.
  public var text: String {
    func ms(_ value: Double) -> String { TextFormat.fixed(value, value < 10 ? 3 : 1) }
    let times = forms.map { "\($0.name) \(ms($0.ms)) ms" }.joined(separator: ", ")
    var text = "\(input) on \(threads) \(threads == 1 ? "thread" : "threads"), in turn: \(times)"
    guard let ratio, let numbers else { return text + "\n" }
    text += "; integers take \(TextFormat.fixed(ratio, 2)) of the time of \(numbers.name)\n"
    guard ratio > 1 else { return text }
    text += isSlower ? "integers are slower here" : "integers are no faster here, as far as can be told"
    let layers = heldBack.prefix(4).map { layer in
      "\(layer.name.onOneLine) (\(ms(layer.ms)) ms, \(layer.otherMs.map { "\(numbers.name) \(ms($0)) ms" } ?? "not in \(numbers.name)"))"
    }
    return text + (layers.isEmpty ? "\n" : "; they are held back by \(layers.joined(separator: ", "))\n")
  }
}
