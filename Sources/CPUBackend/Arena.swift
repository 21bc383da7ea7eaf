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

  private static let hugePage = 2 << 20

  /// Nil where the machine has less memory than that: beyond it an allocation may seem to succeed and the process be killed later.
  package init?(byteCount: Int) {
    self.byteCount = byteCount
    let isLarge = byteCount >= Self.hugePage
    var memory: UnsafeMutableRawPointer?
    guard byteCount <= PhysicalMemory.byteCount,
      posix_memalign(&memory, isLarge ? Self.hugePage : 64, max(byteCount, 64)) == 0, let memory
    else { return nil }
    base = memory
    #if os(Linux)
      // Advice: where it is refused the memory works all the same.
      if isLarge { _ = madvise(base, byteCount / Self.hugePage * Self.hugePage, Int32(MADV_HUGEPAGE)) }
    #endif
  }

  deinit { free(base) }
}
