import Files

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
/// The bytes are 0, and those of a large block cost nothing until touched. They go back to the system with the arena.
package final class Arena {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let isMapped: Bool

  /// From here on memory comes from the system alone: an allocator would hand out what was used before, and keep what is given back.
  private static let leastMapped = 1 << 20

  /// Nil where the machine has less memory than that: beyond it an allocation may seem to succeed and the process be killed later.
  package init?(byteCount: Int) {
    self.byteCount = byteCount
    isMapped = byteCount >= Self.leastMapped
    guard byteCount <= MemoryLimit.current.byteCount else { return nil }
    if isMapped {
      guard let memory = Self.map(byteCount, alignment: HugePages.alignment(byteCount)) else { return nil }
      base = memory
      HugePages.advise(base, byteCount: byteCount)
    } else {
      var memory: UnsafeMutableRawPointer?
      guard posix_memalign(&memory, 64, max(byteCount, 64)) == 0, let memory else { return nil }
      memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      base = memory
    }
  }

  deinit {
    if isMapped { munmap(base, byteCount) } else { free(base) }
  }

  /// Gives the memory back and keeps the addresses: its bytes are 0 again.
  func release() {
    #if os(Linux)
      guard isMapped else { return }
      let page = Int(sysconf(Int32(_SC_PAGESIZE)))
      _ = madvise(base, (byteCount + page - 1) / page * page, Int32(MADV_DONTNEED))
    #endif
  }

  /// Pages of zeros, none of which is there yet. The alignment is a power of two.
  private static func map(_ byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    let length = byteCount + alignment
    let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    // What lies before and behind goes back, in whole pages.
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let base = start.alignedUp(toMultipleOf: max(alignment, page))
    let end = (base + byteCount).alignedUp(toMultipleOf: page)
    if base > start { munmap(start, base - start) }
    let rest = start + (length + page - 1) / page * page - end
    if rest > 0 { munmap(end, rest) }
    return base
  }

  #if canImport(Darwin)
    private static let anonymous = MAP_ANON
  #else
    private static let anonymous = MAP_ANONYMOUS
  #endif
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
