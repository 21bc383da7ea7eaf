import Architectures
import Networks

// U-Net and See-in-the-Dark.
extension CheckpointConversion {
  func unet(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let modules = Architecture.unet(UNet()).modules
    let namings: [ModuleNaming] = [.ours(), .lists(pair: "f."), .milesial]
    let best = ModuleNaming.best(of: namings, for: modules, in: state)
    var naming = best?.naming
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
    var notes: [String] = []
    if skip == nil, naming.skip == nil {
      notes.append("the tensors do not tell whether a concatenation has the skip first or last; last is assumed")
    }
    let unet = UNet(
      channels: convolution.inputs, classes: classes, features: convolution.outputs, convolution: state.convolutionKind,
      hasBias: hasBias, skip: skip ?? naming.skip ?? .last)
    return try Transfer(state: state, naming: naming.title).network(.unet(unet), notes: notes, module: naming.module)
  }

  func seeInTheDark(_ state: StateDict) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    let modules = Architecture.seeInTheDark(SeeInTheDark()).modules
    let namings: [ModuleNaming] = [.ours(), .lists(pair: ""), .numberedDark]
    guard let naming = ModuleNaming.best(of: namings, for: modules, in: state)?.naming else { throw noKnownNames(state) }
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
