import Networks

// What the residual classifiers are made of.
extension ArchitectureDefinition {
  /// The builder of a network with these numbers, which are checked.
  func residualBuilder(channels: Int, classes: Int, features: Int) throws(ArchitectureError) -> NetworkBuilder {
    try check("channels", channels, 1...1024)
    try check("classes", classes, 1...1_000_000)
    try check("features", features, 1...1024)
    return NetworkBuilder(Self.name)
  }
}

extension NetworkBuilder {
  /// Convolution, batch norm, ReLU, convolution, batch norm, sum, ReLU. Where the number of channels changes, the first convolution
  /// has stride 2 and a 1x1 projection of the same kind with batch norm takes the place of the identity.
  mutating func basicBlock(_ name: String, _ x: Value, outChannels: Int, kind: ConvolutionKind, bias: Bool) -> Value {
    let changes = outChannels != x.channels
    let stride: Pair = changes ? 2 : 1
    var value = convolution(kind, "\(name).conv1", x, outChannels: outChannels, stride: stride, bias: bias)
    value = batchNorm("\(name).bn1", value)
    value = activation("\(name).relu1", value, .relu)
    value = convolution(kind, "\(name).conv2", value, outChannels: outChannels, bias: bias)
    value = batchNorm("\(name).bn2", value)
    var shortcut = x
    if changes {
      shortcut = convolution(
        kind, "\(name).downsample.0", x, outChannels: outChannels, kernel: 1, stride: stride, padding: 0, bias: bias)
      shortcut = batchNorm("\(name).downsample.1", shortcut)
    }
    return activation("\(name).relu2", add("\(name).sum", value, shortcut), .relu)
  }

  /// `avgpool`, `flatten` and `fc`: the mean of each channel, then a linear layer to `[N, classes]`.
  mutating func classifier(_ x: Value, classes: Int) -> Value {
    linear("fc", flatten("flatten", globalAveragePool("avgpool", x)), outFeatures: classes)
  }
}
