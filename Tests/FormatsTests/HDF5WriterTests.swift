import Files
import Synchronization
import Tensors
import Testing

@testable import Formats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct HDF5WriterTests {
  private func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<count { group.addTask { body(index) } }
    }
  }

  private func rows(_ count: Int, _ row: [Int], seed: UInt64) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor(uniform: Shape([count] + row), bound: 1, using: &generator)
  }

  private func write(_ parts: [Tensor], to path: String, chunkRows: Int, compression: Int?) throws {
    let row = Shape(Array(parts[0].shape.extents.dropFirst()))
    let writer = try HDF5Writer(
      path: path, datasets: [.init(name: "data", row: row), .init(name: "label", row: row)], chunkRows: chunkRows,
      compression: compression)
    for part in parts {
      try writer.append(part, to: 0)
      try writer.append(part, to: 1)
    }
    #expect(writer.rowCount(of: 1) == parts.reduce(0) { $0 + $1.shape[0] })
    try writer.commit()
  }

  @Test(arguments: [1, 3, 64], [nil, 1, 9] as [Int?]) func readsBackInAnyParts(chunkRows: Int, compression: Int?) throws {
    let folder = try Folder()
    let whole = rows(70, [1, 5, 3], seed: 3)
    for cuts in [[70], [1, 69], [3, 0, 7, 60], Array(repeating: 1, count: 70)] {
      var start = 0
      let parts = cuts.map { count in
        defer { start += count }
        return Tensor([count, 1, 5, 3], Array(whole.floats[start * 15..<(start + count) * 15]))
      }
      try write(parts, to: folder.path + "/\(cuts.count).h5", chunkRows: chunkRows, compression: compression)
      let file = try HDF5File(path: folder.path + "/\(cuts.count).h5")
      #expect(try file.names() == ["data", "label"])
      for name in ["data", "label"] {
        let dataset = try file.dataset(name)
        #expect(dataset.shape == [70, 1, 5, 3])
        #expect(try dataset.rows(0..<70) == whole)
        #expect(try dataset.rows(13..<17).floats == Array(whole.floats[13 * 15..<17 * 15]))
      }
    }
    // However they came, the same rows make the same file.
    try write([whole], to: folder.path + "/again.h5", chunkRows: chunkRows, compression: compression)
    let first = try FileReader.bytes(of: folder.path + "/1.h5", limit: 1 << 24)
    #expect(try FileReader.bytes(of: folder.path + "/again.h5", limit: 1 << 24) == first)
    #expect(folder.names == ["1.h5", "2.h5", "4.h5", "70.h5", "again.h5"])
  }

  @Test func manyChunksMakeATreeOfLevels() throws {
    let folder = try Folder()
    let whole = rows(5000, [2], seed: 5)
    try write([whole], to: folder.path + "/a.h5", chunkRows: 1, compression: nil)
    let dataset = try HDF5File(path: folder.path + "/a.h5").dataset("label")
    #expect(try dataset.rows(0..<5000) == whole)
  }

  @Test func nothingIsLeftWithoutCommit() throws {
    let folder = try Folder()
    try AtomicFile.write([1, 2, 3], to: folder.path + "/a.h5")
    do {
      let writer = try HDF5Writer(path: folder.path + "/a.h5", datasets: [.init(name: "data", row: [4])], chunkRows: 2)
      try writer.append(rows(3, [4], seed: 1), to: 0)
      // A partial file stands beside it.
      #expect((try? FileReader.bytes(of: folder.path + "/a.h5", limit: 100)) == [1, 2, 3])
    }
    #expect(folder.names == ["a.h5"])
    #expect(try FileReader.bytes(of: folder.path + "/a.h5", limit: 100) == [1, 2, 3])
  }

  @Test func refusals() throws {
    let folder = try Folder()
    func line(_ path: String) -> String {
      do throws(FormatError) {
        _ = try HDF5Writer(path: path, datasets: [.init(name: "data", row: [4])], chunkRows: 2)
        return "no error"
      } catch { return error.description }
    }
    #expect(line(folder.path + "/b/a.h5").hasSuffix("because the folder '\(folder.path)/b' does not exist; create it first"))
    #expect(line(folder.path).hasSuffix("is a folder, where a file belongs; name a file, or move the folder away"))
    #expect(
      line("/dev/null")
        == "'/dev/null': the HDF5 file is not written from front to back; give the name of a file to write it to")
  }

  @Test func threadsReadAtOnce() async throws {
    let folder = try Folder()
    let whole = rows(200, [7], seed: 9)
    for compression in [nil, 1] as [Int?] {
      try write([whole], to: folder.path + "/a.h5", chunkRows: 16, compression: compression)
      let dataset = try HDF5File(path: folder.path + "/a.h5").dataset("data", cacheByteCount: 2000)
      let wrong = Mutex(0)
      await concurrently(4) { thread in
        for index in 0..<200 {
          let row = (index * 37 + thread * 11) % 200
          let read = try? dataset.rows(row..<row + 1)
          if read?.floats != Array(whole.floats[row * 7..<row * 7 + 7]) { wrong.withLock { $0 += 1 } }
        }
      }
      #expect(wrong.withLock { $0 } == 0)
    }
  }

  @Test func writersOfSeveralThreads() async throws {
    let folder = try Folder()
    let failures = Mutex(0), path = folder.path
    await concurrently(3) { thread in
      do {
        for turn in 0..<5 {
          try write(
            [rows(20, [3], seed: 7), rows(9, [3], seed: 8)], to: "\(path)/\(thread)-\(turn).h5", chunkRows: 4, compression: 1)
        }
      } catch { failures.withLock { $0 += 1 } }
    }
    #expect(failures.withLock { $0 } == 0)
    #expect(folder.names.count == 15)
  }
}
