import Execution

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A large block of memory for the values of a session, in huge pages where the system grants them: a strided walk through an
/// image of 64 channels touches a new 4 KiB page every 16 pixels.
///
/// The bytes are undefined until written, and cost nothing until touched.
package final class Arena {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Nil where the machine has less memory than that: beyond it an allocation may seem to succeed and the process be killed later.
  package init?(byteCount: Int) {
    self.byteCount = byteCount
    var memory: UnsafeMutableRawPointer?
    guard byteCount <= PhysicalMemory.byteCount,
      posix_memalign(&memory, HugePages.alignment(byteCount), max(byteCount, 64)) == 0, let memory
    else { return nil }
    base = memory
    HugePages.advise(base, byteCount: byteCount)
  }

  deinit { free(base) }
}

/// Pages of 2 MiB, of which a processor's tables hold hundreds of megabytes.
enum HugePages {
  private static let byteCount = 2 << 20

  /// Where a block of so many bytes should begin.
  static func alignment(_ byteCount: Int) -> Int { byteCount >= Self.byteCount ? Self.byteCount : 64 }

  /// Asks for huge pages under memory so aligned that is not touched yet.
  static func advise(_ base: UnsafeMutableRawPointer, byteCount: Int) {
    #if os(Linux)
      // Advice: where it is refused the memory works all the same.
      if byteCount >= Self.byteCount {
        _ = madvise(base, byteCount / Self.byteCount * Self.byteCount, Int32(MADV_HUGEPAGE))
      }
    #endif
  }
}
