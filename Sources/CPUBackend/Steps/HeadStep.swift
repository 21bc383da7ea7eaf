import CKernels
import Networks

/// A convolution of few input channels, read from planes: rows are copied between zeros and every tap broadcasts from them.
final class HeadStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let blocks: [ColumnBlock]
  private let storeFunction: sw_store_function

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let geometry = operands.geometry
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    blocks = ColumnBlock.split(arrangement.order.count, into: operands.table.tiles(.head))
    storeFunction = operands.table.kernel(.store, rows: 1).store
    weights = AlignedFloats(count: geometry.inChannels * geometry.taps * arrangement.order.count)
    operands.weight.withUnsafeFloats { source in
      let taps = geometry.inChannels * geometry.taps
      for block in blocks {
        for column in 0..<block.columns {
          guard let channel = arrangement.order[block.firstColumn + column] else { continue }
          for tap in 0..<taps {
            weights.base[taps * block.firstColumn + tap * block.columns + column] = source[channel * taps + tap]
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.map(\.kernel.name)).sorted() + ["store"] }
  var constantByteCount: Int { weights.byteCount + epilogue.byteCount }

  /// The longest row that taps reach, with a register tile to spare at the end.
  private var rowLength: Int {
    let g = operands.geometry
    return (g.outWidth + 12) * g.stride.width + (g.kernel.width - 1) * g.dilation.width + 1
  }

  private struct Scratch {
    var rows: UnsafeMutablePointer<Float>?
    var product: UnsafeMutablePointer<Float>?
    var left: UnsafeMutablePointer<UnsafePointer<Float>?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let g = operands.geometry
    return Scratch(
      rows: cursor.floats(g.inChannels * g.kernel.height * rowLength), product: cursor.floats(12 * 64),
      left: cursor.pointers(g.inChannels * g.taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let rows = scratch.rows, let product = scratch.product, let left = scratch.left else { return }
    let g = operands.geometry, taps = g.inChannels * g.taps
    for n in rowTasks(region).range(task) {
      let (image, y) = region.place(n)
      copyRows(memory[operands.input].row(image, 0), y: y, into: rows)
      var destination = arrangement.destination(memory[operands.output], image: image, y: y)
      var residual = operands.residualSource(memory, image: image, y: y)
      withUnsafePointer(to: epilogue.structure) { epilogue in
        for block in blocks {
          var x = 0
          while x < g.outWidth {
            for tap in 0..<taps {
              let kernelRow = tap / g.kernel.width, kx = tap % g.kernel.width
              left[tap] = UnsafePointer(rows + kernelRow * rowLength + x * g.stride.width + kx * g.dilation.width)
            }
            block.kernel.head(left, g.stride.width, taps, weights.base + taps * block.firstColumn, product, block.columns)
            storeFunction(
              product, block.columns, min(block.kernel.rows, g.outWidth - x), block.firstColumn / Int(SW_CHANNEL_BLOCK),
              block.columns / Int(SW_CHANNEL_BLOCK), 0, x, &destination, &residual, epilogue)
            x += block.kernel.rows
          }
        }
      }
    }
  }

  /// Row channel · kernelHeight + ky holds the input row that output row y reads with ky, its pixel -left at index 0.
  private func copyRows(_ input: UnsafePointer<Float>, y: Int, into rows: UnsafeMutablePointer<Float>) {
    let g = operands.geometry, layout = operands.inputLayout
    for channel in 0..<g.inChannels {
      for ky in 0..<g.kernel.height {
        let row = rows + (channel * g.kernel.height + ky) * rowLength
        row.update(repeating: 0, count: rowLength)
        let inY = y * g.stride.height - g.padding.top + ky * g.dilation.height
        guard inY >= 0, inY < g.inHeight, g.padding.left < rowLength else { continue }
        let count = min(g.inWidth, rowLength - g.padding.left)
        (row + g.padding.left).update(from: input + channel * layout.planeStride + inY * layout.rowStride, count: count)
      }
    }
  }
}
