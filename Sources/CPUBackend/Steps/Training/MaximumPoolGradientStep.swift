import CKernels
import Execution
import Networks

/// The gradient of a maximum pool's input. Windows that share pixels add to them in order: an image is one task.
final class MaximumPoolGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let pool: Pool
  private let g: ValueLayout
  private let x: ValueLayout
  private let output: ValueLayout
  private let kernel: Kernel

  /// All values are interleaved float32.
  init(
    node: String, _ pool: Pool, g: (value: Int, layout: ValueLayout), x: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    self.pool = pool
    reads = [g.value, x.value]
    writes = output.value
    self.g = g.layout
    self.x = x.layout
    self.output = output.layout
    kernel = table.kernel(.maximumPoolGradient, .float32, .float32)
  }

  var isLight: Bool { true }
  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.pool) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { output.height }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<(index == 0 ? g : x).height }

  /// Channels of a task.
  private static let block = 64
  private var blockCount: Int { (output.storedChannels + Self.block - 1) / Self.block }
  func taskCount(_ region: WorkRegion) -> Int { region.images.count * blockCount }
  private var mostRows: Int { min(pool.kernel.height, x.height) }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (rows: UnsafeMutablePointer<UnsafeRawPointer?>?, out: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) {
    (cursor.pointers(mostRows), cursor.take(mostRows, of: UnsafeMutableRawPointer?.self))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let rows = scratch.rows, let out = scratch.out else { return }
    let image = region.images.lowerBound + task / blockCount, first = task % blockCount * Self.block
    let channels = min(Self.block, output.storedChannels - first), offset = first * 4
    for y in 0..<output.height {
      let row = memory[writes].floats(image, y) + first
      for column in 0..<output.width { (row + column * output.floats.pixel).update(repeating: 0, count: channels) }
    }
    var arguments = sw_pool_gradient_arguments(
      rows: UnsafePointer(rows), row_count: 0, pixel: x.bytesPerPixel, in_width: x.width, kernel_width: pool.kernel.width,
      stride: pool.stride.width, left: pool.padding.left, width: g.width, channels: channels, gradient: nil,
      gradient_pixel: g.bytesPerPixel, out_rows: UnsafePointer(out), out_pixel: output.bytesPerPixel)
    for y in 0..<g.height {
      let top = y * pool.stride.height - pool.padding.top
      let inside = max(top, 0)..<min(top + pool.kernel.height, x.height)
      for row in inside {
        rows[row - inside.lowerBound] = UnsafeRawPointer(memory[reads[1]].row(image, row)) + offset
        out[row - inside.lowerBound] = memory[writes].row(image, row) + offset
      }
      arguments.row_count = inside.count
      arguments.gradient = UnsafeRawPointer(memory[reads[0]].row(image, y)) + offset
      kernel.maximumPoolGradient(&arguments)
    }
  }
}
