import Files
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A folder that goes when the value does.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/files-tests-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

@Suite struct FileReaderTests {
  @Test func readsWhatWasWritten() throws {
    let folder = try Folder()
    for count in [0, 1, 65_535, 65_536, 65_537, 3_000_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try AtomicFile.write(bytes, to: folder.path + "/a")
      #expect(try FileReader.bytes(of: folder.path + "/a", limit: count) == bytes)
      #expect(folder.names == ["a"])
    }
  }

  @Test func refusesAFileOverTheLimit() throws {
    let folder = try Folder()
    let path = folder.path + "/a"
    try AtomicFile.write([1, 2, 3], to: path)
    #expect(throws: FileError.tooLarge(path: path, limit: 2)) { try FileReader.bytes(of: path, limit: 2) }
    #expect(throws: FileError.tooLarge(path: "/dev/zero", limit: 5_000_000)) {
      try FileReader.bytes(of: "/dev/zero", limit: 5_000_000)
    }
  }

  @Test func namesWhatIsMissing() throws {
    let folder = try Folder()
    #expect(throws: FileError.notFound(path: folder.path + "/b")) {
      try FileReader.bytes(of: folder.path + "/b", limit: 10)
    }
    #expect(throws: FileError.isDirectory(path: folder.path)) { try FileReader.bytes(of: folder.path, limit: 10) }
    #expect(FileError.notFound(path: "a\nb").description == "'a\\u{a}b' does not exist; check the path")
  }
}

@Suite struct AtomicFileTests {
  @Test func leavesTheOldFileWithoutCommit() throws {
    let folder = try Folder()
    let path = folder.path + "/a"
    try AtomicFile.write([1], to: path)
    do {
      var file = try AtomicFile(path: path)
      try file.write([2, 3])
      #expect(folder.names.count == 2)
    }
    #expect(folder.names == ["a"])
    #expect(try FileReader.bytes(of: path, limit: 10) == [1])
  }

  @Test func refusesFoldersAndMissingFolders() throws {
    let folder = try Folder()
    #expect(throws: FileError.isDirectory(path: folder.path)) { try AtomicFile.write([1], to: folder.path) }
    let path = folder.path + "/none/a"
    #expect(throws: FileError.noFolder(path: path, folder: folder.path + "/none")) { try AtomicFile.write([1], to: path) }
    #expect(throws: FileError.diskFull(path: "/dev/full")) { try AtomicFile.write([1], to: "/dev/full") }
  }

  @Test func keepsLinksAndPermissions() throws {
    let folder = try Folder()
    let path = folder.path + "/a"
    try AtomicFile.write([1], to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "a")
    try AtomicFile.write([2], to: folder.path + "/link")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/link") == "a")
    #expect(try FileReader.bytes(of: path, limit: 10) == [2])
    let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    #expect(permissions.map { "\($0)" } == "416")
  }

  @Test func writesNamesOfTheLongestLength() throws {
    let folder = try Folder()
    let name = String(repeating: "n", count: 255)
    try AtomicFile.write([7], to: folder.path + "/" + name)
    #expect(folder.names == [name])
  }
}
