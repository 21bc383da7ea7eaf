import Execution
import Networks
import Synchronization
import Tensors

/// A network on a device: its packed weights, which the sessions of all input shapes share.
final class CUDAModel: Model {
  let engine: CUDAEngine
  private let current: Mutex<Network>
  private let packs: Mutex<[String: Pack]>

  /// A constant on the device, as long as a session reads it.
  private struct Pack: @unchecked Sendable {
    var constant: DeviceProgram.Constant
    weak var memory: DeviceMemory?
  }

  init(_ network: Network, engine: CUDAEngine) throws(ExecutionError) {
    do throws(NetworkError) {
      try network.verify()
    } catch {
      throw .invalidNetwork(error.description)
    }
    self.engine = engine
    current = Mutex(network)
    packs = Mutex([:])
  }

  var network: Network { current.withLock { $0 } }

  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError) {
    let changed = try current.withLock { (network) throws(ExecutionError) in
      try network.setParameters(parameters)
      return network
    }
    var stale: [(memory: DeviceMemory, bytes: [UInt8])] = []
    packs.withLock { packs in
      for pack in packs.values {
        guard let memory = pack.memory, pack.constant.parameters.contains(where: { parameters[$0] != nil }) else { continue }
        stale.append((memory, pack.constant.bytes(changed)))
      }
    }
    try fill(stale)
  }

  func session(inputs: [Shape], kernelsFor whole: [Shape]) throws(ExecutionError) -> any Session {
    let given = network
    guard given.updates.isEmpty else {
      throw .device("networks that set parameters, as in training, do not run on a CUDA device yet; run them on the CPU")
    }
    let (network, types) = try Self.resolved(given, inputs: inputs)
    let shapes = types.mapValues(\.shape)
    let wholeShapes = whole == inputs ? shapes : try Self.resolved(given, inputs: whole).types.mapValues(\.shape)
    for (name, operation) in network.inputs.map({ ($0.name, "input") })
      + network.nodes.map({ ($0.name, $0.operation.typeName) })
    {
      guard let element = types[name]?.element, element != .float32 else { continue }
      throw .unsupported(node: name, operation: operation, backend: engine.name, reason: "it holds \(element.rawValue)")
    }
    for input in network.inputs {
      guard let rank = shapes[input.name]?.rank, rank != 4, rank != 2 else { continue }
      throw .unsupported(
        node: input.name, operation: "input", backend: engine.name,
        reason: "it is of \(rank) axes, and the device keeps values of 2 or 4")
    }
    for node in network.nodes {
      if case .no(let reason) = engine.support(for: node, in: network, shapes: shapes) {
        throw .unsupported(node: node.name, operation: node.operation.typeName, backend: engine.name, reason: reason)
      }
    }
    var planner = DevicePlanner(
      network, shapes: shapes, wholeShapes: wholeShapes, precision: engine.precision, device: engine.device,
      preferred: engine.preferredKernels)
    let program = try planner.plan()
    return try CUDASession(program, network: network, shapes: shapes, model: self)
  }

  /// The network with numbers for sizes that follow from the inputs', and the types of its values.
  private static func resolved(
    _ network: Network, inputs: [Shape]
  ) throws(ExecutionError) -> (network: Network, types: [String: ValueType]) {
    do throws(NetworkError) {
      let resolved = try network.resolvingSizes(inputs: inputs)
      return (resolved, try resolved.inferredTypes(inputs: inputs))
    } catch {
      throw .invalidNetwork(error.description)
    }
  }

  /// The constants on the device; those that no session reads are made.
  func constants(_ constants: [DeviceProgram.Constant]) throws(ExecutionError) -> [DeviceMemory] {
    let network = network
    return try packs.withLock { (packs) throws(ExecutionError) in
      packs = packs.filter { $0.value.memory != nil }
      var result: [DeviceMemory] = [], new: [(memory: DeviceMemory, bytes: [UInt8])] = []
      for constant in constants {
        if let known = packs[constant.key]?.memory {
          result.append(known)
          continue
        }
        let bytes = constant.bytes(network)
        let memory = try onDevice { () throws(CUDAError) in try DeviceMemory(engine.context, byteCount: bytes.count) }
        packs[constant.key] = Pack(constant: constant, memory: memory)
        new.append((memory, bytes))
        result.append(memory)
      }
      try fill(new)
      return result
    }
  }

  /// Copies bytes to the device, all of them through one piece of pinned memory.
  private func fill(_ packs: [(memory: DeviceMemory, bytes: [UInt8])]) throws(ExecutionError) {
    let total = packs.reduce(0) { $0 + $1.bytes.count }
    guard total > 0 else { return }
    try onDevice { () throws(CUDAError) in
      let stage = try PinnedMemory(engine.context, byteCount: total), stream = try DeviceStream(engine.context)
      var offset = 0
      for pack in packs where !pack.bytes.isEmpty {
        pack.bytes.withUnsafeBytes { (stage.base + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        try stream.upload(pack.memory.address, stage.base + offset, pack.bytes.count)
        offset += pack.bytes.count
      }
      try stream.synchronize()
    }
  }
}
