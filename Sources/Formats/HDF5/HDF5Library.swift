#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The calls of libhdf5 that `HDF5Writer` makes, with the types that they have since version 1.10.
///
/// The library is loaded when the first file is written. Linked, it and the thirty libraries that it brings (of networks and
/// their security) would be loaded by every command: five milliseconds beside nine; and the program would not start where they are
/// missing.
struct HDF5Library: Sendable {
  typealias Identifier = Int64
  typealias Status = Int32
  typealias Extents = UnsafePointer<UInt64>?

  let createProperties: @convention(c) (Identifier) -> Identifier
  let closeProperties: @convention(c) (Identifier) -> Status
  let setVersions: @convention(c) (Identifier, _ low: Int32, _ high: Int32) -> Status
  /// Nil before 1.10.7: the environment alone decides then.
  let setLocking: (@convention(c) (Identifier, Bool, Bool) -> Status)?
  let setChunk: @convention(c) (Identifier, Int32, Extents) -> Status
  let setDeflate: @convention(c) (Identifier, UInt32) -> Status
  let setTimes: @convention(c) (Identifier, Bool) -> Status
  let setAllocation: @convention(c) (Identifier, Int32) -> Status
  let setFilling: @convention(c) (Identifier, Int32) -> Status
  let setChunkCache: @convention(c) (Identifier, Int, Int, Double) -> Status
  let createFile: @convention(c) (UnsafePointer<CChar>, UInt32, Identifier, Identifier) -> Identifier
  let closeFile: @convention(c) (Identifier) -> Status
  let createSpace: @convention(c) (Int32, Extents, Extents) -> Identifier
  let closeSpace: @convention(c) (Identifier) -> Status
  let select: @convention(c) (Identifier, Int32, Extents, Extents, Extents, Extents) -> Status
  let createDataset:
    @convention(c) (
      Identifier, UnsafePointer<CChar>, _ type: Identifier, _ space: Identifier, Identifier, _ creation: Identifier,
      _ access: Identifier
    ) -> Identifier
  let closeDataset: @convention(c) (Identifier) -> Status
  let setExtent: @convention(c) (Identifier, Extents) -> Status
  let space: @convention(c) (Identifier) -> Identifier
  let write:
    @convention(c) (
      Identifier, _ type: Identifier, _ memory: Identifier, _ file: Identifier, Identifier, UnsafeRawPointer?
    ) -> Status
  private let setReport: @convention(c) (Identifier, UnsafeRawPointer?, UnsafeRawPointer?) -> Status

  /// float32 with the low byte first.
  let float32: Identifier
  /// Kinds of properties.
  let fileAccess: Identifier
  let datasetCreation: Identifier
  let datasetAccess: Identifier

  // Numbers that its headers give names.

  /// What stands at a file's place is dropped.
  static let truncating: UInt32 = 2
  /// The oldest form of the format, and that of 1.8.
  static let earliest: Int32 = 0, version18: Int32 = 1
  static let allocatesEarly: Int32 = 1
  static let neverFills: Int32 = 1
  static let replacesSelection: Int32 = 0
  static let unlimited = UInt64.max

  /// Nil where there is no libhdf5 that serves.
  static func load() -> HDF5Library? { candidates.lazy.compactMap { HDF5Library(path: $0) }.first }

  private static var candidates: [String] {
    #if canImport(Darwin)
      return ["", "/opt/homebrew/lib/", "/usr/local/lib/"].map { $0 + "libhdf5.dylib" }
    #else
      // Without a number where headers are installed, too; else by what the systems of these years have.
      return ["", ".320", ".310", ".200", ".103", ".100"].flatMap { ["libhdf5_serial.so\($0)", "libhdf5.so\($0)"] }
    #endif
  }

  private init?(path: String) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else { return nil }
    func address(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }
    func call<T>(_ name: String, _: T.Type = T.self) -> T? { address(name).map { unsafeBitCast($0, to: T.self) } }
    func identifier(_ name: String) -> Identifier? { address(name)?.load(as: Identifier.self) }

    typealias Version =
      @convention(c) (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>) -> Status
    typealias Plain = @convention(c) () -> Status
    var version: (UInt32, UInt32, UInt32) = (0, 0, 0)
    // First of all calls, for each opens the library: when the process ends it would write what a failed run left.
    guard let withoutExit = call("H5dont_atexit", Plain.self), withoutExit() >= 0, let open = call("H5open", Plain.self),
      open() >= 0, let getVersion = call("H5get_libversion", Version.self),
      getVersion(&version.0, &version.1, &version.2) >= 0, version.0 > 1 || version.1 >= 10,
      let createProperties: @convention(c) (Identifier) -> Identifier = call("H5Pcreate"),
      let closeProperties: @convention(c) (Identifier) -> Status = call("H5Pclose"),
      let setVersions: @convention(c) (Identifier, Int32, Int32) -> Status = call("H5Pset_libver_bounds"),
      let setChunk: @convention(c) (Identifier, Int32, Extents) -> Status = call("H5Pset_chunk"),
      let setDeflate: @convention(c) (Identifier, UInt32) -> Status = call("H5Pset_deflate"),
      let setTimes: @convention(c) (Identifier, Bool) -> Status = call("H5Pset_obj_track_times"),
      let setAllocation: @convention(c) (Identifier, Int32) -> Status = call("H5Pset_alloc_time"),
      let setFilling: @convention(c) (Identifier, Int32) -> Status = call("H5Pset_fill_time"),
      let setChunkCache: @convention(c) (Identifier, Int, Int, Double) -> Status = call("H5Pset_chunk_cache"),
      let createFile: @convention(c) (UnsafePointer<CChar>, UInt32, Identifier, Identifier) -> Identifier = call("H5Fcreate"),
      let closeFile: @convention(c) (Identifier) -> Status = call("H5Fclose"),
      let createSpace: @convention(c) (Int32, Extents, Extents) -> Identifier = call("H5Screate_simple"),
      let closeSpace: @convention(c) (Identifier) -> Status = call("H5Sclose"),
      let select: @convention(c) (Identifier, Int32, Extents, Extents, Extents, Extents) -> Status = call(
        "H5Sselect_hyperslab"),
      let createDataset:
        @convention(c) (Identifier, UnsafePointer<CChar>, Identifier, Identifier, Identifier, Identifier, Identifier) ->
          Identifier =
        call("H5Dcreate2"), let closeDataset: @convention(c) (Identifier) -> Status = call("H5Dclose"),
      let setExtent: @convention(c) (Identifier, Extents) -> Status = call("H5Dset_extent"),
      let space: @convention(c) (Identifier) -> Identifier = call("H5Dget_space"),
      let write: @convention(c) (Identifier, Identifier, Identifier, Identifier, Identifier, UnsafeRawPointer?) -> Status =
        call("H5Dwrite"),
      let setReport: @convention(c) (Identifier, UnsafeRawPointer?, UnsafeRawPointer?) -> Status = call("H5Eset_auto2"),
      let float32 = identifier("H5T_IEEE_F32LE_g"), let fileAccess = identifier("H5P_CLS_FILE_ACCESS_ID_g"),
      let datasetCreation = identifier("H5P_CLS_DATASET_CREATE_ID_g"),
      let datasetAccess = identifier("H5P_CLS_DATASET_ACCESS_ID_g")
    else { return nil }
    setLocking = call("H5Pset_file_locking")
    (self.createProperties, self.closeProperties, self.setVersions) = (createProperties, closeProperties, setVersions)
    (self.setChunk, self.setDeflate, self.setTimes, self.setAllocation) = (setChunk, setDeflate, setTimes, setAllocation)
    (self.setFilling, self.setChunkCache, self.createFile, self.closeFile) = (setFilling, setChunkCache, createFile, closeFile)
    (self.createSpace, self.closeSpace, self.select) = (createSpace, closeSpace, select)
    (self.createDataset, self.closeDataset, self.setExtent) = (createDataset, closeDataset, setExtent)
    (self.space, self.write, self.setReport) = (space, write, setReport)
    (self.float32, self.fileAccess, self.datasetCreation, self.datasetAccess) =
      (float32, fileAccess, datasetCreation, datasetAccess)
  }

  /// Its own report of an error, of many lines, goes nowhere.
  func keepQuiet() { _ = setReport(0, nil, nil) }
}
