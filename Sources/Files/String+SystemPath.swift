/// Names of files are bytes to the system, and mostly UTF-8. A byte that belongs to no UTF-8 stands in a `String` as one of 128 scalars of
/// the private use area, U+F780 to U+F7FF, and becomes that byte again when the system is asked. A name that holds such a scalar in UTF-8 is taken for
/// bytes as well, so that each name has one form and each form one name.
extension String {
  private static let escapes: ClosedRange<UInt32> = 0xF780...0xF7FF

  /// The path that the system means by these bytes.
  package init(systemPath bytes: some Collection<UInt8>) {
    if let plain = String(validating: bytes, as: UTF8.self),
      !plain.unicodeScalars.contains(where: { Self.escapes.contains($0.value) })
    {
      self = plain
      return
    }
    var scalars = String.UnicodeScalarView()
    func escape(_ byte: UInt8) { scalars.append(Unicode.Scalar(0xF700 + UInt32(byte)).unsafelyUnwrapped) }
    let bytes = Array(bytes)
    var at = 0
    while at < bytes.count {
      // The shortest that is one scalar: 1 to 4 bytes.
      let length = (1...4).first { length in
        at + length <= bytes.count
          && String(validating: bytes[at..<at + length], as: UTF8.self).map { $0.unicodeScalars.count == 1 } ?? false
      }
      let scalar = length.flatMap { String(decoding: bytes[at..<at + $0], as: UTF8.self).unicodeScalars.first }
      if let length, let scalar, !Self.escapes.contains(scalar.value) {
        scalars.append(scalar)
        at += length
      } else {
        escape(bytes[at])
        at += 1
      }
    }
    self = String(scalars)
  }

  /// The path of a C string of the system.
  package init(systemPath pointer: UnsafePointer<CChar>) {
    var count = 0
    while pointer[count] != 0 { count += 1 }
    self.init(systemPath: UnsafeRawBufferPointer(start: pointer, count: count).map { $0 })
  }

  /// The bytes that the system knows the path by.
  package var systemPathBytes: [UInt8] {
    unicodeScalars.flatMap { scalar -> [UInt8] in
      Self.escapes.contains(scalar.value) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  /// Calls `body` with the bytes as a C string.
  package func withSystemPath<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    guard unicodeScalars.contains(where: { Self.escapes.contains($0.value) }) else { return withCString(body) }
    let bytes = systemPathBytes.map { CChar(bitPattern: $0) } + [0]
    return bytes.withUnsafeBufferPointer { buffer in
      // There is always the closing zero.
      buffer.baseAddress.map(body) ?? withCString(body)
    }
  }

  /// Where the last slash is: one that a combining accent follows is no `Character` of its own.
  package var lastSlash: String.Index? { unicodeScalars.lastIndex(of: "/") }
}

extension Unicode.Scalar {
  /// The byte of a name that stands here; nil for a scalar that is one.
  var byteOfName: UInt8? { (0xF780...0xF7FF).contains(value) ? UInt8(truncatingIfNeeded: value) : nil }
}
