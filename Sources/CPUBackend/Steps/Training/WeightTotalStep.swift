import Execution

/// Adds what runs of rows came to of a weight's gradient, one after the other, and stores it as the weight lies.
final class WeightTotalStep: Step {
  /// How a row of the sums lies, channels last.
  enum Order: Hashable {
    /// `[outputs, taps, inputs]`
    case dense
    /// `[taps, channels]`
    case depthwise
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
  private var channelsPerTask: Int { max(1, Self.floatsPerTask / (taps * (order == .dense ? columns : 1))) }
  func taskCount(_ region: WorkRegion) -> Int { (output.batch + channelsPerTask - 1) / channelsPerTask }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(channelsPerTask * taps * (order == .dense ? columns : 1)) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    let channels = task * channelsPerTask..<min((task + 1) * channelsPerTask, output.batch)
    var cursor = ScratchCursor(base)
    guard let total = cursor.floats(channelsPerTask * taps * (order == .dense ? columns : 1)) else { return }
    let (first, count, pieces) =
      switch order {
      case .dense: (channels.lowerBound * taps * columns, channels.count * taps * columns, 1)
      case .depthwise: (channels.lowerBound, channels.count, taps)
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
    let places = KernelPlaces(output)
    for channel in channels {
      let from = total + (channel - channels.lowerBound) * (order == .dense ? taps * columns : 1)
      store(channel, from, count, memory[writes], places)
    }
  }

  private func store(
    _ channel: Int, _ total: UnsafePointer<Float>, _ count: Int, _ to: ValueMemory, _ places: KernelPlaces
  ) {
    for u in 0..<output.height {
      let row = to.floats(channel, u)
      for v in 0..<output.width {
        let tap = u * output.width + v
        guard order == .dense else {
          row[v] = total[tap * count]
          continue
        }
        places.store(total + tap * columns, column: v, of: row)
      }
    }
  }
}
