import Tensors

/// What a value is: its shape, its elements, and for integers the numbers that they stand for.
public struct ValueType: Hashable, Sendable {
  /// What integers stand for: `scale · (integer - zeroPoint)`.
  public struct Quantization: Hashable, Sendable {
    public var scale: Float
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

extension ValueType: CustomStringConvertible {
  /// `float32 1x3x8x8`, `int8 1x3x8x8 (0.5 · (q - 3))`.
  public var description: String {
    let numbers = quantization.map { " (\($0.scale) · (q - \($0.zeroPoint)))" } ?? ""
    return "\(element.rawValue) \(shape)\(numbers)"
  }
}

/// Which elements an operation takes, and which it makes.
package enum ElementRule: Hashable, Sendable {
  /// It reckons: float32 in and out.
  case float32
  /// It moves elements and reckons nothing: all that it reads has one type of element, which is that of what it makes.
  case moved

  /// The type of an output of that shape.
  func output(_ shape: Shape, of inputs: ArraySlice<ValueType>) throws(ShapeMismatch) -> ValueType {
    switch self {
    case .float32:
      for input in inputs where input.element != .float32 {
        throw ShapeMismatch("it takes float32 and gets \(input)")
      }
      return ValueType(shape)
    case .moved:
      guard let first = inputs.first else { return ValueType(shape) }
      for input in inputs where (input.element, input.quantization) != (first.element, first.quantization) {
        throw ShapeMismatch("\(first) and \(input) are not of one type of element")
      }
      return ValueType(shape, first.element, quantization: first.quantization)
    }
  }
}
