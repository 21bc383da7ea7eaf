/// One of the eight ways to flip and turn a picture.
struct Symmetry: Hashable, Sendable {
  /// Rows and columns are exchanged last.
  var isTransposed = false
  var isFlippedHorizontally = false
  var isFlippedVertically = false

  static let identity = Symmetry()

  static let all: [Symmetry] = [false, true].flatMap { transposed in
    [false, true].flatMap { vertically in
      [false, true].map {
        Symmetry(isTransposed: transposed, isFlippedHorizontally: $0, isFlippedVertically: vertically)
      }
    }
  }

  /// The size of the picture after the symmetry.
  func size(height: Int, width: Int) -> (height: Int, width: Int) { isTransposed ? (width, height) : (height, width) }

  /// The rectangle of the picture of that size that becomes the given rectangle of the transformed one.
  func source(
    rows: Range<Int>, columns: Range<Int>, height: Int, width: Int
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    let (y, x) = isTransposed ? (columns, rows) : (rows, columns)
    return (
      isFlippedVertically ? height - y.upperBound..<height - y.lowerBound : y,
      isFlippedHorizontally ? width - x.upperBound..<width - x.lowerBound : x
    )
  }

  /// In a rectangle of `height` by `width` pixels of the original: the index of its first transformed pixel, and the steps from
  /// a transformed column, and row, to the next; `stride` floats from row to row.
  func walk(height: Int, width: Int, stride: Int) -> (start: Int, column: Int, row: Int) {
    let start = (isFlippedVertically ? (height - 1) * stride : 0) + (isFlippedHorizontally ? width - 1 : 0)
    let alongX = isFlippedHorizontally ? -1 : 1, alongY = isFlippedVertically ? -stride : stride
    return isTransposed ? (start, alongY, alongX) : (start, alongX, alongY)
  }
}
