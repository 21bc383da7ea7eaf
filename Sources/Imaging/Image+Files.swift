import Files

extension Image {
  /// The largest file that is read: 2 GiB.
  static let largestFile = 1 << 31

  /// Reads the picture at `path`, or from standard input where `path` is `-`; see `ImageCodec` for what becomes of its kinds.
  public init(path: String, limits: DecodingLimits = DecodingLimits()) throws(ImageError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileReader.bytes(of: path, limit: Self.largestFile)
    } catch {
      throw .file(error)
    }
    self = try ImageCodec.decode(bytes, name: path == "-" ? "standard input" : path, limits: limits)
  }

  /// Writes the picture to `path`, or to standard output where `path` is `-`. It appears there complete or not at all.
  ///
  /// - Parameter encoding: The format with its options; by default what the extension of `path` asks for.
  public func write(to path: String, as encoding: ImageEncoding? = nil) throws(ImageError) {
    let chosen = if let encoding { encoding } else { try ImageEncoding(path: path) }
    let bytes = try encoded(as: chosen)
    do throws(FileError) {
      try AtomicFile.write(bytes, to: path)
    } catch {
      throw .file(error)
    }
  }
}
