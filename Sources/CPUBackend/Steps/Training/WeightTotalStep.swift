import Execution

/// Adds what runs of rows came to of a weight's gradient, one after the other, and stores it as the weight lies.
final class WeightTotalStep: Step {
  /// How a row of the sums lies, channels last.
  enum Order: Hashable {
    /// `[outputs, taps, inputs]`
    case dense
    /// `[taps, channels]`
    case depthwise
    /// `[rows, channels]`
    case planes(PlaneLines)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  let kernelNames = ["total"]
  private let order: Order
  private let taps: Int
  private let sums: ValueLayout
  private let output: ValueLayout

  /// Floats of a task, in steps of whole output channels.
  private static let floatsPerTask = 1024

  /// - Parameters:
  ///   - sums: of rows of runs.
  ///   - output: `[outputs, inputs, height, width]`
  init(
    node: String, _ order: Order, sums: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout)
  ) {
    self.node = node
    self.order = order
    reads = [sums.value]
    writes = output.value
    self.sums = sums.layout
    self.output = output.layout
    taps = output.layout.height * output.layout.width
  }

  var work: Work { Work(.reduction) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<sums.height }
  private var columns: Int { sums.storedChannels }
  /// Sums of an output channel; all channels are one task where each has few of all rows.
  private var floatsPerChannel: Int {
    switch order {
    case .dense: taps * columns
    case .depthwise: taps
    case .planes(let lines): lines.areOfInput ? lines.rowCount : taps * columns
    }
  }
  private var channelsPerTask: Int {
    if case .planes(let lines) = order, !lines.areOfInput { return output.batch }
    return max(1, Self.floatsPerTask / floatsPerChannel)
  }
  func taskCount(_ region: WorkRegion) -> Int { (output.batch + channelsPerTask - 1) / channelsPerTask }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(channelsPerTask * floatsPerChannel) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    let channels = task * channelsPerTask..<min((task + 1) * channelsPerTask, output.batch)
    var cursor = ScratchCursor(base)
    guard let total = cursor.floats(channelsPerTask * floatsPerChannel) else { return }
    let (first, count, pieces) =
      switch order {
      case .dense: (channels.lowerBound * taps * columns, channels.count * taps * columns, 1)
      case .depthwise: (channels.lowerBound, channels.count, taps)
      case .planes(let lines):
        lines.areOfInput ? (channels.lowerBound, channels.count, lines.rowCount) : (0, columns, lines.rowCount)
      }
    total.update(repeating: 0, count: count * pieces)
    let source = memory[reads[0]]
    for image in 0..<sums.batch {
      for run in 0..<sums.height {
        let row = source.floats(image, run) + first
        for piece in 0..<pieces {
          let from = row + piece * columns, to = total + piece * count
          for index in 0..<count { to[index] += from[index] }
        }
      }
    }
    let places = KernelPlaces(output), to = memory[writes]
    for channel in channels {
      let index = channel - channels.lowerBound
      switch order {
      case .dense: storeRows(channel, to) { places.store(total + (index * taps + $2) * columns, column: $1, of: $0) }
      case .depthwise: storeRows(channel, to) { $0[$1] = total[$2 * count + index] }
      case .planes(let lines) where lines.areOfInput:
        storeRows(channel, to) { row, v, tap in
          // So few inputs lie in planes.
          for input in 0..<output.channels {
            row[input * output.floats.channel + v] = total[lines.row(channel: input, tap / output.width, v) * count + index]
          }
        }
      case .planes(let lines):
        storeRows(channel, to) { row, v, tap in
          places.store(total + lines.row(channel: channel, tap / output.width, v) * columns, column: v, of: row)
        }
      }
    }
  }

  /// Calls `store` for each tap of an output channel, with its row of the kernel, its place in that, and its number.
  private func storeRows(
    _ channel: Int, _ to: ValueMemory, _ store: (_ row: UnsafeMutablePointer<Float>, _ v: Int, _ tap: Int) -> Void
  ) {
    for u in 0..<output.height {
      let row = to.floats(channel, u)
      for v in 0..<output.width { store(row, v, u * output.width + v) }
    }
  }
}
