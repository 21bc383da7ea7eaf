import Tensors

/// Where the chunks of a data set lie.
struct HDF5ChunkTable: Sendable {
  struct Chunk: Sendable {
    var address: Int
    var byteCount: Int
    /// A bit for each filter that it was spared.
    var mask: Int
  }

  /// The extents of a chunk, in elements.
  let extents: [Int]
  /// Chunks along each axis.
  let grid: [Int]
  /// Of a chunk when it is unpacked.
  let byteCount: Int
  let filters: HDF5Filters
  /// Row-major over the grid.
  let chunks: [Chunk]

  /// The largest chunk, in bytes.
  private static let chunkLimit = 1 << 28

  init(
    _ layout: inout HDF5Cursor, shape: [Int], elementByteCount: Int, filters: HDF5Filters, name: String, of bytes: HDF5Bytes
  ) throws(FormatProblem) {
    let rank = try layout.number(1)
    let tree = try layout.address()
    guard rank == shape.count + 1 else {
      throw .malformed(.hdf5, part: "the chunks of '\(name)' have another number of extents")
    }
    var extents: [Int] = []
    for _ in shape { extents.append(try layout.number(4)) }
    guard try layout.number(4) == elementByteCount, extents.allSatisfy({ $0 > 0 }) else {
      throw .malformed(.hdf5, part: "the chunks of '\(name)'")
    }
    let size = Shape(extents + [elementByteCount]).checkedCount
    guard let size, size <= Self.chunkLimit else {
      throw .limit(
        .hdf5, part: "a chunk of '\(name)' takes \(size.map(String.init) ?? "countless") bytes", limit: Self.chunkLimit)
    }
    let grid = zip(shape, extents).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
    (self.extents, self.grid, byteCount, self.filters) = (extents, grid, size, filters)
    let keyByteCount = 8 + 8 * rank
    // Each takes a place in the tree: so a claim of too many is seen before memory is taken for them.
    let most = bytes.file.byteCount / (keyByteCount + bytes.addressByteCount)
    guard let count = Shape(grid).checkedCount, count <= most else {
      throw .malformed(.hdf5, part: "'\(name)' claims more chunks than the file can hold")
    }
    var chunks = [Chunk](repeating: Chunk(address: -1, byteCount: 0, mask: 0), count: count)
    var present = 0
    if let tree {
      try HDF5Tree(at: tree, kind: 1, keyByteCount: keyByteCount, part: "the tree of the chunks of '\(name)'", of: bytes)
        .visit { (key, address) throws(FormatProblem) in
          let stored = try key.number(4)
          let mask = try key.number(4)
          var index = 0
          for axis in extents.indices {
            let offset = try key.number(8)
            guard offset % extents[axis] == 0, offset / extents[axis] < grid[axis] else {
              throw .malformed(.hdf5, part: "a chunk of '\(name)' lies outside of it")
            }
            index = index * grid[axis] + offset / extents[axis]
          }
          let (end, overflow) = address.addingReportingOverflow(stored)
          guard !overflow, end <= bytes.file.byteCount - bytes.base else {
            throw .truncated(.hdf5, part: "a chunk of '\(name)'")
          }
          guard chunks[index].address < 0, !filters.filters.isEmpty || stored == size else {
            throw .malformed(.hdf5, part: "the chunks of '\(name)'")
          }
          chunks[index] = Chunk(address: address, byteCount: stored, mask: mask)
          present += 1
        }
    }
    guard present == count else {
      throw .malformed(.hdf5, part: "\(count - present) of the \(count) chunks of '\(name)' were never written")
    }
    self.chunks = chunks
  }
}
