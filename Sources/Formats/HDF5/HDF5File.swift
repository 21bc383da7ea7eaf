import Files
import Tensors

/// An HDF5 file whose data sets of floating-point numbers are read by rows.
///
/// Read: data sets that lie in one piece or in chunks, of float16, float32 or float64 in either byte order, plain or packed with
/// deflate, shuffle and Fletcher's checksum; groups of up to some thousand members; files of HDF5 1.6 and later that are
/// not written for the newest readers alone (h5py's `libver='latest'`). Nothing leads out of the file: links to other files, data
/// kept in them and views of other data sets are refused, as are filters that plug-ins bring.
///
/// `HDF5Writer` writes through libhdf5; files are read here, because one changed byte of a file is enough to end a program that
/// opens it with libhdf5, and because its calls wait for each other, where many threads read samples at once.
/// - Source: The HDF Group, HDF5 File Format Specification Version 3.0.
public final class HDF5File: Sendable {
  /// The file as it was named.
  public let path: String
  private let bytes: HDF5Bytes
  private let root: Int

  /// Opens a file. Cost: a few reads; the data sets are looked up when they are asked for.
  public convenience init(path: String) throws(FormatError) {
    do throws(FormatProblem) {
      let file: RandomAccessFile
      do throws(FileError) { file = try RandomAccessFile(path: path, limit: .max, memory: 1 << 30) } catch {
        throw .file(error)
      }
      try self.init(file)
    } catch {
      throw FormatError(source: path, problem: error)
    }
  }

  /// Opens the bytes of a file.
  package convenience init(bytes: [UInt8], path: String = "file") throws(FormatProblem) {
    try self.init(RandomAccessFile(bytes, path: path))
  }

  private init(_ file: RandomAccessFile) throws(FormatProblem) {
    path = file.path
    (bytes, root) = try HDF5Bytes.open(file)
  }

  /// The names of what the file holds at its root, in the order of the file.
  public func names() throws(FormatError) -> [String] {
    try named { () throws(FormatProblem) in
      try HDF5Group(HDF5ObjectHeader(at: root, of: bytes), of: bytes).members.map(\.name)
    }
  }

  /// The data set of a name; `a/b` is `b` in the group `a`. Its chunks are looked up here, at a cost that grows with their number.
  ///
  /// - Parameter cacheByteCount: the most memory to keep unpacked chunks in; those that are not packed are read from the file.
  public func dataset(_ name: String, cacheByteCount: Int = 1 << 28) throws(FormatError) -> HDF5Dataset {
    try named { () throws(FormatProblem) in
      var header = try HDF5ObjectHeader(at: root, of: bytes)
      for part in name.split(separator: "/") {
        let group = try HDF5Group(header, of: bytes)
        guard let member = group.members.first(where: { $0.name == part }) else {
          throw .noMember(.hdf5, name: name, known: group.members.map(\.name))
        }
        switch member.link {
        case .object(let address): header = try HDF5ObjectHeader(at: address, of: bytes)
        case .name: throw .unsupported(.hdf5, part: "'\(name)', a link to another name", mend: "store the data set itself")
        case .otherFile: throw .unsupported(.hdf5, part: "'\(name)', a link to another file", mend: "store the data set itself")
        }
      }
      let description = try HDF5DatasetDescription(header, name: name, of: bytes)
      return HDF5Dataset(description, name: name, path: path, of: bytes, cacheByteCount: cacheByteCount)
    }
  }

  private func named<R>(_ body: () throws(FormatProblem) -> R) throws(FormatError) -> R {
    do throws(FormatProblem) { return try body() } catch { throw FormatError(source: path, problem: error) }
  }
}
