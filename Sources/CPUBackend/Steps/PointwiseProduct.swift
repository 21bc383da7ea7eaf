import CKernels
import Execution
import Networks
import Tensors

/// The weights of a 1x1 convolution packed for the pointwise kernels, and the loop over their column blocks.
final class PointwiseProduct {
  private let product: ProductBlocks
  /// Of what is multiplied.
  private let element: DataType
  private let fetchesWeights: Bool
  /// The first block of each group of columns whose weights are read together, and the end.
  private let groupStarts: ConstantTable<Int>

  /// The widest group, in columns: as wide as the widest register tile.
  static let groupColumns = Kernel.mostColumns

  /// - Parameters:
  ///   - weight: `[outputs · groups, depth, 1, 1]`
  ///   - order: for each stored column the output channel, nil for padding.
  ///   - elements: those that it multiplies and those that it stores.
  init(
    weight: ParameterTensor, outputs: Int, depth: Int, groups: Int = 1, order: [Int?],
    elements: (left: DataType, stored: DataType), table: KernelTable, packs: PackStore
  ) {
    product = ProductBlocks(
      weight: weight, outputs: outputs, depth: depth, groups: groups, order: order,
      tiles: table.tiles(.pointwise, elements.left, elements.stored), run: Self.groupColumns, table: table,
      packs: packs)
    element = elements.left
    fetchesWeights = product.weights.byteCount >= WeightsAhead.leastByteCount(table.caches)
    let firsts = product.blocks.values.map(\.firstColumn)
    groupStarts = ConstantTable(firsts.indices.filter { firsts[$0] % Self.groupColumns == 0 } + [firsts.count])
  }

  /// Pixels that are multiplied together: whole register tiles of every kernel, and few enough that they stay in the level-1 or
  /// level-2 cache while the weights pass by.
  static let pixels = 48

  var kernelNames: [String] { product.kernelNames }
  var unit: Work.Unit { product.unit }
  /// See `ProductBlocks.share`.
  var share: Double { product.share }
  var groupCount: Int { groupStarts.count - 1 }
  /// The columns of some groups.
  func columns(_ range: Range<Int>, of count: Int) -> Range<Int> {
    range.lowerBound * Self.groupColumns..<min(range.upperBound * Self.groupColumns, count)
  }
  var weights: Pack { product.weights }
  var byteCount: Int { weights.byteCount }

  /// Multiplies `count` pixels that lie `leftPixel` bytes apart and stores each where its pointer says.
  ///
  /// - Parameters:
  ///   - out: `count` pointers.
  ///   - residual: `count` pointers, or nil.
  ///   - blockOffsets: of each 16 columns, from the pixel's pointer.
  ///   - range: the groups of columns to compute.
  @inline(__always)
  func run(
    _ left: UnsafeRawPointer, leftPixel: Int, count: Int, out: UnsafePointer<UnsafeMutableRawPointer?>,
    residual: UnsafePointer<UnsafeRawPointer?>?, blockOffsets: UnsafePointer<Int>, groups range: Range<Int>,
    ahead: SpanCursor? = nil, _ epilogue: UnsafePointer<sw_epilogue>
  ) {
    let blocks = product.blocks.elements, weights = UnsafeRawPointer(product.weights.base)
    let first = groupStarts.elements[range.lowerBound], end = groupStarts.elements[range.upperBound]
    // Where the weights outgrow a core's level-2 cache those of the next block are fetched during each, and the next pixels during
    // the last one.
    let firstFetching = fetchesWeights ? end - 1 : first
    var tiles = 0
    for index in firstFetching..<end { tiles += (count + blocks[index].kernel.rows - 1) / blocks[index].kernel.rows }
    // Kernels move the spans on, from one to the next.
    var pixelsAhead = ahead?.shared(by: tiles) ?? sw_ahead(spans: nil, count: 0, lines_per_tile: 0)
    for index in first..<end {
      let block = blocks[index]
      var arguments = sw_pointwise_arguments(
        left: left + block.firstInput * element.byteCount, left_pixel: leftPixel, count: count, depth: block.depth,
        right: weights + block.weightOffset,
        out: out, residual: residual, block: blockOffsets + block.firstColumn / Int(SW_CHANNEL_BLOCK),
        channel: block.firstColumn, epilogue: epilogue, ahead: nil)
      if index >= firstFetching {
        withUnsafeMutablePointer(to: &pixelsAhead) { ahead in
          arguments.ahead = ahead
          block.kernel.pointwise(&arguments)
        }
      } else {
        let next = blocks[index + 1]
        var weightsAhead = WeightsAhead(
          weights + next.weightOffset, byteCount: next.tapByteCount,
          tiles: (count + block.kernel.rows - 1) / block.kernel.rows)
        weightsAhead.withPointer { ahead in
          arguments.ahead = ahead
          block.kernel.pointwise(&arguments)
        }
      }
    }
  }
}
