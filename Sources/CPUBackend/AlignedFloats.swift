/// Floats that kernels read, aligned to cache lines, 0 at first. Many lie in huge pages: they are read through from end to end, and each
/// page of 4 KiB would be looked up for a few hundred cycles of products.
final class AlignedFloats {
  let count: Int
  let base: UnsafeMutablePointer<Float>

  init(count: Int) {
    self.count = count
    // Rounded up so that a kernel that loads a whole vector at the end stays inside.
    let byteCount = max((count * 4 + 63) / 64 * 64, 64)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: HugePages.alignment(byteCount))
    HugePages.advise(memory, byteCount: byteCount)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    base = memory.bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}
