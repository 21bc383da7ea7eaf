import CKernels
import Execution
import Networks

/// The gradient of the weight of a 3x3 convolution of stride 1 by Winograd's method: the adjoint of `WinogradStep`.
///
///     dU = Σ over tiles of (A g Aᵀ) ⊗ (Bᵀ x B)      dw = Gᵀ dU G
///
/// Tiles are taken some hundreds at a time, which stay in the cache: their transforms, then the products of each position, whose sums go on from
/// tiles to tiles. Every sum is one thread's and runs over the tiles in order.
final class WinogradWeightGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: Convolution
  private let x: ValueLayout
  private let g: ValueLayout
  private let output: ValueLayout
  /// m of F(m x m, 3x3).
  private let size: Int
  private let positions: Int
  private let inputTransform: Kernel
  private let gradientTransform: Kernel
  private let weightTransform: Kernel
  private let products: ConstantTable<ColumnBlock>
  private let lanes: Int
  /// Stored channels of x and g.
  private let columns: Int
  private let channels: Int
  private let tileColumns: Int
  private let tileRows: Int
  /// Of all images.
  private let tileCount: Int
  private let tilesAtOnce: Int

  /// Tiles whose column transforms are shared.
  private static let stripTiles = 8
  /// What the transforms of the tiles taken at once may fill.
  private static let transformBytes = 4 << 20
  /// Tiles whose columns stay in the level-1 cache while all output channels of a task go over them.
  private static let tilesInCache = 96
  /// Output channels of a task of products.
  private static let channelsPerTask = 32

  /// x and g are interleaved, the output as its shape has it; float32.
  init(
    node: String, _ payload: Convolution, size: Int, x: (value: Int, layout: ValueLayout), g: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    self.payload = payload
    self.size = size
    positions = (size + 2) * (size + 2)
    reads = [x.value, g.value]
    writes = output.value
    self.x = x.layout
    self.g = g.layout
    self.output = output.layout
    inputTransform = table.kernel(.winogradInput, .float32, .float32, rows: size)
    gradientTransform = table.kernel(.winogradGradient, .float32, .float32, rows: size)
    weightTransform = table.kernel(.winogradWeightGradient, .float32, .float32, rows: size)
    columns = x.layout.storedChannels
    channels = g.layout.storedChannels
    products = ConstantTable(ColumnBlock.split(columns, into: table.tiles(.outer, .float32, .float32)))
    lanes = table.instructionSet.lanes
    tileColumns = (g.layout.width + size - 1) / size
    tileRows = (g.layout.height + size - 1) / size
    tileCount = g.layout.batch * tileRows * tileColumns
    let oneTile = positions * (columns + channels) * 4
    // Whole rows of tiles.
    let rows = max(1, Self.transformBytes / oneTile / tileColumns)
    tilesAtOnce = min(tileCount, rows * tileColumns)
  }

  var kernelNames: [String] {
    ["winograd_input_\(size)", "winograd_gradient_\(size)"] + Set(products.values.map(\.kernel.name)).sorted()
      + ["winograd_weight_gradient_\(size)"]
  }
  var work: Work { Work(.winograd, productShare: Double(positions) / Double(9 * size * size)) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? x : g).height }
  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }
  func taskCount(_ region: WorkRegion) -> Int { taskCount(region, stage: 0) }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {}

  private var parts: Int { (tileCount + tilesAtOnce - 1) / tilesAtOnce }
  func stageCount(_ region: WorkRegion) -> Int { 2 * parts + 1 }

  private func tiles(_ part: Int) -> Range<Int> { part * tilesAtOnce..<min((part + 1) * tilesAtOnce, tileCount) }
  private var stripsPerRow: Int { (tileColumns + Self.stripTiles - 1) / Self.stripTiles }
  private var channelTasks: Int { (payload.outChannels + Self.channelsPerTask - 1) / Self.channelsPerTask }

  func taskCount(_ region: WorkRegion, stage: Int) -> Int {
    if stage == 2 * parts { return channelTasks }
    return stage % 2 == 0 ? tiles(stage / 2).count / tileColumns * stripsPerRow : positions * channelTasks
  }

  // One cache line more, or the positions of a tile would all fall into the same cache set.
  private var inputStride: Int { tilesAtOnce * columns + 16 }
  private var gradientStride: Int { tilesAtOnce * channels + 16 }
  private var sumStride: Int { channels * columns }
  var sharedByteCount: Int { positions * (inputStride + gradientStride + sumStride) * 4 }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (strip: UnsafeMutablePointer<Float>?, rows: UnsafeMutablePointer<UnsafeRawPointer?>?) {
    (cursor.floats((size * Self.stripTiles + 2) * (size + 2) * lanes), cursor.pointers(size + 2))
  }

  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    let inputs = memory.shared.floats, gradients = inputs + positions * inputStride
    let sums = gradients + positions * gradientStride
    if stage == 2 * parts { return storeWeights(task, sums, memory[writes]) }
    let tiles = tiles(stage / 2)
    if stage % 2 == 0 {
      transform(task, tiles, memory, inputs, gradients, base)
    } else {
      multiply(task, tiles.count, isFirst: stage == 1, inputs, gradients, sums)
    }
  }

  /// A strip of tiles of one row.
  private func transform(
    _ task: Int, _ tiles: Range<Int>, _ memory: RunMemory, _ inputs: UnsafeMutablePointer<Float>,
    _ gradients: UnsafeMutablePointer<Float>, _ base: UnsafeMutableRawPointer
  ) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let strip = scratch.strip, let rows = scratch.rows else { return }
    let row = tiles.lowerBound / tileColumns + task / stripsPerRow, first = task % stripsPerRow * Self.stripTiles
    let count = min(Self.stripTiles, tileColumns - first)
    let image = row / tileRows, y = row % tileRows * size
    let place = row * tileColumns + first - tiles.lowerBound
    for index in 0..<size + 2 {
      let from = y - payload.padding.top + index
      rows[index] = from >= 0 && from < x.height ? UnsafeRawPointer(memory[reads[0]].row(image, from)) : nil
    }
    inputTransform.winogradInput(
      rows, x.bytesPerPixel, first * size - payload.padding.left, x.width, count, columns / lanes, inputs + place * columns,
      columns, inputStride, strip)
    for index in 0..<size {
      rows[index] = y + index < g.height ? UnsafeRawPointer(memory[reads[1]].row(image, y + index)) : nil
    }
    gradientTransform.winogradGradient(
      rows, g.bytesPerPixel, first * size, g.width, count, channels / lanes, gradients + place * channels, channels,
      gradientStride)
  }

  /// The products of one position for some output channels.
  private func multiply(
    _ task: Int, _ tiles: Int, isFirst: Bool, _ inputs: UnsafeMutablePointer<Float>, _ gradients: UnsafeMutablePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    let position = task / channelTasks, first = task % channelTasks * Self.channelsPerTask
    let count = min(Self.channelsPerTask, channels - first)
    let to = sums + position * sumStride + first * columns
    if isFirst { to.update(repeating: 0, count: count * columns) }
    var arguments = sw_outer_arguments(
      left: nil, left_line: 0, left_step: channels, right: nil, right_line: 0, right_step: columns, lines: 1, count: 0,
      product: nil, product_stride: columns)
    for tile in stride(from: 0, to: tiles, by: Self.tilesInCache) {
      arguments.count = min(Self.tilesInCache, tiles - tile)
      let left = gradients + position * gradientStride + tile * channels + first
      let right = inputs + position * inputStride + tile * columns
      for index in 0..<products.count {
        let block = products.elements[index], function = block.kernel.outer
        arguments.right = UnsafePointer(right + block.firstColumn)
        var channel = 0
        while channel < count {
          arguments.left = UnsafePointer(left + channel)
          arguments.product = to + channel * columns + block.firstColumn
          function(&arguments)
          channel += block.kernel.rows
        }
      }
    }
  }

  private func storeWeights(_ task: Int, _ sums: UnsafeMutablePointer<Float>, _ to: ValueMemory) {
    let first = task * Self.channelsPerTask, places = KernelPlaces(output)
    withUnsafeTemporaryAllocation(byteCount: 9 * columns * 4, alignment: 64) { memory in
      guard let taps = memory.baseAddress?.floats else { return }
      for channel in first..<min(first + Self.channelsPerTask, payload.outChannels) {
        weightTransform.winogradWeightGradient(sums + channel * columns, sumStride, columns / lanes, taps, columns)
        for u in 0..<3 {
          let row = to.floats(channel, u)
          for v in 0..<3 {
            places.store(taps + (u * 3 + v) * columns, column: v, of: row)
          }
        }
      }
    }
  }
}
