import CKernels
import Execution
import Networks
import Tensors

/// A convolution of any kernel, stride, padding, dilation and number of groups as a product over gathered rows.
final class GatherStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let product: ProductBlocks
  private let storeFunction: sw_store_function
  private let outside: Pack

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let geometry = operands.geometry, table = operands.table
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    product = ProductBlocks(
      weight: operands.weight, outputs: geometry.outChannels / geometry.groups, depth: geometry.inChannels / geometry.groups,
      groups: geometry.groups, taps: geometry.taps, order: arrangement.order,
      tiles: table.tiles(.gather, operands.inputLayout.element, operands.sumElement), table: table, packs: operands.packs)
    storeFunction = table.kernel(.store, operands.sumElement, operands.outputLayout.element).store
    outside = operands.outside
  }

  var kernelNames: [String] { product.kernelNames + ["store"] }
  var work: Work { Work(.gatheredProducts, unit: product.unit, productShare: product.share) }
  var packs: [Pack] { [product.weights, outside] + epilogue.packs }

  private func tasks(_ region: WorkRegion) -> ProductTasks {
    ProductTasks(region, width: operands.geometry.outWidth, groupCount: product.blocks.count)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  /// Pixels whose products wait together: each block of weights is read once for all of them. Fewer for kernels of thousands of taps,
  /// each of which has a pointer for each pixel.
  private var pixels: Int { min(96, max(Kernel.mostRows, Self.mostPointers / operands.geometry.taps)) }
  private static let mostPointers = 1 << 19
  /// Weights that are used for all pixels of a chunk before the next are read: part of a core's level-2 cache.
  private var weightByteCount: Int { operands.table.caches.level2 / 16 * 3 }

  /// Weights that a core's level-2 cache does not keep from one chunk to the next.
  private var fetchesAhead: Bool { product.weights.byteCount >= WeightsAhead.leastByteCount(operands.table.caches) }

  private struct Scratch {
    var product: UnsafeMutablePointer<Float>?
    /// By register tile, then tap, then pixel of the tile.
    var left: UnsafeMutablePointer<UnsafeRawPointer?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let pixels = pixels + Kernel.mostRows
    return Scratch(product: cursor.floats(pixels * Kernel.mostColumns), left: cursor.pointers(pixels * operands.geometry.taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let sums = scratch.product, let left = scratch.left else { return }
    let geometry = operands.geometry, share = tasks(region).share(task), blocks = product.blocks.elements
    let input = memory[operands.input], output = memory[operands.output]
    withUnsafePointer(to: epilogue.structure) { epilogue in
      PixelChunks(rows: share.rows, width: geometry.outWidth, joinsRows: true, most: pixels).forEach { chunk in
        var pointedRows = 0
        for index in share.groups {
          let block = blocks[index]
          if block.kernel.rows != pointedRows {
            pointedRows = block.kernel.rows
            point(left, to: chunk, tileRows: pointedRows, region, input)
          }
          let next = index + 1 < share.groups.upperBound ? blocks[index + 1] : nil
          multiply(block, before: next, pixels: chunk.count, left, sums)
          chunk.forEachSegment { segment in
            let (image, y) = region.place(segment.row)
            var destination = arrangement.destination(output, image: image, y: y)
            var residual = operands.residualSource(memory, image: image, y: y)
            storeFunction(
              sums + segment.offset * block.columns, block.columns, segment.count,
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
    _ block: ProductBlocks.Block, before nextBlock: ProductBlocks.Block?, pixels: Int,
    _ left: UnsafeMutablePointer<UnsafeRawPointer?>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    let geometry = operands.geometry, depth = block.depth, rows = block.kernel.rows, gather = block.kernel.gather
    let right = UnsafeRawPointer(product.weights.base) + block.weightOffset, end = right + geometry.taps * block.tapByteCount
    let offset = operands.inputLayout.byteOffset(channel: block.firstInput)
    let tapsTogether = max(1, weightByteCount / block.tapByteCount)
    let tiles = (pixels + rows - 1) / rows
    var tap = 0
    while tap < geometry.taps {
      let taps = min(tapsTogether, geometry.taps - tap)
      let from = right + tap * block.tapByteCount, next = from + taps * block.tapByteCount
      // The weights after these: of the taps that follow, or of the next block of columns.
      let count = next < end ? min(next - from, end - next) : nextBlock.map { tapsTogether * $0.tapByteCount } ?? 0
      var ahead = WeightsAhead(fetchesAhead && count > 0 ? next : nil, byteCount: count, tiles: tiles * taps)
      ahead.withPointer { ahead in
        var pixel = 0
        while pixel < pixels {
          gather(
            left + pixel * geometry.taps + tap * rows, offset, taps, from, depth, tap == 0 ? 0 : 1,
            sums + pixel * block.columns,
            block.columns, ahead)
          pixel += rows
        }
      }
      tap += taps
    }
  }

  /// Where each tap of each pixel of a chunk reads; outside the image, and past the last pixel, what lies outside.
  private func point(
    _ left: UnsafeMutablePointer<UnsafeRawPointer?>, to chunk: PixelChunks.Chunk, tileRows: Int, _ region: WorkRegion,
    _ input: ValueMemory
  ) {
    let g = operands.geometry, taps = g.taps
    let bytesPerPixel = operands.inputLayout.bytesPerPixel, step = g.stride.width * bytesPerPixel
    let outside = UnsafeRawPointer(outside.base)
    let padded = (chunk.count + tileRows - 1) / tileRows * tileRows
    // The tile that begins at pixel p has its pointers at left + p · taps, those of a tap next to each other.
    for pixel in chunk.count..<max(padded, chunk.count) {
      for tap in 0..<taps { left[(pixel / tileRows * taps + tap) * tileRows + pixel % tileRows] = outside }
    }
    chunk.forEachSegment { segment in
      let (image, y) = region.place(segment.row)
      for ky in 0..<g.kernel.height {
        let inY = y * g.stride.height - g.padding.top + ky * g.dilation.height
        let inRow = inY >= 0 && inY < g.inHeight ? UnsafeRawPointer(input.row(image, inY)) : nil
        for kx in 0..<g.kernel.width {
          let first = segment.x * g.stride.width - g.padding.left + kx * g.dilation.width
          // The pixels of the segment whose tap lies inside.
          var inside = segment.count..<segment.count
          if inRow != nil {
            let begin = first >= 0 ? 0 : (-first + g.stride.width - 1) / g.stride.width
            let end = g.inWidth > first ? (g.inWidth - first + g.stride.width - 1) / g.stride.width : 0
            if begin < min(end, segment.count) { inside = begin..<min(end, segment.count) }
          }
          let tap = left + (ky * g.kernel.width + kx) * tileRows
          let base = (inRow ?? outside) + (inside.isEmpty ? 0 : (first + inside.lowerBound * g.stride.width) * bytesPerPixel)
          func point(_ range: Range<Int>, to from: UnsafeRawPointer, step: Int) {
            guard !range.isEmpty else { return }
            Self.point(
              tap, place: segment.offset + range.lowerBound, count: range.count, to: from, step: step, tileRows: tileRows,
              taps: taps)
          }
          point(0..<inside.lowerBound, to: outside, step: 0)
          point(inside, to: base, step: step)
          point(inside.upperBound..<segment.count, to: outside, step: 0)
        }
      }
    }
  }

  /// `count` pointers of one tap, a step apart, for the pixels from `place` on: those of a tile lie next to each other.
  @inline(__always)
  private static func point(
    _ tap: UnsafeMutablePointer<UnsafeRawPointer?>, place: Int, count: Int, to first: UnsafeRawPointer, step: Int,
    tileRows: Int,
    taps: Int
  ) {
    let tile = place / tileRows
    var at = place - tile * tileRows, left = count, to = tap + tile * taps * tileRows, from = first
    while left > 0 {
      let run = min(tileRows - at, left)
      var pointer = to + at
      for _ in 0..<run {
        pointer.pointee = from
        pointer += 1
        from += step
      }
      left -= run
      at = 0
      to += taps * tileRows
    }
  }
}
