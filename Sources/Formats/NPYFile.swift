import Files
import Tensors

/// NumPy's `.npy` files: one array each.
///
/// Read: versions 1 to 3, either byte order, either element order; f2, f4, f8, b1 and integers of 1 to 8 bytes. Tensors come out
/// row-major, and as float32, int32, int8 or uint8: float64 is rounded, float16 and 16-bit integers widen exactly, 64-bit and
/// unsigned 32-bit integers must fit int32. Source: NumPy, the module `numpy.lib.format`.
public enum NPYFile {
  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 32

  /// The array in its own element type.
  /// - Parameters:
  ///   - shape: what the array must measure, nil for any extent: `[1, 3, nil, nil]`; nil takes any array.
  ///   - element: what it must hold; nil takes any numbers.
  public static func read(
    _ path: String, shape: [Int?]? = nil, element: DataType? = nil
  ) throws(FormatError) -> Tensor {
    do throws(FormatProblem) {
      let bytes = try FileReader.contents(of: path, limit: fileLimit)
      let tensor = try read(bytes: bytes, shape: shape)
      guard let element, tensor.dataType != element else { return tensor }
      throw .elements(tensor: nil, expected: element, stored: try NPYHeader(bytes: bytes).type.name)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// The array of a file's bytes in its own element type; see `read(_:shape:)`.
  public static func read(bytes: [UInt8], shape: [Int?]? = nil) throws(FormatProblem) -> Tensor {
    let header = try checkedHeader(bytes, shape: shape)
    return try ForeignElements(
      type: header.type, isBigEndian: header.isBigEndian, shape: header.shape, strides: header.strides
    ).tensor(from: bytes, header.dataOffset..<bytes.count, name: "array")
  }

  /// The shape of a file's array by its header and its length, without the elements. `-`, which can be read once, has to be read whole.
  public static func shape(of path: String, expecting shape: [Int?]? = nil) throws(FormatError) -> Shape {
    do throws(FormatProblem) {
      let file: RandomAccessFile
      do throws(FileError) {
        file = try RandomAccessFile(path: path, limit: fileLimit, memory: fileLimit)
      } catch {
        throw .file(error)
      }
      let head = file.bytes(NPYHeader.byteLimit + 12, at: 0)
      return Shape(try checkedHeader(head, byteCount: file.byteCount, shape: shape).shape)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// The array as float32, whatever its element type.
  public static func readFloats(_ path: String, shape: [Int?]? = nil) throws(FormatError) -> Tensor {
    try read(path, shape: shape).convertedToFloat32()
  }

  /// The elements in row-major order as Double: exact for float64.
  public static func readDoubles(
    _ path: String, shape: [Int?]? = nil
  ) throws(FormatError) -> (shape: Shape, values: [Double]) {
    do throws(FormatProblem) {
      return try readDoubles(bytes: FileReader.contents(of: path, limit: fileLimit), shape: shape)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// The elements in row-major order as Double, from a file's bytes.
  public static func readDoubles(
    bytes: [UInt8], shape: [Int?]? = nil
  ) throws(FormatProblem) -> (shape: Shape, values: [Double]) {
    let header = try checkedHeader(bytes, shape: shape)
    guard header.type == .float64 else {
      let tensor = try read(bytes: bytes)
      return (tensor.shape, tensor.numbers)
    }
    let shape = Shape(header.shape)
    let strides = header.strides ?? StridedWalk.rowMajorStrides(header.shape) ?? []
    guard shape.count > 0 else { return (shape, []) }
    var values = [Double](repeating: 0, count: shape.count)
    bytes.withUnsafeBytes { buffer in
      StridedWalk(shape: header.shape, strides: strides, offset: 0, count: values.count).visit { position, index in
        let bits = buffer.loadUnaligned(fromByteOffset: header.dataOffset + 8 * index, as: UInt64.self)
        values[position] = Double(bitPattern: header.isBigEndian ? UInt64(bigEndian: bits) : UInt64(littleEndian: bits))
      }
    }
    return (shape, values)
  }

  /// Writes a tensor as version 1.0, whole or not at all; `-` is standard output. bfloat16, which NumPy lacks, becomes float32.
  public static func write(_ tensor: Tensor, to path: String) throws(FormatError) {
    let tensor = tensor.dataType == .bfloat16 ? tensor.convertedToFloat32() : tensor
    do throws(FileError) {
      var file = try AtomicFile(path: path == "-" ? "/dev/stdout" : path)
      try file.write(NPYHeader.encoded(code: tensor.dataType.npyCode, shape: tensor.shape.extents))
      try tensor.withUnsafeBytes { (bytes) throws(FileError) in try file.write(bytes) }
      try file.commit()
    } catch {
      throw FormatError(source: path, problem: .file(error))
    }
  }

  /// The bytes that `write` writes.
  public static func encoded(_ tensor: Tensor) -> [UInt8] {
    let tensor = tensor.dataType == .bfloat16 ? tensor.convertedToFloat32() : tensor
    var result = NPYHeader.encoded(code: tensor.dataType.npyCode, shape: tensor.shape.extents)
    tensor.withUnsafeBytes { result.append(contentsOf: $0) }
    return result
  }

  /// The header, whose shape is that of the data and the caller.
  ///
  /// - Parameter byteCount: of the file, where `bytes` are its beginning.
  private static func checkedHeader(
    _ bytes: [UInt8], byteCount: Int? = nil, shape expected: [Int?]?
  ) throws(FormatProblem) -> NPYHeader {
    let header = try NPYHeader(bytes: bytes)
    // By division: a hostile shape must not overflow the product with the element size.
    guard let count = Shape(header.shape).checkedCount, StridedWalk.rowMajorStrides(header.shape) != nil else {
      throw .malformed(.npy, part: "the shape has more elements than any file holds")
    }
    let available = (byteCount ?? bytes.count) - header.dataOffset
    guard count <= available / header.type.byteCount else { throw .truncated(.npy, part: "the elements") }
    guard count * header.type.byteCount == available else {
      throw .malformed(.npy, part: "\(available - count * header.type.byteCount) bytes after the last element")
    }
    if let expected {
      let fits = expected.count == header.shape.count && zip(expected, header.shape).allSatisfy { $0 == nil || $0 == $1 }
      guard fits else { throw .arrayShape(expected: expected, got: Shape(header.shape)) }
    }
    return header
  }
}

extension NPYHeader {
  /// The distances of neighbours along each axis, in elements; nil for row-major.
  fileprivate var strides: [Int]? {
    guard isFortranOrder, !shape.contains(0) else { return nil }
    var product = 1
    return shape.map { extent in
      defer { product *= extent }
      return product
    }
  }
}

extension DataType {
  fileprivate var npyCode: String {
    switch self {
    case .float32, .bfloat16: "<f4"
    case .float16: "<f2"
    case .int32: "<i4"
    case .int8: "|i1"
    case .uint8: "|u1"
    }
  }
}

extension Tensor {
  /// The same values as float32; integers above 2²⁴ are rounded.
  func convertedToFloat32() -> Tensor {
    if dataType == .float32 { return self }
    return withUnsafeBytes { bytes in
      Tensor(unsafeUninitialized: shape, .float32) { target in
        let floats = target.bindMemory(to: Float.self)
        for index in floats.indices {
          switch dataType {
          case .float32: break
          case .int32: floats[index] = Float(bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
          case .int8: floats[index] = Float(Int8(bitPattern: bytes[index]))
          case .uint8: floats[index] = Float(bytes[index])
          case .float16:
            floats[index] = Float(halfBits: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
          case .bfloat16:
            let half = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            floats[index] = Float(bitPattern: UInt32(half) << 16)
          }
        }
      }
    }
  }
}
