import CKernels
import Tensors

/// How the values between the layers of a network are stored. Sums are float32 in any case.
public enum Precision: String, Hashable, Codable, Sendable, CaseIterable, BitwiseCopyable {
  case float32
  /// Values of more than 4 channels and weights as the upper halves of float32 numbers, 8 significant bits: half the memory traffic,
  /// and twice the products a cycle where the instruction set multiplies them in pairs. Biases, images and results stay float32.
  case bfloat16

  /// The elements of interleaved values.
  var element: DataType {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    }
  }

  /// What C calls it.
  package var tag: sw_element {
    switch self {
    case .float32: SW_ELEMENT_FLOAT32
    case .bfloat16: SW_ELEMENT_BFLOAT16
    }
  }
}

/// bfloat16: the upper half of a float32.
struct BFloat16 {
  var bits: UInt16

  /// Rounded to the nearest, ties to even; a NaN stays one.
  init(_ value: Float) {
    let pattern = value.bitPattern
    bits = UInt16(truncatingIfNeeded: value.isNaN ? pattern >> 16 | 0x40 : (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16)
  }

  var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

/// A type of element that interleaved values are made of.
protocol StoredElement {
  init(_ value: Float)
  var float: Float { get }
}

extension BFloat16: StoredElement {}
extension UInt8: StoredElement {
  var float: Float { Float(self) }
}
extension Float: StoredElement {
  var float: Float { self }
}
