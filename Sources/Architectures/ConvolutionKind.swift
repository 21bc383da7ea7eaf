import Networks

/// How a convolution of an architecture is made up. The cheaper kinds are two nodes where the standard one is one node.
///
/// For a kernel of k x k from I to O channels, without biases:
///
/// | kind | nodes of a convolution `X` | weights |
/// |---|---|---|
/// | standard | `X` | `k² · I · O` |
/// | separable | `X.depthwise`: one k x k kernel an input channel; then `X.pointwise`: 1x1 | `k² · I + I · O` |
/// | selection | `X.select`: 1x1, no bias; then `X.kernels`: one k x k kernel an output channel | `I · O + k² · O` |
///
/// - Source: separable: Howard et al., MobileNets, 2017. Channel selection: a weighted sum of the input channels for each kernel.
public enum ConvolutionKind: String, Hashable, Codable, Sendable, CaseIterable {
  case standard, separable, selection

  /// What the nodes of one convolution add to its name: nothing for the standard kind.
  package var parts: [String] {
    order.map { [$0.partNames.first, $0.partNames.second] } ?? []
  }
}

extension ConvolutionKind {
  /// Which of its parts comes first; nil where there is one.
  private var order: SeparableConvolution.Order? {
    switch self {
    case .standard: nil
    case .separable: .depthwiseFirst
    case .selection: .pointwiseFirst
    }
  }
}

extension NetworkBuilder {
  /// A convolution of a kind. Stride and padding belong to the part with the large kernel; a separable convolution has the bias
  /// in both parts, one by selection behind the kernels only.
  mutating func convolution(
    _ kind: ConvolutionKind, _ name: String, _ x: Value, outChannels: Int, kernel: Pair = 3, stride: Pair = 1,
    padding: Padding = 1, bias: Bool
  ) -> Value {
    let parts = kind.parts.map { "\(name).\($0)" }
    switch kind {
    case .standard:
      return convolution(
        name, x, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, bias: bias)
    case .separable:
      let value = convolution(
        parts[0], x, outChannels: x.channels, kernel: kernel, stride: stride, padding: padding, groups: x.channels,
        bias: bias)
      return convolution(parts[1], value, outChannels: outChannels, kernel: 1, bias: bias)
    case .selection:
      let value = convolution(parts[0], x, outChannels: outChannels, kernel: 1, bias: false)
      return convolution(
        parts[1], value, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding,
        groups: outChannels, bias: bias)
    }
  }
}
