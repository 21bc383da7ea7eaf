import CHDF5
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

/// libhdf5 may be called by one thread at a time. False where it cannot be used at all.
private let library = Mutex<Bool>(
  {
    // Files are closed here, not when the process ends: then the library would write what a failed run left.
    H5dont_atexit()
    return H5open() >= 0
  }())

/// Writes float32 data sets that grow by rows, through libhdf5: `[rows, …]` in chunks of some rows, without end along the rows.
///
/// The file appears whole or not at all, is of the oldest form of the format, which every reader knows, and holds no time: the same
/// rows give the same bytes. Not for use by two threads at once.
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
  private var file: hid_t = -1
  private var datasets: [(handle: hid_t, row: [Int], rowCount: Int)] = []
  private let names: [String]

  /// Opens the partial file.
  ///
  /// - Parameters:
  ///   - chunkRows: the rows of a chunk, at least 1.
  ///   - compression: the level of deflate, 1 to 9; nil to store rows as they are.
  public init(path: String, datasets: [Dataset], chunkRows: Int, compression: Int? = nil) throws(FormatError) {
    precondition(chunkRows >= 1 && compression.map { (1...9).contains($0) } ?? true, "no such chunks")
    self.path = path
    names = datasets.map(\.name)
    let opened: AtomicFile
    do throws(FileError) { opened = try AtomicFile(path: path) } catch {
      throw FormatError(source: path, problem: .file(error))
    }
    guard let partial = opened.partialPath else { throw FormatError(source: path, problem: .noStream(.hdf5)) }
    output = consume opened
    try perform {
      let access = H5Pcreate(hdf5_file_access())
      defer { H5Pclose(access) }
      // The partial file's own lock is the one that counts.
      guard access >= 0, hdf5_take_no_lock(access) >= 0,
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0
      else { return false }
      // 2: what is there is dropped.
      file = H5Fcreate(partial, 2, 0, access)
      guard file >= 0 else { return false }
      return datasets.allSatisfy { create($0, chunkRows: chunkRows, compression: compression) }
    }
  }

  private func create(_ dataset: Dataset, chunkRows: Int, compression: Int?) -> Bool {
    let row = dataset.row.extents.map { hsize_t($0) }
    let properties = H5Pcreate(hdf5_dataset_creation())
    let space = H5Screate_simple(Int32(row.count + 1), [0] + row, [hsize_t.max] + row)
    defer {
      H5Pclose(properties)
      H5Sclose(space)
    }
    guard properties >= 0, space >= 0, H5Pset_chunk(properties, Int32(row.count + 1), [hsize_t(chunkRows)] + row) >= 0,
      H5Pset_obj_track_times(properties, false) >= 0, compression.map({ H5Pset_deflate(properties, UInt32($0)) >= 0 }) ?? true
    else { return false }
    let handle = H5Dcreate2(file, dataset.name, hdf5_float32(), space, 0, properties, 0)
    guard handle >= 0 else { return false }
    datasets.append((handle, dataset.row.extents, 0))
    return true
  }

  /// Appends rows to data set `index`. Traps unless the tensor is float32 `[rows, …]` with the extents of its rows.
  public func append(_ rows: Tensor, to index: Int) throws(FormatError) {
    let (handle, row, start) = datasets[index]
    precondition(Array(rows.shape.extents.dropFirst()) == row, "\(rows.shape) is no rows of \(Shape(row))")
    let count = rows.shape[0]
    guard count > 0 else { return }
    try rows.withUnsafeFloats { (elements) throws(FormatError) in
      try perform {
        let extents = row.map { hsize_t($0) }
        guard H5Dset_extent(handle, [hsize_t(start + count)] + extents) >= 0 else { return false }
        let space = H5Dget_space(handle)
        let memory = H5Screate_simple(Int32(row.count + 1), [hsize_t(count)] + extents, nil)
        defer {
          H5Sclose(space)
          H5Sclose(memory)
        }
        let offset = [hsize_t(start)] + [hsize_t](repeating: 0, count: row.count)
        guard space >= 0, memory >= 0,
          H5Sselect_hyperslab(space, H5S_SELECT_SET, offset, nil, [hsize_t(count)] + extents, nil) >= 0
        else { return false }
        return H5Dwrite(handle, hdf5_float32(), memory, space, 0, elements.baseAddress) >= 0
      }
    }
    datasets[index].rowCount += count
  }

  /// The rows of data set `index` so far.
  public func rowCount(of index: Int) -> Int { datasets[index].rowCount }

  /// Ends the file and puts it in its place.
  public func commit() throws(FormatError) {
    try perform { close() }
    do throws(FileError) { try output.take()?.commit() } catch { throw FormatError(source: path, problem: .file(error)) }
  }

  /// Calls libhdf5 alone and in silence; where `body` says that it failed, the system's reason is found.
  private func perform(_ body: () -> Bool) throws(FormatError) {
    let code: Int32? = library.withLock { isUsable in
      guard isUsable else { return 0 }
      // The library's own report, of many lines, goes nowhere.
      H5Eset_auto2(0, nil, nil)
      errno = 0
      return body() ? nil : errno
    }
    guard let code else { return }
    throw FormatError(
      source: path, problem: code == 0 ? .unwritable(.hdf5) : .file(FileError(code, path: path, action: .write)))
  }

  /// Whether all could be written.
  private func close() -> Bool {
    var isGood = true
    for dataset in datasets where H5Dclose(dataset.handle) < 0 { isGood = false }
    datasets = []
    if file >= 0, H5Fclose(file) < 0 { isGood = false }
    file = -1
    return isGood
  }

  deinit { library.withLock { _ in _ = close() } }
}
