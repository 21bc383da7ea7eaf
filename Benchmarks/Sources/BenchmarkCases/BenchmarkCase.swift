import Swiftlet

/// A network and the input it is measured on.
public struct BenchmarkCase: Sendable {
  /// `conv 64->64 256x256`, `vdsr 256x256`.
  public let name: String
  /// Fused, as the engine is meant to get it.
  public let network: Network
  public let input: Shape
  /// Of one run, products with padding included.
  public let multiplyAccumulates: Int

  init(_ name: String, _ network: Network, _ input: Shape) throws {
    self.name = name
    self.input = input
    multiplyAccumulates = try network.ledger(inputs: [input]).multiplyAccumulates
    self.network = network.optimizedForInference()
  }

  /// Two operations for each multiply-accumulate of the network as it is written, in 10⁹ a second.
  public func gigaflops(nanoseconds: Int) -> Double {
    2 * Double(multiplyAccumulates) / Double(max(nanoseconds, 1))
  }
}

extension BenchmarkCase {
  /// One convolution each: the shapes that image networks are made of, and the odd ones.
  public static func layers() throws -> [BenchmarkCase] {
    [
      try layer(64, 64, 64, 256),
      try layer(64, 64, 256, 256),
      try layer(52, 52, 256, 256),
      try layer(48, 48, 256, 256),
      try layer(32, 32, 256, 256),
      try layer(1, 64, 256, 256),
      try layer(3, 64, 256, 256),
      try layer(64, 1, 256, 256),
      try layer(64, 3, 256, 256),
      try layer(64, 256, 128, 128, shuffle: 2),
      try layer(64, 64, 256, 256, kernel: 1),
      try layer(64, 64, 256, 256, kernel: 5),
      try layer(64, 64, 256, 256, groups: 64),
      try layer(64, 64, 64, 256, kind: .separable),
      try layer(64, 64, 256, 256, kind: .separable),
      try layer(64, 64, 64, 256, kind: .selection),
      try layer(64, 64, 256, 256, kind: .selection),
    ]
  }

  /// A 3x3 layer with as many channels in as out, then a ReLU; of the cheaper kinds what `fusing()` makes one operation.
  public static func layer(_ kind: ConvolutionKind, channels: Int, height: Int, width: Int) throws -> BenchmarkCase {
    try layer(channels, channels, height, width, kind: kind)
  }

  /// Whole networks at 256x256.
  public static func networks() throws -> [BenchmarkCase] {
    let size = 256
    return [
      try BenchmarkCase(
        "vdsr \(size)x\(size)", VDSR().network(.random(seed: 1)), Shape(channels: 1, height: size, width: size)),
      try BenchmarkCase(
        "edsr x2 \(size)x\(size)", EDSR(scale: 2).network(.random(seed: 1)), Shape(channels: 3, height: size, width: size)),
    ]
  }

  private static func layer(
    _ inChannels: Int, _ outChannels: Int, _ height: Int, _ width: Int, kernel: Int = 3, groups: Int = 1, shuffle: Int = 1,
    kind: ConvolutionKind = .standard
  ) throws -> BenchmarkCase {
    var name = "\(kind == .standard ? "conv" : kind.rawValue) \(inChannels)->\(outChannels)"
    if kernel != 3 { name += " \(kernel)x\(kernel)" }
    if groups > 1 { name += groups == inChannels ? " depthwise" : " groups \(groups)" }
    if shuffle > 1 { name += " shuffle \(shuffle)" }
    var builder = NetworkBuilder("layer")
    let x = builder.input("x", channels: inChannels)
    let (size, padding) = (Pair(kernel), Padding(kernel / 2))
    var value: NetworkBuilder.Value
    switch kind {
    case .standard:
      value = builder.convolution("layer", x, outChannels: outChannels, kernel: size, padding: padding, groups: groups)
    case .separable:
      value = builder.convolution(
        "depthwise", x, outChannels: inChannels, kernel: size, padding: padding, groups: inChannels)
      value = builder.convolution("pointwise", value, outChannels: outChannels, kernel: 1)
    case .selection:
      value = builder.convolution("select", x, outChannels: outChannels, kernel: 1, bias: false)
      value = builder.convolution(
        "kernels", value, outChannels: outChannels, kernel: size, padding: padding, groups: outChannels)
    }
    value = builder.activation("relu", value, .relu)
    if shuffle > 1 { value = builder.pixelShuffle("shuffle", value, factor: shuffle) }
    builder.output(value)
    return try BenchmarkCase(
      "\(name) \(height)x\(width)", builder.build(.random(seed: 1)),
      Shape(channels: inChannels, height: height, width: width))
  }
}
