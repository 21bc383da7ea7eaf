import Tensors

/// Pixels put around an image, and channels before and behind it.
///
/// - `constant`: all new elements are `value`; of integers the one that stands for it.
/// - `reflect`: pixels are mirrored about the border pixel, which is not repeated: `c b | a b c | b a`. Channels cannot be.
/// - `edge`: the border pixel is repeated: `a a | a b c | c c`. Channels cannot be.
///
/// - Input: `[N, C, H, W]`; to reflect, larger than the padding along both axes. Behind it values that `growth` follows from.
///   Output: `[N, channelsBefore + C + channelsBehind, top + H + bottom, left + W + right]`.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.pad` (constant, reflect, replicate), ONNX `Pad`.
public struct Pad: Hashable, Sendable {
  /// What new pixels hold.
  public enum Mode: String, Hashable, Codable, Sendable, CaseIterable {
    case constant, reflect, edge
  }

  /// Pixels of which amounts follow from the extents of operands.
  public struct Growth: Hashable, Sendable {
    public var top: SizeExpression
    public var left: SizeExpression
    public var bottom: SizeExpression
    public var right: SizeExpression

    public init(top: SizeExpression = 0, left: SizeExpression = 0, bottom: SizeExpression = 0, right: SizeExpression = 0) {
      self.top = top
      self.left = left
      self.bottom = bottom
      self.right = right
    }

    fileprivate var all: [SizeExpression] { [top, left, bottom, right] }
  }

  public var padding: Padding
  /// What is put around beyond `padding`; an error where that is below 0.
  public var growth: Growth?
  public var channelsBefore: Int
  public var channelsBehind: Int
  public var mode: Mode
  /// Of the mode `constant`.
  public var value: Float

  public init(
    _ padding: Padding, growth: Growth? = nil, channelsBefore: Int = 0, channelsBehind: Int = 0, mode: Mode = .constant,
    value: Float = 0
  ) {
    self.padding = padding
    self.growth = growth
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

extension Pad: WithoutParameters, WithoutProducts, OnPooledElements {
  package var type: OperationType { .pad }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> {
    let count = max(1, growth?.all.map(\.operandCount).max() ?? 1)
    return count...count
  }

  package var elementOperandCount: Int { 1 }

  package func summary(of operands: [String]) -> String {
    var parts = growth == nil || padding != Padding(0) ? ["\(padding)"] : []
    if let growth {
      let names = operands.map { "'\($0)'" }
      parts.append("and (\(growth.all.map { $0.text(names) }.joined(separator: ", ")))")
    }
    if channelsBefore + channelsBehind > 0 { parts.append("channels \(channelsBefore) before, \(channelsBehind) behind") }
    parts.append(mode == .constant ? "constant \(value)" : mode.rawValue)
    return parts.joined(separator: ", ")
  }

  package var attributeFault: String? {
    if let fault = padding.fault() ?? growth?.all.lazy.compactMap(\.fault).first
      ?? firstFault([("channels before", channelsBefore, 0), ("channels behind", channelsBehind, 0)])
    {
      return fault
    }
    if mode != .constant, channelsBefore + channelsBehind > 0 { return "the mode \(mode.rawValue) pads no channels" }
    return value.isFinite ? nil : "the value \(value) is not finite"
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard let growth else { return nil }
    func amount(_ fixed: Int, _ expression: SizeExpression, _ side: String) throws(TypeMismatch) -> Int {
      let value = try expression.value(of: inputs, "the \(side) padding")
      guard value >= 0, value <= Limits.attribute else {
        throw TypeMismatch("the \(side) padding would be \(value), which is not in 0...\(Limits.attribute)")
      }
      return fixed + value
    }
    var result = self
    result.growth = nil
    result.padding = Padding(
      top: try amount(padding.top, growth.top, "top"), left: try amount(padding.left, growth.left, "left"),
      bottom: try amount(padding.bottom, growth.bottom, "bottom"), right: try amount(padding.right, growth.right, "right"))
    return .pad(result)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard growth == nil else { throw TypeMismatch("its padding is not resolved") }
    let input = try image(inputs[0])
    if mode == .reflect {
      guard max(padding.top, padding.bottom) < input.height, max(padding.left, padding.right) < input.width else {
        throw TypeMismatch("the reflected padding \(padding) is not smaller than height and width of \(input)")
      }
    }
    return Shape(
      batch: input.batch, channels: channelsBefore + input.channels + channelsBehind,
      height: padding.top + input.height + padding.bottom, width: padding.left + input.width + padding.right)
  }

  package var window: SpatialWindow? {
    // What grows with the size of the image grows otherwise in a tile.
    guard growth == nil else { return nil }
    /// At the image's edge a pixel beyond it is read from up to twice as far inside.
    func axis(_ before: Int, _ behind: Int) -> SpatialWindow.Axis {
      let margin =
        switch mode {
        case .constant: 0
        case .edge: max(before, behind)
        case .reflect: 2 * max(before, behind)
        }
      return SpatialWindow.Axis(before: -before - margin, behind: -before + margin)
    }
    return SpatialWindow(vertical: axis(padding.top, padding.bottom), horizontal: axis(padding.left, padding.right))
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { .shifted(by: channelsBefore) }
}

extension Pad.Growth: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case top, left, bottom, right }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "the growth of a pad")
    self.init(
      top: try container.decode(SizeExpression.self, forKey: .top),
      left: try container.decode(SizeExpression.self, forKey: .left),
      bottom: try container.decode(SizeExpression.self, forKey: .bottom),
      right: try container.decode(SizeExpression.self, forKey: .right))
  }
}

extension Pad: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case padding, growth, channelsBefore, channelsBehind, mode, value }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Padding.self, forKey: .padding),
      growth: try container.decodeIfPresent(Growth.self, forKey: .growth),
      channelsBefore: try container.decodeIfPresent(Int.self, forKey: .channelsBefore) ?? 0,
      channelsBehind: try container.decodeIfPresent(Int.self, forKey: .channelsBehind) ?? 0,
      mode: try container.decodeIfPresent(Mode.self, forKey: .mode) ?? .constant,
      value: try container.decodeIfPresent(Float.self, forKey: .value) ?? 0)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(padding, forKey: .padding)
    try container.encodeIfPresent(growth, forKey: .growth)
    if channelsBefore != 0 { try container.encode(channelsBefore, forKey: .channelsBefore) }
    if channelsBehind != 0 { try container.encode(channelsBehind, forKey: .channelsBehind) }
    if mode != .constant { try container.encode(mode, forKey: .mode) }
    if value != 0 { try container.encode(value, forKey: .value) }
  }
}
