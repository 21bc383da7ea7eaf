import Tensors

/// The element types that foreign files hold, and how they become ours.
enum ElementType: String, Hashable, Sendable {
  case float64, float32, float16, bfloat16, int64, int32, uint32, int16, uint16, int8, uint8

  /// `int64`.
  var name: String { rawValue }

  var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8: 1
    }
  }

  /// The type of the tensor: float64 is rounded to float32, float16 and the small integers widen exactly, and 64-bit and unsigned
  /// 32-bit integers become int32 where all of them fit.
  var dataType: DataType {
    switch self {
    case .float64, .float32, .float16: .float32
    case .bfloat16: .bfloat16
    case .int64, .int32, .uint32, .int16, .uint16: .int32
    case .int8: .int8
    case .uint8: .uint8
    }
  }
}
