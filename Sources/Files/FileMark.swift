#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A mark on a file that says who made it: an extended attribute, `user.swiftlet.made`, which lies beside the file's bytes and not among them.
///
/// It goes where the file is moved, and is gone where a program writes the file anew, as editors do, or copies it to a disk that has no such
/// attributes. Those of network disks and sticks often have none.
package enum FileMark {
  private static let name = "user.swiftlet.made"

  /// Marks an open file as one that `maker` makes, where its disk can.
  static func set(_ descriptor: Int32, maker: String) {
    let bytes = Array(maker.utf8)
    #if canImport(Darwin)
      _ = bytes.withUnsafeBytes { fsetxattr(descriptor, name, $0.baseAddress, $0.count, 0, 0) }
    #else
      guard let function = calls.set else { return }
      _ = bytes.withUnsafeBytes { function(descriptor, name, $0.baseAddress, $0.count, 0) }
    #endif
  }

  /// Whether a file has the mark; nil where that cannot be told, as on disks that keep none.
  package static func isSet(_ path: String) -> Bool? {
    #if canImport(Darwin)
      let count = path.withSystemPath { getxattr($0, name, nil, 0, 0, 0) }
      return count >= 0 ? true : errno == ENOATTR ? false : nil
    #else
      guard let function = calls.get else { return nil }
      let count = path.withSystemPath { function($0, name, nil, 0) }
      return count >= 0 ? true : errno == ENODATA ? false : nil
    #endif
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
