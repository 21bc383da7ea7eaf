import Architectures
import Networks
import Tensors

// SRVGG and RRDB, the networks of Real-ESRGAN and ESRGAN.
extension CheckpointConversion {
  func srvgg(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let naming = CheckpointNaming.srvgg
    let count = naming.count(state.names)
    guard let features = state.extent("body.0.weight", axis: 0), let channels = state.extent("body.0.weight", axis: 1) else {
      throw incomplete(naming.title, lacks: "body.0.weight")
    }
    // Convolutions at even places, the last one of them at the end; PReLUs between.
    let last = "body.\(2 * max(count - 1, 1)).weight"
    guard let outputs = state.extent(last, axis: 0) else { throw incomplete(naming.title, lacks: last) }
    guard let scale = (1...4).first(where: { channels.multipliedClamped($0 * $0) == outputs }) else {
      throw .scale(tensor: state.original(last), outChannels: outputs, features: channels)
    }
    let network = SRVGG(scale: scale, channels: channels, features: features, convolutions: max(count - 2, 0))
    return try Transfer(state: state, naming: naming.title).network(.srvgg(network)) { $0 }
  }

  func rrdb(
    _ state: StateDict, _ naming: CheckpointNaming
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let blocks = naming.count(state.names)
    func tensor(_ node: String) -> String { naming.rrdbModule(node, blocks: blocks) + ".weight" }
    func extent(_ node: String, _ axis: Int) throws(ConversionError) -> Int {
      guard let extent = state.extent(tensor(node), axis: axis) else { throw incomplete(naming.title, lacks: tensor(node)) }
      return extent
    }
    let features = try extent("conv_first", 0), inputs = try extent("conv_first", 1), channels = try extent("conv_last", 0)
    let growth = blocks > 0 ? try extent("body.0.rdb1.conv1", 0) : RRDB().growth
    // Before the first convolution 2x2 or 4x4 pixels may have become channels.
    guard let fold = [1, 2, 4].first(where: { channels.multipliedClamped($0 * $0) == inputs }) else {
      throw .scale(tensor: state.original(tensor("conv_first")), outChannels: inputs, features: channels)
    }
    let network = RRDB(scale: 4 / fold, channels: channels, features: features, blocks: blocks, growth: growth)
    return try Transfer(state: state, naming: naming.title).network(.rrdb(network)) { node in
      naming.rrdbModule(node, blocks: blocks)
    }
  }
}

extension CheckpointNaming {
  static let srvgg = CheckpointNaming(
    title: "xinntao/Real-ESRGAN", patterns: ["body.*"], counting: ["body.*"], step: 2, style: .swiftlet)

  static let rrdb: [CheckpointNaming] = [
    CheckpointNaming(
      title: "xinntao/BasicSR",
      patterns: ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
        + denseLayers.map { "body.*.rdb\($0.block).conv\($0.layer)" },
      counting: ["body.*.rdb1.conv1"], style: .swiftlet),
    CheckpointNaming(
      title: "xinntao/ESRGAN",
      patterns: ["conv_first", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"]
        + denseLayers.map { "RRDB_trunk.*.RDB\($0.block).conv\($0.layer)" },
      counting: ["RRDB_trunk.*.RDB1.conv1"], style: .original),
    // The names of its first form, by place in sequences.
    CheckpointNaming(
      title: "ESRGAN's first models",
      patterns: ["model.0", "model.1.sub.*", "model.3", "model.6", "model.8", "model.10"]
        + denseLayers.map { "model.1.sub.*.RDB\($0.block).conv\($0.layer).0" },
      counting: ["model.1.sub.*.RDB1.conv1.0"], style: .plain),
  ]

  private static let denseLayers = (1...3).flatMap { block in (1...5).map { layer in (block: block, layer: layer) } }

  /// The module that stands for one of our nodes.
  func rrdbModule(_ node: String, blocks: Int) -> String {
    if style == .swiftlet { return node }
    let isFirstForm = style == .plain
    switch node {
    case "conv_first": return isFirstForm ? "model.0" : node
    case "conv_body": return isFirstForm ? "model.1.sub.\(blocks)" : "trunk_conv"
    case "conv_up1": return isFirstForm ? "model.3" : "upconv1"
    case "conv_up2": return isFirstForm ? "model.6" : "upconv2"
    case "conv_hr": return isFirstForm ? "model.8" : "HRconv"
    case "conv_last": return isFirstForm ? "model.10" : node
    default: break
    }
    // `body.3.rdb1.conv2`
    let parts = node.split(separator: ".")
    guard parts.count == 4 else { return node }
    let block = "\(parts[1]).RDB\(parts[2].dropFirst(3)).\(parts[3])"
    return isFirstForm ? "model.1.sub.\(block).0" : "RRDB_trunk.\(block)"
  }
}
