import Networks

/// A network that can be made from a name and a few options.
public enum Architecture: Hashable, Codable, Sendable {
  case vdsr(VDSR)
  case edsr(EDSR)
  case unet(UNet)
  case seeInTheDark(SeeInTheDark)
  case smallResNet(SmallResNet)
  case resNet18(ResNet18)
  case srvgg(SRVGG)
  case rrdb(RRDB)

  /// `vdsr`, `edsr`, `unet`, `see-in-the-dark`, `small-resnet`, `resnet18`, `srvgg`, `rrdb`.
  public var name: String { type(of: definition).name }

  /// The network of the architecture, its parameters filled.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network {
    try definition.build(initialization)
  }

  /// The payload as what every architecture can answer.
  package var definition: any ArchitectureDefinition {
    switch self {
    case .vdsr(let description): description
    case .edsr(let description): description
    case .unet(let description): description
    case .seeInTheDark(let description): description
    case .smallResNet(let description): description
    case .resNet18(let description): description
    case .srvgg(let description): description
    case .rrdb(let description): description
    }
  }
}
