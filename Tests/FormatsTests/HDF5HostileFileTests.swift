import Files
import Testing

@testable import Formats

/// Files of some hundred kilobytes whose parts lie over one another, so that each byte would be read thousands of times.
@Suite struct HDF5HostileFileTests {
  /// A file that is put together part by part.
  private struct Builder {
    var bytes: [UInt8] = []

    /// Room for a superblock of version 0, which `file` fills in.
    init() { bytes = [UInt8](repeating: 0, count: 72) }

    static func number(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Appends a part; its address.
    mutating func add(_ part: [UInt8]) -> Int {
      defer { bytes += part }
      return bytes.count
    }

    static func message(_ kind: Int, _ body: [UInt8]) -> [UInt8] {
      number(kind, 2) + number(body.count, 2) + number(0, 4) + body
    }

    /// The file whose root's header holds the messages.
    func file(_ messages: [[UInt8]]) -> [UInt8] {
      var builder = self
      let body = messages.flatMap { $0 }
      let head = [1, 0] + Self.number(messages.count, 2) + Self.number(1, 4) + Self.number(body.count, 4) + Self.number(0, 4)
      let root = builder.add(head + body)
      let start: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0, 0, 8, 8, 0] + Self.number(0, 8)
      let addresses = [0, Int.max, builder.bytes.count, Int.max, 0, root].flatMap { Self.number($0, 8) }
      builder.bytes.replaceSubrange(0..<72, with: start + addresses)
      return builder.bytes
    }

    /// The message of a group whose tree names one table again and again.
    mutating func group(names: [UInt8], members: Int, tables: Int) -> [UInt8] {
      let data = add(names)
      let heap = add(Array("HEAP".utf8) + Self.number(0, 4) + [names.count, 0, data].flatMap { Self.number($0, 8) })
      let entry = [0, data].flatMap { Self.number($0, 8) } + [UInt8](repeating: 0, count: 24)
      let table = add(Array("SNOD".utf8) + [1, 0] + Self.number(members, 2) + (0..<members).flatMap { _ in entry })
      let pairs = (0..<tables).flatMap { _ in Self.number(0, 8) + Self.number(table, 8) }
      let tree = add(Array("TREE".utf8) + [0, 0] + Self.number(tables, 2) + [UInt8](repeating: 0xFF, count: 16) + pairs)
      return Self.message(0x11, [tree, heap].flatMap { Self.number($0, 8) })
    }
  }

  private func problem(_ bytes: [UInt8]) throws -> FormatProblem? {
    let file = try HDF5File(bytes: bytes)
    do throws(FormatError) {
      _ = try file.names()
      return nil
    } catch { return error.problem }
  }

  @Test func `a group of one member is read`() throws {
    var builder = Builder()
    let group = builder.group(names: Array("a\0\0\0".utf8), members: 1, tables: 1)
    #expect(try HDF5File(bytes: builder.file([group])).names() == ["a"])
  }

  @Test func `many names are not one long name`() throws {
    var builder = Builder()
    let group = builder.group(names: [UInt8](repeating: 97, count: 999) + [0], members: 2, tables: 1)
    #expect(try problem(builder.file([group])) == .malformed(.hdf5, part: "the names of a group"))
  }

  @Test func `one table is not many`() throws {
    var builder = Builder()
    let group = builder.group(names: [97, 0] + [UInt8](repeating: 0, count: 200_000), members: 2, tables: 40_000)
    #expect(try problem(builder.file([group])) == .limit(.hdf5, part: "the members of a group", limit: 1 << 16))
  }

  @Test func `pieces of a header do not lie over one another`() throws {
    var builder = Builder()
    let count = 400_000
    let first = builder.add([UInt8](repeating: 0, count: count + 64))
    let messages = (0..<4).map { Builder.message(0x10, Builder.number(first + 8 * $0, 8) + Builder.number(count, 8)) }
    #expect(
      try problem(builder.file(messages))
        == .limit(.hdf5, part: "the header of an object takes too many bytes", limit: 1 << 20))
  }
}
