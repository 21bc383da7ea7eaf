import Formats
import GeneratedNetworks
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// HDF5: rows that are read one by one are those of the whole, and no file takes more memory than it may.
struct HDF5Target: FuzzTarget {
  let name = "hdf5"
  let sizeLimit = 8192

  /// What is read of one data set.
  private static let elementLimit = 1 << 20

  func run(_ bytes: [UInt8]) {
    guard let file = made({ try HDF5File(bytes: bytes) }), let names = made({ try file.names() }) else { return }
    for name in names.prefix(8) {
      guard let dataset = made({ try file.dataset(name, cacheByteCount: 1 << 16) }) else { continue }
      promise(dataset.shape.rank > 0 && dataset.shape.checkedCount != nil, "a data set of \(dataset.shape)")
      guard dataset.shape.count <= Self.elementLimit else { continue }
      let whole = made { try dataset.rows(0..<dataset.rowCount) }
      if let whole { promise(whole.shape == dataset.shape, "rows of \(whole.shape) of a data set of \(dataset.shape)") }
      for row in [0, dataset.rowCount / 2, dataset.rowCount - 1] where (0..<dataset.rowCount).contains(row) {
        guard let one = made({ try dataset.rows(row..<row + 1) }), let whole else { continue }
        let size = one.count
        let same = whole.withUnsafeFloats { whole in
          one.withUnsafeFloats { one in one.indices.allSatisfy { one[$0].bitPattern == whole[row * size + $0].bitPattern } }
        }
        promise(same, "row \(row) is another than in the whole")
      }
    }
  }

  /// The files of the tests: libhdf5 alone makes so many kinds.
  func seeds() throws -> [[UInt8]] {
    let root = #filePath.prefix(#filePath.count - "/Fuzzing/Targets/HDF5Target.swift".count)
    let folder = "\(root)/Tests/FormatsTests/HDF5"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .map { Array(try Data(contentsOf: URL(filePath: "\(folder)/\($0)"))) }.filter { $0.count <= sizeLimit }
  }

  let dictionary = ["\u{89}HDF\r\n\u{1A}\n", "OHDR", "OCHK", "TREE", "SNOD", "HEAP", "data", "label"]
}
