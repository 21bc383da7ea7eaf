import CKernels
import Execution
import Networks

/// The products that the gradient of a convolution's weight is made of: for each tap one of two matrices whose common side are the pixels.
final class WeightProducts {
  let payload: Convolution
  let x: ValueLayout
  let g: ValueLayout
  private let tiles: ConstantTable<Tile>
  /// What layouts work out: loops do not.
  private let xFloats: ValueLayout.FloatDistances
  private let gFloats: ValueLayout.FloatDistances
  private let xHeight: Int
  private let xWidth: Int
  private let gWidth: Int
  /// Channels of x that the sums have: padded.
  let columns: Int
  /// Output channels that they have: whole register tiles.
  let rows: Int
  /// Rows of g that a register tile goes over at once.
  private let lines: Int

  /// A register tile and where its columns begin.
  private struct Tile: BitwiseCopyable {
    var kernel: Kernel
    var firstColumn: Int
  }

  /// Pixels whose channels of a register tile stay in the level-1 cache while all output channels go over them.
  private static let pixelsAtOnce = 96
  /// Floats from one pixel to the next from which on the channels of a tile, or of a block of output channels, are brought together first: lines far
  /// apart share few cache sets.
  private static let farPixel = 128
  /// Output channels that go over what has been brought together.
  static let mostRows = 128
  /// Divided by the rows of every tile.
  static let rowGrain = 8

  /// Both values are interleaved float32.
  init(_ payload: Convolution, x: ValueLayout, g: ValueLayout, table: KernelTable) {
    self.payload = payload
    self.x = x
    self.g = g
    (xFloats, gFloats) = (x.floats, g.floats)
    (xHeight, xWidth, gWidth) = (x.height, x.width, g.width)
    columns = x.storedChannels
    rows = (payload.outChannels + Self.rowGrain - 1) / Self.rowGrain * Self.rowGrain
    tiles = ConstantTable(
      ColumnBlock.split(columns, into: table.tiles(.outer, .float32, .float32)).map {
        Tile(kernel: $0.kernel, firstColumn: $0.firstColumn)
      })
    lines = max(1, Self.pixelsAtOnce / max(g.width, 1))
  }

  var kernelNames: [String] { Set(tiles.values.map(\.kernel.name)).sorted() }
  var taps: Int { payload.kernel.height * payload.kernel.width }
  /// Of the sums, which lie as `[outputs, taps, inputs]`.
  var floatsPerChannel: Int { taps * columns }

  /// Whether the channels of a tile are brought together first.
  var gathers: Bool { xFloats.pixel * payload.stride.width >= Self.farPixel }
  private var widestTile: Int { tiles.values.map(\.kernel.columns).max() ?? 0 }
  var scratchByteCount: Int { ScratchCursor.byteCount { gathered(&$0) } }
  private var gathersGradients: Bool { gFloats.pixel >= Self.farPixel }

  /// Where channels of x and of g are brought together; nil where they are read as they lie.
  private struct Gathered {
    var x, g: UnsafeMutablePointer<Float>?
  }

  private func gathered(_ cursor: inout ScratchCursor) -> Gathered {
    Gathered(
      x: gathers ? cursor.floats(Self.pixelsAtOnce * widestTile) : nil,
      g: gathersGradients ? cursor.floats(Self.pixelsAtOnce * gatheredPixel(min(rows, Self.mostRows))) : nil)
  }

  /// From one pixel to the next of output channels that were brought together: an odd number of cache lines.
  private func gatheredPixel(_ channels: Int) -> Int { (channels + 31) / 32 * 32 + 16 }

  /// Adds what some rows of an image's gradient make of some output channels, whole register tiles.
  ///
  /// - Parameter channels: any number of them; `mostRows` at a time go over what is brought together.
  func add(
    _ image: Int, _ rows: Range<Int>, channels: Range<Int>, x: ValueMemory, g: ValueMemory,
    to sums: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer
  ) {
    var cursor = ScratchCursor(scratch)
    let gathered = gathered(&cursor)
    // Rows of a ring may wrap. The sums are added up in the same order.
    let lines = x.ring < xHeight || g.ring < self.g.height ? 1 : lines
    for y in stride(from: rows.lowerBound, to: rows.upperBound, by: lines) {
      for first in stride(from: 0, to: channels.count, by: Self.mostRows) {
        let block = channels.lowerBound + first..<min(channels.lowerBound + first + Self.mostRows, channels.upperBound)
        accumulate(
          image, y..<min(y + lines, rows.upperBound), channels: block, x, g, sums + first * floatsPerChannel, gathered)
      }
    }
  }

  private func accumulate(
    _ image: Int, _ rows: Range<Int>, channels: Range<Int>, _ source: ValueMemory, _ gradients: ValueMemory,
    _ sums: UnsafeMutablePointer<Float>, _ gathered: Gathered
  ) {
    let (strides, padding, dilation) = (payload.stride, payload.padding, payload.dilation)
    let xLine = xFloats.row * strides.height, xStep = xFloats.pixel * strides.width
    for u in 0..<payload.kernel.height {
      let top = u * dilation.height - padding.top
      let inside = Self.inside(rows, stride: strides.height, offset: top, extent: xHeight)
      guard !inside.isEmpty else { continue }
      let xRow = source.floats(image, inside.lowerBound * strides.height + top)
      let gRow = gradients.floats(image, inside.lowerBound)
      for v in 0..<payload.kernel.width {
        let left = v * dilation.width - padding.left
        let pixels = Self.inside(0..<gWidth, stride: strides.width, offset: left, extent: xWidth)
        guard !pixels.isEmpty else { continue }
        let place = sums + (u * payload.kernel.width + v) * columns
        let most = max(1, Self.pixelsAtOnce / inside.count)
        for first in stride(from: pixels.lowerBound, to: pixels.upperBound, by: most) {
          let count = min(most, pixels.upperBound - first)
          var arguments = sw_outer_arguments(
            left: nil, left_line: gFloats.row, left_step: gFloats.pixel, right: nil, right_line: xLine, right_step: xStep,
            lines: inside.count, count: count, product: nil, product_stride: floatsPerChannel)
          let from = xRow + (first * payload.stride.width + left) * xFloats.pixel
          var gradient = UnsafePointer(gRow + first * gFloats.pixel + channels.lowerBound)
          if let together = gathered.g {
            let step = gatheredPixel(channels.count)
            for line in 0..<inside.count {
              for pixel in 0..<count {
                (together + (line * count + pixel) * step).update(
                  from: gradient + line * gFloats.row + pixel * gFloats.pixel, count: channels.count)
              }
            }
            gradient = UnsafePointer(together)
            arguments.left_line = count * step
            arguments.left_step = step
          }
          if gathered.x != nil {
            // The channels of a tile are too few of a pixel for the processor to see what comes.
            for line in 0..<inside.count {
              for pixel in 0..<count { sw_read_in_order(from + line * xLine + pixel * xStep, columns * 4) }
            }
          }
          for index in 0..<tiles.count {
            let tile = tiles.elements[index], function = tile.kernel.outer, columns = tile.kernel.columns
            arguments.right = UnsafePointer(from + tile.firstColumn)
            if let together = gathered.x {
              for line in 0..<inside.count {
                for pixel in 0..<count {
                  (together + (line * count + pixel) * columns).update(
                    from: from + tile.firstColumn + line * xLine + pixel * xStep, count: columns)
                }
              }
              arguments.right = UnsafePointer(together)
              arguments.right_line = count * columns
              arguments.right_step = columns
            }
            var channel = 0
            while channel < channels.count {
              arguments.left = gradient + channel
              arguments.product = place + channel * floatsPerChannel + tile.firstColumn
              function(&arguments)
              channel += tile.kernel.rows
            }
          }
        }
      }
    }
  }

  /// The positions of a range of which `position · stride + offset` lies inside `0..<extent`.
  static func inside(_ range: Range<Int>, stride: Int, offset: Int, extent: Int) -> Range<Int> {
    let first = max(range.lowerBound, offset >= 0 ? 0 : (-offset + stride - 1) / stride)
    let end = extent - 1 - offset < 0 ? 0 : min(range.upperBound, (extent - 1 - offset) / stride + 1)
    return first..<max(first, end)
  }
}
