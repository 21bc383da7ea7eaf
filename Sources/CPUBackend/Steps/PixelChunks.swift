import CKernels
import Networks

/// The pixels of some rows in order, cut into chunks that are multiplied together. A chunk may reach over several rows.
struct PixelChunks {
  /// Pixels of a chunk side by side in one row.
  struct Segment {
    /// The n-th row of the region.
    var row: Int
    var x: Int
    /// The place of the first in the chunk.
    var offset: Int
    var count: Int
  }

  struct Chunk {
    fileprivate var first: Int
    var count: Int
    fileprivate var width: Int

    var isInOneRow: Bool { first % width + count <= width }
    var start: (row: Int, x: Int) { (first / width, first % width) }

    @inline(__always)
    func forEachSegment(_ body: (Segment) -> Void) {
      var done = 0
      while done < count {
        let at = first + done, x = at % width
        let length = min(count - done, width - x)
        body(Segment(row: at / width, x: x, offset: done, count: length))
        done += length
      }
    }
  }

  /// A multiple of the rows of most register tiles.
  static let tileRows = 12

  private let first: Int
  private let end: Int
  private let width: Int
  private let joinsRows: Bool
  private let most: Int

  /// - Parameters:
  ///   - rows: counted within a region.
  ///   - joinsRows: whether a chunk may reach over the end of a row.
  ///   - most: pixels of a chunk.
  init(rows: Range<Int>, width: Int, joinsRows: Bool, most: Int = PointwiseProduct.pixels) {
    self.most = most
    first = rows.lowerBound * width
    end = rows.upperBound * width
    self.width = width
    self.joinsRows = joinsRows
  }

  @inline(__always)
  func forEach(_ body: (Chunk) -> Void) {
    var at = first
    while at < end {
      let limit = joinsRows ? end : (at / width + 1) * width
      // Even shares of what is left: a last chunk of a pixel would read all the weights for itself.
      let left = (limit - at + most - 1) / most
      var count = left > 2 ? most : (limit - at + left - 1) / left
      // Whole register tiles.
      count = min(most, (count + Self.tileRows - 1) / Self.tileRows * Self.tileRows, limit - at)
      body(Chunk(first: at, count: count, width: width))
      at += count
    }
  }
}

/// Where each pixel of a chunk is stored, and where its residual lies.
struct PixelPointers {
  let out: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let residual: UnsafeMutablePointer<UnsafeRawPointer?>

  /// Nil from a cursor that only counts.
  init?(_ cursor: inout ScratchCursor, pixels: Int = PointwiseProduct.pixels) {
    let out = cursor.take(pixels, of: UnsafeMutableRawPointer?.self), residual = cursor.pointers(pixels)
    guard let out, let residual else { return nil }
    self.out = out
    self.residual = residual
  }

  /// For the pixels of a segment in row 0 of a destination and a residual.
  @inline(__always)
  func fill(_ segment: PixelChunks.Segment, _ destination: sw_destination, _ source: sw_source) {
    var pixel = destination.base.map { $0 + segment.x * destination.pixel }
    for index in segment.offset..<segment.offset + segment.count {
      out[index] = pixel
      pixel = pixel.map { $0 + destination.pixel }
    }
    guard var added = source.base else { return }
    added += segment.x * source.pixel
    for index in segment.offset..<segment.offset + segment.count {
      residual[index] = added
      added += source.pixel
    }
  }
}

/// The pixels that a product reads: where they lie, or brought together where a chunk reaches over rows that do not follow each other.
struct PixelSource {
  private let input: ValueMemory
  private let bytesPerPixel: Int
  private let pixelByteCount: Int
  private let stride: Pair
  private let rowsAdjoin: Bool

  /// - Parameters:
  ///   - stride: of the convolution.
  init(_ input: ValueMemory, _ layout: ValueLayout, stride: Pair) {
    self.input = input
    bytesPerPixel = layout.bytesPerPixel
    pixelByteCount = layout.pixelByteCount
    self.stride = stride
    rowsAdjoin =
      stride == Pair(1) && layout.bytesPerRow == layout.width * layout.bytesPerPixel && input.ring == layout.height
      && (layout.batch == 1 || layout.bytesPerImage == layout.height * layout.bytesPerRow)
  }

  /// The first pixel of a chunk and the bytes from one to the next.
  @inline(__always)
  func pixels(
    of chunk: PixelChunks.Chunk, packed: UnsafeMutableRawPointer, _ place: (Int) -> (image: Int, row: Int)
  ) -> (base: UnsafeRawPointer, stride: Int) {
    let step = stride.width * bytesPerPixel
    let start = chunk.start
    let first = place(start.row)
    let base = UnsafeRawPointer(input.row(first.image, first.row * stride.height)) + start.x * step
    if chunk.isInOneRow || rowsAdjoin { return (base, step) }
    chunk.forEachSegment { segment in
      let (image, y) = place(segment.row)
      let from = UnsafeRawPointer(input.row(image, y * stride.height)) + segment.x * step
      for index in 0..<segment.count {
        (packed + (segment.offset + index) * pixelByteCount).copyMemory(from: from + index * step, byteCount: pixelByteCount)
      }
    }
    return (UnsafeRawPointer(packed), pixelByteCount)
  }
}
