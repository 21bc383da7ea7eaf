import CKernels
import Execution
import Networks

/// Linear maps along height and width, such as a bilinear or bicubic resize: the rows around an output row are mixed first, then the pixels
/// around each output pixel.
final class ResizeStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let input: ValueLayout
  private let output: ValueLayout
  /// They count with the program: steps share them.
  private let rows: ResizeTaps
  private let columns: ResizeTaps
  private let kernel: Kernel
  private let pixelKernel: Kernel

  /// Both values have the same order.
  init(
    node: String, rows: ResizeTaps, columns: ResizeTaps, input: (value: Int, layout: ValueLayout),
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    kernel = table.kernel(.mix, .float32, .float32)
    pixelKernel = table.kernel(.mixPixels, .float32, .float32)
    self.rows = rows
    self.columns = columns
  }

  var kernelNames: [String] { input.order == .planar ? [kernel.name] : [kernel.name, pixelKernel.name] }
  var work: Work { Work(.resize) }
  var rowCount: Int { output.height }

  func inputRows(_ index: Int, for range: Range<Int>) -> Range<Int> {
    var first = Int.max, last = 0
    for position in rows.positions.values[range.lowerBound * rows.count..<range.upperBound * rows.count] {
      first = min(first, Int(position))
      last = max(last, Int(position))
    }
    return first..<last + 1
  }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (mixed: UnsafeMutablePointer<Float>?, pointers: UnsafeMutablePointer<UnsafePointer<Float>?>?) {
    (cursor.floats(input.width * (input.order == .planar ? 1 : input.storedChannels)), cursor.floatPointers(rows.count))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let mixed = scratch.mixed, let pointers = scratch.pointers else { return }
    let from = memory[reads[0]]
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let to = memory[writes].floats(image, y)
      switch output.order {
      case .interleaved: fillPixels(to, from, image: image, y: y, mixed, pointers)
      case .planar: fillPlanes(to, from, image: image, y: y, mixed, pointers)
      }
    }
  }

  private func fillPixels(
    _ to: UnsafeMutablePointer<Float>, _ from: ValueMemory, image: Int, y: Int, _ mixed: UnsafeMutablePointer<Float>,
    _ pointers: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    let mix = kernel.mix, stored = input.storedChannels, taps = rows.count
    let weights = rows.weights.elements + y * taps, positions = rows.positions.elements + y * taps
    // Pixels may lie further apart than their channels.
    let pixel = input.floats.pixel, isDense = pixel == stored
    for x in 0..<(isDense ? 1 : input.width) {
      for tap in 0..<taps { pointers[tap] = UnsafePointer(from.floats(image, Int(positions[tap])) + x * pixel) }
      mix(pointers, weights, taps, isDense ? input.width * stored : stored, mixed + x * stored)
    }
    pixelKernel.mixPixels(
      mixed, columns.positions.elements, columns.weights.elements, columns.count, output.width, stored, to, output.floats.pixel)
  }

  private func fillPlanes(
    _ to: UnsafeMutablePointer<Float>, _ from: ValueMemory, image: Int, y: Int, _ mixed: UnsafeMutablePointer<Float>,
    _ pointers: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    let mix = kernel.mix, taps = rows.count
    let rowWeights = rows.weights.elements + y * taps, rowPositions = rows.positions.elements + y * taps
    let weights = columns.weights.elements, positions = columns.positions.elements
    for channel in 0..<output.channels {
      for tap in 0..<taps {
        pointers[tap] = UnsafePointer(from.floats(image, Int(rowPositions[tap])) + channel * input.floats.plane)
      }
      mix(pointers, rowWeights, taps, input.width, mixed)
      let row = to + channel * output.floats.plane
      for x in 0..<output.width {
        var sum: Float = 0
        for tap in x * columns.count..<(x + 1) * columns.count { sum += weights[tap] * mixed[Int(positions[tap])] }
        row[x] = sum
      }
    }
  }
}
