import CKernels
import Networks

/// Bilinear and bicubic resize: the rows around an output row are mixed first, then the pixels around each output pixel.
final class ResizeStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let input: ValueLayout
  private let output: ValueLayout
  private let rows: Taps
  private let columns: Taps
  private let kernel: Kernel
  private let pixelKernel: Kernel
  /// The positions of `columns`, and their weights, as the kernel reads them.
  private let columnPositions: ConstantTable<Int32>
  private let columnWeights: ConstantTable<Float>

  /// What each output position along an axis mixes: `count` input positions and their weights, one output position after another.
  private struct Taps {
    var count: Int
    var positions: [Int] = []
    var weights: [Float] = []

    init(_ payload: Resize, extent: Int, outputExtent: Int, _ place: (Int) -> Resize.Position) {
      count = payload.method == .bilinear ? 2 : 4
      for index in 0..<outputExtent {
        let position = place(index), a = Double(payload.cubicCoefficient)
        for offset in payload.method == .bilinear ? 0..<2 : -1..<3 {
          positions.append(min(max(position.index + offset, 0), extent - 1))
          let distance = abs(position.fraction - Double(offset))
          weights.append(Float(payload.method == .bilinear ? 1 - distance : Self.keys(distance, a)))
        }
      }
    }

    /// Keys' cubic convolution kernel.
    private static func keys(_ distance: Double, _ a: Double) -> Double {
      if distance <= 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
      if distance < 2 { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a }
      return 0
    }
  }

  /// Both values have the same order; the method is not `nearest`.
  init(
    node: String, _ payload: Resize, input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout),
    table: KernelTable
  ) {
    self.node = node
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    kernel = table.kernel(.mix, rows: 1)
    pixelKernel = table.kernel(.mixPixels, rows: 1)
    let (from, to) = (input.layout, output.layout)
    rows = Taps(payload, extent: from.height, outputExtent: to.height) {
      payload.rowPosition(of: $0, extent: from.height, outputExtent: to.height)
    }
    let columns = Taps(payload, extent: from.width, outputExtent: to.width) {
      payload.columnPosition(of: $0, extent: from.width, outputExtent: to.width)
    }
    self.columns = columns
    columnPositions = ConstantTable(columns.positions.map(Int32.init))
    columnWeights = ConstantTable(columns.weights)
  }

  var kernelNames: [String] { input.order == .planar ? [kernel.name] : [kernel.name, pixelKernel.name] }
  var rowCount: Int { output.height }
  var constantByteCount: Int { columnWeights.count * 8 }

  func inputRows(_ index: Int, for range: Range<Int>) -> Range<Int> {
    var first = Int.max, last = 0
    for position in rows.positions[range.lowerBound * rows.count..<range.upperBound * rows.count] {
      first = min(first, position)
      last = max(last, position)
    }
    return first..<last + 1
  }

  func taskCount(_ region: WorkRegion) -> Int { RowTasks(region).count }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (mixed: UnsafeMutablePointer<Float>?, pointers: UnsafeMutablePointer<UnsafePointer<Float>?>?) {
    (cursor.floats(input.width * (input.order == .planar ? 1 : input.storedChannels)), cursor.pointers(4))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let mixed = scratch.mixed, let pointers = scratch.pointers else { return }
    let from = memory[reads[0]]
    for n in RowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let to = memory[writes].row(image, y)
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
    rows.weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      // Pixels may lie further apart than their channels.
      let isDense = input.pixelStride == stored
      for x in 0..<(isDense ? 1 : input.width) {
        for tap in 0..<taps {
          pointers[tap] = UnsafePointer(from.row(image, rows.positions[y * taps + tap]) + x * input.pixelStride)
        }
        mix(pointers, weights + y * taps, taps, isDense ? input.width * stored : stored, mixed + x * stored)
      }
    }
    pixelKernel.mixPixels(
      mixed, columnPositions.elements, columnWeights.elements, taps, output.width, stored, to, output.pixelStride)
  }

  private func fillPlanes(
    _ to: UnsafeMutablePointer<Float>, _ from: ValueMemory, image: Int, y: Int, _ mixed: UnsafeMutablePointer<Float>,
    _ pointers: UnsafeMutablePointer<UnsafePointer<Float>?>
  ) {
    let mix = kernel.mix, taps = rows.count
    for channel in 0..<output.channels {
      rows.weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        for tap in 0..<taps {
          pointers[tap] = UnsafePointer(from.row(image, rows.positions[y * taps + tap]) + channel * input.planeStride)
        }
        mix(pointers, weights + y * taps, taps, input.width, mixed)
      }
      let row = to + channel * output.planeStride
      columns.weights.withUnsafeBufferPointer { weights in
        columns.positions.withUnsafeBufferPointer { positions in
          for x in 0..<output.width {
            var sum: Float = 0
            for tap in x * taps..<(x + 1) * taps { sum += weights[tap] * mixed[positions[tap]] }
            row[x] = sum
          }
        }
      }
    }
  }
}
