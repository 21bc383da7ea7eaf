import Tensors

/// Height and width by a factor or to a size.
///
/// Output pixel `i` lies at the position of the input that `coordinates` says, each axis for itself. There
/// - nearest takes the pixel that `rounding` says;
/// - bilinear the two neighbours, weighted by distance;
/// - bicubic the four neighbours by Keys' kernel with a = `cubicCoefficient`.
///
/// Pixels beyond the border repeat it. Nothing is smoothed before it is made smaller.
/// Positions are reckoned in float32, as ONNX Runtime and PyTorch do, which decides what nearest takes where they come close to a
/// whole number or a half; of a whole factor they are exact. An output as large as the input is the input.
/// - Input: `[N, C, H, W]`, behind it values that the size follows from. Output: `[N, C, ⌊H · factor⌋, ⌊W · factor⌋]`, or the size.
/// - Cost: no MACs.
/// - Source: `torch.nn.functional.interpolate`, ONNX `Resize`; Keys 1981.
public struct Resize: Hashable, Sendable {
  /// How values between pixels are found.
  public enum Method: String, Hashable, Codable, Sendable, CaseIterable {
    case nearest, bilinear, bicubic
  }

  /// How large the output is.
  public enum Target: Hashable, Sendable {
    case factor(height: Float, width: Float)
    case size(Pair)
    /// A size that follows from the extents of operands.
    case following(height: SizeExpression, width: SizeExpression)

    /// The height and width of another operand.
    public static func size(of operand: Int) -> Target {
      .following(height: .extent(operand: operand, axis: 2), width: .extent(operand: operand, axis: 3))
    }
  }

  /// Where output pixel `i` lies; `f` is the factor, or output by input extent where the target is a size.
  public enum Coordinates: String, Hashable, Codable, Sendable, CaseIterable {
    /// `(i + 0.5) / f - 0.5`: both images cover the same area. PyTorch with `align_corners=False`.
    case halfPixel
    /// The same, but 0 where the output has one pixel.
    case pytorchHalfPixel
    /// `i · (in - 1) / (out - 1)`: the corner pixels lie on each other. PyTorch with `align_corners=True`.
    case alignCorners
    /// `i / f`: the first pixels lie on each other. PyTorch's `nearest`.
    case asymmetric
  }

  /// Which pixel is nearest.
  public enum Rounding: String, Hashable, Codable, Sendable, CaseIterable {
    /// The pixel at or before the position. PyTorch's `nearest`.
    case floor
    /// The pixel at or behind the position.
    case ceil
    /// The closer one, of two as close (within a millionth of a pixel, as in ONNX Runtime) the earlier.
    case roundPreferFloor
    /// The closer one, of two as close (as above) the later. PyTorch's `nearest-exact`.
    case roundPreferCeil
  }

  public var method: Method
  public var target: Target
  public var coordinates: Coordinates
  /// Of the method `nearest`.
  public var rounding: Rounding
  /// Of the method `bicubic`: -0.75 in PyTorch and ONNX, -0.5 in MATLAB and Pillow.
  public var cubicCoefficient: Float

  /// The coordinates are `asymmetric` for nearest and `halfPixel` for the other methods unless given, as in PyTorch.
  public init(
    method: Method, target: Target, coordinates: Coordinates? = nil, rounding: Rounding = .floor,
    cubicCoefficient: Float = -0.75
  ) {
    self.method = method
    self.target = target
    self.coordinates = coordinates ?? Self.usualCoordinates(of: method)
    self.rounding = rounding
    self.cubicCoefficient = cubicCoefficient
  }

  /// By a whole factor along both axes.
  public init(method: Method, factor: Int) {
    self.init(method: method, target: .factor(height: Float(factor), width: Float(factor)))
  }

  private static func usualCoordinates(of method: Method) -> Coordinates { method == .nearest ? .asymmetric : .halfPixel }

  /// The factor where it is one whole number for both axes.
  public var wholeFactor: Int? {
    guard case .factor(let height, let width) = target, height == width else { return nil }
    return Int(exactly: height)
  }
}

extension Resize: WithoutParameters, WithoutProducts {
  package var type: OperationType { .resize }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> {
    guard case .following(let height, let width) = target else { return 1...1 }
    let count = max(1, height.operandCount, width.operandCount)
    return count...count
  }

  package var elementOperandCount: Int { 1 }

  /// The nearest pixel is moved; others are reckoned.
  package var elements: ElementRule { method == .nearest ? .pooled : .float32 }

  package func summary(of operands: [String]) -> String {
    var parts = [method.rawValue]
    switch target {
    case .factor(let height, let width):
      let text = wholeFactor.map(String.init) ?? (height == width ? "\(height)" : "\(height)x\(width)")
      parts.append("factor \(text)")
    case .size(let size): parts.append("to \(size.height)x\(size.width)")
    case .following(.extent(let operand, 2), .extent(let other, 3)) where operand == other && operand < operands.count:
      parts.append("to the size of '\(operands[operand])'")
    case .following(let height, let width):
      let names = operands.map { "'\($0)'" }
      parts.append("to \(height.text(names)) x \(width.text(names))")
    }
    if coordinates != Self.usualCoordinates(of: method) { parts.append(coordinates.rawValue) }
    if rounding != .floor { parts.append(rounding.rawValue) }
    if cubicCoefficient != -0.75 { parts.append("a = \(cubicCoefficient)") }
    return parts.joined(separator: ", ")
  }

  package var attributeFault: String? {
    switch target {
    case .factor(let height, let width):
      for factor in [height, width] where !(factor > 0 && factor <= Float(Limits.attribute)) {
        return "the factor \(factor) is not above 0 and at most \(Limits.attribute)"
      }
    case .size(let size): if let fault = size.fault("size") { return fault }
    case .following(let height, let width):
      if let fault = height.fault ?? width.fault { return fault }
      if height.constant != nil, width.constant != nil { return "its size follows from nothing; it is a size" }
    }
    return cubicCoefficient.isFinite ? nil : "the cubic coefficient \(cubicCoefficient) is not finite"
  }

  /// With a factor or a size. What keeps the size is the factor 1, and a size that is a whole multiple of the input is that factor.
  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    let input = try image(inputs[0])
    var result = self
    switch target {
    case .factor:
      let output = try outputShape(inputs)
      guard output == input, wholeFactor != 1 else { return nil }
      result.target = .factor(height: 1, width: 1)
    case .size: return nil
    case .following(let height, let width):
      let size = Pair(height: try height.value(of: inputs, "the height"), width: try width.value(of: inputs, "the width"))
      let factor = Pair(height: size.height / input.height, width: size.width / input.width)
      let isWhole = size == Pair(height: factor.height * input.height, width: factor.width * input.width)
      result.target =
        isWhole && factor.fault("factor") == nil
        ? .factor(height: Float(factor.height), width: Float(factor.width)) : .size(size)
    }
    return .resize(result)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = try image(inputs[0])
    switch target {
    case .factor(let height, let width):
      return Shape(
        batch: input.batch, channels: input.channels, height: Self.extent(input.height, height),
        width: Self.extent(input.width, width))
    case .size(let size):
      return Shape(batch: input.batch, channels: input.channels, height: size.height, width: size.width)
    case .following: throw TypeMismatch("its size is not resolved")
    }
  }

  package var window: SpatialWindow? {
    // Other factors, sizes and corners put different pixels of a period, or of the whole image, at different fractions.
    guard let factor = wholeFactor, coordinates != .alignCorners else { return nil }
    let margin =
      switch method {
      case .nearest: coordinates == .asymmetric && rounding == .floor ? 0 : 1
      case .bilinear: 1
      case .bicubic: 2
      }
    return SpatialWindow(up: factor, before: -margin * factor, behind: margin * factor)
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { .kept }

  /// In float32, as in ONNX, whose factors are float32: 10 by 0.7 is 7.
  private static func extent(_ extent: Int, _ factor: Float) -> Int {
    // Legal extents and factors: below 2^57.
    if let whole = Int(exactly: factor) { return extent * whole }
    return Int(Float(extent) * factor)
  }
}

extension Resize: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case method, factor, size, coordinates, rounding, cubicCoefficient }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let target: Target
    if let sizes = try? container.decode([SizeExpression].self, forKey: .size), sizes.contains(where: { $0.constant == nil }) {
      guard sizes.count == 2, !container.contains(.factor) else {
        throw DecodingError.dataCorruptedError(
          forKey: .size, in: container, debugDescription: "a size that follows from others is a pair [height, width] alone")
      }
      target = .following(height: sizes[0], width: sizes[1])
    } else if let size = try container.decodeIfPresent(Pair.self, forKey: .size) {
      guard !container.contains(.factor) else {
        throw DecodingError.dataCorruptedError(
          forKey: .factor, in: container, debugDescription: "a resize has a size and a factor")
      }
      target = .size(size)
    } else if let factor = try? container.decode(Float.self, forKey: .factor) {
      target = .factor(height: factor, width: factor)
    } else {
      if !container.contains(.factor) { _ = try container.decode(Float.self, forKey: .factor) }
      guard let factors = try? container.decode([Float].self, forKey: .factor) else {
        throw DecodingError.dataCorruptedError(
          forKey: .factor, in: container, debugDescription: "is no number, nor a pair [height, width]")
      }
      guard factors.count == 2 else {
        throw DecodingError.dataCorruptedError(
          forKey: .factor, in: container, debugDescription: "a pair [height, width] has \(factors.count) values")
      }
      target = .factor(height: factors[0], width: factors[1])
    }
    self.init(
      method: try container.decode(Method.self, forKey: .method), target: target,
      coordinates: try container.decodeIfPresent(Coordinates.self, forKey: .coordinates),
      rounding: try container.decodeIfPresent(Rounding.self, forKey: .rounding) ?? .floor,
      cubicCoefficient: try container.decodeIfPresent(Float.self, forKey: .cubicCoefficient) ?? -0.75)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(method, forKey: .method)
    switch target {
    case .factor(let height, let width) where height == width: try container.encode(height, forKey: .factor)
    case .factor(let height, let width): try container.encode([height, width], forKey: .factor)
    case .size(let size): try container.encode(size, forKey: .size)
    case .following(let height, let width): try container.encode([height, width], forKey: .size)
    }
    if coordinates != Self.usualCoordinates(of: method) { try container.encode(coordinates, forKey: .coordinates) }
    if rounding != .floor { try container.encode(rounding, forKey: .rounding) }
    if cubicCoefficient != -0.75 { try container.encode(cubicCoefficient, forKey: .cubicCoefficient) }
  }
}
