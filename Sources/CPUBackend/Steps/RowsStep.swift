import CKernels
import Execution
import Networks
import Tensors

/// A convolution of interleaved codes whose taps lie at the same places from every pixel: each 4 bytes of a pixel count as a channel. Pixels whose
/// taps all lie inside the image are read where they lie; those at its edges from copies with the code of 0 around them.
final class RowsStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: Pack
  private let blocks: ConstantTable<ColumnBlock>
  private let columns: EdgeColumns
  /// Fours of channels that are read: of padding channels nothing is.
  private let words: Int
  /// Where the taps of a row of the kernel lie from a pixel's first, in fours of codes: in the input, and in copies.
  private let inputOffsets: ConstantTable<Int>
  private let copyOffsets: ConstantTable<Int>

  /// Bytes of the weights of a block of columns that stay in a core's level-1 cache.
  static let mostWeights = 40 << 10

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry, layout = operands.inputLayout, words = (g.inChannels + 3) / 4
    self.words = words
    arrangement = OutputArrangement(
      channels: g.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    let blocks = ColumnBlock.split(
      arrangement.order.count, into: operands.table.tiles(.head, layout.element, operands.outputLayout.element))
    self.blocks = ConstantTable(blocks)
    columns = EdgeColumns(g, tileRows: blocks.map(\.kernel.rows).max() ?? 1)
    func offsets(_ pixel: Int) -> ConstantTable<Int> {
      ConstantTable((0..<g.kernel.width * words).map { $0 / words * g.dilation.width * pixel + $0 % words })
    }
    inputOffsets = offsets(layout.bytesPerPixel / 4)
    copyOffsets = offsets(layout.pixelByteCount / 4)
    weights = operands.packs.pack(
      GroupedCodes(weight: operands.weight, channels: g.inChannels, taps: g.taps, order: arrangement.order, blocks: blocks))
  }

  var kernelNames: [String] { Set(blocks.values.map(\.kernel.name)).sorted() }
  var work: Work { Work(.gatheredProducts, unit: blocks[0].kernel.unit) }
  var packs: [Pack] { [weights] + epilogue.packs }

  /// The input rows from the first that consecutive output rows read to the last.
  private func inputRowCount(_ outputRows: Int) -> Int {
    let g = operands.geometry
    return (outputRows - 1) * g.stride.height + (g.kernel.height - 1) * g.dilation.height + 1
  }

  private struct Scratch {
    /// Of each input row of a task the pixels at both edges.
    var copies: UnsafeMutableRawPointer?
    /// A row of the code of 0.
    var outside: UnsafeMutableRawPointer?
    /// One a row of the kernel.
    var rows: UnsafeMutablePointer<UnsafeRawPointer?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let g = operands.geometry, layout = operands.inputLayout
    return Scratch(
      copies: cursor.bytes(inputRowCount(RowTasks.mostRows) * columns.copiedPixels * layout.pixelByteCount),
      outside: cursor.bytes(columns.inside.isEmpty ? 0 : g.inWidth * layout.bytesPerPixel),
      rows: cursor.pointers(g.kernel.height))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let copies = scratch.copies, let outside = scratch.outside, let rows = scratch.rows else { return }
    let g = operands.geometry, layout = operands.inputLayout, input = memory[operands.input]
    let pixel = layout.pixelByteCount, copyBytes = columns.copiedPixels * pixel
    let code = UInt8(truncatingIfNeeded: operands.sums?.input.zeroPoint ?? 0)
    var hasOutside = false
    let range = rowTasks(region).range(task)
    var n = range.lowerBound
    while n < range.upperBound {
      // Consecutive rows of one image share the copies of the input rows.
      let (image, first) = region.place(n)
      let count = min(range.upperBound - n, region.rows.upperBound - first)
      let top = first * g.stride.height - g.padding.top
      var copied = 0
      for y in first..<first + count {
        let origin = (y - first) * g.stride.height, end = origin + inputRowCount(1)
        for row in max(copied, origin)..<end {
          let inY = top + row
          let from = inY >= 0 && inY < g.inHeight ? UnsafeRawPointer(input.row(image, inY)) : nil
          copy(from, columns.first, to: copies + row * copyBytes, outside: code)
          copy(from, columns.last, to: copies + row * copyBytes + columns.first.count * pixel, outside: code)
        }
        copied = end
        var output = Output(
          destination: arrangement.destination(memory[operands.output], image: image, y: y),
          residual: operands.residualSource(memory, image: image, y: y))
        func point(_ base: UnsafeRawPointer, _ offset: Int) {
          for ky in 0..<g.kernel.height {
            rows[ky] = base + (origin + ky * g.dilation.height) * copyBytes + offset
          }
        }
        point(copies, 0)
        run(rows, copyOffsets, pixel, columns.before, &output)
        if !columns.inside.isEmpty {
          let offset = (columns.inside.lowerBound * g.stride.width - g.padding.left) * layout.bytesPerPixel
          for ky in 0..<g.kernel.height {
            let inY = top + origin + ky * g.dilation.height
            if inY >= 0, inY < g.inHeight {
              rows[ky] = UnsafeRawPointer(input.row(image, inY)) + offset
            } else {
              if !hasOutside {
                outside.initializeMemory(as: UInt8.self, repeating: code, count: g.inWidth * layout.bytesPerPixel)
                hasOutside = true
              }
              rows[ky] = UnsafeRawPointer(outside) + offset
            }
          }
          run(rows, inputOffsets, layout.bytesPerPixel, columns.inside, &output)
        }
        point(copies, columns.first.count * pixel)
        run(rows, copyOffsets, pixel, columns.after, &output)
      }
      n += count
    }
  }

  private struct Output {
    var destination: sw_destination
    var residual: sw_source
  }

  /// Some columns of an output row, whose first one's taps begin at `rows`.
  private func run(
    _ rows: UnsafeMutablePointer<UnsafeRawPointer?>, _ offsets: ConstantTable<Int>, _ bytesPerPixel: Int, _ range: Range<Int>,
    _ output: inout Output
  ) {
    guard !range.isEmpty else { return }
    let g = operands.geometry, x = range.lowerBound, destination = output.destination, residual = output.residual
    let blocks = blocks.elements, steps = g.taps * words
    withUnsafePointer(to: epilogue.structure) { epilogue in
      for index in 0..<self.blocks.count {
        let block = blocks[index]
        var arguments = sw_head_arguments(
          rows: rows, row_count: g.kernel.height, offsets: offsets.elements, taps: offsets.count,
          step: g.stride.width * bytesPerPixel / 4, count: range.count, right: weights.floats + steps * block.firstColumn,
          out: destination.base + x * destination.pixel, out_pixel: destination.pixel,
          residual: residual.base.map { $0 + x * residual.pixel }, residual_pixel: residual.pixel,
          block: destination.block + block.firstColumn / Int(SW_CHANNEL_BLOCK), channel: block.firstColumn,
          epilogue: epilogue)
        block.kernel.head(&arguments)
      }
    }
  }

  /// Pixels of a row of the input, which may reach past its ends; nil where the row itself lies outside.
  private func copy(
    _ row: UnsafeRawPointer?, _ range: Range<Int>, to: UnsafeMutableRawPointer, outside code: UInt8
  ) {
    let layout = operands.inputLayout, pixel = layout.pixelByteCount
    let inside = range.clamped(to: 0..<operands.geometry.inWidth)
    guard let row, !inside.isEmpty else {
      to.initializeMemory(as: UInt8.self, repeating: code, count: range.count * pixel)
      return
    }
    let before = inside.lowerBound - range.lowerBound, after = range.upperBound - inside.upperBound
    to.initializeMemory(as: UInt8.self, repeating: code, count: before * pixel)
    let first = to + before * pixel, from = row + inside.lowerBound * layout.bytesPerPixel
    if layout.bytesPerPixel == pixel {
      first.copyMemory(from: from, byteCount: inside.count * pixel)
    } else {
      for x in 0..<inside.count { (first + x * pixel).copyMemory(from: from + x * layout.bytesPerPixel, byteCount: pixel) }
    }
    (first + inside.count * pixel).initializeMemory(as: UInt8.self, repeating: code, count: after * pixel)
  }
}

/// The columns of a convolution's output by where their taps lie: those in the middle read the input alone, whole register tiles of them where
/// that can be; those before and after are made from copies of a few of its pixels.
struct EdgeColumns: Equatable {
  /// Of the output; together all of them.
  let before: Range<Int>
  let inside: Range<Int>
  let after: Range<Int>
  /// The pixels of the input that those at the edges read, a register tile's at least, which may reach past its ends.
  let first: Range<Int>
  let last: Range<Int>

  var copiedPixels: Int { first.count + last.count }

  /// - Parameter tileRows: pixels of the largest register tile.
  init(_ g: ConvolutionGeometry, tileRows: Int) {
    let width = g.outWidth, stride = g.stride.width, reach = (g.kernel.width - 1) * g.dilation.width
    // The first column whose taps do not begin before the input, and the one behind the last whose taps do not end after it.
    let low = (g.padding.left + stride - 1) / stride
    let last = g.inWidth - 1 - reach + g.padding.left
    let high = last < 0 ? 0 : min(width, last / stride + 1)
    let start = min((low + tileRows - 1) / tileRows * tileRows, width)
    let tiles = max(high - start, 0) / tileRows, end = high == width ? width : start + tiles * tileRows
    // What is less than a tile would be read past its end.
    if tiles == 0 {
      (before, inside, after) = (0..<width, width..<width, width..<width)
    } else {
      (before, inside, after) = (0..<start, start..<end, end..<width)
    }
    func read(_ columns: Range<Int>) -> Range<Int> {
      let from = columns.lowerBound * stride - g.padding.left
      return columns.isEmpty ? from..<from : from..<from + (max(columns.count, tileRows) - 1) * stride + reach + 1
    }
    first = read(before)
    self.last = read(after)
  }
}
