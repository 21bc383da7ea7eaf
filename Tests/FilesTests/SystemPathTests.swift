import Testing

@testable import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Names are bytes: whatever they are, they come back.
@Suite struct SystemPathTests {
  @Test func everyNameHasOneForm() {
    var generator = SystemRandomNumberGenerator()
    var seen: [String: [UInt8]] = [:]
    let texts = ["a", "é", "e\u{301}", "\u{F7E9}", "\u{301}", "😀", "/", "\n"]
    let strange: [[UInt8]] = [[0xE9], [0xC3], [0x80], [0xFF], [0xE2, 0x82], [0xF0, 0x9F], [0xED, 0xA0, 0x80]]
    // Letters, halves of sequences, accents, and what stands for bytes itself.
    let parts: [[UInt8]] = texts.map { Array($0.utf8) } + strange
    for _ in 0..<50_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...6, using: &generator) { bytes += parts.randomElement(using: &generator) ?? [] }
      let path = String(systemPath: bytes)
      let copied: [UInt8] = path.withSystemPath { pointer in
        var copy: [UInt8] = []
        while pointer[copy.count] != 0 { copy.append(UInt8(bitPattern: pointer[copy.count])) }
        return copy
      }
      #expect(copied == bytes)
      #expect(path.systemPathBytes == bytes)
      if let other = seen[path], other != bytes {
        // Equal strings of other bytes are spellings of one text.
        #expect(String(decoding: other, as: UTF8.self) == String(decoding: bytes, as: UTF8.self))
      }
      seen[path] = bytes
    }
    #expect(String(systemPath: Array("größe".utf8)) == "größe")
    #expect(String(systemPath: [0x63, 0xE9]).onOneLine == "c\\xe9")
  }

  @Test func filesOfAnyName() throws {
    let folder = "/tmp/system-path-\(UInt64.random(in: 0 ... .max))"
    try Files.Folder.create(folder)
    defer {
      if let names = try? Files.Folder.names(in: folder) {
        for name in names { _ = Files.Folder.joined(folder, name).withSystemPath { unlink($0) } }
      }
      rmdir(folder)
    }
    let texts = ["é", "e\u{301}", "\u{301}a", "a\nb"]
    let names: [[UInt8]] = [[0x63, 0xE9], [0x63, 0xE8]] + texts.map { Array($0.utf8) }
    for (index, name) in names.enumerated() {
      try AtomicFile.write([UInt8(index)], to: Files.Folder.joined(folder, String(systemPath: name) + ".x"))
    }
    let found = try Files.Folder.names(in: folder)
    #expect(found.count == names.count)
    let suffix: [UInt8] = Array(".x".utf8)
    let expected: Set<[UInt8]> = Set(names.map { (name: [UInt8]) -> [UInt8] in name + suffix })
    #expect(Set(found.map(\.systemPathBytes)) == expected)
    for (index, name) in names.enumerated() {
      let path = Files.Folder.joined(folder, String(systemPath: name) + ".x")
      #expect(try FileReader.bytes(of: path, limit: 10) == [UInt8(index)])
      #expect(Files.Folder.parent(path) == folder)
      #expect(Files.Folder.split(path).stem.systemPathBytes == name)
      #expect(Files.Folder.name(path).systemPathBytes == name + Array(".x".utf8))
    }
  }
}
