import Tensors

/// What the header of a data set says: shape, type of the elements, and where they lie.
struct HDF5DatasetDescription: Sendable {
  enum Storage: Sendable {
    /// In the header itself.
    case inHeader([UInt8])
    /// In one piece.
    case contiguous(Int)
    case chunked(HDF5ChunkTable)
  }

  let shape: [Int]
  let type: ElementType
  let isBigEndian: Bool
  let storage: Storage

  init(_ header: HDF5ObjectHeader, name: String, of bytes: HDF5Bytes) throws(FormatProblem) {
    guard var space = try header.body(.dataspace, of: name), var type = try header.body(.datatype, of: name),
      var layout = try header.body(.layout, of: name)
    else { throw .unsupported(.hdf5, part: "'\(name)', which is no data set", mend: "name a data set") }
    guard !header.messages.contains(where: { $0.kind == .externalFiles }) else {
      throw .unsupported(.hdf5, part: "'\(name)', whose data lie in other files", mend: "store them in the file itself")
    }
    shape = try Self.extents(&space, name)
    (self.type, isBigEndian) = try Self.elementType(&type, name)
    let count = Shape(shape).checkedCount
    guard let count, case (let byteCount, let overflow) = count.multipliedReportingOverflow(by: self.type.byteCount), !overflow
    else { throw .malformed(.hdf5, part: "'\(name)' claims more elements than any file holds") }
    let filters = try header.body(.filters, of: name).map { (body) throws(FormatProblem) in try HDF5Filters(body, name: name) }

    let version = try layout.number(1)
    guard version == 3 || version == 4 else {
      throw .unsupported(.hdf5, part: "'\(name)' in layout \(version)", mend: HDF5Bytes.mend)
    }
    switch try layout.number(1) {
    case 0:
      let size = try layout.number(2)
      guard size >= byteCount else { throw .truncated(.hdf5, part: "'\(name)'") }
      storage = .inHeader(Array(try layout.take(byteCount)))
    case 1:
      let address = try layout.address()
      guard byteCount > 0 else {
        storage = .contiguous(0)
        break
      }
      guard let address else { throw .malformed(.hdf5, part: "the elements of '\(name)' were never written") }
      guard try layout.length() >= byteCount else {
        throw .malformed(.hdf5, part: "the size of '\(name)' is not that of its elements")
      }
      let (end, overflow) = address.addingReportingOverflow(byteCount)
      guard !overflow, end <= bytes.file.byteCount - bytes.base else {
        throw .truncated(.hdf5, part: "the elements of '\(name)'")
      }
      storage = .contiguous(address)
    case 2 where version == 3:
      storage = .chunked(
        try HDF5ChunkTable(
          &layout, shape: shape, elementByteCount: self.type.byteCount, filters: filters ?? HDF5Filters(), name: name, of: bytes
        ))
    case 2:
      throw .unsupported(.hdf5, part: "'\(name)' in chunks of the form of HDF5 1.10", mend: HDF5Bytes.mend)
    case 3:
      throw .unsupported(.hdf5, part: "'\(name)', a view of other data sets", mend: "store the data set itself")
    case let kind:
      throw .malformed(.hdf5, part: "the layout \(kind) of '\(name)'")
    }
  }

  private static func extents(_ body: inout HDF5Cursor, _ name: String) throws(FormatProblem) -> [Int] {
    let version = try body.number(1)
    let rank = try body.number(1)
    // Whether maximal extents follow.
    try body.skip(1)
    switch version {
    case 1: try body.skip(5)
    case 2:
      guard try body.number(1) != 2 else {
        throw .unsupported(.hdf5, part: "'\(name)', a data set of nothing", mend: "name another data set")
      }
    default: throw .malformed(.hdf5, part: "the extents of '\(name)'")
    }
    guard rank <= 32 else { throw .malformed(.hdf5, part: "'\(name)' has \(rank) extents") }
    guard rank > 0 else { throw .unsupported(.hdf5, part: "'\(name)', a single number", mend: "name a data set with rows") }
    var extents: [Int] = []
    for _ in 0..<rank { extents.append(try body.length()) }
    return extents
  }

  private static let kinds = [
    "integers", "floating-point numbers", "times", "text", "bits", "bytes without a type", "records", "references",
    "enumerations", "lists", "arrays",
  ]

  /// The type of the elements: IEEE 754, of 2, 4 or 8 bytes.
  private static func elementType(
    _ body: inout HDF5Cursor, _ name: String
  ) throws(FormatProblem) -> (ElementType, isBigEndian: Bool) {
    let kind = try body.number(1) & 15
    guard kind == 1 else {
      guard kinds.indices.contains(kind) else { throw .malformed(.hdf5, part: "the type of '\(name)'") }
      throw .unsupportedType(.hdf5, tensor: name, type: kinds[kind])
    }
    let flags = try body.number(3)
    let byteCount = try body.number(4)
    var layout: [Int] = []
    for width in [2, 2, 1, 1, 1, 1, 4] { layout.append(try body.number(width)) }
    // First bit and bits; exponent's place and bits; fraction's place and bits; bias. The sign is the highest bit.
    let known: [(ElementType, [Int])] = [
      (.float16, [0, 16, 10, 5, 0, 10, 15]), (.float32, [0, 32, 23, 8, 0, 23, 127]), (.float64, [0, 64, 52, 11, 0, 52, 1023]),
    ]
    guard let match = known.first(where: { $0.0.byteCount == byteCount && $0.1 == layout }), flags >> 16 == 0,
      flags >> 8 & 0xFF == 8 * byteCount - 1, flags & 0x40 == 0
    else {
      throw .unsupportedType(.hdf5, tensor: name, type: "floating-point numbers of \(byteCount) bytes that are not IEEE 754's")
    }
    return (match.0, flags & 1 == 1)
  }
}
