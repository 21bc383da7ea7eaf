import Files

/// The directories of a TIFF file: which of them are pages, and what a page has beside its pixels.
package struct TIFFPages {
  /// How the chain of directories ends where it does not simply end.
  enum Fault {
    /// With one that was met before.
    case goesRound
    /// With a place where no directory is.
    case breaksOff

    /// A clause.
    func remark(pages: Int) -> String {
      switch self {
      case .goesRound: "behind page \(pages) the list of its pages leads back into itself; each is read once"
      case .breaksOff: "behind page \(pages) the list of its pages is damaged; those that may follow are not found"
      }
    }
  }

  private let file: RandomAccessFile
  private let form: TIFFStructure.Form?
  /// The places of the directories that are pages, not small pictures or masks of others, in the file's order.
  private var places: [Int] = []
  private(set) var fault: Fault?

  /// More directories than any file has; a list of them alone takes 24 MiB.
  static let most = 1 << 22

  /// Walks the whole chain once: the time and the memory are those of its length. Anything unreadable before the first page is libtiff's to
  /// report.
  init(_ file: RandomAccessFile, name: String) throws(ImageError) {
    self.file = file
    let source = { (count: Int, offset: Int) in file.bytes(count, at: offset) }
    form = TIFFStructure.Form(source)
    guard let form else { return }
    var offset = form.first, seen: Set<Int> = []
    while offset > 0 {
      guard seen.insert(offset).inserted else {
        fault = .goesRound
        return
      }
      guard let directory = form.directory(at: offset, source) else {
        fault = .breaksOff
        return
      }
      guard seen.count <= Self.most else {
        throw .unsupported(name: name, format: .tiff, reason: "it has more than \(Self.most) pages")
      }
      // NewSubfileType: bit 0 is of a smaller picture, bit 2 of a mask.
      let kind = directory.entries.first { TIFFStructure.Form.number($0[0..<2], form.isLittle) == 254 }
        .flatMap { form.entry($0, limit: 64, source) }
      if (kind?.entry.number ?? 0) & 5 == 0 { places.append(offset) }
      offset = directory.next
    }
  }

  private func source(_ count: Int, _ offset: Int) -> [UInt8] { file.bytes(count, at: offset) }

  /// At least 1: what has no page has a picture all the same.
  var count: Int { max(places.count, 1) }

  /// What is to be said of the chain, as a clause.
  var remark: String? { places.isEmpty ? nil : fault?.remark(pages: places.count) }

  /// The place of a page's directory; 0, which stands for the file's first, where there is no such page.
  func directory(ofPage page: Int) -> Int { places.indices.contains(page) ? places[page] : 0 }

  /// Adds EXIF, IPTC and the resolution of a page.
  ///
  /// Throws where its ICC profile or XMP packet lies beyond the end of the file: libtiff leaves such a tag out with a warning, and a file
  /// cut behind its pixels would lose them unnoticed.
  func add(to metadata: inout ImageMetadata, page number: Int, name: String) throws(ImageError) {
    guard let form, places.indices.contains(number) else { return }
    try checkBlocks(form, at: places[number], name: name)
    guard let structure = TIFFStructure(form, at: places[number], where: Self.isKept, source) else { return }
    metadata.resolution = ImageResolution(structure)
    metadata.iptc = structure.entries[Self.iptcTag].flatMap { entry in
      // Programs write it as 32-bit numbers, padded; records begin with 0x1C.
      let bytes = entry.bytes.first == 0x1C ? entry.bytes : entry.type == 4 ? Self.turned(entry.bytes) : nil
      return entry.type == 4 ? bytes.map(Self.withoutPadding) : bytes
    }
    if metadata.iptc == nil, let photoshop = structure.entries[Self.photoshopTag] {
      metadata.iptc = PhotoshopResources(photoshop.bytes).iptc
    }
    var exif = structure
    for tag in [Self.iptcTag, Self.photoshopTag, 0x011A, 0x011B, 0x0128] { exif.entries[tag] = nil }
    guard !exif.isEmpty else { return }
    exif.entries.merge(metadata.resolution?.entries ?? [:]) { $1 }
    // Where colours lie between pixels, which a block of EXIF must say and a page of RGB does not: in the middle.
    exif.entries[0x0213] = .short(1)
    metadata.exif = [0x49, 0x49, 42, 0, 8, 0, 0, 0] + exif.bytes(at: 8)
  }

  private static let iptcTag: UInt16 = 33_723
  private static let photoshopTag: UInt16 = 34_377

  /// Records of IPTC without the zeros that fill the last 32-bit number behind them.
  private static func withoutPadding(_ bytes: [UInt8]) -> [UInt8] {
    var end = 0
    // A mark, two numbers, the length; longer ones than those of 15 bits say how many bytes their length has.
    while end + 5 <= bytes.count, bytes[end] == 0x1C {
      let length = Int(bytes[end + 3]) << 8 | Int(bytes[end + 4])
      guard length < 0x8000, end + 5 + length <= bytes.count else { return bytes }
      end += 5 + length
    }
    return bytes.count - end < 4 && bytes[end...].allSatisfy { $0 == 0 } ? Array(bytes[..<end]) : bytes
  }

  /// Numbers of 32 bits in the other order of bytes.
  private static func turned(_ bytes: [UInt8]) -> [UInt8]? {
    let turned = stride(from: 0, to: bytes.count, by: 4).flatMap { bytes[$0..<min($0 + 4, bytes.count)].reversed() }
    return turned.first == 0x1C ? turned : nil
  }

  /// Whether a tag tells of the picture, not of how its samples lie. Profile and XMP are the library's to read.
  static func isKept(_ tag: UInt16) -> Bool {
    switch tag {
    // Description, maker, model; resolution; its unit; software, date, artist, host; rating and what Windows keeps; copyright; IPTC.
    case 0x010D, 0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298,
      0x9C9B...0x9C9F, iptcTag, photoshopTag:
      true
    default: TIFFStructure.childTags.contains(tag)
    }
  }

  private func checkBlocks(_ form: TIFFStructure.Form, at offset: Int, name: String) throws(ImageError) {
    guard let directory = form.directory(at: offset, source) else { return }
    for bytes in directory.entries {
      guard let tag = TIFFStructure.Form.number(bytes[0..<2], form.isLittle), tag == 34_675 || tag == 700,
        let count = TIFFStructure.Form.number(bytes[4..<4 + form.offsetSize], form.isLittle), count > form.offsetSize
      else { continue }
      guard let place = TIFFStructure.Form.number(bytes[(4 + form.offsetSize)...], form.isLittle), place <= file.byteCount,
        count <= file.byteCount - place
      else {
        let what = tag == 700 ? "XMP packet" : "ICC profile"
        throw .corrupt(name: name, format: .tiff, reason: "the \(what) lies beyond the end of the file")
      }
    }
  }
}

extension ImageMetadata {
  /// The entries that a TIFF file has for what libtiff is not given: EXIF, IPTC, the resolution.
  var tiffStructure: TIFFStructure {
    var result = TIFFStructure()
    if let structure = exif.flatMap(ExifBlock.init)?.structure {
      result.entries = structure.entries.filter { TIFFPages.isKept($0.key) }
      result.children = structure.children
    }
    if let resolution { result.entries.merge(resolution.entries) { $1 } }
    if let iptc {
      // As 32-bit numbers, which is what readers expect.
      let padded = iptc + [UInt8](repeating: 0, count: -iptc.count & 3)
      result.entries[33_723] = TIFFStructure.Entry(type: 4, count: padded.count / 4, bytes: padded)
    }
    return result
  }
}
