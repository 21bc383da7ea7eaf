import CUDABackend
import Evaluation
import Execution
import Networks
import Tensors
import Transforms

/// How often the values of a network go to a device and back, block by block, as the engine counts it while it runs: each node as it is
/// written by itself, each node after fusing, and the whole with its values kept there. Weights are not among them: they are copied once, before.
public struct TransferReport: Hashable, Codable, Sendable, TextReport {
  /// Of one way to run.
  public struct Count: Hashable, Codable, Sendable {
    public var transfers = 0
    public var bytes = 0
    /// With the transfers.
    public var milliseconds = 0.0

    static func += (a: inout Count, b: Count) {
      a.transfers += b.transfers
      a.bytes += b.bytes
      a.milliseconds += b.milliseconds
    }
  }

  public struct Block: Hashable, Codable, Sendable {
    public var name: String
    public var naive = Count()
    public var fused = Count()
    public var resident = Count()
  }

  /// What the network was called: a name or a path.
  public var model: String
  public var input: String
  public var device: String
  public var precision: String
  public var blocks: [Block]

  package init(
    _ network: Network, model: String, input: Shape, engine: CUDAEngine, runs: Int = 5
  ) throws(EvaluationError) {
    try network.checkMemory(input: input)
    let fused = network.optimizedForInference()
    let tensor = Benchmark.randomInput(input)
    self.model = model
    self.input = input.description
    device = engine.device.name
    precision = engine.precision.rawValue
    var blocks: [Block] = []
    var places: [String: Int] = [:]
    func place(_ node: String) -> Int {
      let name = TrafficReport.blockName(node)
      if let place = places[name] { return place }
      places[name] = blocks.count
      blocks.append(Block(name: name))
      return blocks.count - 1
    }
    do throws(ExecutionError) {
      for (form, path) in [(network, \Block.naive), (fused, \.fused)] {
        var values = [form.inputs[0].name: tensor]
        for node in form.nodes {
          let operands = node.elementInputs.compactMap { values[$0] }
          guard operands.count == node.elementInputs.count else {
            throw .invalidNetwork("'\(node.name)' reads what is no value of one input")
          }
          let session = try engine.prepare(
            form.alone(node, operands), inputs: operands.map(\.shape))
          let (count, outputs) = try Self.count(session, operands, engine, runs)
          values[node.name] = outputs[0]
          blocks[place(node.name)][keyPath: path] += count
        }
      }
      let session = try engine.prepare(fused, inputs: [input])
      let (count, _) = try Self.copies(session, [tensor], engine)
      guard let timed = session as? any TimingSession else {
        throw .invalidNetwork("the device does not say where its time goes")
      }
      // The run comes in where it begins and goes out where it ends; time is where it is spent.
      let timeline = try timed.timedRun([tensor]).timeline
      let ends = [place(fused.nodes.first?.name ?? ""), place(fused.outputs[0])]
      for event in timeline.events {
        let step = timeline.steps[event.step]
        let isEnd = fused.nodes.allSatisfy { $0.name != step.node }
        let index =
          isEnd ? (event.step == timeline.steps.count - 1 ? ends[1] : ends[0]) : place(step.node)
        blocks[index].resident.milliseconds += Double(event.duration) / 1e6
      }
      blocks[ends[0]].resident.transfers += count.uploads
      blocks[ends[0]].resident.bytes += count.uploadedBytes
      blocks[ends[1]].resident.transfers += count.downloads
      blocks[ends[1]].resident.bytes += count.downloadedBytes
    } catch {
      throw .execution(network: network.name, error)
    }
    self.blocks = blocks
  }

  /// What a run copies, with the fastest time of some.
  private static func count(
    _ session: any Session, _ inputs: [Tensor], _ engine: CUDAEngine, _ runs: Int
  ) throws(ExecutionError) -> (Count, [Tensor]) {
    let (count, outputs) = try copies(session, inputs, engine)
    var best = Int.max
    if let timed = session as? any TimingSession {
      for _ in 0..<max(runs, 1) {
        best = min(best, try timed.timedRun(inputs).timeline.stepNanoseconds)
      }
    }
    return (
      Count(
        transfers: count.uploads + count.downloads,
        bytes: count.uploadedBytes + count.downloadedBytes,
        milliseconds: best == .max ? 0 : Double(best) / 1e6), outputs
    )
  }

  private static func copies(
    _ session: any Session, _ inputs: [Tensor], _ engine: CUDAEngine
  ) throws(ExecutionError) -> (TransferCount, [Tensor]) {
    let before = engine.transfers
    let outputs = try session.run(inputs)
    return (engine.transfers - before, outputs)
  }

  /// All blocks together.
  public var total: Block {
    var total = Block(name: "total")
    for block in blocks {
      total.naive += block.naive
      total.fused += block.fused
      total.resident += block.resident
    }
    return total
  }

  /// The table for people.
  public var report: ReportText {
    var table = TextTable([
      "block", "naive", "fused", "resident", "bytes", "fused", "resident", "ms", "fused",
      "resident",
    ])
    for block in blocks + [total] {
      let ways = [block.naive, block.fused, block.resident]
      table.append(
        [block.name] + ways.map { "\($0.transfers)" } + ways.map { TextFormat.bytes($0.bytes) }
          + ways.map { TextFormat.fixed($0.milliseconds, $0.milliseconds < 10 ? 3 : 1) })
    }
    let title =
      "\(model.onOneLine), input \(input), \(device), \(precision): transfers of values between host and device, counted; weights are "
      + "copied once, before"
    return "\(title)\n\n\(table)\n"
  }
}

extension Network {
  /// The node as a network of its own, of inputs of those shapes.
  fileprivate func alone(_ node: Node, _ operands: [Tensor]) throws(ExecutionError) -> Network {
    let graph = NetworkGraph(
      name: node.name,
      inputs: zip(node.elementInputs, operands).map {
        NetworkInput(name: $0, axes: $1.shape.extents.map { $0 })
      },
      nodes: [node], outputs: [node.name])
    let own = Set(node.operation.parameters.map { node.parameterName($0.role) })
    do throws(NetworkError) {
      return try Network(graph, parameters: parameters.filter { own.contains($0.key) })
    } catch {
      throw .invalidNetwork(error.description)
    }
  }
}
