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

/// Elements of a foreign file: type, byte order, and where each lies.
struct ForeignElements {
  var type: ElementType
  var isBigEndian = false
  /// The index of the first element.
  var offset = 0
  var shape: [Int]
  /// In elements; nil for row-major.
  var strides: [Int]?
  /// Whether bfloat16 becomes float32, exactly.
  var widensBFloat16 = false
  /// How many elements a stride of 0 may make of fewer.
  var repeatLimit = 0

  /// The type of the tensor.
  var dataType: DataType { type == .bfloat16 && widensBFloat16 ? .float32 : type.dataType }

  enum Fault: Error { case outOfBounds, integerRange }

  /// The strides of row-major elements, or nil where their number overflows.
  static func rowMajorStrides(_ shape: [Int]) -> [Int]? {
    var strides = [Int](repeating: 1, count: shape.count)
    var product = 1
    for axis in shape.indices.reversed() {
      strides[axis] = product
      let (next, overflow) = product.multipliedReportingOverflow(by: max(shape[axis], 1))
      if overflow { return nil }
      product = next
    }
    return strides
  }

  /// The tensor, contiguous. Throws before anything is allocated where an element lies outside `bytes`.
  ///
  /// No more elements than `bytes` holds, or `repeatLimit`, are made, so that a few bytes cannot be repeated into a large tensor.
  func tensor(from bytes: UnsafeRawBufferPointer) throws(Fault) -> Tensor {
    guard shape.allSatisfy({ $0 >= 0 }), offset >= 0, let rowMajor = Self.rowMajorStrides(shape) else { throw .outOfBounds }
    let strides = strides ?? rowMajor
    guard strides.count == shape.count else { throw .outOfBounds }
    let shape = Shape(shape)
    let available = bytes.count / type.byteCount
    guard let count = shape.checkedCount, count <= max(available, repeatLimit) else { throw .outOfBounds }
    if count == 0 { return Tensor(zeros: shape, dataType) }
    var last = offset
    for (extent, stride) in zip(shape.extents, strides) {
      let (reach, first) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, second) = last.addingReportingOverflow(reach)
      guard stride >= 0, !first, !second else { throw .outOfBounds }
      last = sum
    }
    guard last < available else { throw .outOfBounds }

    let isContiguous = zip(shape.extents, zip(strides, rowMajor)).allSatisfy { $0 == 1 || $1.0 == $1.1 }
    let isSameInMemory = type.byteCount == dataType.byteCount && type != .uint32 && (!isBigEndian || type.byteCount == 1)
    if isContiguous, isSameInMemory {
      let start = offset * type.byteCount
      return Tensor(unsafeUninitialized: shape, dataType) {
        $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + $0.count]))
      }
    }
    let walk = Walk(shape: shape.extents, strides: strides, offset: offset, count: count)
    var fits = true
    let big = isBigEndian
    let result = Tensor(unsafeUninitialized: shape, dataType) { target in
      func raw<T: FixedWidthInteger>(_ index: Int, _: T.Type) -> T {
        let value = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
        return big ? T(bigEndian: value) : T(littleEndian: value)
      }
      func floats(_ value: (Int) -> Float) {
        let floats = target.bindMemory(to: Float.self)
        walk.visit { floats[$0] = value($1) }
      }
      func integers(_ value: (Int) -> Int32?) {
        let integers = target.bindMemory(to: Int32.self)
        walk.visit { position, index in
          if let integer = value(index) { integers[position] = integer } else { fits = false }
        }
      }
      switch type {
      case .float64: floats { Float(Double(bitPattern: raw($0, UInt64.self))) }
      case .float32: floats { Float(bitPattern: raw($0, UInt32.self)) }
      case .float16: floats { Float(halfBits: raw($0, UInt16.self)) }
      case .int64: integers { Int32(exactly: raw($0, Int64.self)) }
      case .int32: integers { raw($0, Int32.self) }
      case .uint32: integers { Int32(exactly: raw($0, UInt32.self)) }
      case .int16: integers { Int32(raw($0, Int16.self)) }
      case .uint16: integers { Int32(raw($0, UInt16.self)) }
      case .bfloat16 where widensBFloat16: floats { Float(bitPattern: UInt32(raw($0, UInt16.self)) << 16) }
      case .bfloat16:
        let halves = target.bindMemory(to: UInt16.self)
        walk.visit { halves[$0] = raw($1, UInt16.self) }
      case .int8, .uint8: walk.visit { target[$0] = bytes[$1] }
      }
    }
    if !fits { throw .integerRange }
    return result
  }

  /// The steps from row-major position to index in the file.
  private struct Walk {
    let shape: [Int], strides: [Int], offset: Int, count: Int

    func visit(_ body: (_ position: Int, _ index: Int) -> Void) {
      guard let innerExtent = shape.last, let innerStride = strides.last else { return body(0, offset) }
      var counter = [Int](repeating: 0, count: shape.count)
      var start = offset
      var position = 0
      while position < count {
        for step in 0..<innerExtent { body(position + step, start + step * innerStride) }
        position += innerExtent
        var axis = shape.count - 2
        while axis >= 0 {
          counter[axis] += 1
          // An extent of 1 may have any stride: the step past its end is taken back, and nothing is read there.
          start &+= strides[axis]
          if counter[axis] < shape[axis] { break }
          start &-= counter[axis] &* strides[axis]
          counter[axis] = 0
          axis -= 1
        }
        if axis < 0 { return }
      }
    }
  }
}
