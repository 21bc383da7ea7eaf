import Execution
import Networks
import Synchronization
import Tensors

/// A network on a device: its packed weights, which the sessions of all input shapes share, and the parameters that runs change.
final class CUDAModel: StagedModel {
  let engine: CUDAEngine
  private let state: Mutex<State>
  private let packs: Mutex<[String: Pack]>

  /// A constant on the device, as long as a session reads it.
  private struct Pack: @unchecked Sendable {
    var constant: DeviceProgram.Constant
    weak var memory: DeviceMemory?
  }

  private struct State {
    var network: Network
    /// Where the parameters lie, if a session reads them as values.
    var memory: ParameterMemory?
    /// Those that runs have changed since they were copied from the device.
    var changed: Set<String> = []
    /// Of those that the last run changed, and nobody has set since.
    var finite: [String: Bool] = [:]
    /// Memory that keeps parameters, for whoever keeps them next.
    var spare: DeviceMemory?
  }

  init(_ network: Network, engine: CUDAEngine) throws(ExecutionError) {
    do throws(NetworkError) {
      try network.verify()
    } catch {
      throw .invalidNetwork(error.description)
    }
    self.engine = engine
    state = Mutex(State(network: network))
    packs = Mutex([:])
  }

  /// Where the device fails, with the parameters that were copied last; `parameters()` says so.
  var network: Network {
    state.withLock { state in
      try? refresh(&state)
      return state.network
    }
  }

  func parameters() throws(ExecutionError) -> [String: Tensor] {
    try state.withLock { (state) throws(ExecutionError) in
      try refresh(&state)
      return state.network.parameters
    }
  }

  func setParameters(_ parameters: [String: Tensor]) throws(ExecutionError) {
    let changed = try state.withLock { (state) throws(ExecutionError) in
      try state.network.setParameters(parameters)
      if let memory = state.memory {
        try onDevice { () throws(CUDAError) in try memory.set(parameters) }
      }
      state.changed.subtract(parameters.keys)
      for name in parameters.keys { state.finite[name] = nil }
      return state.network
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
    try session(inputs, whole, SampleConversion())
  }

  func session(
    input: Shape, kernelsFor whole: Shape, converting conversion: SampleConversion
  ) throws(ExecutionError) -> any StagedSession {
    try session([input], [whole], conversion, places: input == whole ? 1 : 2)
  }

  private func session(
    _ inputs: [Shape], _ whole: [Shape], _ conversion: SampleConversion, places: Int = 1
  ) throws(ExecutionError) -> CUDASession {
    // The numbers of those that runs change are not looked at.
    let network = state.withLock { $0.network }
    let planned = try PlannedNetwork(network, inputs: inputs, kernelsFor: whole, precision: engine.precision)
    var planner = planned.planner(
      precision: engine.precision, device: engine.device, preferred: engine.preferredKernels,
      preferredSplits: engine.preferredSplits, conversion: conversion)
    let program = try planner.plan()
    return try CUDASession(
      program, weighed: planner.weighed, network: planned.network, types: planned.types, conversion: conversion, places: places,
      model: self)
  }

  /// The constants on the device; those that no session reads are made.
  func constants(_ constants: [DeviceProgram.Constant]) throws(ExecutionError) -> [DeviceMemory] {
    let network = state.withLock { $0.network }
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

// MARK: Parameters that runs change

extension CUDAModel {
  /// Where the parameters lie on the device, from the first session that reads them as values on.
  func parameterMemory() throws(ExecutionError) -> ParameterMemory {
    try state.withLock { (state) throws(ExecutionError) in
      if let known = state.memory { return known }
      let network = state.network, byteCount = network.parameters.values.reduce(0) { $0 + $1.shape.count * 4 }
      let memory = try onDevice(engine.context, taking: byteCount) { () throws(CUDAError) in
        try ParameterMemory(network, engine.context)
      }
      state.memory = memory
      return memory
    }
  }

  /// What a run has set, and whether the numbers are finite.
  func noteUpdates(_ finite: [String: Bool]) {
    state.withLock { state in
      state.changed.formUnion(finite.keys)
      state.finite.merge(finite) { $1 }
    }
  }

  /// Copies from the device what runs have changed.
  private func refresh(_ state: inout State) throws(ExecutionError) {
    guard let memory = state.memory, !state.changed.isEmpty else { return }
    let network = state.network, names = state.changed.sorted()
    let now = try onDevice { () throws(CUDAError) in try memory.get(names) { network.parameters[$0]?.shape } }
    state.network.parameters.merge(now) { $1 }
    state.changed = []
  }

  func areFinite(_ names: [String]) throws(ExecutionError) -> Bool {
    let unknown = state.withLock { state in
      names.contains { state.finite[$0] == false } ? nil : names.filter { state.finite[$0] == nil }
    }
    guard let unknown else { return false }
    if unknown.isEmpty { return true }
    let now = try parameters()
    return unknown.allSatisfy { now[$0]?.isFinite ?? true }
  }

  /// Those that lie on the device are copied there.
  func keepParameters() throws(ExecutionError) -> KeptParameters {
    try state.withLock { (state) throws(ExecutionError) in
      var kept = KeptParameters(state.network.parameters)
      guard let memory = state.memory else { return kept }
      var copy: DeviceMemory
      if let spare = state.spare {
        copy = spare
        state.spare = nil
      } else {
        copy = try onDevice(engine.context, taking: memory.memory.byteCount) { () throws(CUDAError) in
          try DeviceMemory(engine.context, byteCount: memory.memory.byteCount)
        }
      }
      try onDevice { () throws(CUDAError) in try memory.copy(to: copy) }
      kept.elsewhere = KeptOnDevice(memory: copy, model: self, changed: state.changed, finite: state.finite)
      return kept
    }
  }

  func takeBack(_ kept: KeptParameters) throws(ExecutionError) {
    guard let onDevice = kept.elsewhere as? KeptOnDevice else { return try setParameters(kept.tensors) }
    try state.withLock { (state) throws(ExecutionError) in
      guard let memory = state.memory else { return }
      try CUDABackend.onDevice { () throws(CUDAError) in try memory.copy(from: onDevice.memory) }
      state.network.parameters = kept.tensors
      (state.changed, state.finite) = (onDevice.changed, onDevice.finite)
    }
  }

  fileprivate func giveBack(_ memory: DeviceMemory) { state.withLock { $0.spare = memory } }
}

/// Parameters as they were, on the device. The memory serves whoever keeps some next.
private final class KeptOnDevice: Sendable {
  let memory: DeviceMemory
  private let model: CUDAModel
  /// What was changed then and not in the tensors.
  let changed: Set<String>
  let finite: [String: Bool]

  init(memory: DeviceMemory, model: CUDAModel, changed: Set<String>, finite: [String: Bool]) {
    self.memory = memory
    self.model = model
    self.changed = changed
    self.finite = finite
  }

  deinit { model.giveBack(memory) }
}
