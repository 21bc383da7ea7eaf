/// The element type of a tensor.
public enum DataType: String, Hashable, Codable, Sendable, CaseIterable, BitwiseCopyable {
  /// IEEE 754 binary32.
  case float32
  /// IEEE 754 binary16: 5 exponent bits, 10 fraction bits.
  case float16
  /// The upper half of a binary32: 8 exponent bits, 7 fraction bits.
  case bfloat16
  case int8
  case uint8
  case int32

  /// The integers that it holds; nil of floats.
  public var integers: ClosedRange<Int>? {
    switch self {
    case .float32, .float16, .bfloat16: nil
    case .int8: -128...127
    case .uint8: 0...255
    case .int32: Int(Int32.min)...Int(Int32.max)
    }
  }

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .int8, .uint8: 1
    }
  }
}
