import Architectures
import Networks
import Tensors

// VDSR and EDSR.
extension CheckpointConversion {
  func vdsr(
    _ state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let depth = naming.vdsrDepth(state.names)
    let first = naming.vdsrModule(layer: 0, depth: depth) + ".weight"
    let last = naming.vdsrModule(layer: depth - 1, depth: depth) + ".weight"
    guard let features = state.extent(first, axis: 0) ?? state.extent(last, axis: 1) else {
      throw incomplete(naming.title, lacks: first)
    }
    let vdsr = VDSR(depth: depth, features: features, convolution: state.convolutionKind)
    return try Transfer(state: state, naming: naming.title).network(.vdsr(vdsr)) { node in
      naming.vdsrModule(layer: node.number(in: "layers.*") ?? 0, depth: depth)
    }
  }

  func edsr(
    _ state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let blocks = naming.count(state.names)
    func tensor(_ node: String) -> String { naming.edsrModule(node, blocks: blocks) + ".weight" }
    guard let features = state.extent(tensor("head"), axis: 0) ?? state.extent(tensor("tail"), axis: 1) else {
      throw incomplete(naming.title, lacks: tensor("head"))
    }
    guard let channels = state.extent(tensor("head"), axis: 1) ?? state.extent(tensor("tail"), axis: 0) else {
      throw incomplete(naming.title, lacks: tensor("head"))
    }
    guard let upOutputs = state.extent(tensor("up.0"), axis: 0) else { throw incomplete(naming.title, lacks: tensor("up.0")) }
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
      residualScale: residualScale ?? (isOriginal ? 1 : 0.1), layout: isOriginal ? .original : .plain,
      convolution: state.convolutionKind)
    if isOriginal {
      let shift = MeanShift(state: state, naming: naming)
      edsr.maximum = try shift.maximum() ?? 255
      if !shift.isPresent { notes.append("the checkpoint has no mean shift; that of DIV2K for the range 255 is used") }
    }
    return try Transfer(state: state, naming: naming.title).network(.edsr(edsr), notes: notes) { node in
      naming.edsrModule(node, blocks: blocks)
    }
  }
}

extension Int {
  /// The product, or `Int.max` on overflow.
  func multipliedClamped(_ factor: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
