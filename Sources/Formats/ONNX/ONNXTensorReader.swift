import Files
import ONNXProto
import SwiftProtobuf
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Makes constants of the tensors of a file.
///
/// Everything is checked before memory is taken: a tensor never has more elements than the file holds for it.
struct ONNXTensorReader {
  /// The file, for data that lie beside it; nil where there is none.
  let path: String?
  private var external: [String: [UInt8]] = [:]
  /// The size of the files beside the model that were read.
  private(set) var externalByteCount = 0

  init(path: String?) { self.path = path }

  mutating func constant(_ proto: ONNXTensorProto) throws(ONNXProblem) -> ONNXConstant {
    let name = proto.name.isEmpty ? "of a node" : proto.name
    let shape = try shape(proto, name: name)
    guard let type = ONNXTensorProto.DataType(rawValue: Int(proto.dataType)), let element = type.element else {
      throw .tensor(name, reason: "holds elements of type \(proto.dataType), which is not supported; export it as float32")
    }
    guard element.isFloat || shape.count <= ONNXNumbers.limit else {
      throw .tensor(name, reason: "holds \(shape.count) integers; tables of integers are not supported")
    }
    if type == .double, proto.dataLocation != .external, let numbers = try doubles(proto, shape: shape, name: name) {
      return .numbers(numbers)
    }
    if proto.dataLocation == .external {
      return try constant(bytes: externalData(proto, name: name)[...], element: element, shape: shape, name: name)
    }
    if proto.hasRawData {
      return try constant(bytes: [UInt8](proto.rawData)[...], element: element, shape: shape, name: name)
    }
    return try typed(proto, type: type, shape: shape, name: name)
  }

  /// Few numbers in double precision, such as sizes are reckoned with; nil where there are many, which are weights.
  private func doubles(_ proto: ONNXTensorProto, shape: Shape, name: String) throws(ONNXProblem) -> ONNXNumbers? {
    guard shape.count <= 16 else { return nil }
    var values = proto.doubleData
    if proto.hasRawData {
      let bytes = [UInt8](proto.rawData)
      values = bytes.withUnsafeBytes { buffer in
        (0..<buffer.count / 8).map { index in
          Double(bitPattern: UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)))
        }
      }
    }
    guard values.count == shape.count else {
      throw .tensor(name, reason: "is \(shape) and has \(values.count) elements, not \(shape.count)")
    }
    return ONNXNumbers(shape: shape.extents, values: values.map { Extent($0) }, kind: .double)
  }

  func shape(_ proto: ONNXTensorProto, name: String) throws(ONNXProblem) -> Shape {
    guard proto.dims.count <= 16 else { throw .tensor(name, reason: "has \(proto.dims.count) axes; at most 16 are read") }
    for dim in proto.dims where dim < 0 || dim > 1 << 36 { throw .tensor(name, reason: "has an extent of \(dim)") }
    let shape = Shape(proto.dims.map(Int.init))
    // Extents of 0 do not hide how large the others are.
    guard let bound = Shape(shape.extents.map { max($0, 1) }).checkedCount, bound <= 1 << 36 else {
      throw .tensor(name, reason: "has too many elements: \(shape)")
    }
    return shape
  }

  /// From the bytes of the elements, little-endian.
  private func constant(
    bytes: ArraySlice<UInt8>, element: ElementType, shape: Shape, name: String
  ) throws(ONNXProblem) -> ONNXConstant {
    guard bytes.count == shape.count * element.byteCount else {
      throw .tensor(name, reason: "is \(shape) and has \(bytes.count) bytes, not \(shape.count * element.byteCount)")
    }
    if element == .int64 || element == .uint32 {
      return .numbers(ONNXNumbers(shape: shape.extents, values: Self.wide(bytes, element)))
    }
    var foreign = ForeignElements(type: element, shape: shape.extents)
    foreign.widensBFloat16 = true
    let elements = foreign
    let made: Tensor? = bytes.withUnsafeBytes { buffer in
      do throws(ForeignElements.Fault) { return try elements.tensor(from: buffer) } catch { return nil }
    }
    guard let made else { throw .tensor(name, reason: "does not lie inside its data") }
    return element.isFloat ? .floats(made) : .numbers(Self.numbers(made))
  }

  private static func wide(_ bytes: ArraySlice<UInt8>, _ element: ElementType) -> [Extent] {
    bytes.withUnsafeBytes { buffer in
      (0..<buffer.count / element.byteCount).map { index in
        let place = index * element.byteCount
        return element == .int64
          ? Extent(Double(Int64(littleEndian: buffer.loadUnaligned(fromByteOffset: place, as: Int64.self))))
          : Extent(Double(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: place, as: UInt32.self))))
      }
    }
  }

  private static func numbers(_ tensor: Tensor) -> ONNXNumbers {
    let values: [Extent] = tensor.withUnsafeBytes { bytes in
      switch tensor.dataType {
      case .int32: bytes.bindMemory(to: Int32.self).map { Extent(Int($0)) }
      case .int8: bytes.bindMemory(to: Int8.self).map { Extent(Int($0)) }
      case .uint8, .float16, .bfloat16, .float32: bytes.map { Extent(Int($0)) }
      }
    }
    return ONNXNumbers(shape: tensor.shape.extents, values: values)
  }

  /// From the field of the type.
  private func typed(
    _ proto: ONNXTensorProto, type: ONNXTensorProto.DataType, shape: Shape, name: String
  ) throws(ONNXProblem) -> ONNXConstant {
    func check(_ count: Int) throws(ONNXProblem) {
      guard count == shape.count else {
        throw .tensor(name, reason: "is \(shape) and has \(count) elements, not \(shape.count)")
      }
    }
    switch type {
    case .float:
      try check(proto.floatData.count)
      return .floats(Tensor(shape, proto.floatData))
    case .double:
      try check(proto.doubleData.count)
      return .floats(Tensor(shape, proto.doubleData.map(Float.init)))
    case .float16:
      try check(proto.int32Data.count)
      return .floats(Tensor(shape, proto.int32Data.map { Float(halfBits: UInt16(truncatingIfNeeded: $0)) }))
    case .bfloat16:
      try check(proto.int32Data.count)
      return .floats(
        Tensor(shape, proto.int32Data.map { Float(bitPattern: UInt32(UInt16(truncatingIfNeeded: $0)) << 16) }))
    case .int64:
      try check(proto.int64Data.count)
      return .numbers(ONNXNumbers(shape: shape.extents, values: proto.int64Data.map { Extent(Double($0)) }))
    case .uint32:
      try check(proto.uint64Data.count)
      return .numbers(ONNXNumbers(shape: shape.extents, values: proto.uint64Data.map { Extent(Double($0)) }))
    case .int32, .int16, .int8, .uint16, .uint8, .bool:
      try check(proto.int32Data.count)
      return .numbers(ONNXNumbers(shape: shape.extents, values: proto.int32Data.map { Extent(Int($0)) }))
    case .undefined, .string, .uint64, .complex64, .complex128:
      throw .tensor(name, reason: "holds elements of a type that is not supported; export it as float32")
    }
  }

  /// The bytes that a tensor has in a file beside the model.
  mutating func externalData(_ proto: ONNXTensorProto, name: String) throws(ONNXProblem) -> ArraySlice<UInt8> {
    var entries: [String: String] = [:]
    for entry in proto.externalData { entries[entry.key] = entry.value }
    guard let location = entries["location"] else { throw .externalData(tensor: name, reason: "it is not named") }
    let bytes: [UInt8]
    if let known = external[location] {
      bytes = known
    } else {
      bytes = try read(location, tensor: name)
      external[location] = bytes
      externalByteCount += bytes.count
    }
    let offset = Int(entries["offset"] ?? "0") ?? -1
    guard offset >= 0, offset <= bytes.count, let length = Int(entries["length"] ?? "\(bytes.count - offset)"),
      length >= 0, length <= bytes.count - offset
    else { throw .externalData(tensor: name, reason: "'\(location)' ends before it; copy it again") }
    return bytes[offset..<offset + length]
  }

  private func read(_ location: String, tensor: String) throws(ONNXProblem) -> [UInt8] {
    guard let path, path != "-" else {
      throw .externalData(tensor: tensor, reason: "'\(location)' is not at hand; give the model as a file")
    }
    guard let sibling = SiblingFile.path(of: location, beside: path) else {
      throw .externalData(tensor: tensor, reason: "'\(location)' is no file in the folder of the model")
    }
    do throws(FileError) {
      return try FileReader.bytes(of: sibling, limit: ONNXFile.fileLimit)
    } catch {
      throw .externalData(tensor: tensor, reason: error.description)
    }
  }
}

extension ONNXTensorProto.DataType {
  /// The type of the elements in raw data; nil where it is not read.
  fileprivate var element: ElementType? {
    switch self {
    case .float: .float32
    case .double: .float64
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int64: .int64
    case .int32: .int32
    case .uint32: .uint32
    case .int16: .int16
    case .uint16: .uint16
    case .int8: .int8
    case .uint8, .bool: .uint8
    case .undefined, .string, .uint64, .complex64, .complex128: nil
    }
  }
}

extension ElementType {
  var isFloat: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    case .int64, .int32, .uint32, .int16, .uint16, .int8, .uint8: false
    }
  }
}
