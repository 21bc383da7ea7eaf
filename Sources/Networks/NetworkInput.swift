import Tensors

/// A value that enters a network, of one to eight axes, each of which is fixed or open.
public struct NetworkInput: Hashable, Sendable {
  public var name: String
  /// The extent along each axis; nil where any will do. Images are `[nil, channels, nil, nil]`: N, C, H, W.
  public var axes: [Int?]
  /// Names of open axes, for as many axes as there are names: axes of one name have one extent, whichever input they belong to.
  public var axisNames: [String?]
  public var element: DataType
  /// Of integers that stand for other numbers; see `ValueType`.
  public var quantization: ValueType.Quantization?

  public init(
    name: String, axes: [Int?], axisNames: [String?] = [], element: DataType = .float32,
    quantization: ValueType.Quantization? = nil
  ) {
    self.name = name
    self.axes = axes
    self.axisNames = axisNames
    self.element = element
    self.quantization = quantization
  }

  /// Images `[N, channels, H, W]` of any number and size.
  public init(name: String, channels: Int) { self.init(name: name, axes: [nil, channels, nil, nil]) }

  /// The channels of an image; nil where the input is none, or takes any number of them.
  public var channels: Int? { axes.count == 4 ? axes[1] : nil }

  /// Whether float32 images of any number and size are taken.
  public var isAnyImage: Bool {
    element == .float32 && quantization == nil && axes == [nil, channels, nil, nil] && channels != nil && !isNamed
  }

  /// Whether images of any height and width are taken, all of as many channels.
  public var isImageOfAnySize: Bool { channels != nil && axes[2] == nil && axes[3] == nil }

  private var isNamed: Bool { axisNames.contains { $0 != nil } }

  /// Whether a shape has the axes that are fixed, and as many.
  public func accepts(_ shape: Shape) -> Bool {
    shape.rank == axes.count && zip(axes, shape.extents).allSatisfy { $0 == nil || $0 == $1 }
  }

  /// The type that the value has where it is of that shape.
  func type(of shape: Shape) -> ValueType { ValueType(shape, element, quantization: quantization) }

  /// A shape to reckon with where none is given: what is fixed, one image in a batch, `side` along open heights and widths. Nil
  /// where more is open than the first axis and the sides of an image.
  public func usualShape(side: Int) -> Shape? {
    var extents: [Int] = []
    for (axis, extent) in axes.enumerated() {
      if let extent {
        extents.append(extent)
      } else if axis == 0 {
        extents.append(1)
      } else if channels != nil, axis >= 2 {
        extents.append(side)
      } else {
        return nil
      }
    }
    return Shape(extents)
  }

  /// What is wrong with the axes, a clause; nil where nothing is.
  var fault: String? {
    guard (1...Limits.rank).contains(axes.count) else { return "has \(axes.count) axes; it needs 1 to \(Limits.rank)" }
    for case let extent? in axes where !(1...Limits.attribute).contains(extent) {
      if axes.count == 4, axes[1] == extent { return "has \(extent) channels; it needs 1 to \(Limits.attribute)" }
      return "has an extent of \(extent); it needs 1 to \(Limits.attribute)"
    }
    if let fault = quantization?.fault(of: element) { return "is quantised wrongly: \(fault)" }
    return axisNames.count > axes.count ? "has names for \(axisNames.count) axes and has \(axes.count)" : nil
  }
}

extension NetworkInput {
  /// The axes for people: `[N, 3, H, W]`, `[1, 3, 224, 224]`, `[N, ?]`, `int8 [1, 3]`, `int8 [1, 3] (0.5 · (q - 3))`.
  public var axesText: String {
    let letters = channels != nil ? ["N", "C", "H", "W"] : ["N"]
    let texts = axes.enumerated().map { axis, extent in extent.map(String.init) ?? (axis < letters.count ? letters[axis] : "?")
    }
    return (element == .float32 ? "" : "\(element.rawValue) ") + "[\(texts.joined(separator: ", "))]"
      + (quantization.map { " (\($0))" } ?? "")
  }
}

/// `{"name": "x", "channels": 3}` for images of any number and size, `{"name": "x", "axes": [null, 3, 8, 8]}` for others.
extension NetworkInput: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case name, channels, axes, axisNames, element, quantization }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "an input")
    let name = try container.decode(String.self, forKey: .name)
    guard container.contains(.axes) else {
      if container.contains(.element) || container.contains(.axisNames) || container.contains(.quantization) {
        throw DecodingError.dataCorruptedError(
          forKey: .axes, in: container, debugDescription: "an input with names or a type of element states its axes")
      }
      self.init(name: name, channels: try container.decode(Int.self, forKey: .channels))
      return
    }
    self.init(
      name: name, axes: try container.decode([Int?].self, forKey: .axes),
      axisNames: try container.decodeIfPresent([String?].self, forKey: .axisNames) ?? [],
      element: try container.decodeIfPresent(DataType.self, forKey: .element) ?? .float32,
      quantization: try container.decodeIfPresent(ValueType.Quantization.self, forKey: .quantization))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    if isAnyImage { return try container.encode(channels, forKey: .channels) }
    try container.encode(axes, forKey: .axes)
    if isNamed { try container.encode(axisNames, forKey: .axisNames) }
    if element != .float32 { try container.encode(element, forKey: .element) }
    try container.encodeIfPresent(quantization, forKey: .quantization)
  }
}
