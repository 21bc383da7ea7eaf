extension Tensor {
  /// The elements of a tensor of integers in row-major order; nil of floats.
  package var integers: [Int32]? {
    withUnsafeBytes { bytes in
      switch dataType {
      case .float32, .float16, .bfloat16: nil
      case .int8: bytes.bindMemory(to: Int8.self).map { Int32($0) }
      case .uint8: bytes.map { Int32($0) }
      case .int32: Array(bytes.bindMemory(to: Int32.self))
      }
    }
  }

  /// The elements of a tensor of any type in row-major order.
  package var numbers: [Double] {
    withUnsafeBytes { bytes in
      switch dataType {
      case .float16: bytes.bindMemory(to: UInt16.self).map { Double(Float(halfBits: $0)) }
      case .bfloat16: bytes.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
      case .float32: bytes.bindMemory(to: Float.self).map { Double($0) }
      case .int8, .uint8, .int32: (integers ?? []).map { Double($0) }
      }
    }
  }

  /// A tensor of integers, row-major. Traps when their number is not `shape.count`, or the element does not hold one of them.
  package init(_ shape: Shape, _ element: DataType, integers: some Collection<Int>) {
    precondition(integers.count == shape.count, "\(integers.count) elements do not fill a tensor of \(shape)")
    precondition(
      integers.allSatisfy { element.integers?.contains($0) ?? false }, "\(element) does not hold all of these integers")
    self.init(unsafeUninitialized: shape, element) { bytes in
      switch element {
      case .int8, .uint8: for (index, value) in integers.enumerated() { bytes[index] = UInt8(truncatingIfNeeded: value) }
      case .float32, .float16, .bfloat16, .int32:
        let words = bytes.bindMemory(to: Int32.self)
        for (index, value) in integers.enumerated() { words[index] = Int32(value) }
      }
    }
  }
}

extension Float {
  /// The value of IEEE 754 binary16 bits, exactly. (`Float16` itself is absent on some platforms.)
  package init(halfBits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      self.init(bitPattern: magnitude.bitPattern | sign)
    case 31: self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The bits of the nearest IEEE 754 binary16, of two as near the even one; infinity beyond the largest. A NaN stays one.
  package var halfBits: UInt16 {
    let sign = UInt16(truncatingIfNeeded: bitPattern >> 16 & 0x8000), magnitude = bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    // 65520 and more.
    if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
    // Below the normal numbers the addition rounds: the unit in the last place of 0.5 is 2^-24.
    if magnitude < 0x3880_0000 {
      return sign | UInt16(truncatingIfNeeded: (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern)
    }
    let rounded = magnitude &+ 0xFFF &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded >> 13) &- 112 << 10)
  }
}
