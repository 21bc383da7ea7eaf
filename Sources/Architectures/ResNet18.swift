import Networks

/// ResNet-18: classification of images, 224x224 by custom.
///
/// A 7x7 convolution with stride 2, batch norm, ReLU, a 3x3 maximum pool with stride 2; four times two basic blocks of 1, 2, 4 and 8
/// times `features` channels; the mean of each channel, a linear layer. Convolutions have no biases, but those by channel selection
/// have one behind their kernels. The defaults have 11,689,512 parameters, by channel selection 1,958,824.
/// - Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016; torchvision's `resnet18`, whose names it has.
public struct ResNet18: Hashable, Codable, Sendable {
  /// Of the input: 3 for RGB.
  public var channels: Int
  public var classes: Int
  /// Channels of the first blocks.
  public var features: Int
  /// Of every convolution, the first and the projections included.
  public var convolution: ConvolutionKind
  /// Whether the convolutions have biases.
  public var hasBias: Bool

  /// `hasBias` is false unless given, but for channel selection.
  public init(
    channels: Int = 3, classes: Int = 1000, features: Int = 64, convolution: ConvolutionKind = .standard,
    hasBias: Bool? = nil
  ) {
    self.channels = channels
    self.classes = classes
    self.features = features
    self.convolution = convolution
    self.hasBias = hasBias ?? (convolution == .selection)
  }

  /// Nodes `conv1`, `bn1`, `relu`, `maxpool`, `layer1.0.conv1`, `layer1.0.bn1`, `layer1.0.relu1`, `layer1.0.conv2`, `layer1.0.bn2`,
  /// `layer1.0.sum`, `layer1.0.relu2` …, `layer2.0.downsample.0`, `layer2.0.downsample.1` …, `avgpool`, `flatten`, `fc`.
  public func network(_ initialization: Initialization) throws(ArchitectureError) -> Network { try build(initialization) }
}

extension ResNet18: ArchitectureDefinition {
  package static var name: String { "resnet18" }

  package func builder() throws(ArchitectureError) -> NetworkBuilder {
    var builder = try residualBuilder(channels: channels, classes: classes, features: features)
    let x = builder.input("x", channels: channels)
    var value = builder.convolution(
      convolution, "conv1", x, outChannels: features, kernel: 7, stride: 2, padding: 3, bias: hasBias)
    value = builder.activation("relu", builder.batchNorm("bn1", value), .relu)
    value = builder.maximumPool("maxpool", value, Pool(kernel: 3, stride: 2, padding: 1))
    for layer in 1...4 {
      for block in 0...1 {
        value = builder.basicBlock(
          "layer\(layer).\(block)", value, outChannels: features << (layer - 1), kind: convolution, bias: hasBias)
      }
    }
    builder.output(builder.classifier(value, classes: classes))
    return builder
  }
}
