import CKernels
import Networks

/// A convolution of any kernel, stride, padding, dilation and number of groups as a product over gathered rows.
final class GatherStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let blocks: ConstantTable<ColumnBlock>
  private let storeFunction: sw_store_function
  private let zeros: AlignedFloats

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let geometry = operands.geometry, table = operands.table
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    blocks = ConstantTable(ColumnBlock.split(arrangement.order.count, into: table.tiles(.gather)))
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
      for block in blocks.values {
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

  var kernelNames: [String] { Set(blocks.values.map(\.kernel.name)).sorted() + ["store"] }
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
        var pointedRows = 0
        for index in share.groups {
          let block = blocks.elements[index]
          if block.kernel.rows != pointedRows {
            pointedRows = block.kernel.rows
            point(left, to: chunk, tileRows: pointedRows, region, input)
          }
          multiply(block, pixels: chunk.count, left, product)
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
    _ block: ColumnBlock, pixels: Int, _ left: UnsafeMutablePointer<UnsafePointer<Float>?>, _ product: UnsafeMutablePointer<Float>
  ) {
    let geometry = operands.geometry, depth = geometry.inChannels, rows = block.kernel.rows, gather = block.kernel.gather
    let right = weights.base + geometry.taps * depth * block.firstColumn
    let tapsTogether = max(1, Self.weightByteCount / (depth * block.columns * 4))
    var tap = 0
    while tap < geometry.taps {
      let taps = min(tapsTogether, geometry.taps - tap)
      var pixel = 0
      while pixel < pixels {
        gather(
          left + pixel * geometry.taps + tap * rows, taps, right + tap * depth * block.columns, depth, tap == 0 ? 0 : 1,
          product + pixel * block.columns, block.columns)
        pixel += rows
      }
      tap += taps
    }
  }

  /// Where each tap of each pixel of a chunk reads; outside the image, and past the last pixel, zeros.
  private func point(
    _ left: UnsafeMutablePointer<UnsafePointer<Float>?>, to chunk: PixelChunks.Chunk, tileRows: Int, _ region: WorkRegion,
    _ input: ValueMemory
  ) {
    let g = operands.geometry, pixelStride = operands.inputLayout.pixelStride
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
            tile[(ky * g.kernel.width + kx) * tileRows] = (isInside ? inRow.map { $0 + inX * pixelStride } : nil) ?? zeros
          }
        }
      }
    }
  }
}
