import CKernels
import Execution

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
  private let codes: Codes?

  /// Both values are interleaved.
  init(
    node: String, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout), codes: Codes?,
    table: KernelTable
  ) {
    self.node = node
    self.codes = codes
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    kernel = table.kernel(.sum, input.layout.element, codes == nil ? .float32 : .int32)
    function = kernel.sum
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.pool) }
  var rowCount: Int { 1 }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<input.height }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(2 * Self.mostChannels) } }

  private static let mostChannels = 128

  private func channelsPerTask(_ region: WorkRegion) -> Int {
    max(Int(SW_CHANNEL_BLOCK), min(Self.mostChannels, paddedChannels(output.storedChannels / (2 * region.threadCount))))
  }

  private func tasksPerImage(_ region: WorkRegion) -> Int {
    let channels = channelsPerTask(region)
    return (output.storedChannels + channels - 1) / channels
  }

  func taskCount(_ region: WorkRegion) -> Int { region.images.count * tasksPerImage(region) }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let channelsPerTask = channelsPerTask(region), tasksPerImage = tasksPerImage(region)
    guard let rowSums = cursor.floats(channelsPerTask), let sums = cursor.floats(channelsPerTask) else { return }
    let image = region.images.lowerBound + task / tasksPerImage, first = task % tasksPerImage * channelsPerTask
    let count = min(channelsPerTask, output.storedChannels - first)
    let from = memory[reads[0]]
    sums.update(repeating: 0, count: count)
    if let codes { return averageCodes(codes, from, memory[writes].row(image, 0), image, first, sums, count: count) }
    for y in 0..<input.height {
      rowSums.update(repeating: 0, count: count)
      function(from.row(image, y) + input.byteOffset(channel: first), input.bytesPerPixel, input.width, count, rowSums)
      for channel in 0..<count { sums[channel] += rowSums[channel] }
    }
    let to = memory[writes].row(image, 0), pixels = Float(input.height * input.width)
    for channel in 0..<count { output.setNumber(to, first + channel, sums[channel] / pixels) }
  }

  /// Sums of integers are exact; the memory of the sums holds them.
  private func averageCodes(
    _ codes: Codes, _ from: ValueMemory, _ to: UnsafeMutableRawPointer, _ image: Int, _ first: Int,
    _ sums: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    for y in 0..<input.height {
      function(from.row(image, y) + input.byteOffset(channel: first), input.bytesPerPixel, input.width, count, sums)
    }
    let pixels = input.height * input.width, share = 1 / Float(pixels), all = codes.all
    for channel in 0..<count {
      let sum = Int32(truncatingIfNeeded: sums[channel].bitPattern) &- Int32(truncatingIfNeeded: codes.zeroPoint * pixels)
      let mean = min(max(Float(sum) * share, all.least), all.most).rounded(.toNearestOrEven)
      output.setNumber(to, first + channel, mean + Float(all.zero))
    }
  }
}
