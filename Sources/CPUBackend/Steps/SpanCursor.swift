import CKernels

/// Collects memory to be fetched ahead of its use.
struct SpanCursor {
  let spans: UnsafeMutablePointer<sw_span>
  private(set) var count = 0
  private(set) var lineCount = 0

  private static let lineBytes = 64

  init(_ spans: UnsafeMutablePointer<sw_span>) { self.spans = spans }

  /// Pixels side by side; those between which other channels lie are left to the processor's own prefetching.
  @inline(__always)
  mutating func add(_ first: UnsafeRawPointer, pixels: Int, _ part: InputPart) {
    guard part.bytesPerPixel == part.pixelByteCount, pixels > 0 else { return }
    let lines = (pixels * part.pixelByteCount + Self.lineBytes - 1) / Self.lineBytes
    spans[count] = sw_span(next: first.assumingMemoryBound(to: CChar.self), lines: lines)
    count += 1
    lineCount += lines
  }

  /// Fetched evenly over so many register tiles.
  @inline(__always)
  func shared(by tiles: Int) -> sw_ahead {
    sw_ahead(spans: spans, count: count, lines_per_tile: (lineCount + tiles - 1) / max(tiles, 1))
  }
}
