import CKernels
import Networks

/// Pixels of some rows of one image, side by side and one below the other, that are filtered and then multiplied together.
///
/// Rows that lie below each other have input rows in common; that is what makes a block better than a run of one row.
struct PixelBlocks {
  struct Block {
    /// The n-th row of the region.
    fileprivate var row: Int
    var image: Int
    /// Of the image.
    var rows: Range<Int>
    var x: Int
    var width: Int

    var count: Int { rows.count * width }
  }

  /// The most pixels of a block: the weights pass by seldom.
  static let pixels = 128

  /// Of most blocks.
  let rowCount: Int
  let columnCount: Int
  private let imageWidth: Int

  /// - Parameters:
  ///   - width: of the image.
  ///   - pixelByteCount: what is kept of each pixel.
  init(width: Int, pixelByteCount: Int, _ caches: CacheSizes) {
    imageWidth = width
    // Beside the weights and the input in a core's level-2 cache.
    let most = max(64, min(Self.pixels, caches.level2 / 16 * 3 / max(pixelByteCount, 1)))
    let widest = most / 2 / 8 * 8
    var columns = min(max(width, 1), widest)
    if width > widest {
      // Whole vectors of pixels, and little left over at the end of a row.
      var least = Int.max
      for candidate in stride(from: widest, through: widest / 2, by: -8) {
        let left = (candidate - width % candidate) % candidate
        if left < least { (columns, least) = (candidate, left) }
      }
    }
    columnCount = columns
    rowCount = max(2, most / columns / 2 * 2)
  }

  /// Calls `body(block, next)` for the blocks of some rows of a region in order; `next` is the block that follows, if any.
  ///
  /// - Parameter following: rows that the same thread will likely do afterwards: the last block is followed by their first.
  @inline(__always)
  func forEach(
    _ rows: Range<Int>, of region: WorkRegion, following: Range<Int>? = nil, _ body: (Block, Block?) -> Void
  ) {
    var at = block(rows.lowerBound, x: 0, rows, region)
    while let block = at {
      let end = block.x + block.width
      let next =
        end < imageWidth
        ? self.block(block.row, x: end, rows, region) : self.block(block.row + block.rows.count, x: 0, rows, region)
      body(block, next ?? following.flatMap { self.block($0.lowerBound, x: 0, $0, region) })
      at = next
    }
  }

  @inline(__always)
  private func block(_ row: Int, x: Int, _ rows: Range<Int>, _ region: WorkRegion) -> Block? {
    guard row < rows.upperBound else { return nil }
    let (image, y) = region.place(row)
    let count = min(rowCount, rows.upperBound - row, region.rows.upperBound - y)
    return Block(row: row, image: image, rows: y..<y + count, x: x, width: min(columnCount, imageWidth - x))
  }
}
