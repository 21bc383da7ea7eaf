/// EXIF as a block: changed where it lies, since notes of makers refer to places in it.
struct ExifBlock {
  private(set) var bytes: [UInt8]
  private let form: TIFFStructure.Form

  /// Nil where the bytes are no TIFF structure.
  init?(_ bytes: [UInt8]) {
    guard let form = TIFFStructure.Form({ Self.part(bytes, $0, $1) }), !form.isBig else { return nil }
    self.bytes = bytes
    self.form = form
  }

  private static func part(_ bytes: [UInt8], _ count: Int, _ offset: Int) -> [UInt8] {
    guard offset >= 0, offset < bytes.count, count > 0 else { return [] }
    return Array(bytes[offset..<offset + min(count, bytes.count - offset)])
  }

  private func source(_ count: Int, _ offset: Int) -> [UInt8] { Self.part(bytes, count, offset) }

  /// The tags of the picture itself, of EXIF and of GPS.
  var structure: TIFFStructure? { TIFFStructure(form, at: form.first, source) }

  /// What a picture of this size says: sizes are true, and the small picture inside, which is of the picture before, is gone.
  mutating func describe(width: Int, height: Int) {
    dropThumbnail()
    set([0x0100: width, 0x0101: height], at: form.first)
    guard let directory = form.directory(at: form.first, source) else { return }
    for bytes in directory.entries {
      guard let (tag, entry) = form.entry(bytes, limit: 64, source), tag == 0x8769, let place = entry.number else { continue }
      set([0xA002: width, 0xA003: height], at: place)
    }
  }

  /// Entries of one whole number that a directory has get new ones.
  private mutating func set(_ values: [UInt16: Int], at offset: Int) {
    guard let directory = form.directory(at: offset, source) else { return }
    for (index, old) in directory.entries.enumerated() {
      guard let (tag, entry) = form.entry(old, limit: 64, source), let value = values[tag], entry.count == 1,
        entry.type == 3 || entry.type == 4
      else { continue }
      let type = value > 0xFFFF ? 4 : Int(entry.type), size = type == 3 ? 2 : 4
      let place = offset + 2 + 12 * index
      put(type, 2, at: place + 2)
      put(0, 4, at: place + 8)
      put(value, size, at: place + 8)
    }
  }

  private mutating func put(_ value: Int, _ size: Int, at offset: Int) {
    let little = TIFFStructure.Entry.little(value, size)
    for (index, byte) in (form.isLittle ? little : little.reversed()).enumerated() { bytes[offset + index] = byte }
  }

  /// The directory behind the first is of the small picture.
  private mutating func dropThumbnail() {
    guard let first = form.directory(at: form.first, source), first.next > 0 else { return }
    put(0, 4, at: form.first + 2 + 12 * first.entries.count)
    guard let second = form.directory(at: first.next, source) else { return }
    var numbers: [UInt16: Int] = [:]
    for bytes in second.entries {
      if let (tag, entry) = form.entry(bytes, limit: 64, source), let number = entry.number { numbers[tag] = number }
    }
    let directories = max(form.first + 6 + 12 * first.entries.count, first.next + 6 + 12 * second.entries.count)
    guard let offset = numbers[0x0201] ?? numbers[0x0111], let count = numbers[0x0202] ?? numbers[0x0117], count > 0,
      offset >= directories, offset < bytes.count
    else { return }
    // Nothing shows it any more; at the end of the block it costs no bytes either.
    let end = min(bytes.count, offset + min(count, bytes.count))
    if end == bytes.count {
      bytes.removeLast(bytes.count - offset)
    } else {
      for index in offset..<end { bytes[index] = 0 }
    }
  }
}
