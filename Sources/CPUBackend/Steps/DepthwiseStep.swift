import CKernels
import Execution
import Networks

/// A convolution of one kernel a channel: vectors run over the channels.
final class DepthwiseStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let depthwise: DepthwiseRows
  private let epilogue: EpilogueParameters

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    let order = (0..<paddedChannels(g.outChannels)).map { $0 < g.outChannels ? $0 : nil }
    epilogue = operands.epilogueParameters(order: order)
    depthwise = DepthwiseRows(
      g.convolution, input: (g.inHeight, g.inWidth),
      elements: (operands.inputLayout.element, operands.outputLayout.element), weight: operands.weight,
      codes: operands.sums?.input,
      table: operands.table,
      packs: operands.packs)
  }

  var kernelNames: [String] { [depthwise.kernel.name] }
  var work: Work { Work(.depthwise, unit: depthwise.kernel.unit) }
  var packs: [Pack] { depthwise.packs + epilogue.packs }
  var scratchByteCount: Int { ScratchCursor.byteCount { $0.pointers(depthwise.pointerCount(DepthwiseRows.rowsTogether)) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    guard let rows = cursor.pointers(depthwise.pointerCount(DepthwiseRows.rowsTogether)) else { return }
    let input = memory[operands.input], output = memory[operands.output]
    let range = rowTasks(region).range(task)
    var n = range.lowerBound, reader = RowReader(input, operands.inputLayout)
    let convolution = operands.geometry.convolution
    while n < range.upperBound {
      let (image, y) = region.place(n)
      let together = y..<min(y + DepthwiseRows.rowsTogether, region.rows.upperBound, y + range.upperBound - n)
      if convolution.dilation.height == 1 { reader.read(image, convolution.inputRows(for: together)) }
      depthwise.fill(rows, rows: together) { UnsafeRawPointer(input.row(image, $0)) }
      withUnsafePointer(to: epilogue.structure) { epilogue in
        depthwise.run(
          rows, rowCount: together.count, inPixel: operands.inputLayout.bytesPerPixel, x: 0, count: operands.geometry.outWidth,
          out: output.row(image, y), outRow: output.rowDistance(image, together),
          outPixel: operands.outputLayout.bytesPerPixel, residual: operands.residualRows(memory, image: image, together),
          epilogue
        )
      }
      n += together.count
    }
  }
}
