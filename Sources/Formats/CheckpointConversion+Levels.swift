import Architectures
import Networks

// U-Net and See-in-the-Dark.
extension CheckpointConversion {
  func unet(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let best = ModuleNaming.best(of: ModuleNaming.unet, for: Self.modules.unet, in: state)
    var naming = best?.naming
    let upsampling: UNet.Upsampling = naming.map { way(state, $0) } ?? .transposed
    let modules = upsampling == .bilinear ? Self.modules.bilinearUNet : Self.modules.unet
    // Names that are known in part only are worth a look at the shapes.
    if best?.known != modules.count, let shapes = UNetShapes(state) { naming = shapes.naming }
    guard let naming else { throw noKnownNames(state) }
    let convolution = try extents(of: naming.module("down_1.double_conv.0"), state, naming)
    let out = naming.module("out") + ".weight"
    guard let classes = state.extent(out, axis: 0) else { throw incomplete(naming.title, lacks: out) }
    // The first pair, always standard, tells nothing of the others.
    let hasBias = modules.contains { module in
      module.hasSuffix(".double_conv.0") && !module.hasPrefix("down_1.") && state.hasBias(naming.module(module))
    }
    guard let skip = skip ?? naming.skip else { throw .skipNeeded }
    let unet = UNet(
      channels: convolution.inputs, classes: classes, features: convolution.outputs, convolution: state.convolutionKind,
      hasBias: hasBias, skip: skip, upsampling: upsampling)
    return try Transfer(state: state, naming: naming.title).network(.unet(unet), module: naming.module)
  }

  /// How the way up enlarges: bilinear where no level has weights to enlarge with and the lowest makes no more channels than it reads.
  private func way(_ state: StateDict, _ naming: ModuleNaming) -> UNet.Upsampling {
    let hasWeights = (1...4).contains { state[naming.module("up_\($0).up") + ".weight"] != nil }
    guard !hasWeights, let lowest = state.convolution(naming.module("down_5.double_conv.0")) else { return .transposed }
    return lowest.inputs == lowest.outputs ? .bilinear : .transposed
  }

  func seeInTheDark(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let modules = Self.modules.seeInTheDark
    guard let naming = ModuleNaming.best(of: ModuleNaming.seeInTheDark, for: modules, in: state)?.naming else {
      throw noKnownNames(state)
    }
    let first = naming.module("down_1.double_conv.0")
    let convolution = try extents(of: first, state, naming)
    let kind = state.convolutionKind
    let isLighter = modules.contains { module in
      guard module.hasSuffix(".double_conv.0") else { return false }
      return kind.parts.contains { state["\(naming.module(module)).\($0).weight"] != nil }
    }
    let dark = SeeInTheDark(
      variant: kind == .standard ? .base : isLighter ? .lighter : .light, convolution: kind, features: convolution.outputs)
    return try Transfer(state: state, naming: naming.title).network(.seeInTheDark(dark), module: naming.module)
  }
}
