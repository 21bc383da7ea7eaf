import CKernels
import Execution
import Networks
import Tensors

/// Pointwise and then depthwise convolution in one step ("channel selection"): the pointwise results of some rows are made in scratch
/// memory, where they stay in the level-2 cache, and filtered at once. The middle tensor never reaches memory.
final class ChannelSelectionStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let order: [Int?]
  private let epilogue: EpilogueParameters
  private let middle: EpilogueParameters
  private let depthwise: DepthwiseRows
  private let product: PointwiseProduct
  /// Of the pointwise results.
  private let middleElement: DataType
  private let blockOffsets: [Int]
  /// Input rows that one output row looks at, from the first to the last.
  private let span: Int
  private let ringRows: Int

  /// - Parameters:
  ///   - operands: of the whole; `weight`, `bias` and `epilogue` are those of the depthwise part, which comes last.
  ///   - pointwise: `[outChannels, inChannels, 1, 1]`
  ///   - middle: bias and activation of the pointwise part.
  init(_ operands: ConvolutionOperands, pointwise: ParameterTensor, middle: EpilogueParameters) {
    self.operands = operands
    self.middle = middle
    middleElement = operands.inputLayout.element
    let g = operands.geometry
    order = (0..<paddedChannels(g.outChannels)).map { $0 < g.outChannels ? $0 : nil }
    epilogue = operands.epilogueParameters(order: order)
    let channels = Convolution(
      inChannels: g.outChannels, outChannels: g.outChannels, kernel: g.kernel, stride: g.stride, padding: g.padding,
      dilation: g.dilation, groups: g.outChannels, hasBias: false)
    depthwise = DepthwiseRows(
      channels, input: (g.inHeight, g.inWidth), elements: (middleElement, operands.outputLayout.element),
      weight: operands.weight, codes: operands.sums?.input, table: operands.table, packs: operands.packs)
    product = PointwiseProduct(
      weight: pointwise, outputs: g.outChannels, depth: g.inChannels, order: order,
      elements: (operands.inputLayout.element, middleElement), table: operands.table, packs: operands.packs)
    let block = Int(SW_CHANNEL_BLOCK), channelByteCount = middleElement.byteCount
    blockOffsets = (0..<order.count / block).map { $0 * block * channelByteCount }
    span = (g.kernel.height - 1) * g.dilation.height + 1
    let rowByteCount = g.inWidth * min(PointwiseProduct.groupColumns, order.count) * channelByteCount
    // Enough for one output row, and for another stride of input below it; no more than there are.
    let ringByteCount = operands.table.caches.level2 / 8 * 3
    ringRows = min(max(span + g.stride.height, ringByteCount / max(rowByteCount, 1)), g.inHeight)
  }

  var kernelNames: [String] { product.kernelNames + [depthwise.kernel.name] }
  var work: Work { Work(.separable, unit: product.unit) }

  var packs: [Pack] { depthwise.packs + [product.weights] + middle.packs + epilogue.packs }

  /// The rows above and below a task's own are computed again by its neighbours: tall tasks keep that to an eighth.
  private func tasks(_ region: WorkRegion) -> ProductTasks {
    let g = operands.geometry
    let least = Int(SeparableGeometry.rowsOfOverlap) * max(span - g.stride.height, 0) / g.stride.height
    return ProductTasks(
      region, width: g.outWidth, groupCount: product.groupCount, leastRows: least,
      imageRows: region.rows.count)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }
  /// Regions this tall: see `tasks`.
  var rowGrain: Int { 16 }

  private struct Scratch {
    var pointers: PixelPointers?
    var packed: UnsafeMutableRawPointer?
    var ring: UnsafeMutableRawPointer?
    var rows: UnsafeMutablePointer<UnsafeRawPointer?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let g = operands.geometry
    return Scratch(
      pointers: PixelPointers(&cursor), packed: cursor.bytes(PointwiseProduct.pixels * operands.inputLayout.pixelByteCount),
      ring: cursor.bytes(ringRows * g.inWidth * offset(min(PointwiseProduct.groupColumns, order.count))),
      rows: cursor.pointers(depthwise.pointerCount(DepthwiseRows.rowsTogether)))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  /// What so many channels of a pointwise result take.
  private func offset(_ channels: Int) -> Int { channels * middleElement.byteCount }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let pointers = scratch.pointers, let packed = scratch.packed, let ring = scratch.ring, let rows = scratch.rows else {
      return
    }
    let g = operands.geometry, share = tasks(region).share(task)
    let (image, firstRow) = region.place(share.rows.lowerBound)
    let endRow = firstRow + share.rows.count
    let source = PixelSource(
      memory[operands.input], operands.inputLayout, stride: Pair(1))
    for group in share.groups {
      let columns = product.columns(group..<group + 1, of: order.count)
      let bytesPerRow = g.inWidth * offset(columns.count)
      var made = max(firstRow * g.stride.height - g.padding.top, 0)
      var y = firstRow
      while y < endRow {
        // As many output rows as the ring holds the input of, and at least one.
        let top = max(y * g.stride.height - g.padding.top, 0)
        let reach = (top + ringRows - span + g.padding.top) / g.stride.height
        let next = min(max(reach, y) + 1, endRow)
        let needed = min(max((next - 1) * g.stride.height - g.padding.top + span, 0), g.inHeight)
        // Where a stride steps over rows, or all of a window lies in the padding, there may be none.
        made = max(made, top)
        if needed > made {
          multiply(made..<needed, image: image, group: group, columns: columns, source, ring: ring, pointers, packed: packed)
          made = needed
        }
        while y < next {
          let pair = y..<min(y + DepthwiseRows.rowsTogether, next)
          depthwise.fill(rows, rows: pair) { UnsafeRawPointer(ring + $0 % ringRows * bytesPerRow) }
          filter(pair, image: image, columns: columns, rows: rows, memory)
          y = pair.upperBound
        }
      }
    }
  }

  /// The pointwise results of input rows, each into its slot of the ring.
  @inline(__always)
  private func multiply(
    _ rows: Range<Int>, image: Int, group: Int, columns: Range<Int>, _ source: PixelSource, ring: UnsafeMutableRawPointer,
    _ pointers: PixelPointers, packed: UnsafeMutableRawPointer
  ) {
    let width = operands.geometry.inWidth, pixel = offset(columns.count)
    withUnsafePointer(to: middle.structure) { epilogue in
      blockOffsets.withUnsafeBufferPointer { offsets in
        guard let offsets = offsets.baseAddress else { return }
        PixelChunks(rows: 0..<rows.count, width: width, joinsRows: true).forEach { chunk in
          chunk.forEachSegment { segment in
            let slot = (rows.lowerBound + segment.row) % ringRows
            pointers.fill(
              segment,
              sw_destination(
                base: ring + slot * width * pixel - offset(columns.lowerBound), row: 0, pixel: pixel, block: nil),
              sw_source(base: nil, row: 0, pixel: 0))
          }
          let left = source.pixels(of: chunk, packed: packed) { (image, rows.lowerBound + $0) }
          product.run(
            left.base, leftPixel: left.stride, count: chunk.count, out: pointers.out, residual: nil, blockOffsets: offsets,
            groups: group..<group + 1, epilogue)
        }
      }
    }
  }

  /// Output rows from rows of the ring.
  @inline(__always)
  private func filter(
    _ rows: Range<Int>, image: Int, columns: Range<Int>, rows pointers: UnsafePointer<UnsafeRawPointer?>,
    _ memory: RunMemory
  ) {
    let first = operands.outputLayout.byteOffset(channel: columns.lowerBound), output = memory[operands.output]
    var shifted = epilogue.structure
    shifted.move(by: columns.lowerBound)
    withUnsafePointer(to: shifted) { epilogue in
      depthwise.run(
        pointers, rowCount: rows.count, inPixel: offset(columns.count), x: 0, count: operands.geometry.outWidth,
        out: output.row(image, rows.lowerBound) + first, outRow: output.rowDistance(image, rows),
        outPixel: operands.outputLayout.bytesPerPixel,
        residual: operands.residualRows(memory, image: image, rows, offset: first),
        channels: columns, epilogue)
    }
  }
}
