import CKernels
import Execution
import Networks
import Tensors

/// Depthwise and then pointwise convolution in one step: the depthwise results of a block of pixels are made in scratch memory,
/// where they stay in the level-1 or level-2 cache, and are multiplied at once. The middle tensor never reaches memory; the input of
/// the next block is fetched during the products, which leave loads to spare.
final class SeparableStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let middle: EpilogueParameters
  private let depthwise: DepthwiseRows
  private let product: PointwiseProduct
  private let parts: ConstantTable<InputPart>
  private let blocks: PixelBlocks
  /// Of the depthwise results, and the bytes of a pixel of them.
  private let middleElement: DataType
  private let middlePixel: Int
  /// The first of a block's input rows that is fetched ahead: those above it were read for the row of blocks before, and still lie
  /// in the level-2 cache where a few rows of the image fit there.
  private let firstFreshRow: Int

  /// - Parameters:
  ///   - operands: of the whole; `weight`, `bias` and `epilogue` are those of the pointwise part, which comes last.
  ///   - weight: of the depthwise part, `[inChannels, 1, kernel.height, kernel.width]`
  ///   - middle: bias and activation of the depthwise part.
  ///   - codes: what is read where that is integers.
  ///   - products: the kernels of the pointwise part.
  init(
    _ operands: ConvolutionOperands, depthwise part: Convolution, weight: ParameterTensor, codes: Codes?,
    middle: EpilogueParameters, products: KernelTable
  ) {
    self.operands = operands
    let g = operands.geometry
    arrangement = OutputArrangement(
      channels: g.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    self.middle = middle
    parts = ConstantTable(operands.parts)
    middleElement = operands.inputLayout.element
    middlePixel = paddedChannels(part.outChannels) * middleElement.byteCount
    depthwise = DepthwiseRows(
      part, input: (g.inHeight, g.inWidth), elements: (operands.inputLayout.element, middleElement), weight: weight,
      codes: codes,
      table: operands.table, packs: operands.packs)
    product = PointwiseProduct(
      weight: operands.weight, outputs: g.outChannels, depth: part.outChannels, order: arrangement.order,
      elements: (middleElement, operands.outputLayout.element), table: products, packs: operands.packs)
    let caches = operands.table.caches
    blocks = PixelBlocks(width: g.outWidth, pixelByteCount: middlePixel, caches)
    let kept = max(g.kernel.height - g.stride.height, 0)
    let pixel = operands.inputLayout.pixelByteCount, input = depthwise.pointerCount(blocks.rowCount) * blocks.columnCount
    // Input rows stay in a core's level-2 cache until they are read again; or all of a block's input is fetched, where that is little.
    let isKept = (kept + 1) * g.inWidth * pixel <= caches.level2 / 8 * 5
    firstFreshRow = isKept || input * g.stride.width * pixel > caches.level2 / 64 * 17 ? kept : 0
  }

  var kernelNames: [String] { [depthwise.kernel.name] + product.kernelNames }
  var work: Work { Work(.separable, unit: product.unit) }
  var packs: [Pack] { depthwise.packs + [product.weights] + middle.packs + epilogue.packs }

  private func tasks(_ region: WorkRegion) -> ProductTasks {
    ProductTasks(
      region, width: operands.geometry.outWidth, groupCount: product.groupCount,
      rowGrain: blocks.rowCount)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  private struct Scratch {
    var pixels: PixelPointers?
    var middle: UnsafeMutableRawPointer?
    var rows: UnsafeMutablePointer<UnsafeRawPointer?>?
    var spans: UnsafeMutablePointer<sw_span>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let rowCount = depthwise.pointerCount(blocks.rowCount)
    return Scratch(
      pixels: PixelPointers(&cursor, pixels: PixelBlocks.pixels),
      middle: cursor.bytes(PixelBlocks.pixels * middlePixel), rows: cursor.pointers(rowCount),
      spans: cursor.spans(rowCount * parts.count))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let pixels = scratch.pixels, let between = scratch.middle, let rows = scratch.rows, let spans = scratch.spans else {
      return
    }
    let output = memory[operands.output]
    let tasks = tasks(region), share = tasks.share(task)
    // A thread takes its tasks in order.
    let following = task + 1 < tasks.count ? tasks.share(task + 1).rows : nil
    withUnsafePointer(to: epilogue.structure) { epilogue in
      blocks.forEach(share.rows, of: region, following: following) { block, next in
        for index in 0..<parts.count { filter(parts.elements[index], memory, block, into: between, rows: rows) }
        for y in block.rows {
          pixels.fill(
            PixelChunks.Segment(row: 0, x: block.x, offset: (y - block.rows.lowerBound) * block.width, count: block.width),
            arrangement.destination(output, image: block.image, y: y),
            operands.residualSource(memory, image: block.image, y: y))
        }
        product.run(
          between, leftPixel: middlePixel, count: block.count, out: pixels.out,
          residual: operands.residual == nil ? nil : pixels.residual, blockOffsets: arrangement.blockOffsets,
          groups: share.groups, ahead: next.map { ahead($0, memory, spans) }, epilogue)
      }
    }
  }

  /// The depthwise results of a block's pixels, for the channels of one part of the input.
  @inline(__always)
  private func filter(
    _ part: InputPart, _ memory: RunMemory, _ block: PixelBlocks.Block, into between: UnsafeMutableRawPointer,
    rows: UnsafeMutablePointer<UnsafeRawPointer?>
  ) {
    let input = memory[part.value]
    depthwise.fill(rows, rows: block.rows) { UnsafeRawPointer(input.row(block.image, $0)) }
    var shifted = middle.structure
    shifted.move(by: part.firstChannel)
    withUnsafePointer(to: shifted) { middle in
      depthwise.run(
        rows, rowCount: block.rows.count, inPixel: part.bytesPerPixel, x: block.x, count: block.width,
        out: between + part.firstChannel * middleElement.byteCount, outRow: block.width * middlePixel,
        outPixel: middlePixel, channels: part.firstChannel..<part.firstChannel + paddedChannels(part.channels), middle)
    }
  }

  /// The input of a block.
  @inline(__always)
  private func ahead(
    _ block: PixelBlocks.Block, _ memory: RunMemory, _ spans: UnsafeMutablePointer<sw_span>
  ) -> SpanCursor {
    var cursor = SpanCursor(spans)
    for index in 0..<parts.count {
      let part = parts.elements[index], input = memory[part.value]
      depthwise.ahead(rows: block.rows, from: firstFreshRow, x: block.x, count: block.width, part: part, into: &cursor) {
        UnsafeRawPointer(input.row(block.image, $0))
      }
    }
    return cursor
  }
}
