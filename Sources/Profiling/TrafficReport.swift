import CPUBackend
import Evaluation
import Execution
import Files
import Networks
import Tensors
import Transforms

/// What a network writes to memory and reads back, block by block: as it is written, after fusing, and in the engine's bands.
public struct TrafficReport: Hashable, Codable, Sendable {
  public struct Block: Hashable, Codable, Sendable {
    public var name: String
    /// Tensors that nodes write to memory.
    public var tensorsBefore = 0
    public var tensorsAfter = 0
    /// Bytes of float32 values read and written.
    public var bytesBefore = 0
    public var bytesAfter = 0
    /// The same of values that the engine keeps whole: those in rings of rows stay in a cache. Padding included.
    public var bytesInBands: Int?
    /// What its nodes took in the fastest run of the network as it is written; nil where the engine cannot run it.
    public var millisecondsBefore: Double?
    /// What they took in the fastest run fused and in bands.
    public var millisecondsAfter: Double?
  }

  /// What the network was called: a name or a path.
  public var model: String
  public var input: String
  public var blocks: [Block]
  /// The fastest run of the network as it is written, every node a pass of its own; nil where the engine cannot run it.
  public var millisecondsBefore: Double?
  /// The fastest run fused and in bands.
  public var millisecondsAfter: Double?

  /// Counts, and runs both forms in turn, `runs` times each and once before.
  public init(
    _ network: Network, model: String, input: Shape, engine: CPUOptions, runs: Int = 5
  ) throws(EvaluationError) {
    try network.checkMemory(input: input)
    let fused = network.optimizedForInference()
    self.model = model
    self.input = input.description
    let before = try wrapping { () throws(NetworkError) in try network.ledger(inputs: [input]) }
    let after = try wrapping { () throws(NetworkError) in
      try fused.ledger(inputs: [input], concatenationInPlace: true)
    }
    var blocks: [Block] = []
    var places: [String: Int] = [:]
    func place(_ node: String) -> Int {
      let name = Self.blockName(node)
      if let place = places[name] { return place }
      places[name] = blocks.count
      blocks.append(Block(name: name))
      return blocks.count - 1
    }
    for entry in before.entries {
      let index = place(entry.node)
      blocks[index].tensorsBefore += entry.bytesWritten > 0 ? 1 : 0
      blocks[index].bytesBefore += entry.bytesMoved
    }
    for entry in after.entries {
      let index = place(entry.node)
      blocks[index].tensorsAfter += entry.bytesWritten > 0 ? 1 : 0
      blocks[index].bytesAfter += entry.bytesMoved
    }
    let forms = [
      try Self.session(network, input, engine, isInBands: false), try Self.session(fused, input, engine, isInBands: true),
    ]
    let fastest = try Self.fastestRuns(network, forms, Benchmark.randomInput(input), max(runs, 1))
    if let run = fastest[0] {
      millisecondsBefore = Double(run.nanoseconds) / 1e6
      for timing in run.timings { blocks[place(timing.node)].addTime(timing.nanoseconds, to: \.millisecondsBefore) }
    }
    if let run = fastest[1] {
      millisecondsAfter = Double(run.nanoseconds) / 1e6
      // A copy of an input belongs to no block so far.
      for timing in run.timings { blocks[place(timing.node)].addTime(timing.nanoseconds, to: \.millisecondsAfter) }
      for index in blocks.indices { blocks[index].bytesInBands = 0 }
      for step in run.steps { blocks[place(step.node)].bytesInBands? += step.traffic.valueBytes }
    }
    self.blocks = blocks
  }

  /// Nil where the engine lacks an operation.
  private static func session(
    _ network: Network, _ input: Shape, _ options: CPUOptions, isInBands: Bool
  ) throws(EvaluationError) -> (any TimingSession)? {
    let backend = try Ladder.Rung("", options, isInBands: isInBands).backend()
    do throws(ExecutionError) {
      return try backend.prepare(network, inputs: [input]) as? any TimingSession
    } catch {
      guard case .unsupported = error else { throw .execution(network: network.name, error) }
      return nil
    }
  }

  /// In turn, so that all meet the same disturbances, which only ever make a run slower.
  private static func fastestRuns(
    _ network: Network, _ sessions: [(any TimingSession)?], _ input: Tensor, _ runs: Int
  ) throws(EvaluationError) -> [RunTimeline?] {
    var fastest = [RunTimeline?](repeating: nil, count: sessions.count)
    do throws(ExecutionError) {
      for session in sessions { _ = try session?.run([input]) }
      for _ in 0..<runs {
        for (index, session) in sessions.enumerated() {
          guard let timeline = try session?.timedRun([input]).timeline else { continue }
          if timeline.nanoseconds < fastest[index]?.nanoseconds ?? .max { fastest[index] = timeline }
        }
      }
    } catch {
      throw .execution(network: network.name, error)
    }
    return fastest
  }

  /// `down_1.double_conv.0` belongs to `down_1`, `body.0.a` to `body.0`.
  static func blockName(_ node: String) -> String {
    let parts = node.split(separator: ".")
    guard let first = parts.first else { return node }
    if parts.count > 2, Int(parts[1]) != nil { return "\(first).\(parts[1])" }
    return String(first)
  }
}

extension TrafficReport.Block {
  fileprivate mutating func addTime(_ nanoseconds: Int, to time: WritableKeyPath<Self, Double?>) {
    self[keyPath: time] = (self[keyPath: time] ?? 0) + Double(nanoseconds) / 1e6
  }
}

extension TrafficReport: TextReport {
  /// The table for people.
  public var report: ReportText {
    var table = TextTable(["block", "tensors", "fused", "bytes", "fused", "in bands", "ms", "fused, in bands"])
    func ms(_ value: Double?) -> String { value.map { TextFormat.fixed($0, $0 < 10 ? 3 : 1) } ?? "--" }
    func row(_ block: Block) -> [String] {
      [
        block.name, "\(block.tensorsBefore)", "\(block.tensorsAfter)", TextFormat.bytes(block.bytesBefore),
        TextFormat.bytes(block.bytesAfter), block.bytesInBands.map(TextFormat.bytes) ?? "--",
        ms(block.millisecondsBefore), ms(block.millisecondsAfter),
      ]
    }
    for block in blocks { table.append(row(block)) }
    let total = total
    table.append(row(total))
    var text: ReportText =
      "\(model.onOneLine), input \(input): what goes to memory and back, and how long that takes, before and after fusing\n\n"
    text += "\(table)\n"
    func share(_ part: Double, _ whole: Double) -> String { TextFormat.fixed(whole > 0 ? part / whole : 1, 2) }
    text += "Fusing leaves \(share(Double(total.bytesAfter), Double(total.bytesBefore))) of the bytes"
    if let bytes = total.bytesInBands { text += ", bands \(share(Double(bytes), Double(total.bytesBefore)))" }
    if let millisecondsBefore, let millisecondsAfter {
      text +=
        "; together they take \(share(millisecondsAfter, millisecondsBefore)) of the time that the network takes node by node"
    }
    text += ".\n"
    return text
  }

  /// All blocks together.
  public var total: Block {
    var total = Block(name: "total")
    for block in blocks {
      total.tensorsBefore += block.tensorsBefore
      total.tensorsAfter += block.tensorsAfter
      total.bytesBefore += block.bytesBefore
      total.bytesAfter += block.bytesAfter
      if let bytes = block.bytesInBands { total.bytesInBands = (total.bytesInBands ?? 0) + bytes }
    }
    // With what lies between the nodes.
    total.millisecondsBefore = millisecondsBefore
    total.millisecondsAfter = millisecondsAfter
    return total
  }
}

extension LadderTable: TextReport {
  /// The table for people.
  public var report: ReportText {
    var table = TextTable([
      "way", device == nil ? "instruction set" : "precision",
      device == nil ? "threads" : "threads a block", "images", "ms/image", "speed-up",
      "max difference", "mean difference",
    ])
    for rung in rungs {
      var row = [rung.name, rung.isa ?? "--", "\(rung.threads)", "\(rung.images)"]
      if let note = rung.note {
        row.append("not run: \(note)")
      } else {
        row += [
          rung.millisecondsPerImage.map { TextFormat.fixed($0, $0 < 10 ? 3 : 1) } ?? "--",
          rung.speedUp.map { TextFormat.fixed($0, 1) } ?? "--", rung.maximum.map(TextFormat.scientific) ?? "--",
          rung.mean.map(TextFormat.scientific) ?? "--",
        ]
      }
      table.append(row)
    }
    return "\(title + (device.map { ", \($0)" } ?? ""))\n\(table)"
  }
}
