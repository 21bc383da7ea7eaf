import Networks

/// SRVGG, the compact network of Real-ESRGAN: a plain chain of convolutions at low resolution, then one pixel shuffle, beside the input enlarged.
///
///     y = shuffle(body(x)) + nearest(x),   body = convolution, PReLU, … , convolution to scale² times the channels
///
/// `realesr-animevideov3` has 16 convolutions inside, `realesr-general-x4v3` 32, both 64 features at x4.
/// - Source: Wang et al., Real-ESRGAN, ICCV Workshops 2021; `SRVGGNetCompact` of xinntao/Real-ESRGAN.
public struct SRVGG: Hashable, Codable, Sendable {
  /// 1 to 4.
  public var scale: Int
  /// 3 for RGB, 1 for luma.
  public var channels: Int
  public var features: Int
  /// Between the first and the last.
  public var convolutions: Int

  public init(scale: Int = 4, channels: Int = 3, features: Int = 64, convolutions: Int = 16) {
    self.scale = scale
    self.channels = channels
    self.features = features
    self.convolutions = convolutions
  }

  /// Nodes `body.0`, `body.1` …, convolutions and PReLUs in turn, as published checkpoints call them; then `shuffle`, `enlarged`, `sum`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension SRVGG: ArchitectureDefinition {
  package static var name: String { "srvgg" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    try check("scale", scale, 1...4)
    try check("features", features, 1...1024)
    try check("convolutions", convolutions, 0...1000)
    try checkColours(channels)
    var builder = NetworkBuilder(
      Self.name,
      contract: .image(
        ImageContract(colour: channels == 1 ? .luma : .rgb, maximum: 1, scale: scale, inputSize: .lowResolution)))
    let x = builder.input("x", channels: channels)
    var value = x
    for index in 0...convolutions {
      value = builder.convolution("body.\(2 * index)", value, outChannels: features, kernel: 3, padding: 1)
      value = builder.activation("body.\(2 * index + 1)", value, .prelu(channels: features))
    }
    value = builder.convolution(
      "body.\(2 * convolutions + 2)", value, outChannels: channels * scale * scale, kernel: 3, padding: 1)
    guard scale > 1 else {
      builder.output(builder.add("sum", value, x))
      return builder
    }
    value = builder.pixelShuffle("shuffle", value, factor: scale)
    builder.output(builder.add("sum", value, builder.resize("enlarged", x, .nearest, factor: scale)))
    return builder
  }
}
