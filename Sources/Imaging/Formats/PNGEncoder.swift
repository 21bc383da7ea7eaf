import CImageCodecs

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// PNG: rows are filtered, and the stream of filtered rows is compressed in pieces of one size, each of which may refer to the
/// 32 KiB before it (as pigz does). Rows and pieces are made at once; neither depends on the others' time.
final class PNGEncoder: RowEncoder {
  /// Of a piece of the stream, before it is compressed.
  private static let pieceByteCount = 1 << 19
  private static let historyByteCount = 1 << 15

  private let header: image_codec_header
  private let rowByteCount: Int
  private var file: SequentialSink
  /// The last row that came.
  private var previous: [UInt8] = []
  /// What the stream's next bytes may refer to, and the bytes that are no whole piece yet.
  private var stream: [UInt8] = []
  private var history = 0
  private var adler = image_png_adler(1, nil, 0)
  private var isFirstPiece = true

  init(_ properties: ImageProperties, _ sink: any ImageSink) throws(ImageError) {
    header = properties.libraryHeader
    rowByteCount = properties.rowByteCount
    file = SequentialSink(sink)
    var output = LibraryOutput()
    var header = header
    output.status = properties.metadata.withLibraryBlocks { image_png_head(&header, $0, &output.buffer, &output.message) }
    try output.check(.png)
    try file.append(output.bytes)
    for chunk in properties.metadata.pngChunks { try putChunk(chunk.kind, chunk.bytes, []) }
  }

  static func heldByteCount(_ properties: ImageProperties, rows: Int, threads: Int) -> Int {
    let rowByteCount = properties.rowByteCount
    let stream = historyByteCount + pieceByteCount + rows * (rowByteCount + 1)
    // The pieces of a loop, compressed, and what zlib and the filters keep.
    let pieces = (stream + pieceByteCount) / pieceByteCount * image_png_deflate_bound(pieceByteCount)
    return stream + pieces + threads * ((280 << 10) + 4 * rowByteCount) + rowByteCount
  }

  func append(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop, long: any ParallelLoop) throws(ImageError) {
    try filter(rows, count: count, loop)
    try compress(pieceCount: (stream.count - history) / Self.pieceByteCount, isLast: false, long)
  }

  func finish(_ loop: any ParallelLoop) throws(ImageError) {
    try compress(pieceCount: 1, isLast: true, loop)
    try putChunk("IEND", [], [])
  }

  private func filter(_ rows: UnsafeRawPointer, count: Int, _ loop: any ParallelLoop) throws(ImageError) {
    let start = stream.count, filtered = rowByteCount + 1
    let height = max(1, (1 << 17) / filtered)
    // Arrays grow by doubling where nobody says how large they will be.
    stream.reserveCapacity(max(stream.capacity, Self.historyByteCount + Self.pieceByteCount + count * filtered))
    var isDone = [Bool](repeating: false, count: (count + height - 1) / height)
    stream.append(contentsOf: repeatElement(0, count: count * filtered))
    stream.withUnsafeMutableBufferPointer { stream in
      guard let target = stream.baseAddress.map({ $0 + start }) else { return }
      previous.withUnsafeBytes { previous in
        isDone.withUnsafeMutableBufferPointer { isDone in
          loop.run(count: isDone.count) { part in
            let first = part * height
            var header = header
            // An empty array has an address, too.
            let above = first > 0 ? rows + (first - 1) * rowByteCount : previous.isEmpty ? nil : previous.baseAddress
            let status = image_png_filter(
              &header, rows + first * rowByteCount, above, min(height, count - first), target + first * filtered)
            isDone[part] = status != 0
          }
        }
      }
    }
    guard isDone.allSatisfy(\.self) else { throw .outOfMemory(name: "the PNG output") }
    previous = Array(UnsafeRawBufferPointer(start: rows + (count - 1) * rowByteCount, count: rowByteCount))
  }

  /// What became of a piece.
  private struct Piece {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var adler: UInt32 = 0
  }

  /// Compresses the first pieces of the stream, the last of them up to its end where `isLast`, and writes them.
  private func compress(pieceCount: Int, isLast: Bool, _ loop: any ParallelLoop) throws(ImageError) {
    let size = Self.pieceByteCount, history = history, end = isLast ? stream.count - history : pieceCount * size
    var pieces = [Piece](repeating: Piece(), count: pieceCount)
    defer { for piece in pieces { free(piece.bytes) } }
    stream.withUnsafeBufferPointer { stream in
      pieces.withUnsafeMutableBufferPointer { pieces in
        loop.run(count: pieceCount) { index in
          let start = index * size, count = isLast ? end - start : size
          let bytes = (stream.baseAddress ?? UnsafePointer(bitPattern: 1)!) + history + start
          let capacity = image_png_deflate_bound(count)
          guard let output = malloc(capacity)?.assumingMemoryBound(to: UInt8.self) else { return }
          let before = min(history + start, Self.historyByteCount)
          pieces[index] = Piece(
            bytes: output, count: image_png_deflate(bytes, before, count, isLast ? 1 : 0, output, capacity),
            adler: image_png_adler(1, bytes, count))
        }
      }
    }
    for (index, piece) in pieces.enumerated() {
      guard piece.count > 0, let bytes = piece.bytes else { throw .outOfMemory(name: "the PNG output") }
      adler = image_png_adler_joined(adler, piece.adler, isLast ? end - index * size : size)
      // The head of a stream of zlib says its window and level.
      let head: [UInt8] = isFirstPiece ? [0x78, 0x5E] : []
      isFirstPiece = false
      try putChunk(
        "IDAT", head, UnsafeRawBufferPointer(start: bytes, count: piece.count), isLast ? bigEndian(Int(adler)) : [])
    }
    guard !isLast else { return }
    let kept = min(history + end, Self.historyByteCount)
    stream.removeFirst(history + end - kept)
    self.history = kept
  }

  private func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  private func putChunk(_ kind: String, _ head: [UInt8], _ tail: [UInt8]) throws(ImageError) {
    try putChunk(kind, head, UnsafeRawBufferPointer(start: nil, count: 0), tail)
  }

  private func putChunk(
    _ kind: String, _ head: [UInt8], _ body: UnsafeRawBufferPointer, _ tail: [UInt8]
  ) throws(ImageError) {
    let named = Array(kind.utf8) + head
    var crc = image_png_crc(0, named, named.count)
    if let base = body.baseAddress { crc = image_png_crc(crc, base.assumingMemoryBound(to: UInt8.self), body.count) }
    if !tail.isEmpty { crc = image_png_crc(crc, tail, tail.count) }
    try file.append(bigEndian(head.count + body.count + tail.count) + named)
    try file.append(body)
    try file.append(tail + bigEndian(Int(crc)))
  }
}
