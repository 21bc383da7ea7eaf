import CKernels
import Execution
import Networks
import Tensors

/// A 3x3 convolution of stride 1 by Winograd's method: blocks of tiles are transformed, multiplied position by position, and
/// transformed back with the epilogue, all within a core's level-2 cache.
///
/// With a dilation the image falls into as many images of every n-th pixel, which know nothing of each other: a tile lies in one of
/// them, its pixels `dilation` apart.
final class WinogradStep: ConvolutionStep {
  let operands: ConvolutionOperands
  /// m of F(m x m, 3x3).
  private let size: Int
  private let positions: Int
  private let inputTransform: sw_winograd_input_function
  private let outputTransform: sw_winograd_output_function
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: Pack
  /// Column blocks that are multiplied before their outputs are transformed, with the place of their weights.
  private let groups: [Group]
  private let parts: ConstantTable<InputPart>
  /// Of the columns, and of the phases of their dilation.
  private let tileColumns: WinogradColumns
  /// The most tiles that one task transforms together.
  private let tilesPerTask: Int
  /// Rows of the tallest register tile: fewer tiles would fill it in part.
  private let tileGrain: Int
  /// Rows that whole register tiles of all column blocks fill.
  private let productGrain: Int

  fileprivate struct Group {
    var firstColumn: Int
    var columns: Int
    var blocks: ConstantTable<ColumnBlock>
    /// In floats; the columns of one position follow each other, then comes the next position.
    var weightOffset: Int
  }

  /// Widest run of columns whose products wait for the output transform.
  private static let groupColumns = Kernel.mostColumns
  /// Tiles whose column transforms are shared; more would push the strip out of the level-1 cache.
  private static let stripTiles = 8

  init(_ operands: ConvolutionOperands, size: Int) {
    self.operands = operands
    self.size = size
    parts = ConstantTable(operands.parts)
    positions = (size + 2) * (size + 2)
    let table = operands.table, geometry = operands.geometry
    inputTransform = table.kernel(.winogradInput, operands.inputLayout.element, .float32, rows: size).winogradInput
    outputTransform = table.kernel(.winogradOutput, .float32, operands.outputLayout.element, rows: size).winogradOutput
    arrangement = OutputArrangement(
      channels: geometry.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    let tiles = table.tiles(.multiply, .float32, .float32)
    var groups: [Group] = []
    var offset = 0
    for first in stride(from: 0, to: arrangement.order.count, by: Self.groupColumns) {
      let columns = min(Self.groupColumns, arrangement.order.count - first)
      groups.append(
        Group(
          firstColumn: first, columns: columns, blocks: ConstantTable(ColumnBlock.split(columns, into: tiles)),
          weightOffset: offset))
      offset += positions * geometry.inChannels * columns
    }
    self.groups = groups
    let (weight, isTurned) = operands.weight.source
    weights = operands.packs.pack(
      WinogradWeights(
        weight: weight, isTurned: isTurned, inChannels: geometry.inChannels, outChannels: geometry.outChannels, size: size,
        order: arrangement.order,
        groups: groups.map {
          WinogradWeights.Group(
            firstColumn: $0.firstColumn, columns: $0.columns, weightOffset: $0.weightOffset, blocks: Array($0.blocks.values))
        }, kernel: table.kernel(.winogradWeights, .float32, .float32, rows: size)))
    tileColumns = WinogradColumns(width: geometry.outWidth, size: size, dilation: geometry.dilation.width)
    tilesPerTask = Self.tilesPerTask(
      geometry, columns: min(Self.groupColumns, arrangement.order.count), positions: positions, table.caches)
    let tileRows = groups.flatMap(\.blocks.values).map(\.kernel.rows)
    tileGrain = tileRows.max() ?? 1
    productGrain = tileRows.reduce(1, leastCommonMultiple)
  }

  /// Many enough to use the weights often, few enough for the cache.
  private static func tilesPerTask(
    _ geometry: ConvolutionGeometry, columns: Int, positions: Int, _ caches: CacheSizes
  ) -> Int {
    // Products and transformed inputs of a task, beside the weights of a group, should fit a core's level-2 cache.
    let cacheByteCount = caches.level2 / 512 * 475
    let weights = positions * geometry.inChannels * columns * 4
    let oneTile = positions * (paddedChannels(geometry.inChannels) + columns) * 4
    return max(1, min(4, (cacheByteCount - weights) / (Kernel.tileMultiple * oneTile))) * Kernel.tileMultiple
  }

  /// Rows of the output from one row of tiles to the next of the same phase.
  private var tileRows: Int { size * operands.geometry.dilation.height }

  /// The tiles of a region, cut into tasks; each thread gets several.
  fileprivate struct Tasks {
    let tileColumns: WinogradColumns
    let size: Int
    /// Phases of the rows.
    let phases: Int
    let firstRow: Int
    let tilesPerImage: Int
    let tileCount: Int
    let tilesPerTask: Int

    init(_ region: WorkRegion, size: Int, phases: Int, tileColumns: WinogradColumns, most: Int, grain: Int) {
      self.tileColumns = tileColumns
      self.size = size
      self.phases = phases
      firstRow = region.rows.lowerBound
      tilesPerImage = tileColumns.tileCount * phases * ((region.rows.count + size * phases - 1) / (size * phases))
      tileCount = tilesPerImage * region.images.count
      let taskCount = max((tileCount + most - 1) / most, min(3 * region.threadCount, (tileCount + grain - 1) / grain))
      let even = max(1, (tileCount + taskCount - 1) / max(taskCount, 1))
      tilesPerTask = TaskCut.units(
        min(most, (even + grain - 1) / grain * grain), of: tileCount, threads: region.threadCount, grain: grain, most: most)
    }

    var count: Int { (tileCount + tilesPerTask - 1) / tilesPerTask }

    func range(_ task: Int) -> Range<Int> { task * tilesPerTask..<min((task + 1) * tilesPerTask, tileCount) }

    /// Image of the region, first row, and number in its row of tiles of a tile.
    func place(_ tile: Int) -> (image: Int, y: Int, number: Int) {
      let inImage = tile % tilesPerImage, row = inImage / tileColumns.tileCount
      return (tile / tilesPerImage, firstRow + row / phases * phases * size + row % phases, inImage % tileColumns.tileCount)
    }
  }

  fileprivate func tasks(_ region: WorkRegion) -> Tasks {
    Tasks(
      region, size: size, phases: operands.geometry.dilation.height, tileColumns: tileColumns, most: tilesPerTask,
      grain: tileGrain)
  }

  var kernelNames: [String] {
    ["winograd_input_\(size)"] + Set(groups.flatMap { $0.blocks.values.map(\.kernel.name) }).sorted() + [
      "winograd_output_\(size)"
    ]
  }
  var work: Work { Work(.winograd, productShare: Double(positions) / Double(9 * size * size)) }
  var rowGrain: Int { tileRows }
  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }
  func stageCount(_ region: WorkRegion) -> Int {
    isStaged(region.threadCount) ? Stage.allCases.count * stagedTiles(region).blockCount : 1
  }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int {
    isStaged(region.threadCount) ? stagedTiles(region).taskCount(stage: stage) : taskCount(region)
  }
  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    if isStaged(region.threadCount) {
      performStage(task, of: region, stage: stage, memory, scratch: scratch)
    } else {
      perform(task, of: region, memory, scratch: scratch)
    }
  }
  var sharedByteCount: Int {
    (1...operands.threadCount).contains(where: isStaged) ? 4 * positions * (sharedTileStride * sharedTiles + 32) : 0
  }

  /// Whole tiles are read, past the last row asked for.
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    operands.inputRows(
      index, for: index < parts.count ? rows.lowerBound..<(rows.upperBound + tileRows - 1) / tileRows * tileRows : rows)
  }
  var packs: [Pack] { [weights] + epilogue.packs }

  fileprivate struct Scratch {
    var transformed: UnsafeMutablePointer<Float>?
    var products: UnsafeMutablePointer<Float>?
    var strip: UnsafeMutablePointer<Float>?
    var rows: UnsafeMutablePointer<UnsafeRawPointer?>?
  }

  /// Where transformed inputs and products lie: position by position, tile by tile.
  struct Buffers {
    var transformed: UnsafeMutablePointer<Float>
    /// Floats from one position to the next, and from one tile to the next.
    var transformedStride: Int
    var depthStride: Int
    var products: UnsafeMutablePointer<Float>
    var productStride: Int
    var columnStride: Int
    /// The column at which the products begin.
    var firstColumn = 0
  }

  /// Tiles rounded up to whole register tiles.
  private var storedTiles: Int { (tilesPerTask + Kernel.tileMultiple - 1) / Kernel.tileMultiple * Kernel.tileMultiple }
  private var storedDepth: Int { paddedChannels(operands.geometry.inChannels) }
  private var productColumns: Int { min(Self.groupColumns, arrangement.order.count) }
  // One cache line more than a multiple of 4096 bytes, or the positions of a tile would all fall into the same cache set.
  private var transformedStride: Int { storedTiles * storedDepth + 16 }
  private var productStride: Int { isInPlace ? transformedStride : storedTiles * productColumns + 16 }
  /// Products may replace the transformed inputs where one register tile spans all columns: it reads its rows before it writes.
  private var isInPlace: Bool { groups.count == 1 && groups[0].blocks.count == 1 && groups[0].columns == storedDepth }

  fileprivate func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    let transformed = cursor.floats(positions * transformedStride)
    return Scratch(
      transformed: transformed, products: isInPlace ? transformed : cursor.floats(positions * productStride),
      strip: cursor.floats((size * Self.stripTiles + 2) * (size + 2) * operands.table.instructionSet.lanes),
      rows: cursor.pointers(size + 2))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let transformed = scratch.transformed, let products = scratch.products, let strip = scratch.strip,
      let rows = scratch.rows
    else { return }
    let tasks = tasks(region), tiles = tasks.range(task)
    var buffers = Buffers(
      transformed: transformed, transformedStride: transformedStride, depthStride: storedDepth, products: products,
      productStride: productStride, columnStride: isInPlace ? storedDepth : productColumns)
    transformInputs(tiles, tasks, region, memory, buffers, strip: strip, rows: rows)
    for (index, group) in groups.enumerated() {
      buffers.firstColumn = group.firstColumn
      for position in 0..<positions {
        let next = position + 1 < positions ? weightsAhead(index, position + 1) : weightsAhead(index + 1, 0)
        multiply(group, position: position, tiles: tiles.count, buffers, next: next)
      }
      transformOutputs(group, tiles, tasks, region, memory, buffers)
    }
  }

  fileprivate func transformInputs(
    _ tiles: Range<Int>, _ tasks: Tasks, _ region: WorkRegion, _ memory: RunMemory, _ buffers: Buffers,
    strip: UnsafeMutablePointer<Float>, rows: UnsafeMutablePointer<UnsafeRawPointer?>
  ) {
    let geometry = operands.geometry, lanes = operands.table.instructionSet.lanes
    var tile = tiles.lowerBound
    while tile < tiles.upperBound {
      let (image, y, number) = tasks.place(tile), place = tileColumns.place(number)
      let run = min(place.left, tiles.upperBound - tile, Self.stripTiles)
      let top = y - geometry.padding.top, dilation = geometry.dilation
      // Columns of the input, of which every `dilation`-th is read: the first, and the first inside.
      let first = place.x - geometry.padding.left, phase = (first % dilation.width + dilation.width) % dilation.width
      let transformed = buffers.transformed + (tile - tiles.lowerBound) * buffers.depthStride
      for index in 0..<parts.count {
        let part = parts.elements[index], input = memory[part.value]
        for row in 0..<size + 2 {
          let y = top + row * dilation.height, isInside = y >= 0 && y < geometry.inHeight
          rows[row] =
            isInside ? UnsafeRawPointer(input.row(region.images.lowerBound + image, y)) + phase * part.bytesPerPixel : nil
        }
        inputTransform(
          rows, part.bytesPerPixel * dilation.width, (first - phase) / dilation.width,
          (geometry.inWidth - phase + dilation.width - 1) / dilation.width, run,
          (part.channels + lanes - 1) / lanes, transformed + part.firstChannel, buffers.depthStride,
          buffers.transformedStride, strip)
      }
      tile += run
    }
  }

  /// The products of all tiles with a group of columns at one position.
  ///
  /// - Parameter next: where the weights begin that will be multiplied afterwards, as many.
  fileprivate func multiply(
    _ group: Group, position: Int, tiles: Int, _ buffers: Buffers, next: UnsafePointer<Float>? = nil
  ) {
    let depth = operands.geometry.inChannels
    let left = buffers.transformed + position * buffers.transformedStride
    let product = buffers.products + position * buffers.productStride + group.firstColumn - buffers.firstColumn
    let right = weights.floats + group.weightOffset + position * depth * group.columns
    for index in 0..<group.blocks.count {
      let block = group.blocks.elements[index]
      let function = block.kernel.multiply
      let rows = block.kernel.rows
      var ahead = WeightsAhead(
        next.map { $0 + depth * block.firstColumn }, byteCount: depth * block.columns * 4, tiles: (tiles + rows - 1) / rows)
      ahead.withPointer { ahead in
        var tile = 0
        while tile < tiles {
          function(
            left + tile * buffers.depthStride, buffers.depthStride * 4, right + depth * block.firstColumn, depth,
            product + tile * buffers.columnStride + block.firstColumn, buffers.columnStride, ahead)
          tile += rows
        }
      }
    }
  }

  /// Where the weights of a group at a position lie; nil where a core's level-2 cache keeps them all.
  private func weightsAhead(_ group: Int, _ position: Int) -> UnsafePointer<Float>? {
    guard weights.byteCount >= WeightsAhead.leastByteCount(operands.table.caches), group < groups.count else { return nil }
    return UnsafePointer(weights.floats) + groups[group].weightOffset
      + position * operands.geometry.inChannels * groups[group].columns
  }

  fileprivate func transformOutputs(
    _ group: Group, _ tiles: Range<Int>, _ tasks: Tasks, _ region: WorkRegion, _ memory: RunMemory, _ buffers: Buffers
  ) {
    let geometry = operands.geometry
    let products = buffers.products + group.firstColumn - buffers.firstColumn
    let block = Int(SW_CHANNEL_BLOCK)
    withUnsafePointer(to: epilogue.structure) { epilogue in
      var tile = tiles.lowerBound
      while tile < tiles.upperBound {
        let (image, y, number) = tasks.place(tile), place = tileColumns.place(number), dilation = geometry.dilation
        let run = min(place.left, tiles.upperBound - tile)
        // Phases that begin below the image.
        guard y < geometry.outHeight else {
          tile += run
          continue
        }
        let phase = place.x % dilation.width
        var destination = arrangement.destination(memory[operands.output], image: region.images.lowerBound + image, y: y)
        var residual = operands.residualSource(memory, image: region.images.lowerBound + image, y: y)
        destination.base += phase * destination.pixel
        destination.row *= dilation.height
        destination.pixel *= dilation.width
        residual.base = residual.base.map { $0 + phase * residual.pixel }
        residual.row *= dilation.height
        residual.pixel *= dilation.width
        let height = min(size, (geometry.outHeight - y + dilation.height - 1) / dilation.height)
        let width = (geometry.outWidth - phase + dilation.width - 1) / dilation.width
        for x in stride(from: place.x / dilation.width, to: place.x / dilation.width + run * size, by: size) {
          outputTransform(
            products + (tile - tiles.lowerBound) * buffers.columnStride, buffers.productStride, group.firstColumn / block,
            group.columns / block, 0, x, height, min(size, width - x), &destination, &residual, epilogue)
          tile += 1
        }
      }
    }
  }
}

// MARK: In stages

/// Where the weights of a layer do not stay in the last-level cache, each task on its own would fetch all of them for its few tiles. And
/// where there are few tiles, there are few tasks, or register tiles that are filled in part. Then many tiles are transformed first, by all threads; each position's weights are multiplied with all of those tiles at once;
/// and the products are transformed back. The sums are the same, in the same order. (512 to 1024 channels at 32x32, Zen 5: half the
/// time.)
extension WinogradStep {
  /// Weights from which on it pays.
  private var leastWeightByteCount: Int { operands.table.caches.lastLevel / 4 }
  /// What transformed inputs and products of the tiles may fill.
  private var stageByteCount: Int { operands.table.caches.lastLevel / 16 * 9 }
  /// The most tiles of a task of the transforms.
  private static let mostTransformed = 8
  /// Products for each thread, in thousands, from which on two more loops pay.
  private static let leastProducts = 400

  func isStaged(_ threads: Int) -> Bool { weights.byteCount >= leastWeightByteCount || hasFewTiles(threads) }

  /// Whether threads would go without work, or register tiles without rows.
  private func hasFewTiles(_ threads: Int) -> Bool {
    guard threads > 1, (allTiles + tileGrain - 1) / tileGrain < 3 * threads else { return false }
    return allTiles * weights.byteCount / 4 / threads >= Self.leastProducts * 1000
  }

  private var allTiles: Int {
    WinogradColumns.tileCount(operands.geometry, size: size)
  }

  private var depthStride: Int { storedDepth + 16 }
  private var columnStride: Int { arrangement.order.count + 16 }
  /// Floats of one tile at one position.
  private var sharedTileStride: Int { depthStride + columnStride }
  /// The most tiles of a block, with register tiles to spare at its end.
  private var sharedTiles: Int {
    min(allTiles, mostTiles(positions * sharedTileStride)) + Kernel.tileMultiple
  }

  private func mostTiles(_ floats: Int) -> Int { max(Kernel.tileMultiple, stageByteCount / (4 * floats)) }

  /// What is done with a block of tiles, one after the other.
  fileprivate enum Stage: CaseIterable {
    case transformInputs, multiply, transformOutputs
  }

  /// The tiles of a region cut into blocks, each worked through in three staged.
  fileprivate struct StagedTiles {
    var tileCount: Int
    var blockCount: Int
    var tilesPerBlock: Int
    var positions: Int
    var groupCount: Int
    var groupsPerTask: Int
    /// Tiles of a task of the products.
    var tilesPerProduct: Int
    /// Tiles of a task of the transforms.
    var tilesPerTask: Int

    func tiles(_ block: Int) -> Range<Int> { block * tilesPerBlock..<min((block + 1) * tilesPerBlock, tileCount) }

    /// Block and what is done with it, of a stage counted over all blocks.
    func place(_ stage: Int) -> (block: Int, stage: Stage) {
      (stage / Stage.allCases.count, Stage.allCases[stage % Stage.allCases.count])
    }

    func taskCount(stage number: Int) -> Int {
      let (block, stage) = place(number), tiles = tiles(block).count
      switch stage {
      case .transformInputs, .transformOutputs: return (tiles + tilesPerTask - 1) / tilesPerTask
      case .multiply: return positions * columnParts * tileParts(tiles)
      }
    }

    var columnParts: Int { (groupCount + groupsPerTask - 1) / groupsPerTask }
    func tileParts(_ tiles: Int) -> Int { (tiles + tilesPerProduct - 1) / tilesPerProduct }
  }

  fileprivate func stagedTiles(_ region: WorkRegion) -> StagedTiles {
    let tileCount = tasks(region).tileCount
    let most = mostTiles(positions * sharedTileStride)
    let count = max(1, (tileCount + most - 1) / most)
    // Several tasks a thread; positions alone are enough for a few threads.
    let wanted = max(1, (4 * region.threadCount + positions - 1) / positions)
    let tilesPerBlock = (tileCount + count - 1) / count, threads = region.threadCount
    // Whole register tiles; each part of the tiles reads the weights anew, as much as a register tile takes.
    let grain = productGrain, tileRows = (tilesPerBlock + grain - 1) / grain
    let cut = TaskCut.grid(
      (tileRows, max(1, groups.count / wanted)), of: (tileRows, groups.count), times: positions, threads: threads
    ) { Double($1) * (Double($0) + 1) }
    return StagedTiles(
      tileCount: tileCount, blockCount: count, tilesPerBlock: tilesPerBlock, positions: positions, groupCount: groups.count,
      groupsPerTask: cut.columns, tilesPerProduct: cut.rows * grain,
      tilesPerTask: TaskCut.units(
        max(1, min(Self.mostTransformed, (tilesPerBlock + 2 * threads - 1) / (2 * threads))), of: tilesPerBlock,
        threads: threads, most: Self.mostTransformed))
  }

  fileprivate func performStage(
    _ task: Int, of region: WorkRegion, stage number: Int, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer
  ) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let strip = scratch.strip, let rows = scratch.rows else { return }
    let staged = stagedTiles(region), (index, stage) = staged.place(number), block = staged.tiles(index), tasks = tasks(region)
    let storedTiles = (staged.tilesPerBlock + Kernel.tileMultiple - 1) / Kernel.tileMultiple * Kernel.tileMultiple
    let shared = memory.shared.assumingMemoryBound(to: Float.self)
    let transformedStride = storedTiles * depthStride + 16, productStride = storedTiles * columnStride + 16
    var buffers = Buffers(
      transformed: shared, transformedStride: transformedStride, depthStride: depthStride,
      products: shared + positions * transformedStride, productStride: productStride, columnStride: columnStride)
    switch stage {
    case .multiply:
      let parts = staged.columnParts, tileParts = staged.tileParts(block.count)
      let firstTile = task % tileParts * staged.tilesPerProduct, task = task / tileParts
      let tiles = min(staged.tilesPerProduct, block.count - firstTile)
      buffers.transformed += firstTile * depthStride
      buffers.products += firstTile * columnStride
      let position = task / parts, first = task % parts * staged.groupsPerTask
      let end = min(first + staged.groupsPerTask, groups.count)
      for index in first..<end {
        // After the last group comes, most likely, the next task.
        let next =
          index + 1 < end
          ? weightsAhead(index + 1, position) : weightsAhead((task + 1) % parts * staged.groupsPerTask, (task + 1) / parts)
        multiply(
          groups[index], position: position, tiles: tiles, buffers, next: task + 1 < positions * parts ? next : nil)
      }
    case .transformInputs, .transformOutputs:
      let first = block.lowerBound + task * staged.tilesPerTask
      let tiles = first..<min(first + staged.tilesPerTask, block.upperBound)
      buffers.transformed += (first - block.lowerBound) * depthStride
      buffers.products += (first - block.lowerBound) * columnStride
      if stage == .transformInputs {
        transformInputs(tiles, tasks, region, memory, buffers, strip: strip, rows: rows)
      } else {
        for group in groups { transformOutputs(group, tiles, tasks, region, memory, buffers) }
      }
    }
  }
}
