import Tensors

/// Which channel of a pixel shuffle belongs to which place of the block; r is the factor, (u, v) the place, c one of C channels.
public enum PixelShuffleOrder: String, Hashable, Codable, Sendable, CaseIterable {
  /// Channel `c·r² + u·r + v`: PyTorch, and ONNX `DepthToSpace` in the mode CRD.
  case channelsOutermost
  /// Channel `(u·r + v)·C + c`: TensorFlow, ONNX `DepthToSpace` in the mode DCR, and `SpaceToDepth`.
  case channelsInnermost

  /// The channel of the tensor with r² times the channels.
  package func channel(_ channel: Int, of channels: Int, place: Int, factor: Int) -> Int {
    switch self {
    case .channelsOutermost: channel * factor * factor + place
    case .channelsInnermost: place * channels + channel
    }
  }
}

/// Moves groups of `factor²` channels into blocks of `factor` x `factor` pixels.
///
///     y[n, c, i·r + u, j·r + v] = x[n, c·r² + u·r + v, i, j]      r = factor; see `PixelShuffleOrder` for the other order
///
/// - Input: `[N, C·factor², H, W]`. Output: `[N, C, H·factor, W·factor]`.
/// - Cost: no MACs.
/// - Source: Shi et al. 2016, `torch.nn.PixelShuffle`, ONNX `DepthToSpace`.
public struct PixelShuffle: Hashable, Sendable {
  public var factor: Int
  public var order: PixelShuffleOrder

  public init(factor: Int, order: PixelShuffleOrder = .channelsOutermost) {
    self.factor = factor
    self.order = order
  }
}

extension PixelShuffle: WithoutParameters, WithoutProducts, WithoutSizes, OnAnyElements {
  package var type: OperationType { .pixelShuffle }
  package var attributeNames: [String] { ShuffleAttributes.CodingKeys.allCases.map(\.rawValue) }
  package var window: SpatialWindow? { SpatialWindow(up: factor) }
  package func channelFlow(of operand: Int) -> ChannelFlow { .shuffled(factor: factor, order) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(factor)" + order.suffix }
  package var attributeFault: String? { firstFault([("factor", factor, 1)]) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = try image(inputs[0])
    guard input.channels % (factor * factor) == 0 else {
      throw TypeMismatch("the \(input.channels) channels of \(input) are no multiple of \(factor)²")
    }
    return Shape(
      batch: input.batch, channels: input.channels / (factor * factor),
      height: input.height * factor, width: input.width * factor)
  }
}

/// The inverse of a pixel shuffle: moves blocks of pixels into channels.
///
///     y[n, c·r² + u·r + v, i, j] = x[n, c, i·r + u, j·r + v]      r = factor; see `PixelShuffleOrder` for the other order
///
/// - Input: `[N, C, H, W]`, height and width multiples of the factor. Output: `[N, C·factor², H / factor, W / factor]`.
/// - Cost: no MACs.
/// - Source: `torch.nn.PixelUnshuffle`, ONNX `SpaceToDepth`.
public struct PixelUnshuffle: Hashable, Sendable {
  public var factor: Int
  public var order: PixelShuffleOrder

  public init(factor: Int, order: PixelShuffleOrder = .channelsOutermost) {
    self.factor = factor
    self.order = order
  }
}

extension PixelUnshuffle: WithoutParameters, WithoutProducts, WithoutSizes, OnAnyElements {
  package var type: OperationType { .pixelUnshuffle }
  package var attributeNames: [String] { ShuffleAttributes.CodingKeys.allCases.map(\.rawValue) }
  package var window: SpatialWindow? { SpatialWindow(down: factor, behind: factor - 1) }
  package func channelFlow(of operand: Int) -> ChannelFlow { .unshuffled(factor: factor, order) }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package func summary(of operands: [String]) -> String { "\(factor)" + order.suffix }

  package var attributeFault: String? {
    // Channels · factor² stays below 2^56 with legal shapes.
    factor >= 1 && factor <= 1024 ? nil : "the factor \(factor) is not in 1...1024"
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = try image(inputs[0])
    guard input.height % factor == 0, input.width % factor == 0 else {
      throw TypeMismatch("height and width of \(input) are no multiples of \(factor)")
    }
    return Shape(
      batch: input.batch, channels: input.channels * factor * factor,
      height: input.height / factor, width: input.width / factor)
  }
}

extension PixelShuffleOrder {
  fileprivate var suffix: String { self == .channelsOutermost ? "" : ", \(rawValue)" }
}

extension PixelShuffle: Codable {
  public init(from decoder: any Decoder) throws {
    let attributes = try ShuffleAttributes(from: decoder)
    self.init(factor: attributes.factor, order: attributes.order ?? .channelsOutermost)
  }

  /// The usual order is left out.
  public func encode(to encoder: any Encoder) throws { try ShuffleAttributes(factor, order).encode(to: encoder) }
}

extension PixelUnshuffle: Codable {
  public init(from decoder: any Decoder) throws {
    let attributes = try ShuffleAttributes(from: decoder)
    self.init(factor: attributes.factor, order: attributes.order ?? .channelsOutermost)
  }

  /// The usual order is left out.
  public func encode(to encoder: any Encoder) throws { try ShuffleAttributes(factor, order).encode(to: encoder) }
}

/// The JSON form of both.
private struct ShuffleAttributes: Codable {
  var factor: Int
  var order: PixelShuffleOrder?

  enum CodingKeys: String, CodingKey, CaseIterable { case factor, order }

  init(_ factor: Int, _ order: PixelShuffleOrder) {
    self.factor = factor
    self.order = order == .channelsOutermost ? nil : order
  }
}
