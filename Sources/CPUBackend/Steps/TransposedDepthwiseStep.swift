import CKernels
import Execution
import Networks

/// A transposed convolution of one kernel a channel: vectors run over the channels, and each output pixel meets the taps of its phase alone.
final class TransposedDepthwiseStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: TransposedConvolution
  private let input: ValueLayout
  private let output: ValueLayout
  /// Of the value that the epilogue adds; it has the output's shape.
  private let residual: ValueLayout?
  private let kernel: Kernel
  private let weights: Pack
  private let epilogue: EpilogueParameters

  /// All values are interleaved.
  init(
    node: String, _ payload: TransposedConvolution, weight: ParameterTensor, bias: ParameterTensor?, slopes: ParameterTensor?,
    epilogue: CanonicalEpilogue, input: (value: Int, layout: ValueLayout), residual: (value: Int, layout: ValueLayout)?,
    output: (value: Int, layout: ValueLayout), table: KernelTable, packs: PackStore
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value] + (residual.map { [$0.value] } ?? [])
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    self.residual = residual?.layout
    kernel = table.kernel(.depthwiseTransposed, input.layout.element, output.layout.element)
    let channels = payload.outChannels
    weights = DepthwiseRows.pack(weight, channels: channels, taps: payload.kernel.height * payload.kernel.width, packs)
    let order = (0..<paddedChannels(channels)).map { $0 < channels ? $0 : nil }
    self.epilogue = EpilogueParameters(epilogue, order: order, bias: bias, slopes: slopes, packs: packs)
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.depthwise) }
  var packs: [Pack] { [weights] + epilogue.packs }
  var rowCount: Int { output.height }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(payload.kernel.height) } }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }

  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    guard index == 0 else { return rows }
    let stride = payload.stride.height, reach = (payload.kernel.height - 1) * payload.dilation.height
    let first = rows.lowerBound + payload.padding.top - reach, last = rows.upperBound - 1 + payload.padding.top
    return (first < 0 ? -((stride - 1 - first) / stride) : first / stride)..<last / stride + 1
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rows = cursor.pointers(payload.kernel.height) else { return }
    let stride = payload.stride.height, source = memory[reads[0]], target = memory[writes]
    withUnsafePointer(to: epilogue.structure) { epilogue in
      var arguments = sw_depthwise_arguments(
        rows: rows, row_count: 1, row_step: 0, row_dilation: 0, in_pixel: input.bytesPerPixel, in_width: input.width,
        left: payload.padding.left, stride: payload.stride.width, dilation: payload.dilation.width,
        kernel_height: payload.kernel.height, kernel_width: payload.kernel.width, weight: weights.floats,
        channel_stride: output.storedChannels, channels: output.storedChannels, count: output.width, out: nil, out_row: 0,
        out_pixel: output.bytesPerPixel, residual: nil, residual_row: 0, residual_pixel: residual?.bytesPerPixel ?? 0,
        epilogue: epilogue, outside: nil)
      for n in RowTasks(region).range(task) {
        let (image, y) = region.place(n)
        for u in 0..<payload.kernel.height {
          let place = y + payload.padding.top - u * payload.dilation.height
          let isMet = place >= 0 && place % stride == 0 && place / stride < input.height
          rows[u] = isMet ? UnsafeRawPointer(source.row(image, place / stride)) : nil
        }
        arguments.out = target.row(image, y)
        if residual != nil { arguments.residual = UnsafeRawPointer(memory[reads[1]].row(image, y)) }
        kernel.depthwiseTransposed(&arguments)
      }
    }
  }
}
