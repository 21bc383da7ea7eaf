import CKernels
import Execution

/// Softmax along the channels, the width or the height.
final class SoftmaxStep: Step {
  enum Axis: Hashable { case channels, rows, columns }

  let node: String
  let reads: [Int]
  let writes: Int
  private let axis: Axis
  private let input: ValueLayout
  private let layout: ValueLayout
  private let along: Kernel
  private let across: Kernel

  /// Input and output have the same order; the pixels of the input may lie further apart.
  init(
    node: String, _ axis: Axis, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    self.axis = axis
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    layout = output.layout
    along = table.kernel(.softmaxAlong, .float32, .float32)
    across = table.kernel(.softmaxAcross, .float32, .float32)
  }

  /// Whether the elements of one sum follow each other in memory.
  private var isAlong: Bool { layout.order == .interleaved ? axis == .channels : axis == .columns }

  var kernelNames: [String] { [isAlong ? along.name : across.name] }
  var work: Work { Work(.softmax) }
  /// Along the height all rows are one piece of work.
  var rowCount: Int { axis == .rows ? 1 : layout.height }
  var outputRowsPerRow: Int { axis == .rows ? layout.height : 1 }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { axis == .rows ? 0..<layout.height : rows }
  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }
  var scratchByteCount: Int { 0 }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    let input = input.floats, output = self.layout.floats
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let from = UnsafePointer(memory[reads[0]].floats(image, y)), to = memory[writes].floats(image, y)
      switch (layout.order, axis) {
      case (.interleaved, .channels):
        for x in 0..<layout.width {
          let pixel = to + x * output.pixel
          along.softmaxAlong(from + x * input.pixel, layout.channels, pixel)
          (pixel + layout.channels).update(repeating: 0, count: layout.storedChannels - layout.channels)
        }
      case (.interleaved, .columns):
        across.softmaxAcross(from, input.pixel, layout.width, layout.storedChannels, to, output.pixel)
      case (.interleaved, .rows):
        for x in 0..<layout.width {
          across.softmaxAcross(
            from + x * input.pixel, input.row, layout.height, layout.storedChannels, to + x * output.pixel,
            output.row)
        }
      case (.planar, .channels):
        across.softmaxAcross(from, input.plane, layout.channels, layout.width, to, output.plane)
      case (.planar, .columns):
        for channel in 0..<layout.channels {
          along.softmaxAlong(from + channel * input.plane, layout.width, to + channel * output.plane)
        }
      case (.planar, .rows):
        for channel in 0..<layout.channels {
          across.softmaxAcross(
            from + channel * input.plane, input.row, layout.height, layout.width, to + channel * output.plane,
            output.row)
        }
      }
    }
  }
}
