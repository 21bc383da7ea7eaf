/// The blocks in which Photoshop keeps what belongs to a picture; of these IPTC is kept, the rest is of the picture before: its small
/// picture, its paths, its resolution.
///
/// Each is `8BIM`, a number of 16 bits, a name of even length with its count, a length of 32 bits, and as many bytes, made even; the most
/// significant byte first (Adobe Photoshop File Formats Specification).
struct PhotoshopResources {
  /// The records of IPTC (resource 0x0404).
  private(set) var iptc: [UInt8]?

  private static let iptcNumber = 0x0404

  /// What is damaged ends the reading.
  init(_ bytes: [UInt8]) {
    var at = 0
    func number(_ offset: Int, _ size: Int) -> Int? {
      offset <= bytes.count - size ? bytes[offset..<offset + size].reduce(0) { $0 << 8 | Int($1) } : nil
    }
    while at + 12 <= bytes.count, bytes[at..<at + 4].elementsEqual(Array("8BIM".utf8)) {
      guard let kind = number(at + 4, 2), let name = number(at + 6, 1) else { return }
      let lengthAt = at + 6 + (name + 2) / 2 * 2
      guard let length = number(lengthAt, 4), length <= bytes.count - lengthAt - 4 else { return }
      if kind == Self.iptcNumber, length > 0 {
        iptc = Array(bytes[lengthAt + 4..<lengthAt + 4 + length])
        return
      }
      at = lengthAt + 4 + (length + 1) / 2 * 2
    }
  }

  /// IPTC as the one resource.
  static func bytes(iptc: [UInt8]) -> [UInt8] {
    func big(_ value: Int, _ size: Int) -> [UInt8] { TIFFStructure.Entry.little(value, size).reversed() }
    let lead = Array("8BIM".utf8) + big(iptcNumber, 2) + [0, 0] + big(iptc.count, 4)
    return lead + iptc + (iptc.count % 2 == 1 ? [0] : [])
  }
}
