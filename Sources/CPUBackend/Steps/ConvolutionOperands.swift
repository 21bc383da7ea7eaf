import CKernels
import Networks
import Tensors

/// What every convolution step is made from.
struct ConvolutionOperands {
  var node: String
  var geometry: ConvolutionGeometry
  /// `[outChannels, inChannels / groups, kernelHeight, kernelWidth]`
  var weight: Tensor
  var bias: [Float]?
  var slopes: [Float]?
  var epilogue: CanonicalEpilogue
  var input: Int
  var inputLayout: ValueLayout
  /// Of the shape of the output before any shuffle.
  var residual: Int?
  var residualLayout: ValueLayout?
  var output: Int
  var outputLayout: ValueLayout
  var table: KernelTable
  /// How many threads will share the work: the size of a task follows, no result does.
  var threadCount: Int

  /// The residual of one image of the batch.
  func residualSource(_ memory: RunMemory, image: Int) -> sw_source {
    guard let residual, let layout = residualLayout else { return sw_source(base: nil, row: 0, pixel: 0) }
    return sw_source(base: memory.read(residual) + image * layout.imageStride, row: layout.rowStride, pixel: layout.pixelStride)
  }

  var reads: [Int] { residual.map { [input, $0] } ?? [input] }
}

/// The rows of tasks: `count` rows cut into pieces of about equal work, several a thread so that a slow thread is made up for.
struct RowTasks {
  let rows: Int
  let rowsPerTask: Int

  init(rows: Int, threadCount: Int) {
    self.rows = rows
    rowsPerTask = max(1, min(8, rows / (4 * threadCount)))
  }

  var count: Int { (rows + rowsPerTask - 1) / rowsPerTask }

  func range(_ task: Int) -> Range<Int> { task * rowsPerTask..<min((task + 1) * rowsPerTask, rows) }
}
