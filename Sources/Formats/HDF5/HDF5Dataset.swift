import Files
import Tensors

/// A data set of floating-point numbers in an HDF5 file, whose rows (extent 0) are read when they are asked for.
///
/// Any number of threads may read at once.
public final class HDF5Dataset: Sendable {
  public let name: String
  /// Rows first.
  public let shape: Shape
  private let description: HDF5DatasetDescription
  private let path: String
  private let bytes: HDF5Bytes
  /// Unpacked chunks.
  private let cache: BoundedCache<Int, [UInt8]>

  init(_ description: HDF5DatasetDescription, name: String, path: String, of bytes: HDF5Bytes, cacheByteCount: Int) {
    self.name = name
    self.description = description
    self.path = path
    self.bytes = bytes
    cache = BoundedCache(byteCount: cacheByteCount)
    shape = Shape(description.shape)
  }

  /// The number of rows.
  public var rowCount: Int { shape[0] }

  /// Some rows as a float32 tensor: `shape` with as many rows; float64 is rounded. Traps where there are no such rows.
  ///
  /// Cost: the bytes of the rows, and of packed chunks all that the rows touch.
  public func rows(_ rows: Range<Int>) throws(FormatError) -> Tensor {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "the data set has no rows \(rows)")
    do throws(FormatProblem) { return try read(rows) } catch { throw FormatError(source: path, problem: error) }
  }

  private func read(_ rows: Range<Int>) throws(FormatProblem) -> Tensor {
    var extents = description.shape
    extents[0] = rows.count
    let type = description.type
    // No overflow: the whole has been counted.
    let byteCount = Shape(extents).count * type.byteCount
    guard byteCount < 1 << 20 || MemoryLimit.allows(3 * byteCount) else { throw .file(.memory(path: path)) }
    if type == .float32, !description.isBigEndian {
      var problem: FormatProblem?
      let tensor = Tensor(unsafeUninitialized: Shape(extents)) { target in
        do throws(FormatProblem) { try read(rows, into: target) } catch { problem = error }
      }
      if let problem { throw problem }
      return tensor
    }
    var problem: FormatProblem?
    let raw = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      do throws(FormatProblem) {
        try read(rows, into: UnsafeMutableRawBufferPointer(target))
        count = byteCount
      } catch {
        problem = error
        count = 0
      }
    }
    if let problem { throw problem }
    return try ForeignElements(type: type, isBigEndian: description.isBigEndian, shape: extents)
      .tensor(from: raw, raw.indices, name: name)
  }

  /// Writes the rows' bytes, as the file has them, into `target`, which they fill.
  private func read(_ rows: Range<Int>, into target: UnsafeMutableRawBufferPointer) throws(FormatProblem) {
    guard let base = target.baseAddress, !target.isEmpty else { return }
    let rowByteCount = target.count / rows.count
    switch description.storage {
    case .inHeader(let elements):
      elements.withUnsafeBytes { source in
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount]))
      }
    case .contiguous(let address):
      try read(target.count, at: address + rows.lowerBound * rowByteCount, into: base)
    case .chunked(let table):
      let cut = HDF5ChunkCut(table, shape: description.shape, elementByteCount: description.type.byteCount)
      for index in cut.chunks(of: rows) {
        if table.filters.filters.isEmpty {
          try cut.pieces(of: index, rows: rows) { (piece) throws(FormatProblem) in
            try read(piece.count, at: table.chunks[index].address + piece.source, into: base + piece.target)
          }
        } else {
          let chunk = try unpackedChunk(index, table)
          try cut.pieces(of: index, rows: rows) { (piece) throws(FormatProblem) in
            chunk.withUnsafeBytes { source in
              let part = UnsafeRawBufferPointer(rebasing: source[piece.source..<piece.source + piece.count])
              UnsafeMutableRawBufferPointer(start: base + piece.target, count: piece.count).copyMemory(from: part)
            }
          }
        }
      }
    }
  }

  private func read(_ count: Int, at address: Int, into target: UnsafeMutableRawPointer) throws(FormatProblem) {
    guard bytes.file.read(count, at: bytes.base + address, into: target) == count else {
      throw .truncated(.hdf5, part: "the elements of '\(name)'")
    }
  }

  private func unpackedChunk(_ index: Int, _ table: HDF5ChunkTable) throws(FormatProblem) -> [UInt8] {
    try cache.value(index, size: \.count) { () throws(FormatProblem) in
      let place = table.chunks[index]
      let stored = bytes.file.bytes(place.byteCount, at: bytes.base + place.address)
      guard stored.count == place.byteCount else { throw .truncated(.hdf5, part: "the elements of '\(name)'") }
      return try table.filters.unpacked(
        stored, mask: place.mask, byteCount: table.byteCount, elementByteCount: description.type.byteCount, name: name)
    }
  }
}

/// Which bytes of chunks are which of rows.
struct HDF5ChunkCut {
  let table: HDF5ChunkTable
  let shape: [Int]
  let elementByteCount: Int
  /// From this axis on chunks are as wide as the data set: their elements follow each other in both.
  private let firstWholeAxis: Int

  init(_ table: HDF5ChunkTable, shape: [Int], elementByteCount: Int) {
    (self.table, self.shape, self.elementByteCount) = (table, shape, elementByteCount)
    var axis = shape.count
    while axis > 1, table.extents[axis - 1] == shape[axis - 1] { axis -= 1 }
    firstWholeAxis = axis
  }

  /// The chunks that rows touch, in the order of the table.
  func chunks(of rows: Range<Int>) -> Range<Int> {
    guard let first = rows.first, let last = rows.last else { return 0..<0 }
    let layer = table.grid.dropFirst().reduce(1, *)
    return first / table.extents[0] * layer..<(last / table.extents[0] + 1) * layer
  }

  struct Piece {
    /// Where it begins in the chunk and in the rows, in bytes.
    var source: Int
    var target: Int
    var count: Int
  }

  /// Calls `body` with the pieces that lie together in the chunk and in the rows.
  func pieces(
    of chunk: Int, rows: Range<Int>, _ body: (Piece) throws(FormatProblem) -> Void
  ) throws(FormatProblem) {
    let rank = shape.count
    // What of the chunk is wanted, in elements of the data set.
    var low = [Int](repeating: 0, count: rank), high = low, origin = low
    var rest = chunk
    for axis in (0..<rank).reversed() {
      origin[axis] = rest % table.grid[axis] * table.extents[axis]
      rest /= table.grid[axis]
      let wanted = axis == 0 ? rows : 0..<shape[axis]
      low[axis] = max(origin[axis], wanted.lowerBound)
      high[axis] = min(origin[axis] + table.extents[axis], wanted.upperBound)
      if low[axis] >= high[axis] { return }
    }
    // The axis along which pieces are cut; those behind it are whole.
    let inner = firstWholeAxis - 1
    let tail = shape[firstWholeAxis...].reduce(elementByteCount, *)
    let count = (high[inner] - low[inner]) * tail
    var position = low
    while true {
      var source = 0, target = 0
      for axis in 0...inner {
        source = source * table.extents[axis] + position[axis] - origin[axis]
        target = target * shape[axis] + position[axis] - (axis == 0 ? rows.lowerBound : 0)
      }
      try body(Piece(source: source * tail, target: target * tail, count: count))
      var axis = inner - 1
      while axis >= 0 {
        position[axis] += 1
        if position[axis] < high[axis] { break }
        position[axis] = low[axis]
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
