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
final class Arena {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  private static let hugePage = 2 << 20

  init(byteCount: Int) {
    self.byteCount = byteCount
    let isLarge = byteCount >= Self.hugePage
    base = .allocate(byteCount: max(byteCount, 64), alignment: isLarge ? Self.hugePage : 64)
    #if os(Linux)
      // Advice: where it is refused the memory works all the same.
      if isLarge { _ = madvise(base, byteCount / Self.hugePage * Self.hugePage, Int32(MADV_HUGEPAGE)) }
    #endif
  }

  deinit { base.deallocate() }
}
