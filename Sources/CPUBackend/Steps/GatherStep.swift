import CKernels
import Networks

/// A convolution of any kernel, stride, padding, dilation and number of groups as a product over gathered rows; with a 1x1 kernel
/// of stride 1, where the rows follow each other in memory, as a plain product.
final class GatherStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let blocks: [Block]
  private let storeFunction: sw_store_function
  private let zeros: AlignedFloats

  /// A run of columns and the input channels that they read: all of them, or with groups those of the columns' groups, between
  /// which the product is dense with zeros. Holds no references.
  private struct Block {
    let gather: Kernel
    let multiply: Kernel
    let firstColumn: Int
    let firstInput: Int
    let depth: Int
    let weightOffset: Int

    var columns: Int { gather.columns }
    /// Of one tap of one column.
    var slots: Int { gather.slots(depth: depth) }
  }

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let geometry = operands.geometry, table = operands.table
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    let blocks = Self.blocks(geometry, order: arrangement.order, table)
    self.blocks = blocks
    storeFunction = table.kernel(.store, rows: 1).store
    weights = AlignedFloats(count: blocks.reduce(0) { $0 + geometry.taps * $1.slots * $1.columns })
    zeros = AlignedFloats(count: paddedChannels(geometry.inChannels))
    packWeights()
  }

  /// The columns cut into the widest tiles for which no narrower ones would need fewer products: narrow tiles meet fewer groups.
  private static func blocks(_ geometry: ConvolutionGeometry, order: [Int?], _ table: KernelTable) -> [Block] {
    let gathers = table.tiles(.gather), multiplies = table.tiles(.multiply)
    let depth = geometry.inChannels / geometry.groups, outputs = geometry.outChannels / geometry.groups
    var best: [Block] = []
    var least = Int.max
    for widest in gathers {
      var blocks: [Block] = []
      var products = 0, offset = 0
      let fitting = ColumnBlock.split(order.count, into: gathers.filter { $0.columns <= widest.columns })
      let plain = ColumnBlock.split(order.count, into: multiplies.filter { $0.columns <= widest.columns })
      for (gather, multiply) in zip(fitting, plain) {
        var first = geometry.groups, last = 0
        for case let channel? in order[gather.firstColumn..<gather.firstColumn + gather.columns] {
          first = min(first, channel / outputs)
          last = max(last, channel / outputs)
        }
        // Columns of padding alone read nothing.
        first = min(first, last)
        // Pointers are moved by whole slots.
        let firstInput = table.precision == .bfloat16 ? first * depth / 2 * 2 : first * depth
        let block = Block(
          gather: gather.kernel, multiply: multiply.kernel, firstColumn: gather.firstColumn, firstInput: firstInput,
          depth: (last + 1) * depth - firstInput, weightOffset: offset)
        blocks.append(block)
        products += block.depth * block.columns
        offset += geometry.taps * block.slots * block.columns
      }
      if products < least {
        best = blocks
        least = products
      }
    }
    return best
  }

  /// By column block, then tap, input channel, column.
  private func packWeights() {
    let geometry = operands.geometry
    let depth = geometry.inChannels / geometry.groups, outputs = geometry.outChannels / geometry.groups
    operands.weight.withUnsafeFloats { source in
      for block in blocks {
        let base = weights.base + block.weightOffset
        for column in 0..<block.columns {
          guard let channel = arrangement.order[block.firstColumn + column] else { continue }
          let first = channel / outputs * depth - block.firstInput
          for tap in 0..<geometry.taps {
            let place = base + tap * block.slots * block.columns
            for k in 0..<depth {
              block.gather.pack(source[(channel * depth + k) * geometry.taps + tap], at: first + k, column: column, into: place)
            }
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.map(\.gather.name)).sorted() + ["store"] }
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
          let right = weights.base + block.weightOffset
          var x = 0
          while x < geometry.outWidth {
            let rows: Int
            if geometry.isPointwise, geometry.stride == Pair(1), x + block.multiply.rows <= geometry.outWidth {
              rows = block.multiply.rows
              let layout = operands.inputLayout
              block.multiply.multiply(
                input.row(image, y) + x * layout.pixelStride + layout.precision.slots(block.firstInput), layout.pixelStride, right, block.depth,
                product,
                block.columns)
            } else {
              rows = block.gather.rows
              gather(input, image: image, y: y, x: x, rows: rows, channel: operands.inputLayout.precision.slots(block.firstInput), into: left)
              block.gather.gather(left, geometry.taps, right, block.depth, product, block.columns)
            }
            storeFunction(
              product, block.columns, min(rows, geometry.outWidth - x), block.firstColumn / Int(SW_CHANNEL_BLOCK),
              block.columns / Int(SW_CHANNEL_BLOCK), 0, x, &destination, &residual, epilogue)
            x += rows
          }
        }
      }
    }
  }

  /// Where each tap of each of `rows` output pixels from (y, x) on reads, `channel` floats after the pixel; pixels outside the image,
  /// and rows past the last output pixel, read zeros.
  private func gather(
    _ input: ValueMemory, image: Int, y: Int, x: Int, rows: Int, channel: Int,
    into left: UnsafeMutablePointer<UnsafePointer<Float>?>
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
          left[tap * rows + row] =
            (isInside ? inRow.map { $0 + inX * layout.pixelStride + channel } : nil) ?? UnsafePointer(zeros.base)
        }
        tap += 1
      }
    }
  }
}
