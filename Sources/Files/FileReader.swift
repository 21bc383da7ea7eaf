#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads whole files with a bound on their size.
public enum FileReader {
  /// The most bytes taken from what does not tell its size.
  public static let streamLimit = 1 << 30

  /// The bytes of the file at `path`, or of standard input where `path` is `-`.
  ///
  /// Pipes and devices, which may have no end, are read up to `streamLimit` as well. Cost: one copy of the file in memory.
  /// - Parameter limit: the most bytes to take; a larger file throws `FileError.tooLarge` before it is read.
  public static func bytes(of path: String, limit: Int) throws(FileError) -> [UInt8] {
    if path == "-" {
      try FileClaims.current?.reads(STDIN_FILENO, path)
      return try bytes(from: 0, path: FileError.standardInput, expected: 0, limit: min(limit, streamLimit))
    }
    let descriptor = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileError(errno, path: path, action: .read) }
    defer { close(descriptor) }
    guard let status = FileStatus(descriptor: descriptor) else { throw FileError(errno, path: path, action: .read) }
    guard !status.isFolder else { throw .isDirectory(path: path) }
    try FileClaims.current?.reads(descriptor, path)
    let size = status.isRegular ? status.byteCount : 0
    guard size <= limit else { throw .tooLarge(path: path, limit: limit) }
    return try bytes(from: descriptor, path: path, expected: size, limit: status.isRegular ? limit : min(limit, streamLimit))
  }

  /// The bytes of the file at a path; nil where there is none.
  package static func byteCount(of path: String) -> Int? { FileStatus(path)?.byteCount }

  /// Whether there is something of that name.
  public static func exists(_ path: String) -> Bool { FileStatus(path) != nil }

  private static func bytes(
    from descriptor: Int32, path: String, expected: Int, limit: Int
  ) throws(FileError) -> [UInt8] {
    var result: [UInt8] = []
    // One more than the file holds, so that its end is seen by the first read.
    var room = max(expected + 1, 1 << 16)
    var isAtEnd = false
    while !isAtEnd {
      let space = room
      // What is made of the bytes takes as much again.
      guard space < 1 << 20 || MemoryLimit.allows(2 * (result.count + space)) else { throw .memory(path: path) }
      var problem: FileError?
      let chunk = [UInt8](unsafeUninitializedCapacity: space) { buffer, count in
        count = 0
        while count < space {
          let got = read(descriptor, buffer.baseAddress.map { $0 + count }, space - count)
          if got < 0 {
            if errno == EINTR { continue }
            problem = FileError(errno, path: path, action: .read)
            return
          }
          if got == 0 {
            isAtEnd = true
            return
          }
          count += got
        }
      }
      if let problem { throw problem }
      if result.isEmpty { result = chunk } else { result += chunk }
      guard result.count <= limit else { throw .tooLarge(path: path, limit: limit) }
      room = max(1 << 20, result.count)
    }
    return result
  }
}

extension FileError {
  /// The case for a system error number.
  package init(_ code: Int32, path: String, action: FileAction) {
    self =
      switch code {
      case ENOENT: .notFound(path: path)
      case EISDIR: .isDirectory(path: path)
      case EACCES, EPERM, EROFS: .notPermitted(path: path, action: action)
      case ENOSPC, EDQUOT: .diskFull(path: path)
      case EFBIG: .fileSizeLimit(path: path)
      default: .system(path: path, action: action, code: code)
      }
  }
}
