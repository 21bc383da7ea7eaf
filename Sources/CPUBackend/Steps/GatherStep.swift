import CKernels
import Networks

/// A convolution of any kernel, stride, padding, dilation and number of groups as a product over gathered rows.
final class GatherStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let blocks: [ColumnBlock]
  private let storeFunction: sw_store_function
  private let zeros: AlignedFloats

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let geometry = operands.geometry, table = operands.table
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    blocks = ColumnBlock.split(arrangement.order.count, into: table.tiles(.gather))
    storeFunction = table.kernel(.store, rows: 1).store
    weights = AlignedFloats(count: geometry.taps * geometry.inChannels * arrangement.order.count)
    zeros = AlignedFloats(count: paddedChannels(geometry.inChannels))
    packWeights()
  }

  /// By column block, then tap, input channel, column. Groups become one dense product with zeros between them.
  private func packWeights() {
    let geometry = operands.geometry
    let depth = geometry.inChannels / geometry.groups, outputs = geometry.outChannels / geometry.groups
    operands.weight.withUnsafeFloats { source in
      for block in blocks {
        let base = weights.base + geometry.taps * geometry.inChannels * block.firstColumn
        for column in 0..<block.columns {
          guard let channel = arrangement.order[block.firstColumn + column] else { continue }
          let first = channel / outputs * depth
          for tap in 0..<geometry.taps {
            for k in 0..<depth {
              base[(tap * geometry.inChannels + first + k) * block.columns + column] =
                source[(channel * depth + k) * geometry.taps + tap]
            }
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.map(\.kernel.name)).sorted() + ["store"] }
  var constantByteCount: Int { weights.byteCount + epilogue.byteCount }

  private static let widestTile = 12 * 64

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (product: UnsafeMutablePointer<Float>?, left: UnsafeMutablePointer<UnsafePointer<Float>?>?) {
    (cursor.floats(Self.widestTile), cursor.pointers(12 * operands.geometry.taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let product = scratch.product, let left = scratch.left else { return }
    let geometry = operands.geometry
    for n in rowTasks(region).range(task) {
      let (image, y) = region.place(n)
      var destination = arrangement.destination(memory[operands.output], image: image, y: y)
      var residual = operands.residualSource(memory, image: image, y: y)
      let input = memory[operands.input]
      withUnsafePointer(to: epilogue.structure) { epilogue in
        for block in blocks {
          let right = weights.base + geometry.taps * geometry.inChannels * block.firstColumn
          var x = 0
          while x < geometry.outWidth {
            let rows = block.kernel.rows
            gather(input, image: image, y: y, x: x, rows: rows, into: left)
            block.kernel.gather(left, geometry.taps, right, geometry.inChannels, product, block.columns)
            storeFunction(
              product, block.columns, min(rows, geometry.outWidth - x), block.firstColumn / Int(SW_CHANNEL_BLOCK),
              block.columns / Int(SW_CHANNEL_BLOCK), 0, x, &destination, &residual, epilogue)
            x += rows
          }
        }
      }
    }
  }

  /// Where each tap of each of `rows` output pixels from (y, x) on reads; pixels outside the image, and rows past the last output
  /// pixel, read zeros.
  private func gather(
    _ input: ValueMemory, image: Int, y: Int, x: Int, rows: Int, into left: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    let g = operands.geometry, layout = operands.inputLayout
    var tap = 0
    for ky in 0..<g.kernel.height {
      let inY = y * g.stride.height - g.padding.top + ky * g.dilation.height
      let inRow = inY >= 0 && inY < g.inHeight ? UnsafePointer(input.row(image, inY)) : nil
      for kx in 0..<g.kernel.width {
        for row in 0..<rows {
          let inX = (x + row) * g.stride.width - g.padding.left + kx * g.dilation.width
          let isInside = inX >= 0 && inX < g.inWidth && x + row < g.outWidth
          left[tap * rows + row] = (isInside ? inRow.map { $0 + inX * layout.pixelStride } : nil) ?? UnsafePointer(zeros.base)
        }
        tap += 1
      }
    }
  }
}
