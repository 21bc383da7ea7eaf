import CKernels

/// The mean of each channel of an interleaved value: rows are summed first, then their sums, so that few bits are lost whatever
/// the size.
final class GlobalAveragePoolStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let input: ValueLayout
  private let output: ValueLayout
  private let kernel: Kernel
  private let function: sw_sum_function
  private let channelsPerTask: Int

  /// Both values are interleaved.
  init(
    node: String, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout), table: KernelTable,
    threadCount: Int
  ) {
    self.node = node
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    kernel = table.kernel(.sum, rows: 1)
    function = kernel.sum
    channelsPerTask = max(Int(SW_CHANNEL_BLOCK), min(128, paddedChannels(output.layout.storedChannels / (2 * threadCount))))
  }

  var kernelNames: [String] { [kernel.name] }
  var rowCount: Int { 1 }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<input.height }
  var constantByteCount: Int { 0 }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(2 * channelsPerTask) } }

  private var tasksPerImage: Int { (output.storedChannels + channelsPerTask - 1) / channelsPerTask }
  func taskCount(_ region: WorkRegion) -> Int { region.images.count * tasksPerImage }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rowSums = cursor.floats(channelsPerTask), let sums = cursor.floats(channelsPerTask) else { return }
    let image = region.images.lowerBound + task / tasksPerImage, first = task % tasksPerImage * channelsPerTask
    let count = min(channelsPerTask, output.storedChannels - first)
    let from = memory[reads[0]]
    sums.update(repeating: 0, count: count)
    for y in 0..<input.height {
      rowSums.update(repeating: 0, count: count)
      function(from.row(image, y) + input.channelOffset(first), input.pixelStride, input.width, count, rowSums)
      for channel in 0..<count { sums[channel] += rowSums[channel] }
    }
    let to = memory[writes].row(image, 0), pixels = Float(input.height * input.width)
    for channel in 0..<count { output.setElement(to, first + channel, sums[channel] / pixels) }
  }
}
