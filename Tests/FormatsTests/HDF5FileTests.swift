import Files
import Tensors
import Testing

@testable import Formats

/// Files that Tools/make_hdf5_fixtures.py wrote: element i of each data set is i / 4.
@Suite struct HDF5FileTests {
  static let folder = "\(#filePath.prefix(#filePath.count - "/HDF5FileTests.swift".count))/HDF5"

  private func file(_ name: String) throws -> HDF5File { try HDF5File(path: "\(Self.folder)/\(name).h5") }

  private func values(_ extents: [Int]) -> Tensor {
    let shape = Shape(extents)
    return Tensor(shape, (0..<shape.count).map { Float($0) / 4 })
  }

  /// What the error says after the file's name.
  private func line(_ name: String, _ dataset: String) -> String {
    do throws(FormatError) {
      let file = try HDF5File(path: "\(Self.folder)/\(name).h5")
      let dataset = try file.dataset(dataset)
      return "no error: \(dataset.shape)"
    } catch { return error.problem.description }
  }

  @Test(arguments: [
    ("plain", "data", [3, 2]), ("chunked", "data", [10, 1, 3, 3]), ("cut-chunks", "data", [7, 5, 4]),
    ("gzip", "data", [10, 3, 3]),
    ("shuffle-fletcher", "data", [10, 3, 3]), ("fletcher", "data", [10, 31]), ("types", "half", [4, 3]),
    ("types", "double", [4, 3]), ("types", "big", [4, 3]), ("types", "big-double", [4, 3]),
    ("types", "chunked-double", [5, 3]),
    ("types", "group/inner", [2, 2]), ("v108", "data", [10, 1, 3, 3]), ("v108", "contiguous", [3, 2]),
    ("latest", "contiguous", [3, 2]), ("table", "n17", [18]), ("compact", "data", [3, 2]), ("userblock", "data", [5, 2]),
  ])
  func elementsOfEveryRangeOfRows(file name: String, dataset: String, extents: [Int]) throws {
    let whole = values(extents)
    let row = whole.count / extents[0]
    for cache in [0, 1 << 20] {
      let dataset = try file(name).dataset(dataset, cacheByteCount: cache)
      #expect(dataset.shape == Shape(extents))
      for low in 0...extents[0] {
        for high in low...extents[0] {
          let rows = try dataset.rows(low..<high)
          #expect(rows.shape == Shape([high - low] + extents.dropFirst()))
          #expect(rows.floats == Array(whole.floats[low * row..<high * row]), "rows \(low)..<\(high)")
        }
      }
    }
  }

  @Test func namesInTheFile() throws {
    #expect(try file("table").names().sorted() == (0..<30).map { "n\($0)" }.sorted())
    #expect(try file("v108").names().sorted() == ["contiguous", "data"])
    #expect(try file("types").names().contains("integers"))
  }

  @Test func emptyDataset() throws {
    let dataset = try file("sparse").dataset("empty")
    #expect(dataset.shape == [0, 2])
    #expect(try dataset.rows(0..<0).count == 0)
  }

  @Test(arguments: [
    ("plain", "label", "the HDF5 file holds no 'label'; it holds data"),
    ("types", "integers", "the tensor 'integers' of the HDF5 file holds integers, which is not supported; save it as float32"),
    ("types", "text", "the tensor 'text' of the HDF5 file holds text, which is not supported; save it as float32"),
    ("types", "number", "the HDF5 file holds 'number', a single number, which is not read; name a data set with rows"),
    ("types", "group", "the HDF5 file holds 'group', which is no data set, which is not read; name a data set"),
    ("lead-out", "link", "the HDF5 file holds 'link', a link to another name, which is not read; store the data set itself"),
    (
      "lead-out", "elsewhere",
      "the HDF5 file holds 'elsewhere', a link to another file, which is not read; store the data set itself"
    ),
    (
      "lead-out", "outside",
      "the HDF5 file holds 'outside', whose data lie in other files, which is not read; store them in the file itself"
    ),
    ("view", "data", "the HDF5 file holds 'data', a view of other data sets, which is not read; store the data set itself"),
    (
      "named-type", "data",
      "the HDF5 file holds 'data', whose type is one with a name, which is not read; save it as plain float32"
    ),
    (
      "latest", "data",
      "the HDF5 file holds 'data' in chunks of the form of HDF5 1.10, which is not read; save it with h5py's libver='earliest'"
    ),
    (
      "many", "n1",
      "the HDF5 file holds a group of many members in the form of HDF5 1.8, which is not read; save it with h5py's libver='earliest'"
    ),
    ("sparse", "data", "damaged HDF5 file: 2 of the 3 chunks of 'data' were never written; copy or download it again"),
    ("sparse", "huge", "damaged HDF5 file: 'huge' claims more elements than any file holds; copy or download it again"),
    ("sparse", "wide", "damaged HDF5 file: 'wide' claims more chunks than the file can hold; copy or download it again"),
    ("sparse", "unwritten", "damaged HDF5 file: the elements of 'unwritten' were never written; copy or download it again"),
    (
      "packed-otherwise", "data",
      "the HDF5 file holds 'data' packed by filter 32000, which is not read; save it with gzip, or without compression"
    ),
    (
      "packed-otherwise", "scaled",
      "the HDF5 file holds 'scaled' packed by filter 6, which is not read; save it with gzip, or without compression"
    ),
  ])
  func refusals(file: String, dataset: String, expected: String) {
    #expect(line(file, dataset) == expected)
  }

  @Test func otherFilesAreNone() throws {
    for bytes in [[], [1, 2, 3], NPYFile.encoded(values([3])), [UInt8](repeating: 0, count: 5000)] as [[UInt8]] {
      #expect(throws: FormatProblem.notOfFormat(.hdf5)) { try HDF5File(bytes: bytes) }
    }
    #expect(throws: FormatError.self) { try HDF5File(path: Self.folder) }
    #expect(throws: FormatError.self) { try HDF5File(path: Self.folder + "/absent.h5") }
  }

  /// Reads all there is. Whatever the bytes are, this ends in numbers or in an error.
  private func readAll(_ bytes: [UInt8]) -> Bool {
    do {
      let file = try HDF5File(bytes: bytes)
      var isWhole = true
      for name in try file.names() {
        do throws(FormatError) {
          let dataset = try file.dataset(name)
          if dataset.shape.count <= 1 << 16 {
            _ = try dataset.rows(0..<dataset.rowCount)
          } else if dataset.rowCount > 0 {
            _ = try dataset.rows(0..<min(dataset.rowCount, 2))
          }
        } catch { isWhole = false }
      }
      return isWhole
    } catch { return false }
  }

  private static let soundFiles = [
    "plain", "chunked", "cut-chunks", "gzip", "shuffle-fletcher", "fletcher", "types", "v108", "latest", "table", "compact",
    "userblock", "lead-out", "sparse",
  ]

  @Test(arguments: soundFiles) func cutAtAnyLength(name: String) throws {
    let bytes = try FileReader.bytes(of: "\(Self.folder)/\(name).h5", limit: 1 << 20)
    for count in stride(from: 0, to: bytes.count, by: 3) { #expect(!readAll(Array(bytes.prefix(count))), "cut at \(count)") }
  }

  @Test(arguments: ["chunked", "gzip", "types", "v108", "compact", "lead-out"]) func everyByteChanged(name: String) throws {
    let bytes = try FileReader.bytes(of: "\(Self.folder)/\(name).h5", limit: 1 << 20)
    var changed = bytes
    for index in bytes.indices {
      // Most of a file are empty places.
      let values = bytes[index] == 0 ? [0xFF] : [0, 0xFF, bytes[index] ^ 1, bytes[index] ^ 0x10, bytes[index] &+ 1]
      for value in values as [UInt8] {
        changed[index] = value
        _ = readAll(changed)
      }
      changed[index] = bytes[index]
    }
  }

  @Test func severalBytesChanged() throws {
    for (seed, name) in Self.soundFiles.enumerated() {
      let bytes = try FileReader.bytes(of: "\(Self.folder)/\(name).h5", limit: 1 << 20)
      // Most of a file are empty places: those that hold something are changed.
      let places = bytes.indices.filter { bytes[$0] != 0 }
      var generator = SplitMix64(seed: UInt64(seed))
      for _ in 0..<500 {
        var changed = bytes
        for _ in 0..<Int.random(in: 2...8, using: &generator) {
          let place = places.randomElement(using: &generator) ?? 0
          changed[min(max(place + Int.random(in: -2...2, using: &generator), 0), bytes.count - 1)] = .random(
            in: 0...255, using: &generator)
        }
        _ = readAll(changed)
      }
    }
  }
}
