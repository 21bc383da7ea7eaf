import CKernels
import Execution
import Networks

/// The maximum or the mean over windows of an interleaved value.
final class PoolStep: Step {
  enum Kind: Hashable { case maximum, average }

  let node: String
  let reads: [Int]
  let writes: Int
  private let pool: Pool
  private let codes: sw_stored_codes
  private let input: ValueLayout
  private let output: ValueLayout
  private let kernel: Kernel
  private let function: sw_pool_function

  /// Both values are interleaved.
  init(
    node: String, _ kind: Kind, _ pool: Pool, input: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout), codes: Codes?, table: KernelTable
  ) {
    self.node = node
    self.pool = pool
    self.codes = codes?.all ?? sw_stored_codes()
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    switch kind {
    case .maximum:
      kernel = table.kernel(.maximumPool, input.layout.element, output.layout.element)
      function = kernel.maximumPool
    case .average:
      kernel = table.kernel(.averagePool, input.layout.element, output.layout.element)
      function = kernel.averagePool
    }
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.pool) }
  var rowCount: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    let first = rows.lowerBound * pool.stride.height - pool.padding.top
    return first..<(rows.upperBound - 1) * pool.stride.height - pool.padding.top + pool.kernel.height
  }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  /// A window has no more rows inside the image than the image has.
  private var mostRows: Int { min(pool.kernel.height, input.height) }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(mostRows) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rows = cursor.pointers(mostRows) else { return }
    let from = memory[reads[0]], to = memory[writes]
    var arguments = sw_pool_arguments(
      rows: UnsafePointer(rows), row_count: 0, pixel: input.bytesPerPixel, in_width: input.width,
      kernel_width: pool.kernel.width, stride: pool.stride.width, left: pool.padding.left, width: output.width,
      channels: output.storedChannels, out: nil, out_pixel: output.bytesPerPixel, counted_rows: 0,
      counts_padding: pool.countIncludesPadding ? 1 : 0, right: pool.padding.right, codes: codes)
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let first = y * pool.stride.height - pool.padding.top, end = first + pool.kernel.height
      let inside = max(first, 0)..<min(end, input.height)
      for row in inside { rows[row - inside.lowerBound] = UnsafeRawPointer(from.row(image, row)) }
      arguments.row_count = inside.count
      arguments.counted_rows =
        pool.countIncludesPadding ? min(end, input.height + pool.padding.bottom) - first : inside.count
      arguments.out = to.row(image, y)
      function(&arguments)
    }
  }
}
