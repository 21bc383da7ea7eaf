import Files

/// The first directory of a TIFF file.
struct TIFFDirectory {
  let file: RandomAccessFile

  /// Throws where the ICC profile or the XMP packet of the first directory of a TIFF file lies beyond its end.
  ///
  /// libtiff leaves such a tag out with a warning, and a file cut behind its pixels would lose them unnoticed.
  func checkMetadata(name: String) throws(ImageError) {
    let isLittle = file.bytes(1, at: 0) == [0x49]
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0 else { return nil }
      let part = file.bytes(size, at: offset)
      guard part.count == size else { return nil }
      let value = (isLittle ? part.reversed() : part).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Int(exactly: value)
    }
    let isBig = number(2, 2) == 43
    let offsetSize = isBig ? 8 : 4
    // Anything unreadable here is libtiff's to report.
    guard let directory = number(isBig ? 8 : 4, offsetSize), let entries = number(directory, isBig ? 8 : 2) else { return }
    var entry = directory + (isBig ? 8 : 2)
    for _ in 0..<min(entries, 65_535) {
      guard let tag = number(entry, 2), let count = number(entry + 4, offsetSize) else { return }
      // Both are bytes by their specifications.
      if tag == 34_675 || tag == 700, count > offsetSize {
        guard let offset = number(entry + 4 + offsetSize, offsetSize), offset <= file.byteCount,
          count <= file.byteCount - offset
        else {
          let what = tag == 700 ? "XMP packet" : "ICC profile"
          throw .corrupt(name: name, format: .tiff, reason: "the \(what) lies beyond the end of the file")
        }
      }
      entry += 4 + 2 * offsetSize
    }
  }
}
