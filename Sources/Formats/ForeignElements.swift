import Files
import Tensors

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

  /// The tensor, contiguous. Throws before anything is allocated where an element lies outside `bytes`.
  ///
  /// No more elements than `bytes` holds, or `repeatLimit`, are made, so that a few bytes cannot be repeated into a large tensor.
  func tensor(from bytes: UnsafeRawBufferPointer) throws(Fault) -> Tensor {
    guard shape.allSatisfy({ $0 >= 0 }), offset >= 0, let rowMajor = StridedWalk.rowMajorStrides(shape) else {
      throw .outOfBounds
    }
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
    let walk = StridedWalk(shape: shape.extents, strides: strides, offset: offset, count: count)
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
}

extension ForeignElements {
  /// The tensor of elements that lie in a part of a file; `name` is what errors call it.
  func tensor(from bytes: [UInt8], _ part: Range<Int>, name: String) throws(FormatProblem) -> Tensor {
    try bytes.withBytes { (bytes) throws(FormatProblem) in
      do throws(Fault) {
        return try tensor(from: UnsafeRawBufferPointer(rebasing: bytes[part]))
      } catch {
        throw error.problem(tensor: name)
      }
    }
  }
}

extension ForeignElements.Fault {
  func problem(tensor: String) -> FormatProblem {
    switch self {
    case .outOfBounds: .outOfBounds(tensor: tensor)
    case .integerRange: .integerRange(tensor: tensor)
    }
  }
}
