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
/// How many outputs have been put in their places.
private let committed = Atomic(0)

/// A file that appears under its name complete or not at all.
///
/// The bytes go to a `PartialFile` in the same folder; `commit` brings them to the disk and renames. Where the value is
/// dropped without `commit`, the partial file is removed and what stood under the name is untouched. A name that is a symbolic
/// link keeps being one: its target is replaced. A device or a pipe (`/dev/stdout`) is written directly. Inside
/// `FileClaims.together` a file that is read, or is another output, is refused, at the opening and again before the renaming.
public struct AtomicFile: ~Copyable {
  /// The path as the caller gave it, for errors.
  public let path: String
  private let target: String
  private let folder: String
  private let partial: String?
  private let descriptor: Int32
  private let claims: FileClaims?

  /// Opens the partial file. Throws where the folder is absent or not writable, or `path` is a folder.
  public init(path: String) throws(FileError) {
    claims = FileClaims.current
    try claims?.write(path)
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
    partialFiles.withLock { for path in $0 { _ = path.withSystemPath { unlink($0) } } }
  }

  /// How many files this process has put in their places inside `FileClaims.together`; what is kept apart, such as caches, is none.
  package static var writtenCount: Int { committed.load(ordering: .relaxed) }

  /// Appends bytes.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    let descriptor = descriptor
    try writeAll(bytes) { left, _ in
      #if canImport(Glibc)
        return Glibc.write(descriptor, left.baseAddress, left.count)
      #elseif canImport(Musl)
        return Musl.write(descriptor, left.baseAddress, left.count)
      #else
        return Darwin.write(descriptor, left.baseAddress, left.count)
      #endif
    }
  }

  /// Whether what is written to the path would go to a partial file.
  package static func isPartial(_ path: String) -> Bool {
    path != "-" && path != "/dev/stdout" && FileStatus(path)?.isRegular ?? true
  }

  /// Whether the bytes go to a partial file, so that they may be written in any order, and nothing is seen of them before
  /// `commit`; a device or a pipe takes them at once.
  package var isPartial: Bool { partial != nil }

  /// Where the bytes go until `commit`, for libraries that open files by name; nil for a device or a pipe.
  package var partialPath: String? { partial }

  /// Writes bytes from `offset` on. Only where `isPartial`.
  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FileError) {
    precondition(isPartial, "a device takes bytes in their order")
    let descriptor = descriptor
    try writeAll(bytes) { left, done in pwrite(descriptor, left.baseAddress, left.count, off_t(offset + done)) }
  }

  /// Calls `part`, which writes some of the bytes that it is given and says how many, until all are written.
  private func writeAll(
    _ bytes: UnsafeRawBufferPointer, _ part: (_ left: UnsafeRawBufferPointer, _ done: Int) -> Int
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = part(UnsafeRawBufferPointer(rebasing: bytes[done...]), done)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(errno, path: path, action: .write)
      }
      done += count
    }
  }

  /// Appends bytes.
  public mutating func write(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withBytes { (bytes) throws(FileError) in try write(bytes) }
  }

  /// Notes on the file who makes it (`FileMark`), where its disk can; nothing of a device.
  package func mark(maker: String) { if isPartial { FileMark.set(descriptor, maker: maker) } }

  /// Brings the bytes to the disk and puts the file in its place.
  public consuming func commit() throws(FileError) {
    guard let partial else { return }
    guard fsync(descriptor) == 0 else { throw FileError(errno, path: path, action: .write) }
    // Again: what stands there now may have been made since.
    try claims?.write(path)
    guard partial.withSystemPath({ from in target.withSystemPath { rename(from, $0) } }) == 0 else {
      let code = errno
      // Somebody has taken away the folder, or the partial file in it: the path is no more to blame than before.
      guard code == ENOENT else { throw FileError(code, path: path, action: .write) }
      throw Folder.exists(folder) ? .system(path: path, action: .write, code: code) : .noFolder(path: path, folder: folder)
    }
    if let claims {
      claims.wrote(path, descriptor)
      committed.add(1, ordering: .relaxed)
    }
    // The rename itself is safe once the folder is; a folder that cannot be synced (some network disks) is no failure.
    let opened = folder.withSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
    if opened >= 0 {
      fsync(opened)
      close(opened)
    }
  }

  deinit {
    close(descriptor)
    // After a commit the name is gone and this does nothing.
    if let partial {
      _ = partial.withSystemPath { unlink($0) }
      partialFiles.withLock { _ = $0.remove(partial) }
    }
  }

  /// Writes `bytes` as the whole file at `path`, or to standard output where `path` is `-`.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) { try write(bytes, to: path, maker: nil) }

  /// The same, with the mark of its maker where there is one.
  package static func write(_ bytes: [UInt8], to path: String, maker: String?) throws(FileError) {
    var file = try AtomicFile(path: path == "-" ? "/dev/stdout" : path)
    try file.write(bytes)
    if let maker { file.mark(maker: maker) }
    try file.commit()
  }

  /// Removes a file that this process has written; nothing where there is none.
  public static func remove(_ path: String) { _ = path.withSystemPath { unlink($0) } }
}
