import Files

/// Reading with the error of this module.
extension FileReader {
  /// The bytes of a file.
  static func contents(of path: String, limit: Int) throws(FormatProblem) -> [UInt8] {
    do throws(FileError) { return try bytes(of: path, limit: limit) } catch { throw .file(error) }
  }

  /// The bytes of a file of a model, unless it is one of another program.
  static func model(at path: String, limit: Int) throws(FormatProblem) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileReader.bytes(of: path, limit: limit) } catch {
      if case .isDirectory = error, let foreign = ForeignModel(folder: path) { throw .foreign(foreign) }
      throw .file(error)
    }
    if let foreign = ForeignModel(bytes, path: path) { throw .foreign(foreign) }
    return bytes
  }
}
