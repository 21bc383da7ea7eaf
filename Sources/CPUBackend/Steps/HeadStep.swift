import CKernels
import Execution
import Networks
import Tensors

/// A convolution of few input channels, read from planes: rows are copied between zeros and every tap broadcasts from them. Of codes up to
/// four planes become pixels of 4 bytes, so that a tap is that of all channels.
final class HeadStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: Pack
  private let blocks: ConstantTable<ColumnBlock>
  /// Where each tap of the first pixel lies, from the topmost row that an output row reads.
  private let tapOffsets: ConstantTable<Int>
  /// Copies of a row, of 4 bytes a pixel: one a channel, or one of all.
  private let copies: Int
  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry, copies = operands.sums == nil ? g.inChannels : 1
    self.copies = copies
    let taps = copies * g.taps
    arrangement = OutputArrangement(
      channels: g.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    let blocks = ColumnBlock.split(
      arrangement.order.count, into: operands.table.tiles(.head, operands.inputLayout.element, operands.outputLayout.element))
    self.blocks = ConstantTable(blocks)
    let rowLength = Self.rowLength(g)
    tapOffsets = ConstantTable(
      (0..<taps).map { tap in
        let channel = tap / g.taps, ky = tap % g.taps / g.kernel.width, kx = tap % g.kernel.width
        return (ky * g.dilation.height * copies + channel) * rowLength + kx * g.dilation.width
      })
    weights =
      operands.sums == nil
      ? operands.packs.pack(Layout(weight: operands.weight, taps: taps, order: arrangement.order, blocks: blocks))
      : operands.packs.pack(
        GroupedCodes(weight: operands.weight, channels: g.inChannels, taps: g.taps, order: arrangement.order, blocks: blocks))
  }

  /// By column block, then tap of any channel, column.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let taps: Int
    let order: [Int?]
    let blocks: [ColumnBlock]

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { taps * order.count * 4 }
    var partCount: Int { blocks.count }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let block = blocks[part], to = base.floats + taps * block.firstColumn
      tensors[0].withUnsafeFloats { source in
        for column in 0..<block.columns {
          guard let channel = order[block.firstColumn + column] else { continue }
          for tap in 0..<taps { to[tap * block.columns + column] = source[channel * taps + tap] }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.values.map(\.kernel.name)).sorted() }
  var work: Work { Work(.head, unit: blocks[0].kernel.unit) }
  var packs: [Pack] { [weights] + epilogue.packs }

  /// The longest row that taps reach, with a register tile to spare at the end.
  private static func rowLength(_ g: ConvolutionGeometry) -> Int {
    (g.outWidth + Kernel.mostRows) * g.stride.width + (g.kernel.width - 1) * g.dilation.width + 1
  }

  /// The input rows that consecutive output rows read, from the first to the last.
  private static func inputRowCount(_ g: ConvolutionGeometry, _ outputRows: Int) -> Int {
    (outputRows - 1) * g.stride.height + (g.kernel.height - 1) * g.dilation.height + 1
  }

  private func inputRowCount(_ outputRows: Int) -> Int { Self.inputRowCount(operands.geometry, outputRows) }

  /// The floats that the copies of the rows of one task fill.
  static func copiedFloats(_ g: ConvolutionGeometry) -> Int {
    inputRowCount(g, RowTasks.mostRows) * (g.sumsIntegers ? 1 : g.inChannels) * rowLength(g)
  }

  private func scratch(_ cursor: inout ScratchCursor) -> UnsafeMutablePointer<Float>? {
    cursor.floats(Self.copiedFloats(operands.geometry))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rows = scratch(&cursor) else { return }
    let g = operands.geometry, rowLength = Self.rowLength(g), taps = tapOffsets.count
    let blocks = blocks.elements, offsets = tapOffsets.elements
    let range = rowTasks(region).range(task)
    var n = range.lowerBound
    while n < range.upperBound {
      // Consecutive rows of one image share the copies of the input rows.
      let (image, first) = region.place(n)
      let count = min(range.upperBound - n, region.rows.upperBound - first)
      let input = memory[operands.input], top = first * g.stride.height - g.padding.top
      var copied = 0
      for y in first..<first + count {
        let origin = (y - first) * g.stride.height, end = origin + inputRowCount(1)
        for row in max(copied, origin)..<end {
          copyRow(input, image: image, y: top + row, to: rows + row * copies * rowLength)
        }
        copied = end
        let destination = arrangement.destination(memory[operands.output], image: image, y: y)
        let residual = operands.residualSource(memory, image: image, y: y)
        withUnsafePointer(to: epilogue.structure) { epilogue in
          var copies: UnsafeRawPointer? = UnsafeRawPointer(rows + origin * copies * rowLength)
          withUnsafePointer(to: &copies) { copies in
            for index in 0..<self.blocks.count {
              let block = blocks[index]
              var arguments = sw_head_arguments(
                rows: copies, row_count: 1, offsets: offsets, taps: taps, step: g.stride.width,
                count: g.outWidth, right: weights.floats + taps * block.firstColumn, out: destination.base,
                out_pixel: destination.pixel, residual: residual.base, residual_pixel: residual.pixel,
                block: destination.block + block.firstColumn / Int(SW_CHANNEL_BLOCK), channel: block.firstColumn,
                epilogue: epilogue)
              block.kernel.head(&arguments)
            }
          }
        }
      }
      n += count
    }
  }

  /// A row of all input channels, pixel -left at index 0, zeros around the image.
  private func copyRow(_ input: ValueMemory, image: Int, y: Int, to row: UnsafeMutablePointer<Float>) {
    let g = operands.geometry, rowLength = Self.rowLength(g)
    if let sums = operands.sums { return copyCodes(input, sums.input, image: image, y: y, to: UnsafeMutableRawPointer(row)) }
    guard y >= 0, y < g.inHeight, g.padding.left < rowLength else {
      row.update(repeating: 0, count: g.inChannels * rowLength)
      return
    }
    let count = min(g.inWidth, rowLength - g.padding.left)
    let from = input.floats(image, y), plane = operands.inputLayout.floats.plane
    for channel in 0..<g.inChannels {
      let target = row + channel * rowLength
      target.update(repeating: 0, count: g.padding.left)
      (target + g.padding.left).update(from: from + channel * plane, count: count)
      (target + g.padding.left + count).update(repeating: 0, count: rowLength - g.padding.left - count)
    }
  }

  /// The same of codes: pixels of four, the code of 0 around the image and in the place of channels that there are not.
  private func copyCodes(_ input: ValueMemory, _ codes: Codes, image: Int, y: Int, to row: UnsafeMutableRawPointer) {
    let g = operands.geometry, rowLength = Self.rowLength(g), pixels = row.assumingMemoryBound(to: UInt32.self)
    let zero = UInt32(truncatingIfNeeded: codes.zeroPoint) &* 0x0101_0101
    guard y >= 0, y < g.inHeight, g.padding.left < rowLength else {
      pixels.update(repeating: zero, count: rowLength)
      return
    }
    let count = min(g.inWidth, rowLength - g.padding.left)
    let plane = operands.inputLayout.bytesPerPlane
    let from = UnsafeRawPointer(input.row(image, y)).assumingMemoryBound(to: UInt8.self), to = pixels + g.padding.left
    pixels.update(repeating: zero, count: g.padding.left)
    switch g.inChannels {
    case 1: for x in 0..<count { to[x] = UInt32(from[x]) }
    case 3:
      for x in 0..<count { to[x] = UInt32(from[x]) | UInt32(from[plane + x]) << 8 | UInt32(from[2 * plane + x]) << 16 }
    default:
      for x in 0..<count {
        var pixel: UInt32 = 0
        for channel in 0..<g.inChannels { pixel |= UInt32(from[channel * plane + x]) << UInt32(8 * channel) }
        to[x] = pixel
      }
    }
    (to + count).update(repeating: zero, count: rowLength - g.padding.left - count)
  }
}
