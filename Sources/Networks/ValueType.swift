import Tensors

/// What a value is: its shape, its elements, and for integers the numbers that they stand for.
public struct ValueType: Hashable, Sendable {
  /// What integers stand for: `scale · (integer - zeroPoint)`.
  public struct Quantization: Hashable, Sendable {
    /// Within 2^-32 … 2^32, so that quotients of two are far from the ends of float32.
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

  /// What scales may be.
  package static let scales: ClosedRange<Float> = 0x1p-32...0x1p32

  /// What keeps integers of that element from standing for numbers so, a clause; nil where nothing does.
  func fault(of element: DataType) -> String? {
    guard let integers = element.integers else { return "\(element.rawValue) stands for itself and has no scale" }
    guard scale.isFinite, scale > 0 else { return "the scale \(scale) is not above 0 and finite" }
    guard Self.scales.contains(scale) else { return "the scale \(scale) is not within 2^-32 and 2^32" }
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
  /// It sums products with weights, and does what the epilogue says: of float32, or of int8 or uint8 where that begins with `rescale`.
  case products(Epilogue)
  /// It moves elements and reckons nothing: all that it reads has one type of element, which is that of what it makes.
  case moved
  /// The same of float32, int8 or uint8 alone, of which it also may compare some or take the mean.
  case pooled
  /// What it makes is of a type that it states.
  case converted(ElementConversion)

  /// The type of an output of that shape.
  func output(_ shape: Shape, of inputs: ArraySlice<ValueType>) throws(TypeMismatch) -> ValueType {
    switch self {
    case .float32: return try ElementConversion(.float32, others: .float32, to: .float32, nil).output(shape, of: inputs)
    case .products(let epilogue):
      if !epilogue.sumsIntegers, let input = inputs.first(where: \.element.isCode) {
        throw TypeMismatch("it takes float32 and gets \(input); sums of integers need a step 'rescale'")
      }
      return try epilogue.conversion.output(shape, of: inputs)
    case .pooled:
      for input in inputs where input.element != .float32 && !input.element.isCode {
        throw TypeMismatch("it takes float32, int8 or uint8 and gets \(input)")
      }
      return try ElementRule.moved.output(shape, of: inputs)
    case .moved:
      guard let first = inputs.first else { return ValueType(shape) }
      for input in inputs where (input.element, input.quantization) != (first.element, first.quantization) {
        throw TypeMismatch("\(first) and \(input) are not of one type of element")
      }
      return ValueType(shape, first.element, quantization: first.quantization)
    case .converted(let conversion): return try conversion.output(shape, of: inputs)
    }
  }
}

/// What elements an operation takes that makes others.
package struct ElementConversion: Hashable, Sendable {
  package enum Operand: Hashable, Sendable {
    case float32
    /// int8 or uint8.
    case codes
    /// The same where they stand for other numbers.
    case scaledCodes
  }

  var first: Operand
  var others: Operand
  var element: DataType
  var quantization: ValueType.Quantization?

  init(_ first: Operand, others: Operand = .float32, to element: DataType, _ quantization: ValueType.Quantization?) {
    self.first = first
    self.others = others
    self.element = element
    self.quantization = quantization
  }

  func output(_ shape: Shape, of inputs: ArraySlice<ValueType>) throws(TypeMismatch) -> ValueType {
    for (index, input) in inputs.enumerated() {
      switch index == 0 ? first : others {
      case .float32: if input.element != .float32 { throw TypeMismatch("it takes float32 and gets \(input)") }
      case .codes: if !input.element.isCode { throw TypeMismatch("it takes int8 or uint8 and gets \(input)") }
      case .scaledCodes:
        guard input.element.isCode, input.quantization != nil else {
          throw TypeMismatch("it takes int8 or uint8 that stand for numbers and gets \(input)")
        }
      }
    }
    return ValueType(shape, element, quantization: quantization)
  }
}

extension DataType {
  /// Whether products of it are summed in int32.
  package var isCode: Bool { self == .int8 || self == .uint8 }
}
