import Networks

/// See-in-the-Dark: a U-Net that makes an RGB image of the raw data of a sensor in little light.
///
/// The Bayer mosaic enters packed, its four colours as four planes of half the height and width, black level subtracted and
/// multiplied to the exposure wanted; after the U, a 1x1 convolution to 12 channels and a pixel shuffle make RGB at full size. A pair
/// is twice convolution 3x3, LeakyReLU 0.2; there is no batch norm. Height and width of the planes are multiples of 16.
///
/// | variant | separable of each pair | parameters |
/// |---|---|---|
/// | base | none | 7,760,748 |
/// | light | the second | 4,285,676 |
/// | lighter | both | 1,513,812 |
/// - Source: Chen, Chen, Xu and Koltun, Learning to See in the Dark, CVPR 2018.
public struct SeeInTheDark: Hashable, Codable, Sendable {
  /// Which convolutions of each pair are replaced by cheaper ones.
  public enum Variant: String, Hashable, Codable, Sendable, CaseIterable {
    /// None.
    case base
    /// The second.
    case light
    /// Both.
    case lighter
  }

  public var variant: Variant
  /// What replaces them; separable unless given. Convolutions by channel selection have no biases, all others have.
  public var convolution: ConvolutionKind
  /// Channels at the size of the planes; twice as many at each halving.
  public var features: Int

  public init(variant: Variant = .base, convolution: ConvolutionKind? = nil, features: Int = 32) {
    self.variant = variant
    self.convolution = convolution ?? (variant == .base ? .standard : .separable)
    self.features = features
  }

  /// Nodes `down_1.double_conv.0` … `down_1.double_conv.3`, `down_2.pool`, `down_2.double_conv.0` …; `up_1.up`, `up_1.cat`,
  /// `up_1.double_conv.0` …; `out`, `shuffle`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension SeeInTheDark: ArchitectureDefinition {
  package static var name: String { "see-in-the-dark" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    try check("features", features, 1...1024)
    guard (variant == .base) == (convolution == .standard) else {
      throw .option(
        architecture: Self.name, option: "convolution", value: convolution.rawValue,
        allowed: variant == .base ? "standard in the variant base" : "separable or selection in the variant \(variant)")
    }
    var builder = NetworkBuilder(Self.name)
    let x = builder.input("x", channels: 4)
    var value = builder.contractAndExpand(x, features: features) { builder, level, x, _, outChannels in
      var value = x
      for (index, kind) in [(0, variant == .lighter ? convolution : .standard), (2, convolution)] {
        let name = "\(level).double_conv."
        value = builder.convolution(kind, name + "\(index)", value, outChannels: outChannels, bias: kind != .selection)
        value = builder.activation(name + "\(index + 1)", value, .leakyReLU(slope: 0.2))
      }
      return value
    }
    value = builder.convolution("out", value, outChannels: 12, kernel: 1)
    builder.output(builder.pixelShuffle("shuffle", value, factor: 2))
    return builder
  }
}
