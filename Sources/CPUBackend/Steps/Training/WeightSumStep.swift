import Execution

/// The gradient of a convolution's weight, as `WeightGradientStep`, of runs of rows that need not wait for all rows: a row of the output is what a
/// run comes to, `WeightTotalStep` adds them.
final class WeightSumStep: RunSumStep {
  let node: String
  let reads: [Int]
  let writes: Int
  let runs: RowRuns
  private let products: WeightProducts

  init(node: String, _ products: WeightProducts, x: Int, g: Int, _ runs: RowRuns, output: Int) {
    self.node = node
    self.products = products
    self.runs = runs
    reads = [x, g]
    writes = output
  }

  /// Fewer runs are fewer tasks than keep threads busy: at 8 one of a few threads waits for a small part of the time only.
  private static let leastRuns = 8

  /// The runs of products; nil where the sums of runs would be no little beside the pixels, and where there would be few runs.
  static func runs(of products: WeightProducts) -> RowRuns? {
    let sums = products.rows * products.floatsPerChannel * 4, stride = products.payload.stride
    let row = products.g.width * products.g.pixelByteCount + stride.height * products.x.width * products.x.pixelByteCount
    guard products.g.height * row >= 4 * sums else { return nil }
    let runs = RowRuns(height: products.g.height, bytesPerRow: row, byteCount: max(RowRuns.byteCount, 8 * sums))
    return products.g.batch * runs.count >= leastRuns ? runs : nil
  }

  var kernelNames: [String] { products.kernelNames }
  var work: Work { Work(.products) }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    index == 0 ? products.payload.inputRows(for: runs.rows(of: rows)) : runs.rows(of: rows)
  }
  var scratchByteCount: Int { products.scratchByteCount }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch: UnsafeMutableRawPointer) {
    var input = RowReader(memory[reads[0]], products.x), gradients = RowReader(memory[reads[1]], products.g)
    forEachRun(task, of: region, memory, sumCount: products.rows * products.floatsPerChannel) { image, rows, sums in
      if !products.gathers { input.read(image, products.payload.inputRows(for: rows)) }
      gradients.read(image, rows)
      products.add(
        image, rows, channels: 0..<products.rows, x: memory[reads[0]], g: memory[reads[1]], to: sums, scratch: scratch)
    }
  }
}
