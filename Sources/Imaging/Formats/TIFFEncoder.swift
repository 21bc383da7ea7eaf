import CImageCodecs
import Files

/// TIFF, by libtiff, strip after strip.
final class TIFFEncoder: RowEncoder {
  /// What libtiff writes to, and the first thing that went wrong there.
  private final class Target {
    let sink: any ImageSink
    var problem: FileError?
    /// What would be written, where it is not yet: the directory.
    var held: TIFFTail?
    private(set) var byteCount = 0
    /// From libtiff's places to those in the file, where pages are before. Their head serves for all.
    private let shift: Int
    private let headByteCount: Int

    init(_ sink: any ImageSink, _ pages: TIFFPageChain?) {
      self.sink = sink
      shift = pages?.shift ?? 0
      headByteCount = shift > 0 ? pages?.headByteCount ?? 0 : 0
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
      byteCount = max(byteCount, offset + bytes.count)
      if held?.take(bytes, at: offset) == true { return true }
      if offset < headByteCount { return true }
      do throws(FileError) {
        try sink.write(bytes, at: offset + shift)
        return true
      } catch {
        if problem == nil { problem = error }
        return false
      }
    }
  }

  private let target: Target
  private let writer: OpaquePointer
  /// What libtiff is not given.
  private let structure: TIFFStructure
  private let pages: TIFFPageChain?
  private var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))

  init(_ properties: ImageProperties, _ sink: any ImageSink, _ pages: TIFFPageChain? = nil) throws(ImageError) {
    let target = Target(sink, pages)
    self.pages = pages
    var header = properties.libraryHeader
    var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_SIZE))
    let client = image_codec_sink(
      write: { context, offset, bytes, count in
        guard let context else { return 0 }
        let target = Unmanaged<Target>.fromOpaque(context).takeUnretainedValue()
        return target.write(UnsafeRawBufferPointer(start: bytes, count: count), at: offset) ? 1 : 0
      }, context: Unmanaged.passUnretained(target).toOpaque())
    var opened: OpaquePointer?
    let status = properties.metadata.withLibraryBlocks {
      image_tiff_begin(&header, $0, pages?.isBig == true ? 1 : 0, client, &opened, &message)
    }
    guard status == IMAGE_CODEC_OK, let opened else {
      throw target.problem.map { .file($0) } ?? ImageError(writing: .tiff, status, message)
    }
    writer = opened
    self.target = target
    structure = properties.metadata.tiffStructure
  }

  deinit { image_tiff_close(writer) }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    var status = Int32(IMAGE_CODEC_OK)
    long.run(count: 1) { _ in status = image_tiff_rows(writer, rows, count, &message) }
    try check(status)
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) {
    guard pages != nil || !structure.isEmpty else { return try check(image_tiff_end(writer, &message)) }
    try check(image_tiff_flush(writer, &message))
    target.held = TIFFTail(start: target.byteCount)
    try check(image_tiff_end(writer, &message))
    guard let tail = target.held else { return }
    guard let pages else {
      for (offset, bytes) in tail.pieces(adding: structure) { try target.sink.put(bytes, at: offset) }
      return
    }
    guard let pieces = tail.pieces(adding: structure, to: pages) else {
      throw .encodingFailed(format: .tiff, reason: "its pages cannot be chained on this machine")
    }
    for (offset, bytes) in pieces { try target.sink.put(bytes, at: offset) }
  }

  private func check(_ status: Int32) throws(ImageError) {
    guard status != IMAGE_CODEC_OK || target.problem != nil else { return }
    throw target.problem.map { .file($0) } ?? ImageError(writing: .tiff, status, message)
  }
}

/// What libtiff writes behind the pixels, in memory: the directory and its values. To it go entries that libtiff would have to be taught.
private struct TIFFTail {
  /// Where the pixels end.
  let start: Int
  private var bytes: [UInt8] = []
  /// Writes into what is before, such as the place of the directory.
  private var earlier: [(offset: Int, bytes: [UInt8])] = []

  init(start: Int) { self.start = start }

  mutating func take(_ piece: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard offset >= start else {
      earlier.append((offset, Array(piece)))
      return true
    }
    let end = offset - start + piece.count
    if end > bytes.count { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
    bytes.replaceSubrange(offset - start..<end, with: piece)
    return true
  }

  /// libtiff's directory, the place of what tells where it is, and the bytes of that; nil where they cannot be made out.
  private var directory: (structure: TIFFStructure, head: Int, isBig: Bool)? {
    // The head tells where the directory is: in bytes 4 to 7, of BigTIFF in 8 to 15, as the machine orders them.
    guard UInt16(1).littleEndian == 1,
      let head = earlier.last(where: { ($0.offset == 4 && $0.bytes.count == 4) || ($0.offset == 8 && $0.bytes.count == 8) })
    else { return nil }
    let isBig = head.offset == 8
    let signature: [UInt8] = [0x49, 0x49, isBig ? 43 : 42, 0]
    let first = isBig ? signature + [8, 0, 0, 0] + head.bytes : signature + head.bytes + [0, 0, 0, 0, 0, 0, 0, 0]
    func source(_ count: Int, _ offset: Int) -> [UInt8] {
      let (from, at) = offset < start ? (first, offset) : (bytes, offset - start)
      return at < from.count ? Array(from[at..<min(at + count, from.count)]) : []
    }
    guard let form = TIFFStructure.Form(source), let structure = TIFFStructure(form, at: form.first, source) else { return nil }
    return (structure, head.offset, isBig)
  }

  /// The bytes of the file from the pixels' end on, with the directory made anew, and those before; each with its place.
  func pieces(adding structure: TIFFStructure) -> [(offset: Int, bytes: [UInt8])] {
    guard let (found, head, isBig) = directory else { return earlier + [(start, bytes)] }
    var directory = found
    directory.entries.merge(structure.entries) { $1 }
    directory.children = structure.children
    let place = start + start % 2
    let places = TIFFStructure.Entry.little(place, isBig ? 8 : 4)
    return [(head, places), (start, [UInt8](repeating: 0, count: start % 2) + directory.bytes(at: place, isBig: isBig))]
  }

  /// The same for a page behind others, which it is chained to; nil where the directory cannot be made out.
  func pieces(adding structure: TIFFStructure, to pages: TIFFPageChain) -> [(offset: Int, bytes: [UInt8])]? {
    guard var directory = directory?.structure else { return nil }
    directory.entries.merge(structure.entries) { $1 }
    directory.children = structure.children
    // Where strips lie.
    if let strips = directory.entries[273], let size = TIFFStructure.Entry.size(strips.type) {
      let places = stride(from: 0, to: strips.bytes.count, by: size).map { at in
        strips.bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | Int($1) } + pages.shift
      }
      directory.entries[273] = TIFFStructure.Entry(
        type: pages.isBig ? 16 : 4, count: places.count,
        bytes: places.flatMap { TIFFStructure.Entry.little($0, pages.isBig ? 8 : 4) })
    }
    return pages.append(directory, behind: start + pages.shift)
  }
}

/// The pages of a TIFF file that is being written: where the next one goes, and what names it.
package final class TIFFPageChain {
  let isBig: Bool
  /// From the places that a page would have in a file of its own to those in this one.
  private(set) var shift = 0
  /// Where the place of the next directory goes.
  private var link: Int

  /// - Parameter byteCount: of the samples of all pages: classic TIFF counts in 32 bits.
  package init(byteCount: Int) {
    isBig = byteCount > 0xE000_0000
    link = isBig ? 8 : 4
  }

  var headByteCount: Int { isBig ? 16 : 8 }

  /// The directory of a page whose pixels end at a place, and what names it.
  fileprivate func append(_ directory: TIFFStructure, behind end: Int) -> [(offset: Int, bytes: [UInt8])] {
    let padding = [UInt8](repeating: 0, count: end % 2), place = end + end % 2, offsetSize = isBig ? 8 : 4
    var bytes = directory.bytes(at: place, isBig: isBig)
    if bytes.count % 2 == 1 { bytes.append(0) }
    let named = (offset: link, bytes: TIFFStructure.Entry.little(place, offsetSize))
    let entries = directory.entries.count + directory.children.count
    link = place + (isBig ? 8 : 2) + entries * (isBig ? 20 : 12)
    shift = place + bytes.count - headByteCount
    return [(end, padding + bytes), named]
  }
}
