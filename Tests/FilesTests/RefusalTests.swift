import Files
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Places that take no file: each is one error of the right kind, and nothing is left behind.
@Suite struct RefusalTests {
  @Test(.enabled(if: geteuid() != 0, "root may write into any folder"))
  func unwritableFolder() throws {
    let folder = try Folder()
    try AtomicFile.write([1], to: folder.path + "/a")
    #expect(chmod(folder.path, 0o555) == 0)
    defer { chmod(folder.path, 0o755) }
    for name in ["a", "b"] {
      let path = folder.path + "/" + name
      #expect(throws: FileError.notPermitted(path: path, action: .write)) { try AtomicFile.write([2], to: path) }
    }
    #expect(folder.names == ["a"])
    #expect(try FileReader.bytes(of: folder.path + "/a", limit: 1) == [1])
  }

  @Test(.enabled(if: geteuid() != 0, "root may read and write any file"))
  func unwritableAndUnreadableFile() throws {
    let folder = try Folder()
    let path = folder.path + "/a"
    try AtomicFile.write([1], to: path)
    #expect(chmod(path, 0o444) == 0)
    // A rename would replace it all the same: the permission of the file itself is honoured.
    #expect(throws: FileError.notPermitted(path: path, action: .write)) { try AtomicFile.write([2], to: path) }
    #expect(try FileReader.bytes(of: path, limit: 1) == [1])
    #expect(chmod(path, 0) == 0)
    #expect(throws: FileError.notPermitted(path: path, action: .read)) { try FileReader.bytes(of: path, limit: 1) }
  }

  #if os(Linux)
    @Test(.enabled(if: Disk.isAllowed, "mounting a small disk needs root"))
    func fullDisk() throws {
      let disk = try Disk()
      let path = disk.path + "/a"
      let old = [UInt8](repeating: 7, count: 5000)
      try AtomicFile.write(old, to: path)
      for size in [Disk.byteCount, 1 << 22] {
        #expect(throws: FileError.diskFull(path: path)) { try AtomicFile.write([UInt8](repeating: 1, count: size), to: path) }
        #expect(disk.names == ["a"])
        #expect(try FileReader.bytes(of: path, limit: 1 << 20) == old)
      }
      // What was taken for the attempt is free again.
      try AtomicFile.write([UInt8](repeating: 2, count: 20_000), to: disk.path + "/b")
      #expect(disk.names == ["a", "b"])
      #expect(FileError.diskFull(path: "x").description.contains("\n") == false)
    }

    @Test(.enabled(if: Disk.isAllowed, "mounting a small disk needs root"))
    func readOnlyDisk() throws {
      let disk = try Disk()
      let path = disk.path + "/a"
      try AtomicFile.write([1], to: path)
      try disk.makeReadOnly()
      for path in [path, disk.path + "/b"] {
        #expect(throws: FileError.notPermitted(path: path, action: .write)) { try AtomicFile.write([2], to: path) }
      }
      #expect(disk.names == ["a"])
      #expect(try FileReader.bytes(of: path, limit: 1) == [1])
    }
  #endif
}

#if os(Linux)
  /// A disk of 64 KiB in memory, gone with the value.
  private final class Disk {
    static let byteCount = 65_536
    private let folder: Folder
    var path: String { folder.path }
    var names: [String] { folder.names }

    /// Whether the process may mount: a root in a container often may not.
    static let isAllowed = geteuid() == 0 && (try? Disk()) != nil

    struct Refused: Error { let code: Int32 }

    init() throws {
      folder = try Folder()
      guard mount("tmpfs", folder.path, "tmpfs", 0, "size=\(Self.byteCount)") == 0 else { throw Refused(code: errno) }
    }

    func makeReadOnly() throws {
      guard mount("tmpfs", folder.path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
        throw Refused(code: errno)
      }
    }

    deinit { umount(folder.path) }
  }
#endif
