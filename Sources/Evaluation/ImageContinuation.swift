/// An image continued to the right and below, to sides that a network takes: behind the end the last row or column comes once more, then
/// those before it, backwards.
struct ImageContinuation: Hashable, Sendable {
  /// Of the image.
  let height: Int
  let width: Int
  /// Of the continued image.
  let fullHeight: Int
  let fullWidth: Int

  /// What sides are brought to multiples of, from the least on: networks halve.
  static let multiples = (0...7).map { 1 << $0 }

  /// The least multiple that sides may be brought to so that a network takes them, and what `check` makes of it, which throws where it does not
  /// take them. What sides it takes its operations say: a pixel unshuffle wants multiples of its factor, poolings and what is joined behind
  /// them those of all strides. Throws what was wrong with the first where it takes none.
  static func leastMultiple<R>(
    _ check: (_ multiple: Int) throws(EvaluationError) -> R
  ) throws(EvaluationError) -> (multiple: Int, R) {
    do throws(EvaluationError) {
      return (1, try check(1))
    } catch {
      for multiple in multiples.dropFirst() {
        if let result = try? check(multiple) { return (multiple, result) }
      }
      throw error
    }
  }

  init(height: Int, width: Int, multiple: Int) {
    self.height = height
    self.width = width
    fullHeight = (height + multiple - 1) / multiple * multiple
    fullWidth = (width + multiple - 1) / multiple * multiple
  }

  /// The place of the image that stands for one of the continued image.
  static func place(_ place: Int, of count: Int) -> Int {
    let turn = place % (2 * count)
    return turn < count ? turn : 2 * count - 1 - turn
  }

  /// The places of the image that stand for a range of the continued one.
  static func places(_ range: Range<Int>, of count: Int) -> Range<Int> {
    guard range.upperBound > count else { return range }
    // As many as are beyond the end are read before it, all of them at most.
    let first = min(range.lowerBound, max(2 * count - range.upperBound, 0))
    return first..<count
  }

  /// What is kept of a range of the continued image, `scale` times as large; empty where the range is all continuation.
  func kept(_ range: Range<Int>, of count: Int, scale: Int) -> Range<Int> {
    min(range.lowerBound, count) * scale..<min(range.upperBound, count) * scale
  }

  /// Writes a rectangle of the continued image, plane after plane, row after row, of what `fill` writes of the image.
  func fill(
    _ rows: Range<Int>, _ columns: Range<Int>, channels: Int, _ target: UnsafeMutablePointer<Float>,
    from fill: (_ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let sourceRows = Self.places(rows, of: height), sourceColumns = Self.places(columns, of: width)
    guard sourceRows != rows || sourceColumns != columns else { return fill(rows, columns, target) }
    let area = sourceRows.count * sourceColumns.count
    let source = UnsafeMutablePointer<Float>.allocate(capacity: channels * area)
    defer { source.deallocate() }
    fill(sourceRows, sourceColumns, source)
    let places = columns.map { Self.place($0, of: width) - sourceColumns.lowerBound }
    var next = target
    for channel in 0..<channels {
      for row in rows {
        let from =
          source + channel * area
          + (Self.place(row, of: height) - sourceRows.lowerBound) * sourceColumns.count
        for (x, place) in places.enumerated() { next[x] = from[place] }
        next += places.count
      }
    }
  }

  /// Writes a rectangle of the continued image, row after row, of its samples.
  ///
  /// - Parameter row: the samples of a row of the image.
  func fill(
    _ rows: Range<Int>, _ columns: Range<Int>, pixelByteCount: Int, _ target: UnsafeMutableRawPointer,
    from row: (Int) -> UnsafeRawPointer
  ) {
    let inside = columns.clamped(to: 0..<width), beyond = columns.clamped(to: width..<max(width, columns.upperBound))
    var next = target
    for place in rows {
      let source = row(Self.place(place, of: height))
      next.copyMemory(from: source + inside.lowerBound * pixelByteCount, byteCount: inside.count * pixelByteCount)
      next += inside.count * pixelByteCount
      for column in beyond {
        next.copyMemory(from: source + Self.place(column, of: width) * pixelByteCount, byteCount: pixelByteCount)
        next += pixelByteCount
      }
    }
  }

  /// The bytes that `fill` of planes holds beside a rectangle of the sides, of so many channels.
  func heldByteCount(rows: Int, columns: Int, channels: Int) -> Int {
    fullHeight == height && fullWidth == width ? 0 : channels * min(rows, height) * min(columns, width) * 4 + columns * 8
  }
}
