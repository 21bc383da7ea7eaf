import Files

extension Image {
  /// The largest file that is read: 2 GiB.
  package static let largestFile = 1 << 31

  /// Reads the picture at `path`, or from standard input where `path` is `-`; see `ImageCodec` for what becomes of its kinds.
  public init(path: String, limits: DecodingLimits = DecodingLimits()) throws(ImageError) {
    let file: RandomAccessFile
    do throws(FileError) {
      file = try RandomAccessFile(path: path, limit: Self.largestFile, memory: Self.largestFile)
    } catch {
      throw .file(error)
    }
    self = try ImageReader(file, name: path == "-" ? "standard input" : path, limits: limits).decoded()
  }

  /// Writes the picture to `path`, or to standard output where `path` is `-`. It appears there complete or not at all.
  ///
  /// - Parameter encoding: The format with its options; by default what the extension of `path` asks for.
  public func write(to path: String, as encoding: ImageEncoding? = nil) throws(ImageError) {
    try write(to: path, as: encoding, maker: nil)
  }

  /// The same, of a job whose outputs are known by the mark of their maker; see `FileMark`.
  package func write(to path: String, as encoding: ImageEncoding? = nil, maker: String?) throws(ImageError) {
    let chosen = if let encoding { encoding } else { try ImageEncoding(path: path) }
    let bytes = try encoded(as: chosen)
    do throws(FileError) {
      try AtomicFile.write(bytes, to: path, maker: maker)
    } catch {
      throw .file(error)
    }
  }
}
