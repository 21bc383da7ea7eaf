/// Memory that kernels read, aligned to cache lines, 0 at first. Much of it lies in huge pages: it is read through from end to end, and each
/// page of 4 KiB would be looked up for a few hundred cycles of products.
final class AlignedBytes {
  let base: UnsafeMutableRawPointer

  init(count: Int) {
    // Rounded up so that a kernel that loads a whole vector at the end stays inside.
    let byteCount = max((count + 63) / 64 * 64, 64)
    base = .allocate(byteCount: byteCount, alignment: HugePages.alignment(byteCount))
    HugePages.advise(base, byteCount: byteCount)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit { base.deallocate() }
}
