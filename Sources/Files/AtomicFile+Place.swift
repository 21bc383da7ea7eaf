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
      let status = FileStatus(path)
      if status == nil, errno != ENOENT { throw FileError(errno, path: path, action: .write) }
      if let status, status.isFolder { throw .isDirectory(path: path) }
      guard let last = path.utf8.last, last != UInt8(ascii: "/") else { throw .isDirectory(path: path) }

      let target = status == nil ? Folder.destination(path) : Folder.resolved(path) ?? path
      let slash = target.utf8.lastIndex(of: UInt8(ascii: "/"))
      folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
      self.target = target
      if let status, !status.isRegular {
        descriptor = path.withSystemPath { open($0, O_WRONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError(errno, path: path, action: .write) }
        return
      }
      if status != nil, target.withSystemPath({ access($0, W_OK) }) != 0 { throw FileError(errno, path: path, action: .write) }

      let name = slash.map { String(target[target.index(after: $0)...]) } ?? target
      let mode = status?.permissions ?? 0o666
      PartialFile.removeAbandoned(in: folder)
      guard let made = PartialFile.make(in: folder, for: name, mode: mode) else {
        // A folder of the system's own (/proc) is there and takes no files.
        if errno == ENOENT {
          throw Folder.exists(folder) ? .noFilesTaken(path: path, folder: folder) : .noFolder(path: path, folder: folder)
        }
        throw FileError(errno, path: path, action: .write)
      }
      (partial, descriptor) = made
      // The umask took bits from the mode that the replaced file had.
      if status != nil { _ = fchmod(descriptor, mode) }
    }
  }
}
