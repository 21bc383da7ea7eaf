#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that is read piece by piece, in any order. A regular one stays on the disk; what else is named, such as a pipe, is
/// read into memory at once.
package final class RandomAccessFile: Sendable {
  /// As the caller gave it.
  package let path: String
  package let byteCount: Int
  /// The file's bytes where they are in memory.
  package let bytes: [UInt8]?
  /// Of the open file; -1 where the bytes are in memory.
  package let descriptor: Int32

  /// A file that is in memory.
  package init(_ bytes: [UInt8], path: String) {
    self.path = path
    self.bytes = bytes
    byteCount = bytes.count
    descriptor = -1
  }

  /// Opens the file at `path`, or standard input where `path` is `-`.
  ///
  /// - Parameters:
  ///   - limit: the most bytes of a file.
  ///   - memory: the most bytes to take where they have to be in memory.
  package init(path: String, limit: Int, memory: Int) throws(FileError) {
    self.path = path
    let opened = path == "-" ? -1 : path.withSystemPath { Self.opened($0) }
    guard opened >= 0, let status = FileStatus(descriptor: opened), status.isRegular else {
      // The whole-file reader knows what else there is, and what to say of it.
      if opened >= 0 { close(opened) }
      let bytes = try FileReader.bytes(of: path, limit: min(limit, memory))
      self.bytes = bytes
      byteCount = bytes.count
      descriptor = -1
      return
    }
    bytes = nil
    byteCount = status.byteCount
    descriptor = opened
    // From here on `deinit` closes.
    try FileClaims.current?.reads(opened, path)
    guard byteCount <= limit else { throw .tooLarge(path: path, limit: limit) }
  }

  private static func opened(_ path: UnsafePointer<CChar>) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Up to `count` bytes from `offset` on: fewer where the file ends before.
  package func read(_ count: Int, at offset: Int, into target: UnsafeMutableRawPointer) -> Int {
    let wanted = max(min(count, byteCount - offset), 0)
    guard offset >= 0, wanted > 0 else { return 0 }
    if let bytes {
      bytes.withUnsafeBytes { if let base = $0.baseAddress { target.copyMemory(from: base + offset, byteCount: wanted) } }
      return wanted
    }
    var done = 0
    while done < wanted {
      let got = pread(descriptor, target + done, wanted - done, off_t(offset + done))
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      done += got
    }
    return done
  }

  /// As `read`, as an array.
  package func bytes(_ count: Int, at offset: Int) -> [UInt8] {
    let wanted = max(min(count, byteCount - offset), 0)
    return [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
      initialized = buffer.baseAddress.map { read(wanted, at: offset, into: $0) } ?? 0
    }
  }
}
