import CPUBackend
import Evaluation
import Execution
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
  }

  public var network: String
  public var input: String
  public var blocks: [Block]
  /// The run of the network as it is written, every node a pass of its own; nil where the engine cannot run it.
  public var millisecondsBefore: Double?
  public var millisecondsAfter: Double?

  public init(_ network: Network, input: Shape, engine: EngineOptions, runs: Int = 3) throws(EvaluationError) {
    let fused = network.optimizedForInference()
    self.network = network.name
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
    if let run = try Self.run(fused, input, engine, runs, isInBands: true) {
      millisecondsAfter = run.milliseconds
      for index in blocks.indices { blocks[index].bytesInBands = 0 }
      for step in run.timeline.steps {
        // Made here where a copy of an input belongs to no block.
        let index = place(step.node)
        blocks[index].bytesInBands = (blocks[index].bytesInBands ?? 0) + step.traffic.valueBytes
      }
    }
    millisecondsBefore = try Self.run(network, input, engine, runs, isInBands: false)?.milliseconds
    self.blocks = blocks
  }

  /// The median run and what it moved; nil where the engine lacks an operation.
  private static func run(
    _ network: Network, _ input: Shape, _ options: EngineOptions, _ runs: Int, isInBands: Bool
  ) throws(EvaluationError) -> (timeline: RunTimeline, milliseconds: Double)? {
    let backend = try Ladder.Rung("", options, isInBands: isInBands).backend()
    do throws(ExecutionError) {
      guard let session = try backend.prepare(network, inputs: [input]) as? any TimingSession else { return nil }
      let tensor = Benchmark.randomInput(input)
      var timeline = try session.timedRun([tensor]).timeline
      var times: [Double] = []
      for _ in 0..<runs {
        timeline = try session.timedRun([tensor]).timeline
        times.append(Double(timeline.nanoseconds) / 1e6)
      }
      return (timeline, Benchmark.percentile(times.sorted(), 0.5))
    } catch {
      guard case .unsupported = error else { throw .execution(network: network.name, error) }
      return nil
    }
  }

  /// `down_1.double_conv.0` belongs to `down_1`, `body.0.a` to `body.0`.
  static func blockName(_ node: String) -> String {
    let parts = node.split(separator: ".")
    guard let first = parts.first else { return node }
    if parts.count > 2, Int(parts[1]) != nil { return "\(first).\(parts[1])" }
    return String(first)
  }
}

extension TrafficReport {
  /// The table for people.
  public var text: String {
    var table = TextTable(["block", "tensors", "fused", "bytes", "fused", "in bands"])
    func row(_ block: Block) -> [String] {
      [
        block.name, "\(block.tensorsBefore)", "\(block.tensorsAfter)", TextFormat.bytes(block.bytesBefore),
        TextFormat.bytes(block.bytesAfter), block.bytesInBands.map(TextFormat.bytes) ?? "--",
      ]
    }
    for block in blocks { table.append(row(block)) }
    let total = total
    table.append(row(total))
    var text = "\(network), input \(input): what goes to memory and back, before and after fusing\n\n" + table.text
    if total.bytesAfter > 0 {
      text +=
        "\nFusing leaves \(TextFormat.fixed(Double(total.bytesAfter) / Double(max(total.bytesBefore, 1)), 2)) of the bytes"
      if let bytes = total.bytesInBands {
        text += ", bands \(TextFormat.fixed(Double(bytes) / Double(max(total.bytesBefore, 1)), 2))"
      }
      text += ".\n"
    }
    if let millisecondsBefore, let millisecondsAfter {
      text +=
        "Time: \(TextFormat.fixed(millisecondsBefore, 1)) ms node by node, \(TextFormat.fixed(millisecondsAfter, 1)) ms fused "
      text += "and in bands: \(TextFormat.fixed(millisecondsAfter / millisecondsBefore, 2)) of it.\n"
    }
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
    return total
  }
}

extension LadderTable {
  /// The table for people.
  public var text: String {
    var table = TextTable([
      "", "instruction set", "threads", "images", "ms/image", "speed-up", "max difference", "mean difference",
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
    return title + "\n" + table.text
  }
}

/// All that the ladder tells.
public struct LadderReport: Hashable, Codable, Sendable {
  public var tables: [LadderTable] = []
  public var traffic: TrafficReport?

  public init() {}
}
