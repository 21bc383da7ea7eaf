import Execution
import Networks
import Tensors

/// What a device would do for a network, kernel by kernel, and what was weighed. Pure: the device need not be there.
package struct DevicePlan: Sendable {
  /// A launch.
  package struct Step: Sendable {
    package var node: String
    package var kernel: CUDAKernel
    /// Blocks.
    package var blockCount: Int
    /// Blocks that share the input channels of a tile; 1 where one takes them all.
    package var splits: Int
    /// Read and written of values.
    package var byteCount: Int
    /// Of the weights that it reads, without padding.
    package var weightByteCount = 0
    /// Products that the network writes; those of a layer that splits share are told of the first of its kernels.
    package var multiplyAccumulates = 0
    /// Nodes without a kernel of their own that this one does, too.
    package var joined: [String] = []
    /// Of a layer that sums products, or of a pool: every kernel with its estimate in nanoseconds or the reason against it; else empty.
    package var candidates: [KernelCandidate<CUDAKernel>]
  }

  package var steps: [Step]
  /// What values take on the device, inputs and outputs among them.
  package var valueByteCount: Int

  /// - Parameters:
  ///   - network: as it is run: fastest after `fusing()`.
  ///   - whole: the inputs that `inputs` are cut from; nil for those themselves.
  package init(
    _ network: Network, inputs: [Shape], kernelsFor whole: [Shape]? = nil, precision: CUDAPrecision, device: CUDADevice
  ) throws(ExecutionError) {
    let planned = try PlannedNetwork(network, inputs: inputs, kernelsFor: whole ?? inputs, precision: precision)
    var planner = planned.planner(precision: precision, device: device)
    let program = try planner.plan()
    self.init(program, planner.weighed, DeviceMemoryPlan(program), of: planned.network, inputs: inputs, precision: precision)
  }

  fileprivate init(
    _ program: DeviceProgram, _ weighed: [Int: DeviceLayer], _ memory: DeviceMemoryPlan, of network: Network, inputs: [Shape],
    precision: CUDAPrecision
  ) {
    let costs = NodeCosts(network, inputs: inputs), joined = program.joinedNodes(of: network.nodes)
    var seen: Set<String> = []
    steps = program.steps.enumerated().map { index, step in
      var result = Step(
        node: step.node, kernel: step.kernel, blockCount: step.grid.blockCount,
        splits: program.splits(index),
        byteCount: program.movedByteCount(step), candidates: weighed[index]?.candidates ?? [])
      guard !step.isCopy else { return result }
      let isFirst = seen.insert(step.node).inserted
      if isFirst { result.joined = joined[step.node] ?? [] }
      let cost = costs.cost(of: [step.node] + result.joined, weighed[index], isFirst: isFirst)
      result.multiplyAccumulates = cost.multiplyAccumulates
      result.weightByteCount = cost.parameters * (step.kernel.family.takesIntegers ? 1 : precision.element.byteCount)
      return result
    }
    valueByteCount = memory.arena.byteCount + memory.inputByteCount + memory.outputByteCount + memory.ownByteCount
  }
}

extension CUDASession {
  /// What it was planned from, without planning again.
  ///
  /// - Parameters:
  ///   - network: that it runs.
  ///   - precision: its engine's.
  package func devicePlan(of network: Network, precision: CUDAPrecision) -> DevicePlan {
    DevicePlan(program, weighed, plan, of: network, inputs: inputShapes, precision: precision)
  }
}

/// A network whose sizes are numbers and every node of which the device runs.
struct PlannedNetwork {
  let network: Network
  let types: [String: ValueType]
  let wholeShapes: [String: Shape]

  init(
    _ given: Network, inputs: [Shape], kernelsFor whole: [Shape], precision: CUDAPrecision
  ) throws(ExecutionError) {
    let (network, types) = try given.resolved(inputs: inputs)
    let shapes = types.mapValues(\.shape)
    self.types = types
    wholeShapes = whole == inputs ? shapes : try given.resolved(inputs: whole).types.mapValues(\.shape)
    let backend = CUDAEngine.backendName
    for (name, operation) in network.inputs.map({ ($0.name, "input") })
      + network.nodes.map({ ($0.name, $0.operation.typeName) })
    {
      guard let element = types[name]?.element, element != .float32, !element.isCode else { continue }
      throw .unsupported(node: name, operation: operation, backend: backend, reason: "it holds \(element.rawValue)")
    }
    for input in network.inputs {
      guard let rank = shapes[input.name]?.rank, rank != 4, rank != 2, rank != 1 else { continue }
      throw .unsupported(
        node: input.name, operation: "input", backend: backend,
        reason: "it is of \(rank) axes, and the device keeps values of 1, 2 or 4")
    }
    if precision == .float16, !network.updates.isEmpty {
      throw .device(
        "networks are trained in float32, tf32 or bfloat16 on a CUDA device: gradients may be below float16's smallest numbers")
    }
    for node in network.nodes {
      guard let reason = DeviceSupport.refusal(of: node, in: network, shapes: shapes, precision: precision) else { continue }
      throw .unsupported(node: node.name, operation: node.operation.typeName, backend: backend, reason: reason)
    }
    self.network = network
  }

  func planner(
    precision: CUDAPrecision, device: CUDADevice, preferred: [CUDAKernel] = [], preferredSplits: Int? = nil,
    conversion: SampleConversion = SampleConversion()
  ) -> DevicePlanner {
    DevicePlanner(
      network, types: types, wholeShapes: wholeShapes, precision: precision, device: device, preferred: preferred,
      preferredSplits: preferredSplits, conversion: conversion)
  }
}

/// Products and parameters of nodes, for the kernels that do them.
private struct NodeCosts {
  private let entries: [String: Ledger.Entry]

  init(_ network: Network, inputs: [Shape]) {
    let ledger = try? network.ledger(inputs: inputs)
    entries = Dictionary((ledger?.entries ?? []).map { ($0.node, $0) }) { first, _ in first }
  }

  /// Of the kernel that does these nodes, or one part of the first of them: what a layer that was weighed comes to, and no more than the nodes do.
  func cost(of nodes: [String], _ layer: DeviceLayer?, isFirst: Bool) -> (multiplyAccumulates: Int, parameters: Int) {
    let all = nodes.compactMap { entries[$0] }
    let products = all.reduce(0) { $0 + $1.multiplyAccumulates }, parameters = all.reduce(0) { $0 + $1.parameterCount }
    guard let layer, case .convolution(let payload) = layer.form else { return isFirst ? (products, parameters) : (0, 0) }
    let weights =
      payload.outChannels * payload.inChannels / payload.groups * payload.kernel.height * payload.kernel.width
    let pixels = layer.output.shape.batch * layer.computed.height * layer.computed.width
    return (min(pixels * weights, products), min(weights, parameters))
  }
}

extension DeviceProgram {
  /// Nodes without a step of their own, by the node whose step does them: the first layers of residual blocks, and additions that ride on
  /// what makes one of their operands.
  func joinedNodes(of nodes: [Node]) -> [String: [String]] {
    let names = Set(steps.map(\.node))
    var result: [String: [String]] = [:]
    for node in nodes where !names.contains(node.name) {
      let block = nodes.first { reader in
        reader.inputs.first == node.name
          && steps.contains { step in
            if case .separableBlock = step.kernel.family { step.node == reader.name } else { false }
          }
      }
      let maker = steps.first { $0.second != nil && node.inputs.contains($0.node) && node.operation.addsOperands }
      if let name = block?.name ?? maker?.node { result[name, default: []].append(node.name) }
    }
    return result
  }

  /// Blocks of a step that share the input channels of a tile: what they leave the next step adds.
  func splits(_ index: Int) -> Int {
    guard index + 1 < steps.count, case .sumParts = steps[index + 1].kernel.family else { return 1 }
    let parts = values[steps[index].writes].layout.shape, sum = values[steps[index + 1].writes].layout.shape
    return max(parts.batch / max(sum.batch, 1), 1)
  }

  /// What a step reads and writes of values, without what lies between the pixels of a part of a concatenation.
  func movedByteCount(_ step: Step) -> Int {
    (step.reads + [step.writes]).reduce(0) { $0 + values[$1].layout.ownByteCount }
  }
}

extension Operation {
  /// Whether it may ride on the kernel that makes one of its operands.
  fileprivate var addsOperands: Bool {
    switch self {
    case .add, .binary: true
    default: false
    }
  }
}

extension CUDADevice {
  /// An H100 with SXM5, for plans on machines that have none.
  ///
  /// - Source: the tables of NVIDIA's H100 architecture whitepaper and CUDA C++ Programming Guide (compute capability 9.0).
  package static let h100 = CUDADevice(
    index: 0, name: "NVIDIA H100 (not here)", capability: Capability(major: 9, minor: 0), memoryByteCount: 80 << 30,
    multiprocessorCount: 132, mostThreadsPerBlock: 1024, mostThreadsPerMultiprocessor: 2048,
    mostBlockExtents: [1024, 1024, 64], mostGridExtents: [2_147_483_647, 65535, 65535], warpSize: 32, sharedByteCount: 48 << 10,
    mostSharedByteCount: 227 << 10, sharedByteCountPerMultiprocessor: 228 << 10, cacheByteCount: 50 << 20,
    clockKilohertz: 1_980_000, memoryClockKilohertz: 2_619_000, memoryBusBits: 5120)
}
