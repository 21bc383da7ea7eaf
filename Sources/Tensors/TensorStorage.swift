/// Bytes owned by one or more tensors, aligned to `TensorStorage.alignment`.
///
/// Sendable because the bytes are written only through `Tensor`'s mutating accessors, which copy unless they hold the only
/// reference.
package final class TensorStorage: @unchecked Sendable {
  /// A cache line, and the width of an AVX-512 register.
  package static let alignment = 64

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Allocates `byteCount` bytes, zeroed when `zeroed` is true and undefined otherwise.
  package init(byteCount: Int, zeroed: Bool) {
    // Rounded up so that a kernel that loads a whole vector at the end stays inside the allocation.
    let rounded = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
    base = .allocate(byteCount: max(rounded, Self.alignment), alignment: Self.alignment)
    if zeroed { base.initializeMemory(as: UInt8.self, repeating: 0, count: max(rounded, Self.alignment)) }
    self.byteCount = byteCount
  }

  deinit { base.deallocate() }
}
