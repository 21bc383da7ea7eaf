/// The rows of a picture whose colours are spread under what is fully transparent next to them.
///
/// The colour of a pixel that nobody sees may be anything, white as often as not, and an enlargement mixes it into the edges of what is
/// seen. Here each transparent pixel within `reach` of others gets the mean colour of its neighbours that have one, nearest first. Pixels
/// that are not fully transparent, and pictures without such ones, stay as they are. The result does not depend on how many rows are
/// asked for at once.
package final class ColourSpreadingRows: ImageRows {
  /// In pixels: about as far as networks look.
  private static let reach = 16
  /// Rows that are made at once.
  private static let blockHeight = 32

  private let source: any ImageRows
  package let properties: ImageProperties
  /// Rows of the picture around the block at work.
  private var window: [UInt8] = []
  private var windowStart = 0
  private var windowEnd = 0
  /// Rows that are ready.
  private var block: [UInt8] = []
  private var blockStart = 0
  private var blockEnd = 0
  private var nextRow = 0

  /// - Parameter source: a picture with alpha.
  package init(_ source: any ImageRows) {
    self.source = source
    properties = source.properties
  }

  /// What is held beside the picture.
  package static func heldByteCount(_ properties: ImageProperties) -> Int {
    guard properties.hasAlpha else { return 0 }
    let rows = 2 * blockHeight + 2 * reach
    // The window, while it moves once more, the block, and what is known of each pixel and its turn.
    return (2 * rows + blockHeight) * properties.rowByteCount + rows * properties.width * 17 + (1 << 16)
  }

  package func read(_ count: Int, into rows: UnsafeMutableRawPointer) throws(ImageError) {
    let rowByteCount = properties.rowByteCount
    var done = 0
    while done < count {
      if nextRow == blockEnd { try makeBlock() }
      let part = min(count - done, blockEnd - nextRow), from = (nextRow - blockStart) * rowByteCount
      block.withUnsafeBytes { block in
        UnsafeMutableRawBufferPointer(start: rows + done * rowByteCount, count: part * rowByteCount)
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: block[from..<from + part * rowByteCount]))
      }
      done += part
      nextRow += part
    }
  }

  private func makeBlock() throws(ImageError) {
    let rowByteCount = properties.rowByteCount
    (blockStart, blockEnd) = (blockEnd, min(blockEnd + Self.blockHeight, properties.height))
    let start = max(blockStart - Self.reach, 0), end = min(blockEnd + Self.reach, properties.height)
    window.removeFirst((start - windowStart) * rowByteCount)
    windowStart = start
    let missing = end - windowEnd
    if missing > 0 {
      let old = window.count
      window.append(contentsOf: repeatElement(0, count: missing * rowByteCount))
      var problem: ImageError?
      window.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        do throws(ImageError) { try source.read(missing, into: base + old) } catch { problem = error }
      }
      if let problem { throw problem }
      windowEnd = end
    }
    var spread = window
    let height = windowEnd - windowStart
    spread.withUnsafeMutableBytes { bytes in
      if properties.bitDepth == 16 {
        Self.spread(bytes.assumingMemoryBound(to: UInt16.self), properties.width, height, properties.channels)
      } else {
        Self.spread(bytes.assumingMemoryBound(to: UInt8.self), properties.width, height, properties.channels)
      }
    }
    let from = (blockStart - windowStart) * rowByteCount
    block = Array(spread[from..<from + (blockEnd - blockStart) * rowByteCount])
  }

  /// A pixel's step: 0 has a colour of its own; then the round in which it got one.
  private static func spread<Sample: FixedWidthInteger & UnsignedInteger>(
    _ samples: UnsafeMutableBufferPointer<Sample>, _ width: Int, _ height: Int, _ channels: Int
  ) {
    let alpha = channels - 1, waiting = UInt8.max, queued = UInt8.max - 1
    var steps = [UInt8](repeating: 0, count: width * height)
    var hasTransparent = false, hasVisible = false
    for pixel in 0..<width * height {
      if samples[pixel &* channels &+ alpha] == 0 {
        steps[pixel] = waiting
        hasTransparent = true
      } else {
        hasVisible = true
      }
    }
    guard hasTransparent, hasVisible else { return }
    func forNeighbours(_ pixel: Int, _ body: (Int) -> Void) {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      for y in max(row - 1, 0)...min(row + 1, height - 1) {
        for x in max(column - 1, 0)...min(column + 1, width - 1) where y != row || x != column { body(y &* width &+ x) }
      }
    }
    var turn: [Int] = []
    for pixel in 0..<width * height where steps[pixel] == waiting {
      var hasNeighbour = false
      forNeighbours(pixel) { if steps[$0] == 0 { hasNeighbour = true } }
      if hasNeighbour { turn.append(pixel) }
    }
    for pixel in turn { steps[pixel] = queued }
    for step in 1...UInt8(reach) {
      for pixel in turn {
        var sums = (0, 0, 0), count = 0
        forNeighbours(pixel) { other in
          guard steps[other] < step else { return }
          let at = other &* channels
          sums.0 &+= Int(samples[at])
          if alpha == 3 {
            sums.1 &+= Int(samples[at &+ 1])
            sums.2 &+= Int(samples[at &+ 2])
          }
          count &+= 1
        }
        let at = pixel &* channels, half = count / 2
        samples[at] = Sample((sums.0 + half) / count)
        if alpha == 3 {
          samples[at + 1] = Sample((sums.1 + half) / count)
          samples[at + 2] = Sample((sums.2 + half) / count)
        }
      }
      // Those of one round are not each other's neighbours with a colour.
      for pixel in turn { steps[pixel] = step }
      var next: [Int] = []
      for pixel in turn {
        forNeighbours(pixel) { other in
          guard steps[other] == waiting else { return }
          steps[other] = queued
          next.append(other)
        }
      }
      if next.isEmpty { return }
      turn = next
    }
  }
}
