/// How much of an image a network sees at once. The result does not depend on it, bit for bit.
public enum TilePolicy: Hashable, Sendable {
  /// The whole image at once.
  case none
  /// Tiles that contribute this many input pixels a side, rounded up to the alignment that the network and its kernels need;
  /// each is read with the network's halo on top.
  case pixels(Int)
  /// As large as a memory budget allows; the whole image where that fits.
  case automatic
}

extension TilePolicy: LosslessStringConvertible {
  /// Parses `none`, `auto` or a positive number.
  public init?(_ text: String) {
    switch text {
    case "none": self = .none
    case "auto": self = .automatic
    default:
      guard let side = Int(text), side > 0, side <= 1 << 20 else { return nil }
      self = .pixels(side)
    }
  }

  public var description: String {
    switch self {
    case .none: "none"
    case .pixels(let side): String(side)
    case .automatic: "auto"
    }
  }
}
