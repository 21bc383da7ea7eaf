import Files
import Synchronization
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// libhdf5 may be called by one thread at a time. Nil where there is none; loaded at the first call.
private let library = Mutex(HDF5Library.load())

/// Writes float32 data sets that grow by rows, through libhdf5: `[rows, …]` in chunks of some rows, without end along the rows.
///
/// The file appears whole or not at all, is of the oldest form of the format, which every reader knows, and holds no time: the same
/// rows, written in the same order, give the same bytes. Not for use by two threads at once.
public final class HDF5Writer {
  /// What a file will hold under a name.
  public struct Dataset: Hashable, Sendable {
    public var name: String
    /// The extents of one row.
    public var row: Shape

    public init(name: String, row: Shape) {
      self.name = name
      self.row = row
    }
  }

  private let path: String
  private var output: AtomicFile?
  private var file: HDF5Library.Identifier = -1
  private var datasets: [(handle: HDF5Library.Identifier, row: [Int], rowCount: Int)] = []

  /// Opens the partial file.
  ///
  /// - Parameters:
  ///   - chunkRows: the rows of a chunk, at least 1.
  ///   - compression: the level of deflate, 1 to 9; nil to store rows as they are, which alone is quick where they come in any order.
  public init(path: String, datasets: [Dataset], chunkRows: Int, compression: Int? = nil) throws(FormatError) {
    precondition(chunkRows >= 1 && compression.map { (1...9).contains($0) } ?? true, "no such chunks")
    self.path = path
    guard path != "-" else { throw FormatError(source: "standard output", problem: .noStream(.hdf5)) }
    guard library.withLock({ $0 != nil }) else { throw FormatError(source: path, problem: .noLibrary(.hdf5)) }
    let opened: AtomicFile
    do throws(FileError) { opened = try AtomicFile(path: path) } catch {
      throw FormatError(source: path, problem: .file(error))
    }
    guard let partial = opened.partialPath else { throw FormatError(source: path, problem: .noStream(.hdf5)) }
    output = consume opened
    try perform { library in
      let access = library.createProperties(library.fileAccess)
      defer { _ = library.closeProperties(access) }
      // The partial file's own lock is the one that counts.
      guard access >= 0, library.setLocking.map({ $0(access, false, true) >= 0 }) ?? true,
        library.setVersions(access, HDF5Library.earliest, HDF5Library.version18) >= 0
      else { return false }
      file = library.createFile(partial, HDF5Library.truncating, 0, access)
      return file >= 0 && datasets.allSatisfy { create($0, chunkRows: chunkRows, compression: compression, library) }
    }
  }

  private func create(_ dataset: Dataset, chunkRows: Int, compression: Int?, _ library: HDF5Library) -> Bool {
    let row = dataset.row.extents.map { UInt64($0) }
    let rank = Int32(row.count + 1)
    let creation = library.createProperties(library.datasetCreation), access = library.createProperties(library.datasetAccess)
    let space = library.createSpace(rank, [0] + row, [HDF5Library.unlimited] + row)
    defer {
      _ = library.closeProperties(creation)
      _ = library.closeProperties(access)
      _ = library.closeSpace(space)
    }
    guard creation >= 0, access >= 0, space >= 0, library.setChunk(creation, rank, [UInt64(chunkRows)] + row) >= 0,
      library.setTimes(creation, false) >= 0
    else { return false }
    if let compression {
      guard library.setDeflate(creation, UInt32(compression)) >= 0 else { return false }
    } else {
      // Rows that come in any order go straight to their places: chunks lie in order, and none is kept or filled first.
      guard library.setAllocation(creation, HDF5Library.allocatesEarly) >= 0,
        library.setFilling(creation, HDF5Library.neverFills) >= 0, library.setChunkCache(access, 1, 0, 0) >= 0
      else { return false }
    }
    let handle = library.createDataset(file, dataset.name, library.float32, space, 0, creation, access)
    guard handle >= 0 else { return false }
    datasets.append((handle, dataset.row.extents, 0))
    return true
  }

  /// Appends rows to data set `index`. Traps unless the tensor is float32 `[rows, …]` with the extents of its rows.
  public func append(_ rows: Tensor, to index: Int) throws(FormatError) {
    let (start, count) = (datasets[index].rowCount, rows.shape[0])
    precondition(Array(rows.shape.extents.dropFirst()) == datasets[index].row, "\(rows.shape) is no rows of the data set")
    guard count > 0 else { return }
    try extend(index, to: start + count)
    try rows.withUnsafeFloats { (elements) throws(FormatError) in try write(elements, rows: count, at: start, to: index) }
  }

  /// Makes data set `index` longer; what the new rows hold is not known until they are written.
  public func extend(_ index: Int, to rowCount: Int) throws(FormatError) {
    let dataset = datasets[index]
    precondition(rowCount >= dataset.rowCount, "a data set does not become shorter")
    try perform { $0.setExtent(dataset.handle, [UInt64(rowCount)] + dataset.row.map { UInt64($0) }) >= 0 }
    datasets[index].rowCount = rowCount
  }

  /// Writes rows from row `start` on. Traps unless the data set has them, and as many elements come.
  public func write(_ elements: ArraySlice<Float>, rows: Int, at start: Int, to index: Int) throws(FormatError) {
    var problem: FormatError?
    elements.withUnsafeBufferPointer { elements in
      do throws(FormatError) { try write(elements, rows: rows, at: start, to: index) } catch { problem = error }
    }
    if let problem { throw problem }
  }

  private func write(
    _ elements: UnsafeBufferPointer<Float>, rows: Int, at start: Int, to index: Int
  ) throws(FormatError) {
    let (handle, row, rowCount) = datasets[index]
    precondition(start >= 0 && rows >= 0 && start + rows <= rowCount, "the data set has \(rowCount) rows")
    precondition(elements.count == row.reduce(rows, *), "\(elements.count) elements do not fill \(rows) rows")
    guard rows > 0 else { return }
    try perform { library in
      let part = [UInt64(rows)] + row.map { UInt64($0) }
      let space = library.space(handle), memory = library.createSpace(Int32(part.count), part, nil)
      defer {
        _ = library.closeSpace(space)
        _ = library.closeSpace(memory)
      }
      let offset = [UInt64(start)] + [UInt64](repeating: 0, count: row.count)
      guard space >= 0, memory >= 0, library.select(space, HDF5Library.replacesSelection, offset, nil, part, nil) >= 0 else {
        return false
      }
      return library.write(handle, library.float32, memory, space, 0, elements.baseAddress) >= 0
    }
  }

  /// The rows of data set `index` so far.
  public func rowCount(of index: Int) -> Int { datasets[index].rowCount }

  /// Ends the file and puts it in its place.
  public func commit() throws(FormatError) {
    try perform { close($0) }
    do throws(FileError) { try output.take()?.commit() } catch { throw FormatError(source: path, problem: .file(error)) }
  }

  /// Calls libhdf5 alone and in silence; where `body` says that it failed, the system's reason is found.
  private func perform(_ body: (HDF5Library) -> Bool) throws(FormatError) {
    let code: Int32? = library.withLock { library in
      guard let library else { return 0 }
      library.keepQuiet()
      errno = 0
      return body(library) ? nil : errno
    }
    guard let code else { return }
    throw FormatError(
      source: path, problem: code == 0 ? .unwritable(.hdf5) : .file(FileError(code, path: path, action: .write)))
  }

  /// Whether all could be written.
  private func close(_ library: HDF5Library) -> Bool {
    var isGood = true
    for dataset in datasets where library.closeDataset(dataset.handle) < 0 { isGood = false }
    datasets = []
    if file >= 0, library.closeFile(file) < 0 { isGood = false }
    file = -1
    return isGood
  }

  deinit { library.withLock { library in _ = library.map { close($0) } } }
}
