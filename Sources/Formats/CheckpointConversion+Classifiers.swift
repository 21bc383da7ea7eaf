import Architectures
import Networks

// The ResNets.
extension CheckpointConversion {
  func smallResNet(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let extents = try classifier(
      state, .smallResNet(SmallResNet()), first: "stem", [.ours(), .plainResNet(blocks: "blocks")])
    let net = SmallResNet(
      channels: extents.channels, classes: extents.classes, features: extents.features, convolution: state.convolutionKind,
      hasBias: extents.hasBias)
    return try Transfer(state: state, naming: extents.naming.title).network(.smallResNet(net), module: extents.naming.module)
  }

  func resNet18(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let extents = try classifier(
      state, .resNet18(ResNet18()), first: "conv1", [.ours("torchvision"), .plainResNet(blocks: "layers")])
    let net = ResNet18(
      channels: extents.channels, classes: extents.classes, features: extents.features, convolution: state.convolutionKind,
      hasBias: extents.hasBias)
    return try Transfer(state: state, naming: extents.naming.title).network(.resNet18(net), module: extents.naming.module)
  }

  /// What the tensors tell of a classifier.
  private struct Extents {
    var naming: ModuleNaming
    var channels: Int
    var features: Int
    var classes: Int
    /// Whether the convolutions of the blocks have biases.
    var hasBias: Bool
  }

  private func classifier(
    _ state: StateDict, _ standard: Architecture, first: String, _ namings: [ModuleNaming]
  ) throws(ConversionError) -> Extents {
    let modules = standard.modules
    guard let naming = ModuleNaming.best(of: namings, for: modules, in: state)?.naming else { throw noKnownNames(state) }
    let stem = naming.module(first)
    let convolution = try extents(of: stem, state, naming)
    let fc = naming.module("fc") + ".weight"
    guard let classes = state[fc]?.shape, classes.rank == 2 else { throw incomplete(naming.title, lacks: fc) }
    let hasBias = modules.contains { $0.hasSuffix(".conv2") && state.hasBias(naming.module($0)) }
    return Extents(
      naming: naming, channels: convolution.inputs, features: convolution.outputs, classes: classes[0], hasBias: hasBias)
  }
}
