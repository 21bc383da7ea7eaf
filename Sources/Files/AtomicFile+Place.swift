#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where the bytes of an `AtomicFile` go.
extension AtomicFile {
  struct Place {
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
      let mode = exists ? status.st_mode & 0o7777 : 0o666
      PartialFile.removeAbandoned(in: folder)
      guard let made = PartialFile.make(in: folder, for: name, mode: mode) else {
        if errno == ENOENT { throw .noFolder(path: path, folder: folder) }
        throw FileError(errno, path: path, action: .write)
      }
      (partial, descriptor) = made
      // The umask took bits from the mode that the replaced file had.
      if exists { _ = fchmod(descriptor, mode) }
    }

    private static func resolved(_ path: String) -> String {
      guard let real = realpath(path, nil) else { return path }
      defer { free(real) }
      return String(cString: real)
    }
  }
}
