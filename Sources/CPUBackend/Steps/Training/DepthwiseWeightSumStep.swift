import CKernels
import Execution
import Networks

/// The gradient of a depthwise convolution's weight: for each tap and channel the sum of the products of two values, pixel by pixel. A row of the
/// output is `[taps, channels]` of a run of rows; `WeightTotalStep` adds them.
final class DepthwiseWeightSumStep: RunSumStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let runs: RowRuns
  private let payload: Convolution
  private let x: ValueLayout
  private let g: ValueLayout
  private let kernel: Kernel

  /// x and g are interleaved float32 and of the same channels.
  init(
    node: String, _ payload: Convolution, x: (value: Int, layout: ValueLayout), g: (value: Int, layout: ValueLayout),
    _ runs: RowRuns, output: Int, table: KernelTable
  ) {
    self.node = node
    self.payload = payload
    self.runs = runs
    reads = [x.value, g.value]
    writes = output
    self.x = x.layout
    self.g = g.layout
    kernel = table.depthwiseGradient(kernel: payload.kernel, stride: payload.stride, dilation: payload.dilation)
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.depthwise) }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    index == 0 ? payload.inputRows(for: runs.rows(of: rows)) : runs.rows(of: rows)
  }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(payload.kernel.height) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rows = cursor.pointers(payload.kernel.height) else { return }
    let (stride, padding, dilation) = (payload.stride, payload.padding, payload.dilation)
    var arguments = sw_depthwise_gradient_arguments(
      g: nil, g_pixel: g.bytesPerPixel, rows: rows, in_pixel: x.bytesPerPixel, in_width: x.width, left: -padding.left,
      stride: stride.width, dilation: dilation.width, kernel_height: payload.kernel.height, kernel_width: payload.kernel.width,
      count: g.width, channels: g.storedChannels, sums: nil)
    var input = RowReader(memory[reads[0]], x), gradients = RowReader(memory[reads[1]], g)
    let sumCount = payload.kernel.height * payload.kernel.width * g.storedChannels
    forEachRun(task, of: region, memory, sumCount: sumCount) { image, run, sums in
      arguments.sums = sums
      for y in run {
        for u in 0..<payload.kernel.height {
          let from = y * stride.height + u * dilation.height - padding.top
          rows[u] = from >= 0 && from < x.height ? UnsafeRawPointer(memory[reads[0]].row(image, from)) : nil
        }
        if dilation.height == 1 { input.read(image, payload.inputRows(for: y..<y + 1)) }
        gradients.read(image, y..<y + 1)
        arguments.g = UnsafeRawPointer(memory[reads[1]].row(image, y))
        kernel.depthwiseGradient(&arguments)
      }
    }
  }
}

extension Convolution {
  /// The rows of the input that rows of the output read; may reach past its edges.
  func inputRows(for rows: Range<Int>) -> Range<Int> {
    let first = rows.lowerBound * stride.height - padding.top, last = (rows.upperBound - 1) * stride.height - padding.top
    return first..<last + (kernel.height - 1) * dilation.height + 1
  }
}
