import CKernels
import Execution
import Networks

/// The gradient of a maximum pool's input, and what is added to it. Windows that share pixels add to them in order: then an image is one task, else some rows of windows.
final class MaximumPoolGradientStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let pool: Pool
  private let g: ValueLayout
  private let x: ValueLayout
  private let added: ValueLayout?
  private let output: ValueLayout
  private let kernel: Kernel

  /// All values are interleaved float32.
  init(
    node: String, _ pool: Pool, g: (value: Int, layout: ValueLayout), x: (value: Int, layout: ValueLayout),
    added: (value: Int, layout: ValueLayout)?, output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    self.pool = pool
    reads = [g.value, x.value] + (added.map { [$0.value] } ?? [])
    writes = output.value
    self.g = g.layout
    self.x = x.layout
    self.added = added?.layout
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
  /// Whether no pixel is in two windows.
  private var isApart: Bool { pool.kernel.height <= pool.stride.height && pool.kernel.width <= pool.stride.width }
  /// Rows of windows of a task.
  private var rowsPerTask: Int { isApart ? 4 : g.height }
  private var tasksPerImage: Int { (g.height + rowsPerTask - 1) / rowsPerTask * blockCount }
  func taskCount(_ region: WorkRegion) -> Int { region.images.count * tasksPerImage }
  private var mostRows: Int { min(pool.kernel.height, x.height) }

  private struct Scratch {
    var rows, added: UnsafeMutablePointer<UnsafeRawPointer?>?
    var out: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    Scratch(
      rows: cursor.pointers(mostRows), added: cursor.pointers(mostRows),
      out: cursor.take(mostRows, of: UnsafeMutableRawPointer?.self))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let rows = scratch.rows, let addedRows = scratch.added, let out = scratch.out else { return }
    let image = region.images.lowerBound + task / tasksPerImage, number = task % tasksPerImage
    let first = number % blockCount * Self.block, windows = number / blockCount * rowsPerTask
    let end = min(windows + rowsPerTask, g.height)
    let channels = min(Self.block, output.storedChannels - first), offset = first * 4
    // Each task has the rows from its first window on to the next task's.
    func firstRow(_ y: Int) -> Int { min(max(y * pool.stride.height - pool.padding.top, 0), output.height) }
    let top = windows == 0 ? 0 : firstRow(windows), bottom = end == g.height ? output.height : firstRow(end)
    // What windows write need not be cleared.
    let isCovered = isApart && pool.kernel == pool.stride && pool.padding == Padding(0)
    func others(_ y: Int) -> Range<Int> {
      let isWritten = isCovered && y < g.height * pool.kernel.height
      return (isWritten ? min(g.width * pool.kernel.width, output.width) : 0)..<output.width
    }
    for y in top..<bottom {
      let row = memory[writes].floats(image, y) + first
      for column in others(y) { (row + column * output.floats.pixel).update(repeating: 0, count: channels) }
    }
    var arguments = sw_pool_gradient_arguments(
      rows: UnsafePointer(rows), row_count: 0, pixel: x.bytesPerPixel, in_width: x.width, kernel_width: pool.kernel.width,
      stride: pool.stride.width, left: pool.padding.left, width: g.width, channels: channels, gradient: nil,
      gradient_pixel: g.bytesPerPixel, out_rows: UnsafePointer(out), out_pixel: output.bytesPerPixel, adds: isApart ? 0 : 1,
      added_rows: added != nil && isCovered ? UnsafePointer(addedRows) : nil, added_pixel: added?.bytesPerPixel ?? 0)
    for y in windows..<end {
      let top = y * pool.stride.height - pool.padding.top
      let inside = max(top, 0)..<min(top + pool.kernel.height, x.height)
      for row in inside {
        rows[row - inside.lowerBound] = UnsafeRawPointer(memory[reads[1]].row(image, row)) + offset
        out[row - inside.lowerBound] = memory[writes].row(image, row) + offset
        if added != nil { addedRows[row - inside.lowerBound] = UnsafeRawPointer(memory[reads[2]].row(image, row)) + offset }
      }
      arguments.row_count = inside.count
      arguments.gradient = UnsafeRawPointer(memory[reads[0]].row(image, y)) + offset
      kernel.maximumPoolGradient(&arguments)
    }
    // Where the kernel has not: the sum of all windows of a pixel comes first.
    for y in top..<bottom { add(memory, image, y, others(y), first..<first + channels) }
  }

  /// Adds to some pixels of a row what is added, if there is something.
  private func add(_ memory: RunMemory, _ image: Int, _ y: Int, _ columns: Range<Int>, _ channels: Range<Int>) {
    guard let added else { return }
    let from = memory[reads[2]].floats(image, y), to = memory[writes].floats(image, y)
    for column in columns {
      let source = from + column * added.floats.pixel, target = to + column * output.floats.pixel
      for channel in channels { target[channel] += source[channel] }
    }
  }
}
