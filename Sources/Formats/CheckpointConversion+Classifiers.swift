import Architectures
import Networks

// The ResNets.
extension CheckpointConversion {
  func smallResNet(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    try classifier(state, .smallResNet(SmallResNet()), first: "stem", ModuleNaming.smallResNet) {
      .smallResNet(
        SmallResNet(
          channels: $0.channels, classes: $0.classes, features: $0.features, convolution: $0.convolution, hasBias: $0.hasBias))
    }
  }

  func resNet18(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    try classifier(state, .resNet18(ResNet18()), first: "conv1", ModuleNaming.resNet18) {
      .resNet18(
        ResNet18(
          channels: $0.channels, classes: $0.classes, features: $0.features, convolution: $0.convolution, hasBias: $0.hasBias))
    }
  }

  /// What the tensors tell of a classifier.
  private struct Extents {
    var channels: Int
    var classes: Int
    var features: Int
    var convolution: ConvolutionKind
    /// Whether the convolutions of the blocks have biases.
    var hasBias: Bool
  }

  private func classifier(
    _ state: StateDict, _ standard: Architecture, first: String, _ namings: [ModuleNaming], _ make: (Extents) -> Architecture
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let modules = standard.modules
    guard let naming = ModuleNaming.best(of: namings, for: modules, in: state)?.naming else { throw noKnownNames(state) }
    let stem = naming.module(first)
    let convolution = try extents(of: stem, state, naming)
    let fc = naming.module("fc") + ".weight"
    guard let classes = state[fc]?.shape, classes.rank == 2 else { throw incomplete(naming.title, lacks: fc) }
    let hasBias = modules.contains { $0.hasSuffix(".conv2") && state.hasBias(naming.module($0)) }
    let architecture = make(
      Extents(
        channels: convolution.inputs, classes: classes[0], features: convolution.outputs, convolution: state.convolutionKind,
        hasBias: hasBias))
    return try Transfer(state: state, naming: naming.title).network(architecture, module: naming.module)
  }
}
