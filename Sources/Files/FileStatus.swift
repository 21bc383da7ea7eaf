#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which file it is, whatever it is called: links, other spellings and redirected streams are seen through.
package struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let node: UInt64

  fileprivate init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    node = UInt64(truncatingIfNeeded: status.st_ino)
  }
}

/// What the system says of a file; there is none, and `errno` says why, where it says nothing.
struct FileStatus {
  private let status: stat

  /// Of what the path leads to, through links.
  init?(_ path: String) {
    var status = stat()
    guard path.withSystemPath({ stat($0, &status) }) == 0 else { return nil }
    self.status = status
  }

  /// Of what stands at the path, be it a link.
  init?(withoutFollowing path: String) {
    var status = stat()
    guard path.withSystemPath({ lstat($0, &status) }) == 0 else { return nil }
    self.status = status
  }

  /// Of an open file.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.status = status
  }

  var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
  var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
  var isLink: Bool { status.st_mode & S_IFMT == S_IFLNK }
  /// Who may do what with it.
  var permissions: mode_t { status.st_mode & 0o7777 }
  var byteCount: Int { Int(status.st_size) }
  var identity: FileIdentity { FileIdentity(status) }
  /// When its bytes were last written, since 1970.
  var writingTime: (seconds: Int, nanoseconds: Int) {
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return (time.tv_sec, time.tv_nsec)
  }
}
