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
    ]
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
    _ inChannels: Int, _ outChannels: Int, _ height: Int, _ width: Int, kernel: Int = 3, groups: Int = 1, shuffle: Int = 1
  ) throws -> BenchmarkCase {
    var name = "conv \(inChannels)->\(outChannels)"
    if kernel != 3 { name += " \(kernel)x\(kernel)" }
    if groups > 1 { name += groups == inChannels ? " depthwise" : " groups \(groups)" }
    if shuffle > 1 { name += " shuffle \(shuffle)" }
    var builder = NetworkBuilder("layer")
    let x = builder.input("x", channels: inChannels)
    var value = builder.convolution(
      "layer", x, outChannels: outChannels, kernel: Pair(kernel), padding: Padding(kernel / 2), groups: groups)
    value = builder.activation("relu", value, .relu)
    if shuffle > 1 { value = builder.pixelShuffle("shuffle", value, factor: shuffle) }
    builder.output(value)
    return try BenchmarkCase(
      "\(name) \(height)x\(width)", builder.build(.random(seed: 1)),
      Shape(channels: inChannels, height: height, width: width))
  }
}
