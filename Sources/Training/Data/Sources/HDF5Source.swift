import Files
import Formats
import Tensors

/// The rows of two data sets of an HDF5 file: inputs and targets, as `PatchFile` and the VDSR project's script make them.
public struct HDF5Source: SampleSource {
  private let path: String
  private let inputs: HDF5Dataset
  private let targets: HDF5Dataset

  public init(
    path: String, inputs: String = "data", targets: String = "label", cacheByteCount: Int = 1 << 29
  ) throws(DataError) {
    self.path = path
    let (first, second) = try wrapping { () throws(FormatError) in
      let file = try HDF5File(path: path)
      return (
        try file.dataset(inputs, cacheByteCount: cacheByteCount / 2),
        try file.dataset(targets, cacheByteCount: cacheByteCount / 2)
      )
    }
    guard first.rowCount == second.rowCount, first.rowCount > 0 else {
      throw .rowCounts(path: path, inputs: first.shape, targets: second.shape)
    }
    (self.inputs, self.targets) = (first, second)
  }

  public var count: Int { inputs.rowCount }
  public var files: [DataFile] { [DataFile(name: Folder.name(path), path: path)] }

  /// Below this many rows a warning is given.
  static let fewRows = 1000

  public var warnings: [String] {
    count < Self.fewRows ? ["\(count) samples are little to learn from (\(Self.fewRows) or more are better)"] : []
  }

  public func sample(_ key: SampleKey) throws(DataError) -> Sample {
    func row(_ dataset: HDF5Dataset) throws(DataError) -> Tensor {
      let tensor = try wrapping { () throws(FormatError) in try dataset.rows(key.index..<key.index + 1) }
      return tensor.reshaped(Shape(Array(dataset.shape.extents.dropFirst())))
    }
    return Sample(input: try row(inputs), target: try row(targets))
  }
}
