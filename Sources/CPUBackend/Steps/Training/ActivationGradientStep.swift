import CKernels
import Execution
import Networks

/// The gradient of a function's argument: one pass over the gradient and the argument.
final class ActivationGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let g: ValueLayout
  private let x: ValueLayout
  private let output: ValueLayout
  /// Of a PReLU, a value of one row; one for all channels or one each.
  private let slopeCount: Int
  private let activation: sw_activation
  private let kernel: Kernel
  private let clearsPadding: Bool

  /// All values are interleaved float32; the slopes are a value of that many elements in a row.
  init(
    node: String, _ function: ActivationFunction, g: (value: Int, layout: ValueLayout), x: (value: Int, layout: ValueLayout),
    slopes: (value: Int, count: Int)?, output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    reads = [g.value, x.value] + (slopes.map { [$0.value] } ?? [])
    writes = output.value
    self.g = g.layout
    self.x = x.layout
    self.output = output.layout
    slopeCount = slopes?.count ?? 0
    activation = EpilogueParameters.activation(function, nil)
    kernel = table.kernel(.activationGradient, .float32, .float32)
    clearsPadding = !function.keepsFinite && output.layout.channels < output.layout.storedChannels
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.elementwise) }
  var rowCount: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { index < 2 ? rows : 0..<1 }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.floats(slopeCount == 0 ? 0 : output.storedChannels) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base), activation = activation
    if slopeCount > 0, let slopes = cursor.floats(output.storedChannels) {
      let from = memory[reads[2]].floats(0, 0)
      for channel in 0..<output.storedChannels {
        slopes[channel] = slopeCount == 1 ? from[0] : channel < slopeCount ? from[channel] : 0
      }
      activation.slopes = UnsafePointer(slopes)
    }
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let to = memory[writes].row(image, y)
      kernel.activationGradient(
        &activation, memory[reads[0]].row(image, y), g.bytesPerPixel, memory[reads[1]].row(image, y), x.bytesPerPixel, to,
        output.bytesPerPixel, output.width, output.storedChannels)
      if clearsPadding { for x in 0..<output.width { output.clearPadding(to + x * output.bytesPerPixel) } }
    }
  }
}
