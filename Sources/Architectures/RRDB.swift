import Networks

/// RRDB, the network of ESRGAN and Real-ESRGAN: dense blocks in residual blocks at low resolution, then two steps of enlargement by nearest
/// neighbours and convolutions.
///
///     h = conv_first(x),  b = h + conv_body(block_last(… block_0(h)))
///     y = conv_last(lrelu(conv_hr(lrelu(conv_up2(↑ lrelu(conv_up1(↑ b)))))))
///     block(z) = z + 0.2 · dense(dense(dense(z))),   dense(z) = z + 0.2 · conv5(z, z₁ … z₄),   zₙ = lrelu(convₙ(z, z₁ …))
///
/// It enlarges 4 times. For x2 and x1 the picture enters as 2x2 or 4x4 pixels in channels (`pixel_unshuffle`), so that the network takes sides that are
/// multiples of these. RealESRGAN_x4plus has 23 blocks of 64 features, RealESRGAN_x4plus_anime_6B six.
/// - Source: Wang et al., ESRGAN, ECCV Workshops 2018; Real-ESRGAN, ICCV Workshops 2021; `RRDBNet` of xinntao/BasicSR.
public struct RRDB: Hashable, Codable, Sendable {
  /// 1, 2 or 4.
  public var scale: Int
  /// 3 for RGB, 1 for luma.
  public var channels: Int
  public var features: Int
  public var blocks: Int
  /// What each convolution of a dense block adds.
  public var growth: Int

  public init(scale: Int = 4, channels: Int = 3, features: Int = 64, blocks: Int = 23, growth: Int = 32) {
    self.scale = scale
    self.channels = channels
    self.features = features
    self.blocks = blocks
    self.growth = growth
  }

  /// Nodes as published checkpoints call them: `conv_first`, `body.0.rdb1.conv1` … `body.0.rdb3.conv5`, `conv_body`, `conv_up1`, `conv_up2`, `conv_hr`,
  /// `conv_last`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }

  private static let slope: Float = 0.2
  private static let residualScale: Float = 0.2
}

extension RRDB: ArchitectureDefinition {
  package static var name: String { "rrdb" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    guard [1, 2, 4].contains(scale) else {
      throw .option(architecture: Self.name, option: "scale", value: "\(scale)", allowed: "1, 2 or 4")
    }
    try check("features", features, 1...1024)
    try check("blocks", blocks, 0...1000)
    try check("growth", growth, 1...1024)
    try checkColours(channels)
    var builder = NetworkBuilder(
      Self.name,
      contract: .image(
        ImageContract(colour: channels == 1 ? .luma : .rgb, maximum: 1, scale: scale, inputSize: .lowResolution)))
    var x = builder.input("x", channels: channels)
    if scale < 4 { x = builder.pixelUnshuffle("unshuffle", x, factor: 4 / scale) }
    let first = convolution("conv_first", x, features, in: &builder)
    var value = first
    for index in 0..<blocks { value = block("body.\(index)", value, in: &builder) }
    value = convolution("conv_body", value, features, in: &builder)
    value = builder.add("skip", value, first)
    for name in ["conv_up1", "conv_up2"] {
      value = builder.resize("\(name).enlarged", value, .nearest, factor: 2)
      value = rectified(name, value, features, in: &builder)
    }
    value = rectified("conv_hr", value, features, in: &builder)
    builder.output(convolution("conv_last", value, channels, in: &builder))
    return builder
  }

  private func block(
    _ name: String, _ x: NetworkBuilder.Value, in builder: inout NetworkBuilder
  ) -> NetworkBuilder.Value {
    var value = x
    for index in 1...3 { value = denseBlock("\(name).rdb\(index)", value, in: &builder) }
    return builder.add("\(name).sum", builder.scale("\(name).scaled", value, by: Self.residualScale), x)
  }

  private func denseBlock(
    _ name: String, _ x: NetworkBuilder.Value, in builder: inout NetworkBuilder
  ) -> NetworkBuilder.Value {
    var values = [x]
    for index in 1...4 {
      let input = values.count == 1 ? x : builder.concatenation("\(name).joined\(index)", values)
      values.append(rectified("\(name).conv\(index)", input, growth, in: &builder))
    }
    let last = convolution("\(name).conv5", builder.concatenation("\(name).joined5", values), features, in: &builder)
    return builder.add("\(name).sum", builder.scale("\(name).scaled", last, by: Self.residualScale), x)
  }

  private func convolution(
    _ name: String, _ x: NetworkBuilder.Value, _ outputs: Int, in builder: inout NetworkBuilder
  ) -> NetworkBuilder.Value {
    builder.convolution(name, x, outChannels: outputs, kernel: 3, padding: 1)
  }

  private func rectified(
    _ name: String, _ x: NetworkBuilder.Value, _ outputs: Int, in builder: inout NetworkBuilder
  ) -> NetworkBuilder.Value {
    builder.activation("\(name).relu", convolution(name, x, outputs, in: &builder), .leakyReLU(slope: Self.slope))
  }
}
