import Networks

/// EDSR: residual blocks at low resolution, then pixel shuffles that enlarge.
///
///     h = head(x)
///     b = block_last(… block_0(h)),   block(z) = z + residualScale · conv(relu(conv(z)))
///     y = tail(up(h + b)),            up = convolution to r² times the features, pixel shuffle by r
///
/// x4 is two stages of x2. The default layout has 1,332,931 parameters at x2. `layout: .original` is the baseline of the
/// authors' code: one more convolution after the blocks, and the mean colour subtracted before and added after the network;
/// at residual scale 1 and range 255 it has 1,369,859 trainable parameters at x2, and published checkpoints fit it.
/// `layout: .direct` does all its products at low resolution, `y = shuffle(up(h + b)) + nearest(x)` with one convolution to scale² times
/// the channels of the output: what the plain layout spends behind the blocks buys blocks there.
///
/// Cheaper kinds of convolution replace those of the residual blocks: separable, 304,835 parameters at x2. Separable convolutions
/// have biases in both parts, those by channel selection none.
/// - Source: Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPR Workshops 2017;
///   sanghyun-son/EDSR-PyTorch.
public struct EDSR: Hashable, Codable, Sendable {
  /// The forms in which the network is found.
  public enum Layout: String, Hashable, Codable, Sendable, CaseIterable {
    /// No convolution after the blocks, no mean shift.
    case plain
    /// As in the authors' code.
    case original
    /// One convolution makes the pixels, which are added to the input enlarged.
    case direct
  }

  /// 2, 3 or 4.
  public var scale: Int
  /// 3 for RGB, 1 for luma.
  public var channels: Int
  public var features: Int
  public var blocks: Int
  public var residualScale: Float
  public var layout: Layout
  /// What 255 is inside the network: 1 or 255.
  public var maximum: Float
  /// Of the convolutions in the residual blocks.
  public var convolution: ConvolutionKind

  public init(
    scale: Int = 2, channels: Int = 3, features: Int = 64, blocks: Int = 16, residualScale: Float = 0.1,
    layout: Layout = .plain, maximum: Float = 1, convolution: ConvolutionKind = .standard
  ) {
    self.scale = scale
    self.channels = channels
    self.features = features
    self.blocks = blocks
    self.residualScale = residualScale
    self.layout = layout
    self.maximum = maximum
    self.convolution = convolution
  }

  /// The baseline of the authors' code: residual scale 1, range 255.
  public static func original(scale: Int = 2, features: Int = 64, blocks: Int = 16) -> EDSR {
    EDSR(scale: scale, features: features, blocks: blocks, residualScale: 1, layout: .original, maximum: 255)
  }

  /// The mean of red, green and blue over the DIV2K training images, of 1.
  package static let meanColour: [Float] = [0.4488, 0.4371, 0.4040]

  /// The direct layout, which learns what is missing in the enlarged input: residual scale 1.
  public static func direct(scale: Int = 2, channels: Int = 1, features: Int = 32, blocks: Int = 4) -> EDSR {
    EDSR(scale: scale, channels: channels, features: features, blocks: blocks, residualScale: 1, layout: .direct)
  }

  /// Nodes `head`, `body.0.a`, `body.0.relu`, `body.0.b`, `body.0.scaled`, `body.0.sum` …, `skip`, `up.0`, `up.0.shuffle` …, `tail`;
  /// `subtractMean`, `body.end` and `addMean` in the original layout; `up`, `up.shuffle`, `enlarged` and `sum` behind `skip` in the direct one.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension EDSR: ArchitectureDefinition {
  package static var name: String { "edsr" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    try checkOptions()
    var builder = NetworkBuilder(
      Self.name,
      contract: .image(
        ImageContract(
          colour: channels == 1 ? .luma : .rgb, maximum: maximum, scale: scale, inputSize: .lowResolution)))
    var x = builder.input("x", channels: channels)
    let ones: [Float] = [1, 1, 1]
    if layout == .original {
      x = builder.fixedChannelAffine("subtractMean", x, scale: ones, shift: Self.meanColour.map { -$0 * maximum })
    }
    let head = builder.convolution("head", x, outChannels: features, kernel: 3, padding: 1)
    var value = head
    for index in 0..<blocks { value = residualBlock("body.\(index)", value, in: &builder) }
    if layout == .original {
      value = builder.convolution("body.end", value, outChannels: features, kernel: 3, padding: 1)
    }
    value = builder.add("skip", value, head)
    if layout == .direct {
      value = builder.convolution("up", value, outChannels: channels * scale * scale, kernel: 3, padding: 1)
      value = builder.pixelShuffle("up.shuffle", value, factor: scale)
      builder.output(builder.add("sum", value, builder.resize("enlarged", x, .nearest, factor: scale)))
      return builder
    }
    let stages = scale == 4 ? [2, 2] : [scale]
    for (index, factor) in stages.enumerated() {
      value = builder.convolution("up.\(index)", value, outChannels: features * factor * factor, kernel: 3, padding: 1)
      value = builder.pixelShuffle("up.\(index).shuffle", value, factor: factor)
    }
    value = builder.convolution("tail", value, outChannels: channels, kernel: 3, padding: 1)
    if layout == .original {
      value = builder.fixedChannelAffine("addMean", value, scale: ones, shift: Self.meanColour.map { $0 * maximum })
    }
    builder.output(value)
    return builder
  }

  private func residualBlock(
    _ name: String, _ x: NetworkBuilder.Value, in builder: inout NetworkBuilder
  ) -> NetworkBuilder.Value {
    let hasBias = convolution != .selection
    var value = builder.convolution(convolution, "\(name).a", x, outChannels: features, bias: hasBias)
    value = builder.activation("\(name).relu", value, .relu)
    value = builder.convolution(convolution, "\(name).b", value, outChannels: features, bias: hasBias)
    if residualScale != 1 { value = builder.scale("\(name).scaled", value, by: residualScale) }
    return builder.add("\(name).sum", value, x)
  }

  private func checkOptions() throws(ArchitectureError) {
    try check("scale", scale, 2...4)
    try check("features", features, 1...1024)
    try check("blocks", blocks, 0...1000)
    try checkColours(channels)
    if layout == .original, channels != 3 {
      throw .option(architecture: "edsr", option: "channels", value: "\(channels)", allowed: "3 with the original layout")
    }
    guard residualScale.isFinite else {
      throw .option(
        architecture: "edsr", option: "residual-scale", value: "\(residualScale)", allowed: "a finite number")
    }
    guard maximum == 1 || maximum == 255 else {
      throw .option(architecture: "edsr", option: "maximum", value: "\(maximum)", allowed: "1 or 255")
    }
  }
}
