extension ImageMetadata {
  /// How the picture is turned by the orientation of its file (`tag`, of TIFF) or of EXIF, and the metadata once it is: with
  /// the carried tags set to 1.
  func upright(tag: Int?) -> (ImageMetadata, Orientation) {
    let slot = exif.flatMap(ExifOrientation.init)
    let orientation = (tag ?? slot?.value).flatMap(Orientation.init) ?? .upright
    var metadata = self
    if let slot { metadata.exif?[slot.offset] = 1 }
    if let xmp { metadata.xmp = ExifOrientation.resettingOrientation(inXMP: xmp) }
    if orientation.swapsSides, let resolution {
      metadata.resolution = ImageResolution(
        horizontal: resolution.vertical, vertical: resolution.horizontal, unit: resolution.unit)
    }
    return (metadata, orientation)
  }
}

/// Where the orientation tag (0x0112) of the first directory of an EXIF block lies, and what it says.
struct ExifOrientation {
  let value: Int
  /// The offset of the byte that holds the value; the tag is a 16-bit number below 256.
  let offset: Int

  /// The TIFF structure of an EXIF block, without the lead `Exif` of JPEG, which some files have twice or where it does not
  /// belong; nil where it holds none. Else the next reader would find an orientation that this one has not applied.
  static func block(_ bytes: [UInt8]) -> [UInt8]? {
    let lead: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
    var rest = bytes[...]
    while rest.starts(with: lead) { rest = rest.dropFirst(lead.count) }
    return rest.starts(with: [0x49, 0x49, 42, 0]) || rest.starts(with: [0x4D, 0x4D, 0, 42]) ? Array(rest) : nil
  }

  /// Nil where the block is damaged or has no such tag.
  init?(_ exif: [UInt8]) {
    let isLittle = exif.starts(with: [0x49, 0x49, 42, 0])
    guard isLittle || exif.starts(with: [0x4D, 0x4D, 0, 42]) else { return nil }
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0, offset <= exif.count - size else { return nil }
      let bytes = exif[offset..<offset + size]
      return (isLittle ? Array(bytes.reversed()) : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
    for entry in 0..<entries {
      let start = directory + 2 + 12 * entry
      guard let tag = number(start, 2) else { return nil }
      guard tag == 0x0112 else { continue }
      guard number(start + 2, 2) == 3, number(start + 4, 4) == 1, let value = number(start + 8, 2) else { return nil }
      guard (1...8).contains(value) else { return nil }
      self.value = value
      offset = start + (isLittle ? 8 : 9)
      return
    }
    return nil
  }

  /// The packet with `tiff:Orientation` set to 1, written as an attribute or as an element: some programs turn a picture by it.
  static func resettingOrientation(inXMP xmp: [UInt8]) -> [UInt8] {
    var result = xmp
    for lead in ["tiff:Orientation=\"", "tiff:Orientation='", "<tiff:Orientation>"] {
      let pattern = Array(lead.utf8)
      guard xmp.count > pattern.count else { continue }
      for start in 0..<xmp.count - pattern.count where xmp[start] == pattern[0] {
        let end = start + pattern.count
        guard xmp[start..<end].elementsEqual(pattern), (0x31...0x38).contains(xmp[end]) else { continue }
        result[end] = 0x31
      }
    }
    return result
  }
}
