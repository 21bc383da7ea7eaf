import Networks

/// A small residual network that classifies images of 32x32.
///
/// A standard 3x3 convolution with bias, six basic blocks of 1, 1, 2, 2, 4 and 4 times `features` channels, the third and the fifth
/// with stride 2; the mean of each channel, a linear layer. Dropout before that layer matters in training only and is no node. The
/// convolutions of the blocks have no biases. The defaults have 174,787 parameters, by channel selection 27,363.
/// - Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016 (the networks for CIFAR-10), with projections where
///   the channels change.
public struct SmallResNet: Hashable, Codable, Sendable {
  /// Of the input: 3 for RGB.
  public var channels: Int
  public var classes: Int
  /// Channels of the first blocks.
  public var features: Int
  /// Of every convolution of the blocks, projections included.
  public var convolution: ConvolutionKind
  /// Whether those have biases.
  public var hasBias: Bool

  public init(
    channels: Int = 3, classes: Int = 3, features: Int = 16, convolution: ConvolutionKind = .standard, hasBias: Bool = false
  ) {
    self.channels = channels
    self.classes = classes
    self.features = features
    self.convolution = convolution
    self.hasBias = hasBias
  }

  /// Nodes `stem`, `blocks.0.conv1`, `blocks.0.bn1`, `blocks.0.relu1`, `blocks.0.conv2`, `blocks.0.bn2`, `blocks.0.sum`,
  /// `blocks.0.relu2` …, `blocks.2.downsample.0`, `blocks.2.downsample.1` …, `avgpool`, `flatten`, `fc`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension SmallResNet: ArchitectureDefinition {
  package static var name: String { "small-resnet" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    var builder = try residualBuilder(channels: channels, classes: classes, features: features)
    let x = builder.input("x", channels: channels)
    var value = builder.convolution("stem", x, outChannels: features, kernel: 3, padding: 1)
    for (index, factor) in [1, 1, 2, 2, 4, 4].enumerated() {
      value = builder.basicBlock(
        "blocks.\(index)", value, outChannels: features * factor, kind: convolution, bias: hasBias)
    }
    builder.output(builder.classifier(value, classes: classes))
    return builder
  }
}
