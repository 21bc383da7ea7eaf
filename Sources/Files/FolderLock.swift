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
    let descriptor = folder.withSystemPath { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileError(errno, path: folder, action: .read) }
    // Who only asks (`isHeld`) holds it for a moment.
    var patience = 20
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      guard errno == EWOULDBLOCK else { break }
      guard patience > 0 else {
        close(descriptor)
        return nil
      }
      patience -= 1
      usleep(5000)
    }
    self.descriptor = descriptor
  }

  /// Whether a process holds the folder; nil where that cannot be told: it cannot be opened, or its disk has no locks.
  package static func isHeld(_ folder: String) -> Bool? {
    let descriptor = folder.withSystemPath { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_SH | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      return errno == EWOULDBLOCK ? true : nil
    }
    return false
  }

  deinit { close(descriptor) }
}
