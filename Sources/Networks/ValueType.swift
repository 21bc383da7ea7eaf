import Tensors

/// What a value is: its shape, its elements, and for integers the numbers that they stand for.
public struct ValueType: Hashable, Sendable {
  /// What integers stand for: `scale · (integer - zeroPoint)`.
  public struct Quantization: Hashable, Sendable {
    /// Above 0.
    public var scale: Float
    /// The integer that stands for 0; one of the element's.
    public var zeroPoint: Int

    public init(scale: Float, zeroPoint: Int = 0) {
      self.scale = scale
      self.zeroPoint = zeroPoint
    }
  }

  public var shape: Shape
  public var element: DataType
  /// Of integers that stand for other numbers; nil where they are just integers, and for floats.
  public var quantization: Quantization?

  public init(_ shape: Shape, _ element: DataType = .float32, quantization: Quantization? = nil) {
    self.shape = shape
    self.element = element
    self.quantization = quantization
  }
}

extension ValueType.Quantization: CustomStringConvertible {
  /// `0.5 · (q - 3)`.
  public var description: String { "\(scale) · (q - \(zeroPoint))" }

  /// What keeps integers of that element from standing for numbers so, a clause; nil where nothing does.
  func fault(of element: DataType) -> String? {
    guard let integers = element.integers else { return "\(element.rawValue) stands for itself and has no scale" }
    guard scale.isFinite, scale > 0 else { return "the scale \(scale) is not above 0 and finite" }
    return integers.contains(zeroPoint) ? nil : "the zero point \(zeroPoint) is not in \(integers), as \(element.rawValue) is"
  }
}

/// `{"scale": 0.5, "zeroPoint": 3}`; a zero point of 0 is left out.
extension ValueType.Quantization: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case scale, zeroPoint }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "a quantization")
    self.init(
      scale: try container.decode(Float.self, forKey: .scale),
      zeroPoint: try container.decodeIfPresent(Int.self, forKey: .zeroPoint) ?? 0)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(scale, forKey: .scale)
    if zeroPoint != 0 { try container.encode(zeroPoint, forKey: .zeroPoint) }
  }
}

extension ValueType: CustomStringConvertible {
  /// `float32 1x3x8x8`, `int8 1x3x8x8 (0.5 · (q - 3))`.
  public var description: String {
    let numbers = quantization.map { " (\($0))" } ?? ""
    return "\(element.rawValue) \(shape)\(numbers)"
  }
}

/// Which elements an operation takes, and which it makes.
package enum ElementRule: Hashable, Sendable {
  /// It reckons: float32 in and out.
  case float32
  /// It sums products with weights: of float32, which stay such, or of int8 or uint8, which must be requantised.
  case products(Requantization?)
  /// It moves elements and reckons nothing: all that it reads has one type of element, which is that of what it makes.
  case moved

  /// The type of an output of that shape.
  func output(_ shape: Shape, of inputs: ArraySlice<ValueType>) throws(TypeMismatch) -> ValueType {
    switch self {
    case .float32, .products(nil):
      for input in inputs where input.element != .float32 {
        let mend = self != .float32 && input.element.isCode ? "; sums of integers need a step 'requantize'" : ""
        throw TypeMismatch("it takes float32 and gets \(input)\(mend)")
      }
      return ValueType(shape)
    case .products(let requantization?):
      for input in inputs where !input.element.isCode {
        throw TypeMismatch("it requantises sums of int8 or uint8 and gets \(input)")
      }
      return requantization.type(shape)
    case .moved:
      guard let first = inputs.first else { return ValueType(shape) }
      for input in inputs where (input.element, input.quantization) != (first.element, first.quantization) {
        throw TypeMismatch("\(first) and \(input) are not of one type of element")
      }
      return ValueType(shape, first.element, quantization: first.quantization)
    }
  }
}

extension DataType {
  /// Whether products of it are summed in int32.
  package var isCode: Bool { self == .int8 || self == .uint8 }
}
