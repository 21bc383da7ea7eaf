import Execution
import Files
import Networks
import Synchronization
import Tensors

/// A network on the CPU engine: its packs and the engine's threads, which the sessions of all input shapes share.
final class CPUModel: Model {
  let engine: CPUEngine
  let packs: PackStore
  private let current: Mutex<Network>

  init(_ network: Network, engine: CPUEngine) throws(ExecutionError) {
    do throws(NetworkError) {
      try network.verify()
    } catch {
      throw .invalidNetwork(error.description)
    }
    self.engine = engine
    packs = PackStore(network.parameters)
    current = Mutex(network)
  }

  var network: Network { current.withLock { $0 } }

  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError) {
    try current.withLock { (network) throws(ExecutionError) in try network.setParameters(parameters) }
    packs.set(parameters)
  }

  func session(inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> any Session {
    try cpuSession(inputs: inputs, kernelsFor: whole)
  }

  func cpuSession(inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> CPUSession {
    let given = network
    let (network, types) = try given.resolved(inputs: inputs)
    let shapes = types.mapValues(\.shape)
    let wholeShapes = whole == inputs ? shapes : try given.resolved(inputs: whole).types.mapValues(\.shape)
    for (name, operation) in network.inputs.map({ ($0.name, "input") })
      + network.nodes.map({ ($0.name, $0.operation.typeName) })
    {
      guard let element = types[name]?.element, element != .float32, !element.isCode else { continue }
      throw .unsupported(node: name, operation: operation, backend: engine.name, reason: "it holds \(element.rawValue)")
    }
    for node in network.nodes {
      if case .no(let reason) = engine.support(for: node, in: network, shapes: shapes) {
        throw .unsupported(node: node.name, operation: node.operation.typeName, backend: engine.name, reason: reason)
      }
    }
    try Self.checkPlanning(shapes)
    var lowering = Lowering(network, types: types, wholeShapes: wholeShapes, engine: engine, packs: packs)
    let program = try lowering.program()
    return try CPUSession(program, network: network, types: types, kernelsFor: whole, model: self)
  }

  /// Planning takes memory itself: tables as long as a row or a column of a value, and an item of the schedule for each band of rows. Where
  /// that is little the whole amount is added up before anything is refused.
  private static func checkPlanning(_ shapes: [String: Shape]) throws(ExecutionError) {
    // What the machine has, not what the engine may take: that refusal names the whole amount, which is not known yet.
    let available = MemoryLimit.current.byteCount
    for shape in shapes.values where shape.count > available / 4 {
      let longest = shape.isImage ? max(shape.batch * shape.height, shape.width) : shape.count
      guard longest <= longestPlanned else { throw .memory(needed: 4 * shape.count, available: available) }
    }
  }

  /// Rows of a batch, or columns, for which planning takes some tens of MiB.
  private static let longestPlanned = 1 << 17
}
