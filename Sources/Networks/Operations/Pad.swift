import Tensors

/// Pixels put around an image, and channels before and behind it.
///
/// - `constant`: all new elements are `value`.
/// - `reflect`: pixels are mirrored about the border pixel, which is not repeated: `c b | a b c | b a`. Channels cannot be.
/// - `edge`: the border pixel is repeated: `a a | a b c | c c`. Channels cannot be.
///
/// - Input: `[N, C, H, W]`; to reflect, larger than the padding along both axes.
///   Output: `[N, channelsBefore + C + channelsBehind, top + H + bottom, left + W + right]`.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.pad` (constant, reflect, replicate), ONNX `Pad`.
public struct Pad: Hashable, Sendable {
  /// What new pixels hold.
  public enum Mode: String, Hashable, Codable, Sendable, CaseIterable {
    case constant, reflect, edge
  }

  public var padding: Padding
  public var channelsBefore: Int
  public var channelsBehind: Int
  public var mode: Mode
  /// Of the mode `constant`.
  public var value: Float

  public init(_ padding: Padding, channelsBefore: Int = 0, channelsBehind: Int = 0, mode: Mode = .constant, value: Float = 0) {
    self.padding = padding
    self.channelsBefore = channelsBefore
    self.channelsBehind = channelsBehind
    self.mode = mode
    self.value = value
  }

  /// The element of an axis of that extent from which the element `index` of the axis, counted from its first before padding,
  /// comes; nil where it is the constant.
  package func source(of index: Int, extent: Int) -> Int? {
    if index >= 0, index < extent { return index }
    switch mode {
    case .constant: return nil
    case .reflect: return index < 0 ? -index : 2 * (extent - 1) - index
    case .edge: return index < 0 ? 0 : extent - 1
    }
  }
}

extension Pad: OperationDefinition {
  package var typeName: String { "pad" }
  package var inputCount: ClosedRange<Int> { 1...1 }

  package var summary: String {
    var parts = ["\(padding)"]
    if channelsBefore + channelsBehind > 0 { parts.append("channels \(channelsBefore) before, \(channelsBehind) behind") }
    parts.append(mode == .constant ? "constant \(value)" : mode.rawValue)
    return parts.joined(separator: ", ")
  }

  package var attributeFault: String? {
    if let fault = padding.fault()
      ?? firstFault([("channels before", channelsBefore, 0), ("channels behind", channelsBehind, 0)])
    {
      return fault
    }
    if mode != .constant, channelsBefore + channelsBehind > 0 { return "the mode \(mode.rawValue) pads no channels" }
    return value.isFinite ? nil : "the value \(value) is not finite"
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let input = try image(inputs[0])
    if mode == .reflect {
      guard max(padding.top, padding.bottom) < input.height, max(padding.left, padding.right) < input.width else {
        throw ShapeMismatch("the reflected padding \(padding) is not smaller than height and width of \(input)")
      }
    }
    return Shape(
      batch: input.batch, channels: channelsBefore + input.channels + channelsBehind,
      height: padding.top + input.height + padding.bottom, width: padding.left + input.width + padding.right)
  }
}

extension Pad: Codable {
  enum CodingKeys: String, CodingKey { case padding, channelsBefore, channelsBehind, mode, value }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Padding.self, forKey: .padding),
      channelsBefore: try container.decodeIfPresent(Int.self, forKey: .channelsBefore) ?? 0,
      channelsBehind: try container.decodeIfPresent(Int.self, forKey: .channelsBehind) ?? 0,
      mode: try container.decodeIfPresent(Mode.self, forKey: .mode) ?? .constant,
      value: try container.decodeIfPresent(Float.self, forKey: .value) ?? 0)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(padding, forKey: .padding)
    if channelsBefore != 0 { try container.encode(channelsBefore, forKey: .channelsBefore) }
    if channelsBehind != 0 { try container.encode(channelsBehind, forKey: .channelsBehind) }
    if mode != .constant { try container.encode(mode, forKey: .mode) }
    if value != 0 { try container.encode(value, forKey: .value) }
  }
}
