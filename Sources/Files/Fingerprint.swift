/// A number that stands for bytes: equal bytes have equal ones, and others nearly never. No protection against intent.
///
/// - Source: Fowler, Noll and Vo, FNV-1a of 64 bits.
package struct Fingerprint: Hashable, Sendable {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    var value = value
    func add(_ bytes: UnsafeBufferPointer<UInt8>) { for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 } }
    if bytes.withContiguousStorageIfAvailable(add) == nil {
      for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    self.value = value
  }

  /// 16 digits.
  package var hexadecimal: String { String(hexadecimal: value, digits: 16) }
}
