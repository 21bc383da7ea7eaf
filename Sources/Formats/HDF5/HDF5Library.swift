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
  static func load() -> HDF5Library? {
    // A loop: what Swift 6.3 makes of a lazy map traps here.
    for path in candidates { if let library = HDF5Library(path: path) { return library } }
    return nil
  }

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
    // First of all calls, for each opens the library: when the process ends it would write what a failed run left.
    typealias Plain = @convention(c) () -> Status
    typealias Number = UnsafeMutablePointer<UInt32>
    typealias Version = @convention(c) (Number, Number, Number) -> Status
    guard let withoutExit = dlsym(handle, "H5dont_atexit"), (Self.function(withoutExit) as Plain)() >= 0,
      let open = dlsym(handle, "H5open"), (Self.function(open) as Plain)() >= 0,
      let getVersion = dlsym(handle, "H5get_libversion")
    else { return nil }
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    guard (Self.function(getVersion) as Version)(&major, &minor, &release) >= 0, major > 1 || minor >= 10 else { return nil }

    var missing = false
    func address(_ name: String) -> UnsafeMutableRawPointer {
      if let address = dlsym(handle, name) { return address }
      missing = true
      // Never called: the library is not taken.
      return withoutExit
    }
    // The type is that of the property that it becomes.
    func call<Function>(_ name: String) -> Function { Self.function(address(name)) }
    func identifier(_ name: String) -> Identifier {
      let address = address(name)
      return missing ? 0 : address.load(as: Identifier.self)
    }
    createProperties = call("H5Pcreate")
    closeProperties = call("H5Pclose")
    setVersions = call("H5Pset_libver_bounds")
    setLocking = dlsym(handle, "H5Pset_file_locking").map { Self.function($0) }
    setChunk = call("H5Pset_chunk")
    setDeflate = call("H5Pset_deflate")
    setTimes = call("H5Pset_obj_track_times")
    setAllocation = call("H5Pset_alloc_time")
    setFilling = call("H5Pset_fill_time")
    setChunkCache = call("H5Pset_chunk_cache")
    createFile = call("H5Fcreate")
    closeFile = call("H5Fclose")
    createSpace = call("H5Screate_simple")
    closeSpace = call("H5Sclose")
    select = call("H5Sselect_hyperslab")
    createDataset = call("H5Dcreate2")
    closeDataset = call("H5Dclose")
    setExtent = call("H5Dset_extent")
    space = call("H5Dget_space")
    write = call("H5Dwrite")
    setReport = call("H5Eset_auto2")
    float32 = identifier("H5T_IEEE_F32LE_g")
    fileAccess = identifier("H5P_CLS_FILE_ACCESS_ID_g")
    datasetCreation = identifier("H5P_CLS_DATASET_CREATE_ID_g")
    datasetAccess = identifier("H5P_CLS_DATASET_ACCESS_ID_g")
    if missing { return nil }
  }

  /// The address of a function as one of a C function type.
  private static func function<Function>(_ address: UnsafeMutableRawPointer) -> Function {
    unsafeBitCast(address, to: Function.self)
  }

  /// Its own report of an error, of many lines, goes nowhere.
  func keepQuiet() { _ = setReport(0, nil, nil) }
}
