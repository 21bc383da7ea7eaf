/// The checksums of HDF5.
enum HDF5Checksum {
  /// Of structures. Source: Jenkins, lookup3.c, 2006, `hashlittle` with the initial value 0.
  static func lookup3(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    func turned(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
    var a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count), b = a, c = a
    func word(_ start: Int) -> UInt32 {
      guard start < bytes.endIndex else { return 0 }
      return bytes[start..<min(start + 4, bytes.endIndex)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    if bytes.isEmpty { return c }
    var start = bytes.startIndex
    while bytes.endIndex - start > 12 {
      (a, b, c) = (a &+ word(start), b &+ word(start + 4), c &+ word(start + 8))
      a = (a &- c) ^ turned(c, 4); c = c &+ b
      b = (b &- a) ^ turned(a, 6); a = a &+ c
      c = (c &- b) ^ turned(b, 8); b = b &+ a
      a = (a &- c) ^ turned(c, 16); c = c &+ b
      b = (b &- a) ^ turned(a, 19); a = a &+ c
      c = (c &- b) ^ turned(b, 4); b = b &+ a
      start += 12
    }
    (a, b, c) = (a &+ word(start), b &+ word(start + 4), c &+ word(start + 8))
    c = (c ^ b) &- turned(b, 14)
    a = (a ^ c) &- turned(c, 11)
    b = (b ^ a) &- turned(a, 25)
    c = (c ^ b) &- turned(b, 16)
    a = (a ^ c) &- turned(c, 4)
    b = (b ^ a) &- turned(a, 14)
    return (c ^ b) &- turned(b, 24)
  }

  /// Of chunks. Source: Fletcher, An Arithmetic Checksum for Serial Transmissions, 1982, over words of 16 bits, the high byte first.
  static func fletcher32(_ bytes: some RandomAccessCollection<UInt8>) -> UInt32 {
    var first: UInt32 = 0, second: UInt32 = 0, left = 360
    func folded(_ sum: UInt32) -> UInt32 { (sum & 0xFFFF) + sum >> 16 }
    var index = bytes.startIndex
    while index != bytes.endIndex {
      let high = UInt32(bytes[index]) << 8
      bytes.formIndex(after: &index)
      if index == bytes.endIndex {
        first &+= high
      } else {
        first &+= high | UInt32(bytes[index])
        bytes.formIndex(after: &index)
      }
      second &+= first
      left -= 1
      if left == 0 { (first, second, left) = (folded(first), folded(second), 360) }
    }
    for _ in 0..<2 { (first, second) = (folded(first), folded(second)) }
    return second << 16 | first
  }
}
