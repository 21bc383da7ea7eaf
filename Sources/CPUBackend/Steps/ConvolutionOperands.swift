import CKernels
import Execution
import Networks
import Tensors

/// A value that a step reads as some channels of its input.
struct InputPart: BitwiseCopyable {
  let value: Int
  /// Of the input: a multiple of SW_CHANNEL_BLOCK.
  let firstChannel: Int
  let channels: Int
  let bytesPerPixel: Int
  /// What the channels of a pixel take.
  let pixelByteCount: Int

  init(_ value: Int, _ layout: ValueLayout, firstChannel: Int) {
    self.value = value
    self.firstChannel = firstChannel
    channels = layout.channels
    bytesPerPixel = layout.bytesPerPixel
    pixelByteCount = layout.pixelByteCount
  }
}

/// What every convolution step is made from.
struct ConvolutionOperands {
  var node: String
  var geometry: ConvolutionGeometry
  /// `[outChannels, inChannels / groups, kernelHeight, kernelWidth]`
  var weight: ParameterTensor
  var bias: ParameterTensor?
  var slopes: ParameterTensor?
  var epilogue: CanonicalEpilogue
  /// What is done to sums of integers; nil where they are float32.
  var sums: IntegerSums?
  var input: Int
  var inputLayout: ValueLayout
  /// The input where it lies: itself, or the inputs of a concatenation that is not made.
  var parts: [InputPart]
  /// Of the shape of the output before any shuffle.
  var residual: Int?
  var residualLayout: ValueLayout?
  var output: Int
  var outputLayout: ValueLayout
  var table: KernelTable
  var packs: PackStore
  /// The most threads that will share the work: memory that they share follows, no result does.
  var threadCount: Int

  /// The epilogue for columns in that order.
  func epilogueParameters(order: [Int?]) -> EpilogueParameters {
    EpilogueParameters(epilogue, order: order, bias: bias, slopes: slopes, sums: sums, packs: packs)
  }

  /// What products are summed in.
  var sumElement: DataType { sums == nil ? .float32 : .int32 }

  /// A pixel of what lies outside the input.
  var outside: Pack { packs.outside(inputLayout, sums?.input) }

  /// The residual for kernels that count rows from row `y` of an image on.
  func residualSource(_ memory: RunMemory, image: Int, y: Int) -> sw_source {
    guard let residual, let layout = residualLayout else { return sw_source(base: nil, row: 0, pixel: 0) }
    return sw_source(base: memory[residual].row(image, y), row: layout.bytesPerRow, pixel: layout.bytesPerPixel)
  }

  /// The residual for at most two rows, which may lie at both ends of a ring.
  func residualRows(_ memory: RunMemory, image: Int, _ rows: Range<Int>, offset: Int = 0) -> sw_source? {
    guard let residual, let layout = residualLayout else { return nil }
    return sw_source(
      base: memory[residual].row(image, rows.lowerBound) + offset, row: memory[residual].rowDistance(image, rows),
      pixel: layout.bytesPerPixel)
  }

  /// The rows of the input, or of the residual, that rows of the output read.
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> {
    guard index < parts.count else { return rows }
    let first = rows.lowerBound * geometry.stride.height - geometry.padding.top
    let last = (rows.upperBound - 1) * geometry.stride.height - geometry.padding.top
    return first..<last + (geometry.kernel.height - 1) * geometry.dilation.height + 1
  }

  var reads: [Int] { parts.map(\.value) + (residual.map { [$0] } ?? []) }
}

/// A step that runs a convolution: what follows from its operands alone.
protocol ConvolutionStep: Step {
  var operands: ConvolutionOperands { get }
}

extension ConvolutionStep {
  var node: String { operands.node }
  var reads: [Int] { operands.reads }
  var writes: Int { operands.output }
  var rowCount: Int { operands.geometry.outHeight }
  var outputRowsPerRow: Int { operands.epilogue.shuffle }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { operands.inputRows(index, for: rows) }
  func taskCount(_ region: WorkRegion) -> Int { rowTasks(region).count }

  /// The rows of a region as tasks, for steps that work row by row.
  func rowTasks(_ region: WorkRegion) -> RowTasks { RowTasks(region) }
}
