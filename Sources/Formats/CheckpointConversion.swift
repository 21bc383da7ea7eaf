import Architectures
import Networks
import Tensors

/// Makes a network of the named tensors of a checkpoint (a PyTorch state dict, a safetensors file).
///
/// Names may be ours or those below, each behind any prefix: what `torch.compile` and parallel training put into names
/// (`_orig_mod.`, `module.`) is left out wherever it stands, and of the tensors whose names begin alike (`state_dict.generator.`) those
/// are taken that have the most names of the architecture. Where several have as many, averaged weights come first (`params_ema`,
/// `state_dict_ema`, `model_ema`, `ema`), then names without a prefix, then `params`, `state_dict`, `model`, `net`, `generator`; the
/// report says which were taken.
/// - VDSR: those of twtygqyy/pytorch-vdsr, or a plain sequence `f.N`;
/// - EDSR: those of sanghyun-son/EDSR-PyTorch, or `head`, `body.N.a`, `body.N.b`, `up`, `tail`;
/// - U-Net: those of milesial/Pytorch-UNet, `down.N.f.M`, `up.N`, `merge.N.f.M`, `out`, or any others of sequences that the shapes of
///   their tensors tell apart;
/// - See-in-the-Dark: `down.N.M`, `up.N`, `merge.N.M`, `out`, or `conv1_1` … `upv6` … `conv10_1`;
/// - ResNets: those of torchvision, or `stem`, `blocks.N.a`, `bn_a` …, `layers.N.a` …;
/// - SRVGG: those of Real-ESRGAN; RRDB: those of BasicSR, of ESRGAN, and of ESRGAN's first models.
///
/// Sizes, the kind of the convolutions (`X.depthwise` and `X.pointwise`, `X.select` and `X.kernels`), variant and layout are read
/// off the tensors.
public struct CheckpointConversion: Hashable, Sendable {
  /// The architectures whose checkpoints are known.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case vdsr, edsr, unet
    case seeInTheDark = "see-in-the-dark"
    case smallResNet = "small-resnet"
    case resNet18 = "resnet18"
    case srvgg, rrdb
  }

  public var architecture: Kind
  /// The factor of each residual block of EDSR, which the tensors do not tell. nil: 0.1, and 1 in the original layout.
  public var residualScale: Float?

  /// Where the concatenations of a U-Net have the skip, which the tensors do not tell. nil: as the program has it whose names they
  /// are; refused where it is not known.
  public var skip: UNet.SkipPosition?

  /// A component of the names of those tensors that are meant: `params`. nil: those that the order above puts first.
  public var key: String?

  public init(architecture: Kind, residualScale: Float? = nil, skip: UNet.SkipPosition? = nil, key: String? = nil) {
    self.architecture = architecture
    self.residualScale = residualScale
    self.skip = skip
    self.key = key
  }

  /// The network and what became of each tensor.
  ///
  /// Tensors left over are reported and no error. Throws where one is missing, of a wrong shape or not finite, or where the
  /// tensors make no network of this architecture.
  public func network(
    from tensors: [String: Tensor]
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    if residualScale != nil, architecture != .edsr { throw unused("residual-scale") }
    if skip != nil, architecture != .unet { throw unused("skip") }
    let made = try network(of: StateDict(tensors))
    return (made.network, made.report)
  }

  /// The same of tensors that are a dictionary already, and those of them that were taken for the network's.
  func network(
    of all: StateDict
  ) throws(ConversionError) -> (network: Network, report: ConversionReport, state: StateDict) {
    let (state, notes) = try chosen(all)
    var (network, report) = try network(ofChosen: state)
    report.notes = notes + report.notes
    return (network, report, state)
  }

  private func network(
    ofChosen state: StateDict
  ) throws(ConversionError) -> (network: Network, report: ConversionReport) {
    switch architecture {
    case .vdsr: return try vdsr(state, naming(state, CheckpointNaming.vdsr))
    case .edsr: return try edsr(state, naming(state, CheckpointNaming.edsr))
    case .unet: return try unet(state)
    case .seeInTheDark: return try seeInTheDark(state)
    case .smallResNet: return try smallResNet(state)
    case .resNet18: return try resNet18(state)
    case .srvgg: return try srvgg(state)
    case .rrdb: return try rrdb(state, naming(state, CheckpointNaming.rrdb))
    }
  }

  private func unused(_ option: String) -> ConversionError {
    .architecture(.unknownOption(architecture: architecture.rawValue, option: option))
  }

  private func naming(_ state: StateDict, _ namings: [CheckpointNaming]) throws(ConversionError) -> CheckpointNaming {
    guard let naming = CheckpointNaming.best(of: namings, for: state.names)?.naming else { throw noKnownNames(state) }
    return naming
  }

  func noKnownNames(_ state: StateDict) -> ConversionError {
    .noKnownNames(architecture: architecture.rawValue, names: state.names.map { state.original($0) }.sorted())
  }

  func incomplete(_ naming: String, lacks name: String) -> ConversionError {
    var report = ConversionReport(naming: naming)
    report.missing.append(.init(name: name, shape: []))
    return .incomplete(architecture: architecture.rawValue, report)
  }

  /// The channels and the kernel of a convolution that tells the sizes of the network.
  func extents(
    of module: String, _ state: StateDict, _ naming: ModuleNaming
  ) throws(ConversionError) -> ConvolutionExtents {
    guard let extents = state.convolution(module) else {
      throw incomplete(naming.title, lacks: state.missingWeight(of: module))
    }
    return extents
  }
}
