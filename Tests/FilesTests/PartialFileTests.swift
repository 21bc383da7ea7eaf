import Testing

@testable import Files

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

/// What killed processes leave behind goes, and nothing else does.
@Suite struct PartialFileTests {
  private func make(_ name: String, in folder: Folder) throws {
    #expect(FileManager.default.createFile(atPath: "\(folder.path)/\(name)", contents: Data([1])))
  }

  @Test func abandonedFilesAreRemoved() throws {
    let folder = try Folder()
    let boot = PartialFile.boot
    let abandoned = [".a.png.partial-\(boot)-0123abcd", ".b.partial-\(boot)-ffffffff"]
    let others = [
      ".a.png.partial-0123abcd", ".partial-\(boot)-0123abcd", "a.partial-\(boot)-0123abcd", ".a.partial-\(boot)-0123abcg",
      ".a.partial-\(boot)-0123ABCD", ".a.partial-\(boot)-0123abcd.png", ".hidden", "z",
    ]
    for name in abandoned + others { try make(name, in: folder) }
    // A folder and a link of such names are no partial files.
    let odd = [".d.partial-\(boot)-00000001", ".l.partial-\(boot)-00000002"]
    try FileManager.default.createDirectory(atPath: "\(folder.path)/\(odd[0])", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/\(odd[1])", withDestinationPath: "z")
    // One that a living process holds.
    let held = try #require(PartialFile.make(in: folder.path, for: "held", mode: 0o600))
    let heldName = String(held.path.split(separator: "/").last ?? "")
    // The folder may have the number of one that is gone, which was looked through.
    PartialFile.removeAbandoned(in: folder.path, again: true)
    try AtomicFile.write([1], to: folder.path + "/out")
    let expected = others.filter { $0 != ".partial-\(boot)-0123abcd" } + odd + [heldName, "out", ".partial-\(boot)-0123abcd"]
    #expect(folder.names == expected.sorted())
    close(held.descriptor)
  }

  @Test func filesOfAnotherStartAreRemovedFromLocalDisksAlone() throws {
    let mounts = """
      22 1 0:1 / / rw - ext4 /dev/a rw
      23 22 0:2 / /net rw shared:1 - nfs4 host:/x rw
      24 23 0:3 / /net/a\\040b rw - tmpfs t rw
      25 22 0:4 / /net rw - fuse.sshfs host rw
      damaged
      """
    #expect(PartialFile.diskKind(of: "/", mounts: mounts) == "ext4")
    #expect(PartialFile.diskKind(of: "/network", mounts: mounts) == "ext4")
    #expect(PartialFile.diskKind(of: "/net/c", mounts: mounts) == "fuse.sshfs")
    #expect(PartialFile.diskKind(of: "/net/a b/c", mounts: mounts) == "tmpfs")
    #expect(PartialFile.diskKind(of: "/net", mounts: "") == nil)
  }

  /// Many processes in one folder: nobody loses a file, and nothing stays.
  @Test func livingFilesStay() throws {
    let folder = try Folder()
    var files: [(path: String, descriptor: Int32)] = []
    for number in 0..<20 {
      files.append(try #require(PartialFile.make(in: folder.path, for: "\(number)", mode: 0o600)))
      // As another process does it: the folders that this one has seen are not looked through again.
      PartialFile.removeAbandoned(in: folder.path, again: true)
    }
    for file in files { #expect(FileManager.default.fileExists(atPath: file.path)) }
    for file in files.prefix(10) { close(file.descriptor) }
    PartialFile.removeAbandoned(in: folder.path, again: true)
    for (index, file) in files.enumerated() { #expect(FileManager.default.fileExists(atPath: file.path) == (index >= 10)) }
    for file in files.dropFirst(10) { close(file.descriptor) }
  }
}

@Suite struct FileClaimsTests {
  /// The error of a job.
  private func error(_ body: () throws(FileError) -> Void) -> FileError? {
    do throws(FileError) {
      try FileClaims.together(body)
      return nil
    } catch {
      return error
    }
  }

  @Test func whicheverComesSecondIsRefused() throws {
    let folder = try Folder()
    let (a, link, new) = (folder.path + "/a", folder.path + "/link", folder.path + "/new")
    try AtomicFile.write([1, 2], to: a)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a")
    for other in [a, link] {
      #expect(
        error { () throws(FileError) in
          _ = try FileReader.bytes(of: a, limit: 9)
          try FileClaims.writes(other)
        } == .isRead(path: other, as: a))
      #expect(
        error { () throws(FileError) in
          try FileClaims.writes(other)
          _ = try FileReader.bytes(of: a, limit: 9)
        } == .isRead(path: other, as: a))
      #expect(
        error { () throws(FileError) in
          _ = try FileReader.bytes(of: a, limit: 9)
          try AtomicFile.write([3], to: other)
        } == .isRead(path: other, as: a))
    }
    #expect(
      error { () throws(FileError) in
        try FileClaims.writes(a, for: "one")
        try FileClaims.writes(a, for: "one")
        try FileClaims.writes(link, for: "two")
      } == .isWritten(path: link, as: a))
    #expect(
      error { () throws(FileError) in
        try FileClaims.writes(new, for: "one")
        try FileClaims.writes(folder.path + "//new", for: "two")
      } == .isWritten(path: folder.path + "//new", as: new))
    #expect(
      error { () throws(FileError) in
        try FileClaims.writes("/dev/null")
        _ = try FileReader.bytes(of: "/dev/null", limit: 9)
        try AtomicFile.write([1], to: "/dev/null")
      } == nil)
    #expect(try FileReader.bytes(of: a, limit: 9) == [1, 2])
    #expect(folder.names == ["a", "link"])
    // Outside a job a file is read and written as one likes.
    _ = try FileReader.bytes(of: a, limit: 9)
    try AtomicFile.write([4], to: a)
  }

  @Test func anOutputThatIsMadeMeanwhile() throws {
    let folder = try Folder()
    let (a, out) = (folder.path + "/a", folder.path + "/out")
    try AtomicFile.write([1, 2], to: a)
    #expect(
      error { () throws(FileError) in
        _ = try FileReader.bytes(of: a, limit: 9)
        try FileClaims.writes(out)
        var file = try AtomicFile(path: out)
        try file.write([7])
        link(a, out)
        try file.commit()
      } == .isRead(path: out, as: a))
    #expect(folder.names == ["a", "out"])
    #expect(try FileReader.bytes(of: out, limit: 9) == [1, 2])
  }

  @Test func outputsAreWrittenAgain() throws {
    let folder = try Folder()
    let paths = ["a", "b"].map { folder.path + "/" + $0 }
    #expect(
      error { () throws(FileError) in
        for round in UInt8(0)..<20 { for path in paths { try AtomicFile.write([round], to: path) } }
        // A link to what was written.
        link(paths[0], folder.path + "/c")
        try AtomicFile.write([99], to: folder.path + "/c")
      } == .isWritten(path: folder.path + "/c", as: paths[0]))
    #expect(try FileReader.bytes(of: paths[0], limit: 9) == [19])
  }
}

@Suite struct PrintableTextTests {
  @Test func controlsAreWrittenOut() {
    let hostile = "a\u{1B}[2J\u{7}\r\u{9B}31m\u{202E}b\u{2028}\u{200F}\u{E0041}\n\tc"
    #expect(hostile.onOneLine == "a\\u{1b}[2J\\u{7}\\u{d}\\u{9b}31m\\u{202e}b\\u{2028}\\u{200f}\\u{e0041}\\u{a}\\u{9}c")
    #expect(hostile.printable == "a\\u{1b}[2J\\u{7}\\u{d}\\u{9b}31m\\u{202e}b\\u{2028}\\u{200f}\\u{e0041}\n\\u{9}c")
    // A byte that is no UTF-8 is text for whoever reads the JSON.
    #expect("caf\u{F7E9}".printableJSON == "caf\\\\xe9")
    #expect(hostile.printableJSON == "a\\u001b[2J\\u0007\\u000d\\u009b31m\\u202eb\\u2028\\u200f\\udb40\\udc41\n\\u0009c")
    #expect("\r\n".printable == "\\u{d}\n")
    #expect("Grün 図 é".printable == "Grün 図 é")
  }
}
