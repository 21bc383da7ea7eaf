#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A mark on a file that says who made it: an extended attribute, `user.swiftlet.made`, which lies beside the file's bytes and not among them.
///
/// It holds the maker, and the length and the time of the bytes: those that somebody has changed since, even in place, are that one's. It goes where the file is
/// moved, and is gone where a program writes the file anew, as editors do, or copies it to a disk that has no such attributes. Those of network
/// disks and sticks often have none.
package enum FileMark {
  private static let name = "user.swiftlet.made"

  /// Marks an open file, all of whose bytes are written, as one that `maker` makes, where its disk can.
  static func set(_ descriptor: Int32, maker: String) {
    // What is still to be written would set another time.
    guard fsync(descriptor) == 0, let status = FileStatus(descriptor: descriptor) else { return }
    let bytes = Array(text(maker, status).utf8)
    #if canImport(Darwin)
      _ = bytes.withUnsafeBytes { fsetxattr(descriptor, name, $0.baseAddress, $0.count, 0, 0) }
    #else
      guard let function = calls.set else { return }
      _ = bytes.withUnsafeBytes { function(descriptor, name, $0.baseAddress, $0.count, 0) }
    #endif
  }

  private static func text(_ maker: String, _ status: FileStatus) -> String {
    "\(maker) \(status.byteCount) \(status.writingTime.seconds).\(status.writingTime.nanoseconds)"
  }

  /// Whether a file has the mark, and its bytes are still those that were marked; nil where that cannot be told, as on disks that keep none.
  ///
  /// - Parameter maker: who must have made it; nil for anybody.
  package static func isSet(_ path: String, by maker: String? = nil) -> Bool? {
    var bytes = [UInt8](repeating: 0, count: 256)
    #if canImport(Darwin)
      let count = path.withSystemPath { path in
        bytes.withUnsafeMutableBytes { getxattr(path, name, $0.baseAddress, $0.count, 0, 0) }
      }
      guard count >= 0 else { return errno == ENOATTR || errno == ERANGE ? false : nil }
    #else
      guard let function = calls.get else { return nil }
      let count = path.withSystemPath { path in bytes.withUnsafeMutableBytes { function(path, name, $0.baseAddress, $0.count) }
      }
      guard count >= 0 else { return errno == ENODATA || errno == ERANGE ? false : nil }
    #endif
    let found = String(decoding: bytes.prefix(count), as: UTF8.self)
    guard let status = FileStatus(path), let first = found.split(separator: " ").first.map(String.init) else { return false }
    return found == text(first, status) && maker ?? first == first
  }

  /// Whether a file stands there whose bytes are not known to be that maker's: it has no mark, or its disk keeps none. What is empty, a
  /// device, a pipe or a folder is none.
  package static func isStranger(_ path: String, to maker: String) -> Bool {
    guard let status = FileStatus(path), status.isRegular, status.byteCount > 0 else { return false }
    return isSet(path, by: maker) != true
  }

  #if !canImport(Darwin)
    private typealias Get = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    private typealias Set = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeRawPointer?, Int, Int32) -> Int32

    /// The calls of the C library; its header, sys/xattr.h, is in no module.
    private static var calls: (get: Get?, set: Set?) {
      let library = dlopen(nil, RTLD_NOW)
      return (
        dlsym(library, "getxattr").map { unsafeBitCast($0, to: Get.self) },
        dlsym(library, "fsetxattr").map { unsafeBitCast($0, to: Set.self) }
      )
    }
  #endif
}
