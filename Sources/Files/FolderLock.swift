#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder held for one process, by a lock of the system (`flock`): it ends with the object, or with the process, however that ends. Nothing is written. On disks
/// that have no locks nobody is kept out.
package final class FolderLock: Sendable {
  private let descriptor: Int32

  /// Nil where another holds the folder. Throws where it cannot be opened.
  package init?(_ folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(errno, path: folder, action: .read) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      guard errno == EWOULDBLOCK else { break }
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
