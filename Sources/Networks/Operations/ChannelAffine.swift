import Tensors

/// One multiplication and one addition a channel.
///
///     y[n, c, i, j] = scale[c] · x[n, c, i, j] + shift[c]
///
/// - Input: `[N, channels, H, W]` or `[N, channels]`. Output: the same shape.
/// - Parameters: `scale [channels]`, `shift [channels]`; buffers where `isTrainable` is false, as in the mean shift of EDSR.
/// - Cost: no MACs.
public struct ChannelAffine: Hashable, Codable, Sendable {
  public var channels: Int
  public var isTrainable: Bool

  public init(channels: Int, isTrainable: Bool = true) {
    self.channels = channels
    self.isTrainable = isTrainable
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case channels
    case isTrainable = "trainable"
  }
}

extension ChannelAffine: WithoutProducts, WithoutSizes, Elementwise, OnFloat32 {
  package var type: OperationType { .channelAffine }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(channels)" + (isTrainable ? "" : ", fixed") }
  package var attributeFault: String? { firstFault([("channels", channels, 1)]) }

  package var parameters: [Parameter] {
    [
      Parameter(.scale, [channels], isTrainable: isTrainable, initialValue: .constant(1)),
      Parameter(.shift, [channels], isTrainable: isTrainable),
    ]
  }

  package var linearParts: [LinearPart] { [] }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { try channelwise(inputs[0], channels) }
}
