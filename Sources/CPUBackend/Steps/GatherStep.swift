import CKernels
import Networks

/// A convolution of any kernel, stride, padding, dilation and number of groups as a product over gathered rows.
final class GatherStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let blocks: ConstantTable<Block>
  private let storeFunction: sw_store_function
  private let zeros: AlignedFloats

  /// A run of columns and the input channels that they read: all of them, or with groups those of the columns' groups, between
  /// which the product is dense with zeros. Holds no references.
  private struct Block: BitwiseCopyable {
    let gather: Kernel
    let firstColumn: Int
    let firstInput: Int
    let depth: Int
    let weightOffset: Int

    var columns: Int { gather.columns }
    /// Of one tap of one column's weights.
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
    self.blocks = ConstantTable(blocks)
    storeFunction = table.kernel(.store, rows: 1).store
    weights = AlignedFloats(count: blocks.reduce(0) { $0 + geometry.taps * $1.slots * $1.columns })
    zeros = AlignedFloats(count: paddedChannels(geometry.inChannels))
    packWeights()
  }

  /// The columns cut into the widest tiles for which no narrower ones would need fewer products: narrow tiles meet fewer groups.
  private static func blocks(_ geometry: ConvolutionGeometry, order: [Int?], _ table: KernelTable) -> [Block] {
    let gathers = table.tiles(.gather)
    let depth = geometry.inChannels / geometry.groups, outputs = geometry.outChannels / geometry.groups
    var best: [Block] = []
    var least = Int.max
    for widest in gathers {
      var blocks: [Block] = []
      var products = 0, offset = 0
      let fitting = ColumnBlock.split(order.count, into: gathers.filter { $0.columns <= widest.columns })
      for gather in fitting {
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
          gather: gather.kernel, firstColumn: gather.firstColumn, firstInput: firstInput,
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
      for block in blocks.values {
        let base = weights.base + block.weightOffset
        for column in 0..<block.columns {
          guard let channel = arrangement.order[block.firstColumn + column] else { continue }
          let first = channel / outputs * depth - block.firstInput
          for tap in 0..<geometry.taps {
            let place = base + tap * block.slots * block.columns
            for k in 0..<depth {
              let value = source[(channel * depth + k) * geometry.taps + tap]
              block.gather.pack(value, at: first + k, column: column, into: place)
            }
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.values.map(\.gather.name)).sorted() + ["store"] }
  var constantByteCount: Int { weights.byteCount + epilogue.byteCount }

  private func tasks(_ region: WorkRegion) -> ProductTasks {
    ProductTasks(region, width: operands.geometry.outWidth, groupCount: blocks.count, threadCount: operands.threadCount)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  /// Pixels whose products wait together: each block of weights is read once for all of them.
  private static let pixels = 96
  private static let widestTile = 12
  /// Weights that are used for all pixels of a chunk before the next are read: part of a core's level-2 cache.
  private static let weightByteCount = 192 << 10

  /// Weights that a core's level-2 cache does not keep from one chunk to the next.
  private var fetchesAhead: Bool { weights.byteCount >= WeightsAhead.leastByteCount }

  private struct Scratch {
    var product: UnsafeMutablePointer<Float>?
    /// By register tile, then tap, then pixel of the tile.
    var left: UnsafeMutablePointer<UnsafePointer<Float>?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let pixels = Self.pixels + Self.widestTile
    return Scratch(product: cursor.floats(pixels * 64), left: cursor.pointers(pixels * operands.geometry.taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let product = scratch.product, let left = scratch.left else { return }
    let geometry = operands.geometry, share = tasks(region).share(task)
    let input = memory[operands.input], output = memory[operands.output]
    withUnsafePointer(to: epilogue.structure) { epilogue in
      PixelChunks(rows: share.rows, width: geometry.outWidth, joinsRows: true, most: Self.pixels).forEach { chunk in
        var pointedRows = 0, pointedInput = 0
        for index in share.groups {
          let block = blocks.elements[index]
          if block.gather.rows != pointedRows || block.firstInput != pointedInput {
            (pointedRows, pointedInput) = (block.gather.rows, block.firstInput)
            point(left, to: chunk, tileRows: pointedRows, channel: pointedInput, region, input)
          }
          let next = index + 1 < share.groups.upperBound ? blocks.elements[index + 1] : nil
          multiply(block, before: next, pixels: chunk.count, left, product)
          chunk.forEachSegment { segment in
            let (image, y) = region.place(segment.row)
            var destination = arrangement.destination(output, image: image, y: y)
            var residual = operands.residualSource(memory, image: image, y: y)
            storeFunction(
              product + segment.offset * block.columns, block.columns, segment.count,
              block.firstColumn / Int(SW_CHANNEL_BLOCK), block.columns / Int(SW_CHANNEL_BLOCK), 0, segment.x, &destination,
              &residual, epilogue)
          }
        }
      }
    }
  }

  /// The products of a chunk with one block of columns, some taps at a time.
  @inline(__always)
  private func multiply(
    _ block: Block, before nextBlock: Block?, pixels: Int, _ left: UnsafeMutablePointer<UnsafePointer<Float>?>,
    _ product: UnsafeMutablePointer<Float>
  ) {
    let geometry = operands.geometry, depth = block.depth, rows = block.gather.rows, gather = block.gather.gather
    let right = weights.base + block.weightOffset, end = right + geometry.taps * block.slots * block.columns
    let tapsTogether = max(1, Self.weightByteCount / (block.slots * block.columns * 4))
    let tiles = (pixels + rows - 1) / rows
    var tap = 0
    while tap < geometry.taps {
      let taps = min(tapsTogether, geometry.taps - tap)
      let from = right + tap * block.slots * block.columns, next = from + taps * block.slots * block.columns
      // The weights after these: of the taps that follow, or of the next block of columns.
      let count = next < end ? min(next - from, end - next) : nextBlock.map { tapsTogether * $0.slots * $0.columns } ?? 0
      var ahead = WeightsAhead(fetchesAhead && count > 0 ? next : nil, count: count, tiles: tiles * taps)
      ahead.withPointer { ahead in
        var pixel = 0
        while pixel < pixels {
          gather(
            left + pixel * geometry.taps + tap * rows, taps, from, depth, tap == 0 ? 0 : 1, product + pixel * block.columns,
            block.columns, ahead)
          pixel += rows
        }
      }
      tap += taps
    }
  }

  /// Where each tap of each pixel of a chunk reads, from `channel` on; outside the image, and past the last pixel, zeros.
  private func point(
    _ left: UnsafeMutablePointer<UnsafePointer<Float>?>, to chunk: PixelChunks.Chunk, tileRows: Int, channel: Int,
    _ region: WorkRegion,
    _ input: ValueMemory
  ) {
    let g = operands.geometry, pixelStride = operands.inputLayout.pixelStride
    let offset = operands.inputLayout.precision.slots(channel)
    let zeros = UnsafePointer(zeros.base)
    let padded = (chunk.count + tileRows - 1) / tileRows * tileRows
    // The tile that begins at pixel p has its pointers at left + p · taps.
    for pixel in chunk.count..<max(padded, chunk.count) {
      for tap in 0..<g.taps { left[(pixel / tileRows * g.taps + tap) * tileRows + pixel % tileRows] = zeros }
    }
    chunk.forEachSegment { segment in
      let (image, y) = region.place(segment.row)
      for ky in 0..<g.kernel.height {
        let inY = y * g.stride.height - g.padding.top + ky * g.dilation.height
        let inRow = inY >= 0 && inY < g.inHeight ? UnsafePointer(input.row(image, inY)) : nil
        for index in 0..<segment.count {
          let pixel = segment.offset + index
          let first = (segment.x + index) * g.stride.width - g.padding.left
          let tile = left + pixel / tileRows * tileRows * g.taps + pixel % tileRows
          for kx in 0..<g.kernel.width {
            let inX = first + kx * g.dilation.width
            let isInside = inX >= 0 && inX < g.inWidth
            tile[(ky * g.kernel.width + kx) * tileRows] =
              (isInside ? inRow.map { $0 + inX * pixelStride + offset } : nil) ?? zeros
          }
        }
      }
    }
  }
}
