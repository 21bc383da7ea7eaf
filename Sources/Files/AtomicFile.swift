#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

import Synchronization

/// The partial files that stand at this moment.
private let partialFiles = Mutex<Set<String>>([])

/// A file that appears under its name complete or not at all.
///
/// The bytes go to `.name.partial-XXXXXXXX` in the same folder; `commit` brings them to the disk and renames. Where the value is
/// dropped without `commit`, the partial file is removed and what stood under the name is untouched. A name that is a symbolic
/// link keeps being one: its target is replaced. A device or a pipe (`/dev/stdout`) is written directly.
public struct AtomicFile: ~Copyable {
  /// The path as the caller gave it, for errors.
  public let path: String
  private let target: String
  private let folder: String
  private let partial: String?
  private var descriptor: Int32

  /// Opens the partial file. Throws where the folder is absent or not writable, or `path` is a folder.
  public init(path: String) throws(FileError) {
    let place = try Place(path)
    self.path = path
    target = place.target
    folder = place.folder
    partial = place.partial
    descriptor = place.descriptor
    if let partial { partialFiles.withLock { _ = $0.insert(partial) } }
  }

  /// Removes the partial files of the whole process, which is about to end by a signal. Not for use inside a signal handler.
  public static func removePartialFiles() {
    partialFiles.withLock { for path in $0 { unlink(path) } }
  }

  /// Appends bytes.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let start = bytes.baseAddress.map { $0 + done }
      #if canImport(Glibc)
        let count = Glibc.write(descriptor, start, bytes.count - done)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, start, bytes.count - done)
      #else
        let count = Darwin.write(descriptor, start, bytes.count - done)
      #endif
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(errno, path: path, action: .write)
      }
      done += count
    }
  }

  /// Appends bytes.
  public mutating func write(_ bytes: [UInt8]) throws(FileError) {
    // A typed error does not pass through `withUnsafeBytes` of the standard library.
    var problem: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try write(buffer) } catch { problem = error }
    }
    if let problem { throw problem }
  }

  /// Brings the bytes to the disk and puts the file in its place.
  public consuming func commit() throws(FileError) {
    guard let partial else { return }
    guard fsync(descriptor) == 0, rename(partial, target) == 0 else {
      throw FileError(errno, path: path, action: .write)
    }
    // The rename itself is safe once the folder is; a folder that cannot be synced (some network disks) is no failure.
    let opened = open(folder, O_RDONLY | O_CLOEXEC)
    if opened >= 0 {
      fsync(opened)
      close(opened)
    }
  }

  deinit {
    close(descriptor)
    // After a commit the name is gone and this does nothing.
    if let partial {
      unlink(partial)
      partialFiles.withLock { _ = $0.remove(partial) }
    }
  }

  /// Writes `bytes` as the whole file at `path`, or to standard output where `path` is `-`.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var file = try AtomicFile(path: path == "-" ? "/dev/stdout" : path)
    try file.write(bytes)
    try file.commit()
  }
}

/// Where the bytes go.
private struct Place {
  let target: String
  let folder: String
  var partial: String?
  var descriptor: Int32 = -1

  init(_ path: String) throws(FileError) {
    if path == "/dev/stdout" {
      // As it stands, position and all: where it leads to a file, that file may hold something already.
      (target, folder) = (path, "/dev")
      descriptor = dup(1)
      guard descriptor >= 0 else { throw FileError(errno, path: path, action: .write) }
      return
    }
    var status = stat()
    let exists = stat(path, &status) == 0
    if !exists, errno != ENOENT { throw FileError(errno, path: path, action: .write) }
    if exists, status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory(path: path) }
    guard let last = path.utf8.last, last != UInt8(ascii: "/") else { throw .isDirectory(path: path) }

    let target = exists ? Self.resolved(path) : path
    let slash = target.utf8.lastIndex(of: UInt8(ascii: "/"))
    folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
    self.target = target
    if exists, status.st_mode & S_IFMT != S_IFREG {
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileError(errno, path: path, action: .write) }
      return
    }
    if exists, access(target, W_OK) != 0 { throw FileError(errno, path: path, action: .write) }

    let name = slash.map { String(target[target.index(after: $0)...]) } ?? target
    // A name near the limit of 255 bytes would not fit with the additions; its beginning serves as well.
    let stem = name.utf8.count > 200 ? String(name.prefix(40)) : name
    let mode = exists ? status.st_mode & 0o7777 : 0o666
    for _ in 0..<100 {
      let number = String(UInt32.random(in: 0 ... .max), radix: 16)
      let suffix = String(repeating: "0", count: 8 - number.count) + number
      let candidate = "\(folder == "/" ? "" : folder)/.\(stem).partial-\(suffix)"
      descriptor = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      partial = candidate
      if descriptor >= 0 || errno != EEXIST { break }
    }
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .noFolder(path: path, folder: folder) }
      throw FileError(errno, path: path, action: .write)
    }
    // The umask took bits from the mode that the replaced file had.
    if exists { _ = fchmod(descriptor, mode) }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
