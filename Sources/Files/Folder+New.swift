import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Folders that `createNew` has made, in order.
private let newFolders = Mutex<[String]>([])

extension Folder {
  /// Makes a folder, and those it lies in where they are missing; false where something is called so already. Of several processes that ask at once
  /// one gets true.
  package static func createNew(_ path: String) throws(FileError) -> Bool {
    if let parent = parent(path), parent != path, !exists(parent) {
      // Another may make it at the same time.
      if try !createNew(parent), !exists(parent) { throw .notDirectory(path: parent) }
    }
    guard path.withSystemPath({ mkdir($0, 0o777) }) != 0 else {
      newFolders.withLock { $0.append(path) }
      return true
    }
    let code = errno
    if code == EEXIST { return false }
    if code == ENOENT, let parent = parent(path), exists(parent) { throw .noFilesTaken(path: path, folder: parent) }
    throw FileError(code, path: path, action: .write)
  }

  /// Removes the folders that `createNew` has made and that nothing has been put into: of work that never began.
  package static func removeEmptyNew() {
    newFolders.withLock { paths in
      // Those within first.
      for path in paths.reversed() { _ = path.withSystemPath { rmdir($0) } }
      paths = []
    }
  }
}
