import Networks

/// U-Net: segmentation by a path that halves the image four times and one that doubles it again, joined level by level.
///
///     d_1 = pair(x),  d_i = pair(maxpool(d_{i-1}))              i = 2 … 5, with features · 2^(i-1) channels
///     u = pair(concatenate(transposed(u), d_{5-i}))              i = 1 … 4, from u = d_5
///     y = out(u)                                                 1x1
///
/// where a pair is twice convolution 3x3, batch norm, ReLU. The defaults have 31,043,521 parameters, with separable convolutions
/// 6,033,601. With bilinear upsampling the image is enlarged without weights, its corners kept; the lowest level then makes no more
/// channels than it reads, and each pair of the way up narrows in its second convolution. The first pair is standard in every kind; separable convolutions have a bias in both parts, those by channel
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

  /// How the way up enlarges.
  public enum Upsampling: String, Hashable, Codable, Sendable, CaseIterable {
    /// A transposed convolution 2x2 of stride 2, which halves the channels.
    case transposed
    /// Bilinear with aligned corners, as milesial/Pytorch-UNet has it with `bilinear=True`.
    case bilinear
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
  public var upsampling: Upsampling

  /// `hasBias` is true unless given, but for channel selection.
  public init(
    channels: Int = 3, classes: Int = 1, features: Int = 64, convolution: ConvolutionKind = .standard, hasBias: Bool? = nil,
    skip: SkipPosition = .last, upsampling: Upsampling = .transposed
  ) {
    self.channels = channels
    self.classes = classes
    self.features = features
    self.convolution = convolution
    self.hasBias = hasBias ?? (convolution != .selection)
    self.skip = skip
    self.upsampling = upsampling
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
    let value = builder.contractAndExpand(
      x, features: features, skipFirst: skip == .first, isBilinear: upsampling == .bilinear
    ) { builder, level, x, middle, outChannels in
      let isFirst = level == "down_1"
      let kind = isFirst ? .standard : convolution
      let bias = hasBias || isFirst && convolution == .selection
      var value = x
      for index in [0, 3] {
        let name = "\(level).double_conv."
        value = builder.convolution(kind, name + "\(index)", value, outChannels: index == 0 ? middle : outChannels, bias: bias)
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
  /// The two paths of a U of five levels; `pair` makes the two convolutions of one level, named `down_N` or `up_N`, to these channels.
  mutating func contractAndExpand(
    _ x: Value, features: Int, skipFirst: Bool = false, isBilinear: Bool = false,
    pair: (inout NetworkBuilder, _ level: String, _ x: Value, _ middle: Int, _ outChannels: Int) -> Value
  ) -> Value {
    var value = pair(&self, "down_1", x, features, features)
    var skips: [Value] = []
    for level in 2...5 {
      skips.append(value)
      value = maximumPool("down_\(level).pool", value, Pool(kernel: 2))
      let channels = features << (isBilinear && level == 5 ? 3 : level - 1)
      value = pair(&self, "down_\(level)", value, channels, channels)
    }
    for (index, skip) in skips.reversed().enumerated() {
      let level = "up_\(index + 1)"
      if isBilinear {
        let target = Resize.Target.factor(height: 2, width: 2)
        value = resize("\(level).up", value, Resize(method: .bilinear, target: target, coordinates: .alignCorners))
      } else {
        value = transposedConvolution("\(level).up", value, outChannels: skip.channels, kernel: 2, stride: 2)
      }
      value = concatenation("\(level).cat", skipFirst ? [skip, value] : [value, skip])
      // The next level enlarges what this one makes to as many channels as that level's skip has.
      let narrows = isBilinear && index < 3
      value = pair(&self, level, value, skip.channels, narrows ? skip.channels / 2 : skip.channels)
    }
    return value
  }
}
