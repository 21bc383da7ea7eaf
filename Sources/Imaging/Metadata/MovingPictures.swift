import Files

/// The frames of an animated AVIF or HEIC, which lie in a track as a film's do, beside a still picture. Its library knows only the latter.
///
/// - Source: ISO/IEC 14496-12, 23008-12.
struct MovingPictures: Hashable {
  /// Those of the longest track of pictures; more than one.
  private(set) var frameCount = 0
  /// Whether there is a still picture, too.
  private(set) var hasStill = false

  /// Nil where nothing moves.
  init?(_ file: RandomAccessFile) {
    let source = { (count: Int, offset: Int) in file.bytes(count, at: offset) }
    for box in Self.boxes(in: 0..<file.byteCount, source) {
      if box.kind == "meta" { hasStill = true }
      guard box.kind == "moov" else { continue }
      for track in Self.boxes(in: box.content, source) where track.kind == "trak" {
        frameCount = max(frameCount, Self.sampleCount(of: track.content, source))
      }
    }
    if frameCount < 2 { return nil }
  }

  private typealias Source = (_ count: Int, _ offset: Int) -> [UInt8]

  /// The samples of a track that holds pictures, and not what belongs to them, as alpha does.
  private static func sampleCount(of track: Range<Int>, _ source: Source) -> Int {
    guard let media = boxes(in: track, source).first(where: { $0.kind == "mdia" }) else { return 0 }
    let inside = boxes(in: media.content, source)
    // Version and flags, four bytes that are 0, the kind.
    guard let handler = inside.first(where: { $0.kind == "hdlr" }), handler.content.count >= 12,
      ["pict", "vide"].contains(text(source(4, handler.content.lowerBound + 8))),
      let information = inside.first(where: { $0.kind == "minf" }),
      let table = boxes(in: information.content, source).first(where: { $0.kind == "stbl" }),
      let sizes = boxes(in: table.content, source).first(where: { $0.kind == "stsz" || $0.kind == "stz2" }),
      sizes.content.count >= 12
    else { return 0 }
    // Version and flags, a size for all or none, the count.
    return number(source(4, sizes.content.lowerBound + 8))
  }

  /// The boxes that lie one behind the other, as far as they are sound. There are few of them in files that are.
  private static func boxes(in range: Range<Int>, _ source: Source) -> [(kind: String, content: Range<Int>)] {
    var result: [(kind: String, content: Range<Int>)] = []
    var at = range.lowerBound
    while at + 8 <= range.upperBound, result.count < 4096 {
      let head = source(16, at)
      guard head.count >= 8 else { break }
      var size = number(head[..<4]), lead = 8
      if size == 1, head.count == 16 {
        (size, lead) = (Int(clamping: head[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }), 16)
      }
      // To the end.
      if size == 0 { size = range.upperBound - at }
      guard size >= lead, size <= range.upperBound - at else { break }
      result.append((text(head[4..<8]), at + lead..<at + size))
      at += size
    }
    return result
  }

  private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
  private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
