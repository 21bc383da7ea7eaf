import CKernels
import Execution
import Networks

/// The gradient of a convolution's weight where x or the gradient lies in planes: see `PlaneLines`. A row of the output is `[rows, columns]` of a run
/// of rows; `WeightTotalStep` adds them.
final class PlaneWeightSumStep: RunSumStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let runs: RowRuns
  private let lines: PlaneLines
  private let planes: ValueLayout
  private let pixels: ValueLayout
  private let planeFloats: ValueLayout.FloatDistances
  private let pixelFloats: ValueLayout.FloatDistances
  private let tiles: ConstantTable<ColumnBlock>

  /// Rows of sums: whole register tiles.
  static func rows(of lines: PlaneLines) -> Int {
    (lines.rowCount + WeightProducts.rowGrain - 1) / WeightProducts.rowGrain * WeightProducts.rowGrain
  }

  /// The runs: sums are little beside the pixels that they are of, where an image has as many.
  static func runs(of pixels: ValueLayout, _ lines: PlaneLines) -> RowRuns {
    RowRuns(
      height: pixels.height, bytesPerRow: pixels.width * pixels.pixelByteCount,
      byteCount: max(RowRuns.byteCount, 8 * rows(of: lines) * pixels.storedChannels * 4))
  }

  /// - Parameters:
  ///   - planes: planar.
  ///   - pixels: interleaved float32.
  init(
    node: String, _ lines: PlaneLines, planes: (value: Int, layout: ValueLayout), pixels: (value: Int, layout: ValueLayout),
    _ runs: RowRuns, output: Int, table: KernelTable
  ) {
    self.node = node
    self.lines = lines
    self.runs = runs
    reads = [planes.value, pixels.value]
    writes = output
    self.planes = planes.layout
    self.pixels = pixels.layout
    (planeFloats, pixelFloats) = (planes.layout.floats, pixels.layout.floats)
    tiles = ConstantTable(ColumnBlock.split(pixels.layout.storedChannels, into: table.tiles(.outer, .float32, .float32)))
  }

  var kernelNames: [String] { Set(tiles.values.map(\.kernel.name)).sorted() }
  var work: Work { Work(.products) }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    index == 0 ? lines.planeRows(for: runs.rows(of: rows)) : runs.rows(of: rows)
  }
  var scratchByteCount: Int { ScratchCursor.byteCount { together(&$0) } }

  /// Columns of lines that a row of pixels reads.
  private var columnCount: Int { (pixels.width - 1) * lines.step + lines.payload.kernel.width }
  /// The lines of a row, and behind them what the last register tile reads beyond.
  private func together(_ cursor: inout ScratchCursor) -> UnsafeMutablePointer<Float>? {
    cursor.floats(columnCount * lines.lineCount + WeightProducts.rowGrain)
  }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let together = together(&cursor) else { return }
    (together + columnCount * lines.lineCount).update(repeating: 0, count: WeightProducts.rowGrain)
    var reader = RowReader(memory[reads[1]], pixels)
    let sumCount = Self.rows(of: lines) * pixels.storedChannels
    forEachRun(task, of: region, memory, sumCount: sumCount) { image, rows, sums in
      for y in rows {
        bringTogether(image, y, memory[reads[0]], together)
        reader.read(image, y..<y + 1)
        multiply(together, memory[reads[1]].floats(image, y), sums)
      }
    }
  }

  private func bringTogether(_ image: Int, _ y: Int, _ memory: ValueMemory, _ to: UnsafeMutablePointer<Float>) {
    let count = columnCount, lineCount = lines.lineCount, height = lines.payload.kernel.height
    let first = lines.firstColumn, lower = min(max(0, -first), count), upper = max(lower, min(count, planes.width - first))
    for u in 0..<height {
      let row = lines.planeRow(u, of: y), isInside = row >= 0 && row < planes.height
      for channel in 0..<lines.channels {
        let line = to + channel * height + u
        let inside = isInside ? lower..<upper : 0..<0
        for column in 0..<inside.lowerBound { line[column * lineCount] = 0 }
        for column in inside.upperBound..<count { line[column * lineCount] = 0 }
        guard isInside else { continue }
        let from = memory.floats(image, row) + channel * planeFloats.plane + first
        for column in inside { line[column * lineCount] = from[column] }
      }
    }
  }

  private func multiply(_ together: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>) {
    let stored = pixels.storedChannels
    var arguments = sw_outer_arguments(
      left: nil, left_line: 0, left_step: lines.step * lines.lineCount, right: nil, right_line: 0,
      right_step: pixelFloats.pixel, lines: 1, count: pixels.width, product: nil, product_stride: stored)
    for index in 0..<tiles.count {
      let tile = tiles.elements[index], function = tile.kernel.outer
      arguments.right = row + tile.firstColumn
      for first in stride(from: 0, to: lines.rowCount, by: tile.kernel.rows) {
        arguments.left = together + first
        arguments.product = sums + first * stored + tile.firstColumn
        function(&arguments)
      }
    }
  }
}
