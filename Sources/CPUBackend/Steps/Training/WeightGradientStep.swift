import CKernels
import Execution
import Networks

/// The gradient of a convolution's weight: for each tap a product of two matrices whose common side are the pixels.
///
/// Pixels are cut into runs of rows, and output channels into blocks, by shapes alone; each of these tasks has sums of its own, which are then added
/// in order. So the result depends on no thread. Sums lie as `[outChannels, taps, inChannels]`, channels padded, which is how the interleaved gradient
/// lies. For weights that are small beside the pixels there is `WeightSumStep`.
final class WeightGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let products: WeightProducts
  private let output: ValueLayout
  /// Output channels of a task, and their blocks.
  private let rowsPerBlock: Int
  private let blockCount: Int
  private let runCount: Int
  private let rowsPerRun: Int

  private static let leastPixels = 256
  private static let wantedTasks = 16
  private static let mostSumBytes = 16 << 20

  /// All values are interleaved but for the output, which may be planar; float32.
  init(
    node: String, _ products: WeightProducts, x: Int, g: Int, output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.products = products
    reads = [x, g]
    writes = output.value
    self.output = output.layout
    rowsPerBlock = min(products.rows, WeightProducts.mostRows)
    blockCount = (products.rows + rowsPerBlock - 1) / rowsPerBlock
    let rows = products.g.batch * products.g.height
    let sumBytes = blockCount * rowsPerBlock * products.floatsPerChannel * 4
    let runs = min(
      (Self.wantedTasks + blockCount - 1) / blockCount, rows, max(1, rows * products.g.width / Self.leastPixels),
      max(1, Self.mostSumBytes / sumBytes))
    rowsPerRun = (rows + runs - 1) / runs
    runCount = (rows + rowsPerRun - 1) / rowsPerRun
  }

  var kernelNames: [String] { products.kernelNames }
  var work: Work { Work(.products) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? products.x : products.g).height }
  var scratchByteCount: Int { products.scratchByteCount }
  func taskCount(_ region: WorkRegion) -> Int { runCount * blockCount }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {}
  func stageCount(_ region: WorkRegion) -> Int { 2 }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int {
    stage == 0 ? runCount * blockCount : (output.batch + channelsPerTask - 1) / channelsPerTask
  }
  var sharedByteCount: Int { runCount * floatsPerRun * 4 }

  private var floatsPerRun: Int { blockCount * rowsPerBlock * products.floatsPerChannel }
  /// Of the second stage.
  private var channelsPerTask: Int { max(1, 16384 / products.floatsPerChannel) }

  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let sums = memory.shared.floats
    if stage == 1 { return add(task, sums, memory[writes]) }
    let run = task / blockCount, block = task % blockCount, first = block * rowsPerBlock, g = products.g
    // A block is narrower where the channels end.
    let channels = min(rowsPerBlock, products.rows - first), floats = products.floatsPerChannel
    let to = sums + run * floatsPerRun + first * floats
    to.update(repeating: 0, count: channels * floats)
    let end = min((run + 1) * rowsPerRun, g.batch * g.height)
    var row = run * rowsPerRun
    while row < end {
      let image = row / g.height, y = row % g.height, count = min(end - row, g.height - y)
      products.add(
        image, y..<y + count, channels: first..<first + channels, x: memory[reads[0]], g: memory[reads[1]], to: to,
        scratch: scratch)
      row += count
    }
  }

  /// Adds the sums of all runs, one after the other, and stores those of some output channels.
  private func add(_ task: Int, _ sums: UnsafeMutablePointer<Float>, _ to: ValueMemory) {
    let channels = task * channelsPerTask..<min((task + 1) * channelsPerTask, output.batch), places = KernelPlaces(output)
    for channel in channels {
      let total = sums + channel * products.floatsPerChannel
      for run in 1..<max(runCount, 1) {
        let part = total + run * floatsPerRun
        for index in 0..<products.floatsPerChannel { total[index] += part[index] }
      }
      for u in 0..<output.height {
        let row = to.floats(channel, u)
        for v in 0..<output.width {
          places.store(total + (u * output.width + v) * products.columns, column: v, of: row)
        }
      }
    }
  }
}
