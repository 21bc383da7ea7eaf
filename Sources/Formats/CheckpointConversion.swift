import Architectures
import Networks
import Tensors

/// Makes a network of the named tensors of a checkpoint (a PyTorch state dict, a safetensors file).
///
/// Names may be ours, those of twtygqyy/pytorch-vdsr, those of sanghyun-son/EDSR-PyTorch, or those of a plain module (`f.N` for
/// VDSR; `head`, `body.N.a`, `body.N.b`, `up`, `tail` for EDSR), each also behind `module.` or `model.`. Depth, features,
/// blocks, channels, scale and layout are read off the tensors.
public struct CheckpointConversion: Hashable, Sendable {
  /// The architectures whose checkpoints are known.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case vdsr, edsr
  }

  public var architecture: Kind
  /// The factor of each residual block of EDSR, which the tensors do not tell. nil: 0.1, and 1 in the original layout.
  public var residualScale: Float?

  public init(architecture: Kind, residualScale: Float? = nil) {
    self.architecture = architecture
    self.residualScale = residualScale
  }

  /// The network and what became of each tensor.
  ///
  /// Tensors left over are reported and no error. Throws where one is missing, of a wrong shape or not finite, or where the
  /// tensors make no network of this architecture.
  public func network(
    from tensors: [String: Tensor]
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let state = StateDict(tensors)
    let namings = architecture == .vdsr ? CheckpointNaming.vdsr : CheckpointNaming.edsr
    guard let naming = CheckpointNaming.best(of: namings, for: state.names) else {
      throw .noKnownNames(architecture: architecture.rawValue, names: tensors.keys.sorted())
    }
    switch architecture {
    case .vdsr: return try vdsr(state, naming)
    case .edsr: return try edsr(state, naming)
    }
  }

  private func vdsr(
    _ state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let depth = naming.vdsrDepth(state.names)
    let first = naming.vdsrModule(layer: 0, depth: depth) + ".weight"
    let second = naming.vdsrModule(layer: 1, depth: depth) + ".weight"
    guard let features = state.extent(first, axis: 0) ?? state.extent(second, axis: 1) else {
      throw incomplete(naming, lacks: first)
    }
    let vdsr = VDSR(depth: depth, features: features)
    let body = (1..<max(1, depth - 1)).map { naming.vdsrModule(layer: $0, depth: depth) }
    try checkSize(body, features: features, in: state, naming)
    let network = try Self.blank(.vdsr(vdsr))
    return try Transfer(state: state, naming: naming, kind: architecture).fill(network, .vdsr(vdsr), notes: []) { node in
      naming.vdsrModule(layer: node.number(in: "layers.*") ?? 0, depth: depth)
    }
  }

  private func edsr(
    _ state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let blocks = naming.count(state.names)
    func tensor(_ node: String) -> String { naming.edsrModule(node, blocks: blocks) + ".weight" }
    guard let features = state.extent(tensor("head"), axis: 0) ?? state.extent(tensor("tail"), axis: 1) else {
      throw incomplete(naming, lacks: tensor("head"))
    }
    guard let channels = state.extent(tensor("head"), axis: 1) ?? state.extent(tensor("tail"), axis: 0) else {
      throw incomplete(naming, lacks: tensor("head"))
    }
    guard let upOutputs = state.extent(tensor("up.0"), axis: 0) else { throw incomplete(naming, lacks: tensor("up.0")) }
    let hasTwoStages = state[tensor("up.1")] != nil
    let scale: Int
    switch upOutputs {
    case features.multipliedClamped(4): scale = hasTwoStages ? 4 : 2
    case features.multipliedClamped(9) where !hasTwoStages: scale = 3
    default: throw .scale(tensor: state.original(tensor("up.0")), outChannels: upOutputs, features: features)
    }

    let marks = ["body.end.weight", "body.end.bias", "subtractMean.shift", "addMean.shift"]
    let isOriginal = naming.style == .original || naming.style == .swiftlet && marks.contains { state[$0] != nil }
    var notes: [String] = []
    if residualScale == nil {
      let assumed = isOriginal ? "1" : "0.1"
      notes.append("the residual scale is not in the tensors; \(assumed) is assumed, the default of the layout")
    }
    var edsr = EDSR(
      scale: scale, channels: channels, features: features, blocks: blocks,
      residualScale: residualScale ?? (isOriginal ? 1 : 0.1), layout: isOriginal ? .original : .plain)
    if isOriginal {
      let shift = MeanShift(state: state, naming: naming)
      edsr.maximum = try shift.maximum() ?? 255
      if !shift.isPresent { notes.append("the checkpoint has no mean shift; that of DIV2K for the range 255 is used") }
    }
    let body = (0..<blocks).flatMap { index in ["a", "b"].map { naming.edsrModule("body.\(index).\($0)", blocks: blocks) } }
    try checkSize(body, features: features, in: state, naming)
    let network = try Self.blank(.edsr(edsr))
    return try Transfer(state: state, naming: naming, kind: architecture).fill(network, .edsr(edsr), notes: notes) { node in
      naming.edsrModule(node, blocks: blocks)
    }
  }

  /// Refuses before a large network is made for few tensors: a name with a large number and a weight with large extents and no
  /// elements would ask for gigabytes.
  private func checkSize(
    _ body: [String], features: Int, in state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) {
    let layer = features.multipliedClamped(features).multipliedClamped(9)
    guard layer.multipliedClamped(body.count) > max(1 << 24, state.elementCount) else { return }
    var report = ConversionReport(naming: naming.title)
    let shape: Shape = [features, features, 3, 3]
    for name in body.map({ $0 + ".weight" }) {
      if let tensor = state[name] {
        guard tensor.shape != shape else { continue }
        report.misshapen.append(
          .init(name: state.original(name), expected: shape, got: tensor.shape, dataType: .float32))
      } else {
        report.missing.append(.init(name: name, shape: shape))
      }
    }
    throw .incomplete(architecture: architecture.rawValue, report)
  }

  private static func blank(_ architecture: Architecture) throws(ConversionError) -> Network {
    do throws(ArchitectureError) { return try architecture.network(.zeros) } catch { throw .architecture(error) }
  }

  private func incomplete(_ naming: CheckpointNaming, lacks name: String) -> ConversionError {
    var report = ConversionReport(naming: naming.title)
    report.missing.append(.init(name: name, shape: []))
    return .incomplete(architecture: architecture.rawValue, report)
  }
}

extension Int {
  /// The product, or `Int.max` on overflow.
  fileprivate func multipliedClamped(_ factor: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}

/// Tensors by name, without the prefixes that wrappers of a model add.
struct StateDict {
  private var tensors: [String: (original: String, tensor: Tensor)] = [:]
  /// Those whose name another one has once the prefix is gone.
  private(set) var hidden: [(original: String, tensor: Tensor)] = []

  init(_ tensors: [String: Tensor]) {
    // Shorter names first, so that a name without prefix is preferred.
    for name in tensors.keys.sorted(by: { ($0.utf8.count, $0) < ($1.utf8.count, $1) }) {
      guard let tensor = tensors[name] else { continue }
      var short = Substring(name)
      while let prefix = ["module.", "model."].first(where: { short.hasPrefix($0) }) { short = short.dropFirst(prefix.count) }
      if self.tensors[String(short)] == nil {
        self.tensors[String(short)] = (name, tensor)
      } else {
        hidden.append((name, tensor))
      }
    }
  }

  var names: [String] { tensors.keys.sorted() }
  var elementCount: Int { tensors.values.reduce(0) { $0 + $1.tensor.count } }

  subscript(name: String) -> Tensor? { tensors[name]?.tensor }

  /// The name in the checkpoint, or the name itself where it has none.
  func original(_ name: String) -> String { tensors[name]?.original ?? name }

  /// An extent of a convolution's weight; nil where there is none of that name.
  func extent(_ name: String, axis: Int) -> Int? {
    guard let shape = self[name]?.shape, shape.rank == 4 else { return nil }
    return shape[axis]
  }
}
