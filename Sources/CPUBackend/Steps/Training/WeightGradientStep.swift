import CKernels
import Execution
import Networks

/// The gradient of a convolution's weight: for each tap a product of two matrices whose common side are the pixels.
///
/// Pixels are cut into runs of rows, and output channels into blocks, by shapes alone; each of these tasks has sums of its own, which are then added
/// in order. So the result depends on no thread. Sums lie as `[outChannels, taps, inChannels]`, channels padded, which is how the interleaved gradient
/// lies.
final class WeightGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: Convolution
  private let x: ValueLayout
  private let g: ValueLayout
  private let output: ValueLayout
  private let tiles: ConstantTable<Tile>
  private let tile: Kernel
  /// Channels of x that the sums have: padded.
  private let columns: Int
  /// Output channels of a task, and their blocks.
  private let rowsPerBlock: Int
  private let blockCount: Int
  private let runCount: Int
  private let rowsPerRun: Int
  /// Rows of g that a register tile goes over at once.
  private let lines: Int

  /// A register tile and where its columns begin.
  private struct Tile: BitwiseCopyable {
    var kernel: Kernel
    var firstColumn: Int
  }

  /// Pixels whose channels of a register tile stay in the level-1 cache while all output channels go over them.
  private static let pixelsAtOnce = 96
  /// Floats from one pixel of x to the next from which on the channels of a tile are brought together first: lines far apart share few cache sets.
  private static let farPixel = 128
  private static let leastPixels = 256
  private static let wantedTasks = 16
  private static let mostSumBytes = 16 << 20
  /// Divided by the rows of every tile.
  private static let rowGrain = 8

  /// All values are interleaved but for the output, which may be planar; float32.
  init(
    node: String, _ payload: Convolution, x: (value: Int, layout: ValueLayout), g: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    self.payload = payload
    reads = [x.value, g.value]
    writes = output.value
    self.x = x.layout
    self.g = g.layout
    self.output = output.layout
    columns = x.layout.storedChannels
    let kernels = table.tiles(.outer, .float32, .float32)
    tile = kernels[0]
    tiles = ConstantTable(
      ColumnBlock.split(columns, into: kernels).map { Tile(kernel: $0.kernel, firstColumn: $0.firstColumn) })
    let channels = (payload.outChannels + Self.rowGrain - 1) / Self.rowGrain * Self.rowGrain
    rowsPerBlock = min(channels, 64)
    blockCount = (channels + rowsPerBlock - 1) / rowsPerBlock
    let rows = g.layout.batch * g.layout.height, taps = payload.kernel.height * payload.kernel.width
    let sumBytes = blockCount * rowsPerBlock * taps * columns * 4
    let runs = min(
      (Self.wantedTasks + blockCount - 1) / blockCount, rows, max(1, rows * g.layout.width / Self.leastPixels),
      max(1, Self.mostSumBytes / sumBytes))
    rowsPerRun = (rows + runs - 1) / runs
    runCount = (rows + rowsPerRun - 1) / rowsPerRun
    lines = max(1, Self.pixelsAtOnce / max(g.layout.width, 1))
  }

  var kernelNames: [String] { Set(tiles.values.map(\.kernel.name)).sorted() }
  var work: Work { Work(.products) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? x : g).height }
  private var gathers: Bool { x.floats.pixel * payload.stride.width >= Self.farPixel }
  private var widestTile: Int { tiles.values.map(\.kernel.columns).max() ?? 0 }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(gathers ? Self.pixelsAtOnce * widestTile : 0) } }
  func taskCount(_ region: WorkRegion) -> Int { runCount * blockCount }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {}
  func stageCount(_ region: WorkRegion) -> Int { 2 }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int {
    stage == 0 ? runCount * blockCount : (payload.outChannels + channelsPerTask - 1) / channelsPerTask
  }
  var sharedByteCount: Int { runCount * floatsPerRun * 4 }

  private var taps: Int { payload.kernel.height * payload.kernel.width }
  private var floatsPerChannel: Int { taps * columns }
  private var floatsPerRun: Int { blockCount * rowsPerBlock * floatsPerChannel }
  /// Of the second stage.
  private var channelsPerTask: Int { max(1, 16384 / floatsPerChannel) }

  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    let sums = memory.shared.floats
    if stage == 1 { return add(task, sums, memory[writes]) }
    var cursor = ScratchCursor(base)
    let gathered = gathers ? cursor.floats(Self.pixelsAtOnce * widestTile) : nil
    let run = task / blockCount, block = task % blockCount, first = block * rowsPerBlock
    // A block is narrower where the channels end.
    let channels = min(rowsPerBlock, (payload.outChannels - first + Self.rowGrain - 1) / Self.rowGrain * Self.rowGrain)
    let to = sums + run * floatsPerRun + first * floatsPerChannel
    to.update(repeating: 0, count: channels * floatsPerChannel)
    let end = min((run + 1) * rowsPerRun, g.batch * g.height)
    var row = run * rowsPerRun
    while row < end {
      let image = row / g.height, y = row % g.height
      let count = min(lines, end - row, g.height - y)
      accumulate(image, y..<y + count, channels: first..<first + channels, memory, to, gathered)
      row += count
    }
  }

  /// Adds what some rows of an image's gradient make.
  private func accumulate(
    _ image: Int, _ rows: Range<Int>, channels: Range<Int>, _ memory: RunMemory, _ sums: UnsafeMutablePointer<Float>,
    _ gathered: UnsafeMutablePointer<Float>?
  ) {
    let (strides, padding, dilation) = (payload.stride, payload.padding, payload.dilation)
    let xLine = x.floats.row * strides.height, xStep = x.floats.pixel * strides.width
    for u in 0..<payload.kernel.height {
      let top = u * dilation.height - padding.top
      let inside = Self.inside(rows, stride: strides.height, offset: top, extent: x.height)
      guard !inside.isEmpty else { continue }
      let xRow = memory[reads[0]].floats(image, inside.lowerBound * strides.height + top)
      let gRow = memory[reads[1]].floats(image, inside.lowerBound)
      for v in 0..<payload.kernel.width {
        let left = v * dilation.width - padding.left
        let pixels = Self.inside(0..<g.width, stride: strides.width, offset: left, extent: x.width)
        guard !pixels.isEmpty else { continue }
        let place = sums + (u * payload.kernel.width + v) * columns
        let most = max(1, Self.pixelsAtOnce / inside.count)
        for first in stride(from: pixels.lowerBound, to: pixels.upperBound, by: most) {
          let count = min(most, pixels.upperBound - first)
          var arguments = sw_outer_arguments(
            left: nil, left_line: g.floats.row, left_step: g.floats.pixel, right: nil, right_line: xLine, right_step: xStep,
            lines: inside.count, count: count, product: nil, product_stride: floatsPerChannel)
          let from = xRow + (first * payload.stride.width + left) * x.floats.pixel
          let gradient = gRow + first * g.floats.pixel + channels.lowerBound
          for index in 0..<tiles.count {
            let tile = tiles.elements[index], function = tile.kernel.outer, columns = tile.kernel.columns
            arguments.right = UnsafePointer(from + tile.firstColumn)
            if let gathered {
              for line in 0..<inside.count {
                for pixel in 0..<count {
                  (gathered + (line * count + pixel) * columns).update(
                    from: from + tile.firstColumn + line * xLine + pixel * xStep, count: columns)
                }
              }
              arguments.right = UnsafePointer(gathered)
              arguments.right_line = count * columns
              arguments.right_step = columns
            }
            var channel = 0
            while channel < channels.count {
              arguments.left = UnsafePointer(gradient + channel)
              arguments.product = place + channel * floatsPerChannel + tile.firstColumn
              function(&arguments)
              channel += tile.kernel.rows
            }
          }
        }
      }
    }
  }

  /// The positions of a range of which `position · stride + offset` lies inside `0..<extent`.
  static func inside(_ range: Range<Int>, stride: Int, offset: Int, extent: Int) -> Range<Int> {
    let first = max(range.lowerBound, offset >= 0 ? 0 : (-offset + stride - 1) / stride)
    let end = extent - 1 - offset < 0 ? 0 : min(range.upperBound, (extent - 1 - offset) / stride + 1)
    return first..<max(first, end)
  }

  /// Adds the sums of all runs, one after the other, and stores those of some output channels.
  private func add(_ task: Int, _ sums: UnsafeMutablePointer<Float>, _ to: ValueMemory) {
    let channels = task * channelsPerTask..<min((task + 1) * channelsPerTask, payload.outChannels)
    for channel in channels {
      let total = sums + channel * floatsPerChannel
      for run in 1..<max(runCount, 1) {
        let part = total + run * floatsPerRun
        for index in 0..<floatsPerChannel { total[index] += part[index] }
      }
      for u in 0..<payload.kernel.height {
        let row = to.floats(channel, u)
        for v in 0..<payload.kernel.width {
          let from = total + (u * payload.kernel.width + v) * columns
          if output.order == .planar, taps == 1 {
            row.update(from: from, count: output.channels)
          } else if output.order == .interleaved {
            (row + v * output.floats.pixel).update(from: from, count: output.storedChannels)
          } else {
            for input in 0..<output.channels { row[input * output.floats.plane + v] = from[input] }
          }
        }
      }
    }
  }
}
