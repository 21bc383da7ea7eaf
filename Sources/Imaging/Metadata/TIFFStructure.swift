/// The tags of a TIFF file or of EXIF, which is one without pixels: a directory of entries, some of which are directories themselves.
///
/// Values are kept as bytes of the least significant first.
struct TIFFStructure: Hashable {
  /// What an entry holds.
  struct Entry: Hashable {
    var type: UInt16
    var count: Int
    /// `count` elements of the type.
    var bytes: [UInt8]

    /// The bytes of an element of a type of TIFF 6, EXIF and BigTIFF; nil for types that nobody has defined.
    static func size(_ type: UInt16) -> Int? {
      switch type {
      case 1, 2, 6, 7: 1
      case 3, 8: 2
      case 4, 9, 11, 13: 4
      case 5, 10, 12, 16, 17, 18: 8
      default: nil
      }
    }

    /// The bytes that are turned around together where the order of bytes is another: a fraction is two numbers.
    static func swappedSize(_ type: UInt16) -> Int { type == 5 || type == 10 ? 4 : size(type) ?? 1 }

    static func short(_ value: Int) -> Entry { Entry(type: 3, count: 1, bytes: Self.little(value, 2)) }
    static func long(_ value: Int) -> Entry { Entry(type: 4, count: 1, bytes: Self.little(value, 4)) }

    static func little(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    /// The first element of a type of whole numbers without sign.
    var number: Int? {
      guard count > 0, [1, 3, 4, 13, 16].contains(type), let size = Self.size(type), bytes.count >= size else { return nil }
      return Int(exactly: bytes[..<size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// The first element of a type of fractions, or of whole numbers.
    var fraction: Double? {
      guard type == 5, bytes.count >= 8 else { return number.map(Double.init) }
      func part(_ at: Int) -> Double { Double(bytes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) }
      return part(4) == 0 ? nil : part(0) / part(4)
    }
  }

  /// By their tags.
  var entries: [UInt16: Entry] = [:]
  /// Directories that entries refer to, by the tags of these: EXIF, GPS and what EXIF has for interoperability.
  var children: [UInt16: TIFFStructure] = [:]

  /// Tags whose entries are places of directories.
  static let childTags: Set<UInt16> = [0x8769, 0x8825, 0xA005]

  var isEmpty: Bool { entries.isEmpty && children.isEmpty }
}

extension TIFFStructure {
  /// Bytes of a file or a block, at most so many; fewer where it ends.
  typealias Source = (_ count: Int, _ offset: Int) -> [UInt8]

  /// How the bytes of a file are to be read, and where its first directory lies; nil where it is no TIFF.
  struct Form {
    let isLittle: Bool
    let isBig: Bool
    let first: Int

    init?(_ source: Source) {
      let head = source(16, 0)
      guard head.count >= 8, head[0] == head[1], head[0] == 0x49 || head[0] == 0x4D else { return nil }
      isLittle = head[0] == 0x49
      let version = Self.number(head[2..<4], isLittle)
      guard version == 42 || (version == 43 && head.count == 16) else { return nil }
      isBig = version == 43
      guard let first = Self.number(isBig ? head[8..<16] : head[4..<8], isLittle) else { return nil }
      self.first = first
    }

    static func number(_ bytes: ArraySlice<UInt8>, _ isLittle: Bool) -> Int? {
      Int(exactly: (isLittle ? Array(bytes.reversed()) : Array(bytes)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    var offsetSize: Int { isBig ? 8 : 4 }
    var entrySize: Int { isBig ? 20 : 12 }

    /// A directory's entries as they lie, and the place of the next (0 for none); nil where it is cut short.
    func directory(at offset: Int, _ source: Source) -> (entries: [[UInt8]], next: Int)? {
      guard offset > 0, offset < 1 << 62, let count = number(isBig ? 8 : 2, at: offset, source), count <= 65_535 else {
        return nil
      }
      let start = offset + (isBig ? 8 : 2)
      let bytes = source(count * entrySize, start)
      guard bytes.count == count * entrySize else { return nil }
      let next = number(offsetSize, at: start + bytes.count, source) ?? 0
      return ((0..<count).map { Array(bytes[$0 * entrySize..<($0 + 1) * entrySize]) }, next)
    }

    func number(_ size: Int, at offset: Int, _ source: Source) -> Int? {
      let bytes = source(size, offset)
      return bytes.count == size ? Self.number(bytes[...], isLittle) : nil
    }

    /// An entry as it lies, with its value from wherever that is; nil where it is damaged or larger than `limit`.
    func entry(_ bytes: [UInt8], limit: Int, _ source: Source) -> (tag: UInt16, entry: Entry)? {
      guard let tag = Self.number(bytes[0..<2], isLittle), let type = Self.number(bytes[2..<4], isLittle),
        let count = Self.number(bytes[4..<4 + offsetSize], isLittle), let size = Entry.size(UInt16(type)), count <= limit / size
      else { return nil }
      let place = bytes[(4 + offsetSize)...]
      var value = count * size <= offsetSize ? Array(place.prefix(count * size)) : []
      if count * size > offsetSize {
        guard let offset = Self.number(place, isLittle) else { return nil }
        value = source(count * size, offset)
      }
      guard value.count == count * size else { return nil }
      if !isLittle { value = Self.swapped(value, UInt16(type)) }
      return (UInt16(tag), Entry(type: UInt16(type), count: count, bytes: value))
    }

    private static func swapped(_ bytes: [UInt8], _ type: UInt16) -> [UInt8] {
      let size = Entry.swappedSize(type)
      return size == 1 ? bytes : stride(from: 0, to: bytes.count, by: size).flatMap { bytes[$0..<$0 + size].reversed() }
    }
  }

  /// No value of metadata is longer.
  static let longestValue = 64 << 20

  /// The directory at a place with its children. Entries that are damaged are left out, and what is a child of a child of a child.
  init?(_ form: Form, at offset: Int, depth: Int = 0, where isWanted: (UInt16) -> Bool = { _ in true }, _ source: Source) {
    guard let directory = form.directory(at: offset, source) else { return nil }
    var room = Self.longestValue
    for bytes in directory.entries {
      guard let tag = Form.number(bytes[0..<2], form.isLittle).map({ UInt16($0) }), isWanted(tag),
        let (_, entry) = form.entry(bytes, limit: room, source)
      else { continue }
      if Self.childTags.contains(tag) {
        guard depth < 2, let place = entry.number, let child = TIFFStructure(form, at: place, depth: depth + 1, source) else {
          continue
        }
        children[tag] = child
      } else {
        room -= entry.bytes.count
        entries[tag] = entry
      }
    }
  }

  /// The directory as it lies at `base` of a file, children behind it: least significant bytes first.
  ///
  /// - Parameter isBig: as BigTIFF has it.
  func bytes(at base: Int, isBig: Bool = false, next: Int = 0) -> [UInt8] {
    let offsetSize = isBig ? 8 : 4
    let tags = (Array(entries.keys) + Array(children.keys)).sorted()
    var head = Entry.little(tags.count, isBig ? 8 : 2)
    var tail: [UInt8] = []
    let start = base + head.count + tags.count * (isBig ? 20 : 12) + offsetSize
    func place(_ bytes: (Int) -> [UInt8]) -> Int {
      // Values begin at even bytes.
      if (start + tail.count) % 2 == 1 { tail.append(0) }
      let offset = start + tail.count
      tail += bytes(offset)
      return offset
    }
    for tag in tags {
      var entry = entries[tag] ?? .long(0)
      if let child = children[tag] {
        let offset = place { child.bytes(at: $0, isBig: isBig) }
        entry = isBig ? Entry(type: 16, count: 1, bytes: Entry.little(offset, 8)) : .long(offset)
      }
      head += Entry.little(Int(tag), 2) + Entry.little(Int(entry.type), 2) + Entry.little(entry.count, offsetSize)
      var value = entry.bytes
      if value.count > offsetSize { value = Entry.little(place { _ in entry.bytes }, offsetSize) }
      head += value + [UInt8](repeating: 0, count: offsetSize - value.count)
    }
    return head + Entry.little(next, offsetSize) + tail
  }
}
