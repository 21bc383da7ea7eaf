import CKernels
import Execution
import Networks

/// Sums over all pixels of each channel: of a value, what batch normalisation takes of the batch, what its gradient needs.
///
/// Rows are cut into runs by shapes alone; the sums of each are added in order. So the result depends on no thread.
final class ChannelStatisticsStep: Step {
  enum Kind: Hashable {
    /// Σ x
    case sum
    /// The mean, the mean of the squares of the differences from it, and that with one element less counted: rows of the output.
    case moments
    /// Σ g and Σ g · (x - mean) / √(variance + epsilon), of g, x and moments: rows of the output.
    case gradientSums(epsilon: Float)
  }

  let node: String
  let reads: [Int]
  let writes: Int
  private let kind: Kind
  private let inputs: [ValueLayout]
  private let output: ValueLayout
  private let sum: Kernel
  private let products: Kernel
  private let channels: Int
  private let stored: Int
  private let runCount: Int
  private let rowsPerRun: Int

  private static let wantedTasks = 16
  private static let leastPixels = 256

  /// Values are interleaved float32, but for moments and output, whose rows each lie in a row.
  init(
    node: String, _ kind: Kind, _ inputs: [(value: Int, layout: ValueLayout)], output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.kind = kind
    reads = inputs.map(\.value)
    writes = output.value
    self.inputs = inputs.map(\.layout)
    self.output = output.layout
    sum = table.kernel(.sum, .float32, .float32)
    products = table.kernel(.channelProducts, .float32, .float32)
    channels = inputs[0].layout.channels
    stored = inputs[0].layout.storedChannels
    let rows = inputs[0].layout.batch * inputs[0].layout.height
    let runs = max(1, min(Self.wantedTasks, rows, rows * inputs[0].layout.width / Self.leastPixels))
    rowsPerRun = (rows + runs - 1) / runs
    runCount = (rows + rowsPerRun - 1) / rowsPerRun
  }

  var kernelNames: [String] { kind == .sum ? [sum.name] : [sum.name, products.name] }
  var work: Work { Work(.reduction) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<inputs[index].height }
  var scratchByteCount: Int { 0 }
  func taskCount(_ region: WorkRegion) -> Int { runCount }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {}
  /// Passes over the rows, each with a stage behind it that adds what its runs found.
  private var passes: Int { kind == .moments ? 2 : 1 }
  func stageCount(_ region: WorkRegion) -> Int { 2 * passes }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int { stage % 2 == 0 ? runCount : 1 }

  /// Of one run: two sums of each channel.
  private var floatsPerRun: Int { 2 * stored }
  /// The mean, or the first sums, and the second; behind what runs have.
  var sharedByteCount: Int { (runCount + 1) * floatsPerRun * 4 }

  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let parts = memory.shared.floats, totals = parts + runCount * floatsPerRun
    if stage == 0, task == 0 || runCount == 1 { totals.update(repeating: 0, count: floatsPerRun) }
    if stage % 2 == 0 { return addRows(task, pass: stage / 2, parts + task * floatsPerRun, totals, memory) }
    total(pass: stage / 2, parts, totals, memory)
  }

  private func addRows(
    _ run: Int, pass: Int, _ sums: UnsafeMutablePointer<Float>, _ totals: UnsafeMutablePointer<Float>, _ memory: RunMemory
  ) {
    sums.update(repeating: 0, count: floatsPerRun)
    let first = inputs[0]
    for row in run * rowsPerRun..<min((run + 1) * rowsPerRun, first.batch * first.height) {
      let image = row / first.height, y = row % first.height
      let a = memory[reads[0]].row(image, y)
      switch kind {
      case .sum: sum.sum(a, first.bytesPerPixel, first.width, stored, sums)
      case .moments where pass == 0: sum.sum(a, first.bytesPerPixel, first.width, stored, sums)
      case .moments:
        products.channelProducts(nil, 0, a, first.bytesPerPixel, totals, first.width, stored, sums)
      case .gradientSums:
        sum.sum(a, first.bytesPerPixel, first.width, stored, sums)
        // The mean is taken off behind: Σ g · x - mean · Σ g would lose bits.
        let mean = memory[reads[2]].floats(0, 0)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: stored) { shift in
          for channel in 0..<stored { shift[channel] = channel < channels ? mean[channel] : 0 }
          products.channelProducts(
            a, first.bytesPerPixel, memory[reads[1]].row(image, y), inputs[1].bytesPerPixel, shift.baseAddress, first.width,
            stored, sums + stored)
        }
      }
    }
  }

  private func total(
    pass: Int, _ parts: UnsafeMutablePointer<Float>, _ totals: UnsafeMutablePointer<Float>, _ memory: RunMemory
  ) {
    for run in 1..<max(runCount, 1) {
      for index in 0..<floatsPerRun { parts[index] += parts[run * floatsPerRun + index] }
    }
    let count = Float(inputs[0].batch * inputs[0].height * inputs[0].width), to = memory[writes]
    switch kind {
    case .sum: to.floats(0, 0).update(from: parts, count: channels)
    case .moments where pass == 0:
      for channel in 0..<stored { totals[channel] = parts[channel] / count }
    case .moments:
      store(totals, row: 0, to)
      for channel in 0..<stored { parts[channel] /= count }
      store(parts, row: 1, to)
      for channel in 0..<stored { parts[channel] *= count / max(count - 1, 1) }
      store(parts, row: 2, to)
    case .gradientSums(let epsilon):
      let variance = memory[reads[2]].floats(1, 0)
      store(parts, row: 0, to)
      for channel in 0..<channels { parts[stored + channel] /= (variance[channel] + epsilon).squareRoot() }
      store(parts + stored, row: 1, to)
    }
  }

  private func store(_ values: UnsafeMutablePointer<Float>, row: Int, _ to: ValueMemory) {
    let place = to.floats(row, 0)
    place.update(from: values, count: channels)
    if output.order == .interleaved { output.clearPadding(place) }
  }
}
