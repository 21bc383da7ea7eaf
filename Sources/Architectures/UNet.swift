import Networks

/// U-Net: segmentation by a path that halves the image four times and one that doubles it again, joined level by level.
///
///     d_1 = pair(x),  d_i = pair(maxpool(d_{i-1}))              i = 2 … 5, with features · 2^(i-1) channels
///     u = pair(concatenate(transposed(u), d_{5-i}))              i = 1 … 4, from u = d_5
///     y = out(u)                                                 1x1
///
/// where a pair is twice convolution 3x3, batch norm, ReLU. The defaults have 31,043,521 parameters, with separable convolutions
/// 6,033,601. The first pair is standard in every kind; separable convolutions have a bias in both parts, those by channel
/// selection have none. Height and width of the input are multiples of 16.
/// - Source: Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015, with
///   padding and batch norm as PyTorch programs have them.
public struct UNet: Hashable, Codable, Sendable {
  /// The order of the two operands of each concatenation.
  public enum SkipPosition: String, Hashable, Codable, Sendable, CaseIterable {
    /// Behind what comes from below.
    case last
    /// Before it, as in milesial/Pytorch-UNet.
    case first
  }

  /// Of the input: 3 for RGB.
  public var channels: Int
  /// Channels of the output.
  public var classes: Int
  /// Channels at full size; twice as many at each halving.
  public var features: Int
  /// Of every 3x3 convolution but the first two.
  public var convolution: ConvolutionKind
  /// Whether those have biases. The first two have them too then, and always beside channel selection.
  public var hasBias: Bool
  public var skip: SkipPosition

  /// `hasBias` is true unless given, but for channel selection.
  public init(
    channels: Int = 3, classes: Int = 1, features: Int = 64, convolution: ConvolutionKind = .standard, hasBias: Bool? = nil,
    skip: SkipPosition = .last
  ) {
    self.channels = channels
    self.classes = classes
    self.features = features
    self.convolution = convolution
    self.hasBias = hasBias ?? (convolution != .selection)
    self.skip = skip
  }

  /// Nodes `down_1.double_conv.0` … `down_1.double_conv.5`, `down_2.pool`, `down_2.double_conv.0` …; `up_1.up`, `up_1.cat`,
  /// `up_1.double_conv.0` …; `out`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension UNet: ArchitectureDefinition {
  package static var name: String { "unet" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    try check("channels", channels, 1...1024)
    try check("classes", classes, 1...4096)
    try check("features", features, 1...1024)
    var builder = NetworkBuilder(Self.name)
    let x = builder.input("x", channels: channels)
    let value = builder.contractAndExpand(x, features: features, skipFirst: skip == .first) { builder, level, x, outChannels in
      let isFirst = level == "down_1"
      let kind = isFirst ? .standard : convolution
      let bias = hasBias || isFirst && convolution == .selection
      var value = x
      for index in [0, 3] {
        let name = "\(level).double_conv."
        value = builder.convolution(kind, name + "\(index)", value, outChannels: outChannels, bias: bias)
        value = builder.batchNorm(name + "\(index + 1)", value)
        value = builder.activation(name + "\(index + 2)", value, .relu)
      }
      return value
    }
    builder.output(builder.convolution("out", value, outChannels: classes, kernel: 1))
    return builder
  }
}

extension NetworkBuilder {
  /// The two paths of a U of five levels; `pair` makes the convolutions of one level, named `down_N` or `up_N`.
  mutating func contractAndExpand(
    _ x: Value, features: Int, skipFirst: Bool = false,
    pair: (inout NetworkBuilder, _ level: String, _ x: Value, _ outChannels: Int) -> Value
  ) -> Value {
    var value = pair(&self, "down_1", x, features)
    var skips: [Value] = []
    for level in 2...5 {
      skips.append(value)
      value = maximumPool("down_\(level).pool", value, Pool(kernel: 2))
      value = pair(&self, "down_\(level)", value, features << (level - 1))
    }
    for (index, skip) in skips.reversed().enumerated() {
      let level = "up_\(index + 1)"
      value = transposedConvolution("\(level).up", value, outChannels: skip.channels, kernel: 2, stride: 2)
      value = concatenation("\(level).cat", skipFirst ? [skip, value] : [value, skip])
      value = pair(&self, level, value, skip.channels)
    }
    return value
  }
}
