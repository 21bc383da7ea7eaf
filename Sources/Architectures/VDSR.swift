import Networks

/// VDSR: a chain of 3x3 convolutions that predicts what a bicubic enlargement lacks.
///
///     y = x + layer_last(relu(… relu(layer_0(x))))
///
/// One luma channel in 0...1, enlarged before it enters; no biases; any factor. Parameters:
/// `2 · 9 · features + (depth - 2) · 9 · features²`, 664,704 at the defaults. Cheaper kinds of convolution replace all but the first
/// and the last. Random weights are those of He et al. 2015, as in the project: twenty layers let nothing through else.
/// - Source: Kim, Lee and Lee, Accurate Image Super-Resolution Using Very Deep Convolutional Networks, CVPR 2016.
public struct VDSR: Hashable, Codable, Sendable {
  /// The number of convolutions in all, at least 2.
  public var depth: Int
  public var features: Int

  /// Of every convolution but the first and the last.
  public var convolution: ConvolutionKind

  public init(depth: Int = 20, features: Int = 64, convolution: ConvolutionKind = .standard) {
    self.depth = depth
    self.features = features
    self.convolution = convolution
  }

  /// Nodes `layers.0`, `layers.0.relu` … `layers.19`, `sum`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension VDSR: ArchitectureDefinition {
  package static var name: String { "vdsr" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    try check("depth", depth, 2...1000)
    try check("features", features, 1...1024)
    var builder = NetworkBuilder(
      Self.name, contract: .image(ImageContract(colour: .luma, maximum: 1, scale: nil, inputSize: .bicubicEnlarged)))
    builder.keepsSizeThroughRectifiers = true
    let x = builder.input("x", channels: 1)
    var value = x
    for index in 0..<depth {
      let isLast = index == depth - 1
      let kind = index == 0 || isLast ? .standard : convolution
      value = builder.convolution(kind, "layers.\(index)", value, outChannels: isLast ? 1 : features, bias: false)
      if !isLast { value = builder.activation("layers.\(index).relu", value, .relu) }
    }
    builder.output(builder.add("sum", value, x))
    return builder
  }
}
