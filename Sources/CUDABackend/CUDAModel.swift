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
    let planned = try PlannedNetwork(network, inputs: inputs, kernelsFor: whole)
    var planner = planned.planner(
      precision: engine.precision, device: engine.device, preferred: engine.preferredKernels,
      preferredSplits: engine.preferredSplits)
    let program = try planner.plan()
    return try CUDASession(program, weighed: planner.weighed, network: planned.network, types: planned.types, model: self)
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
        let memory = try onDevice(engine.context, taking: bytes.count) { () throws(CUDAError) in
          try DeviceMemory(engine.context, byteCount: bytes.count)
        }
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
    try onDevice(engine.context, taking: total) { () throws(CUDAError) in
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
