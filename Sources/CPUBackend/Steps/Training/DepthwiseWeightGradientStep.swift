import CKernels
import Execution
import Networks

/// The gradient of a depthwise convolution's weight: for each tap and channel the sum of the products of two values, pixel by pixel.
///
/// Each output channel has an input channel of its own, or several share one. Rows are cut into runs by shapes alone, whose sums are added in order.
final class DepthwiseWeightGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: Convolution
  private let x: ValueLayout
  private let g: ValueLayout
  private let output: ValueLayout
  private let kernel: Kernel
  private let runCount: Int
  private let rowsPerRun: Int

  private static let wantedTasks = 16
  private static let leastPixels = 512

  /// x and g are interleaved and of the same channels, `[channels, 1, height, width]` the planar output; float32.
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
    kernel = table.depthwiseGradient(kernel: payload.kernel, stride: payload.stride, dilation: payload.dilation)
    let rows = g.layout.batch * g.layout.height
    let runs = max(1, min(Self.wantedTasks, rows, rows * g.layout.width / Self.leastPixels))
    rowsPerRun = (rows + runs - 1) / runs
    runCount = (rows + rowsPerRun - 1) / rowsPerRun
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.depthwise) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  var takesWholeBatch: Bool { true }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? x : g).height }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(payload.kernel.height) } }
  func taskCount(_ region: WorkRegion) -> Int { runCount }
  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {}
  func stageCount(_ region: WorkRegion) -> Int { 2 }
  func taskCount(_ region: WorkRegion, stage: Int) -> Int { stage == 0 ? runCount : 1 }
  var sharedByteCount: Int { runCount * floatsPerRun * 4 }
  private var taps: Int { payload.kernel.height * payload.kernel.width }
  private var floatsPerRun: Int { taps * g.storedChannels }

  func perform(_ task: Int, of region: WorkRegion, stage: Int, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    let sums = memory.shared.floats
    if stage == 1 { return add(sums, memory[writes]) }
    var cursor = ScratchCursor(base)
    guard let rows = cursor.pointers(payload.kernel.height) else { return }
    let (stride, padding, dilation) = (payload.stride, payload.padding, payload.dilation)
    let to = sums + task * floatsPerRun
    to.update(repeating: 0, count: floatsPerRun)
    var arguments = sw_depthwise_gradient_arguments(
      g: nil, g_pixel: g.bytesPerPixel, rows: rows, in_pixel: x.bytesPerPixel, in_width: x.width, left: -padding.left,
      stride: stride.width, dilation: dilation.width, kernel_height: payload.kernel.height, kernel_width: payload.kernel.width,
      count: g.width, channels: g.storedChannels, sums: to)
    for row in task * rowsPerRun..<min((task + 1) * rowsPerRun, g.batch * g.height) {
      let image = row / g.height, y = row % g.height
      for u in 0..<payload.kernel.height {
        let from = y * stride.height + u * dilation.height - padding.top
        rows[u] = from >= 0 && from < x.height ? UnsafeRawPointer(memory[reads[0]].row(image, from)) : nil
      }
      arguments.g = UnsafeRawPointer(memory[reads[1]].row(image, y))
      kernel.depthwiseGradient(&arguments)
    }
  }

  private func add(_ sums: UnsafeMutablePointer<Float>, _ to: ValueMemory) {
    for run in 1..<max(runCount, 1) {
      let part = sums + run * floatsPerRun
      for index in 0..<floatsPerRun { sums[index] += part[index] }
    }
    for channel in 0..<payload.outChannels {
      for u in 0..<payload.kernel.height {
        let row = to.floats(channel, u)
        for v in 0..<payload.kernel.width { row[v] = sums[(u * payload.kernel.width + v) * g.storedChannels + channel] }
      }
    }
  }
}
