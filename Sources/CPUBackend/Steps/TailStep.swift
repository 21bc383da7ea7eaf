import CKernels
import Networks

/// A convolution of few output channels, written to planes.
final class TailStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let kernel: Kernel

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    epilogue = EpilogueParameters(
      operands.epilogue, order: (0..<paddedChannels(g.outChannels)).map { $0 < g.outChannels ? $0 : nil }, bias: operands.bias,
      slopes: operands.slopes)
    kernel = operands.table.kernel(.tail, rows: g.outChannels)
    let stored = operands.inputLayout.storedChannels
    weights = AlignedFloats(count: g.taps * g.outChannels * stored) { base in
      operands.weight.withUnsafeFloats { source in
        for tap in 0..<g.taps {
          for o in 0..<g.outChannels {
            for k in 0..<g.inChannels {
              base[(tap * g.outChannels + o) * stored + k] = source[(o * g.inChannels + k) * g.taps + tap]
            }
          }
        }
      }
    }
  }

  var kernelNames: [String] { [kernel.name] }
  var constantByteCount: Int { weights.byteCount + epilogue.byteCount }
  var packs: [AlignedFloats] { [weights] }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (copy: UnsafeMutablePointer<Float>?, rows: UnsafeMutablePointer<UnsafePointer<Float>?>?) {
    let g = operands.geometry
    return (
      cursor.floats(g.kernel.height * (16 + g.kernel.width) * operands.inputLayout.storedChannels),
      cursor.pointers(g.kernel.height)
    )
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let copy = scratch.copy, let rows = scratch.rows else { return }
    let g = operands.geometry, input = operands.inputLayout, output = operands.outputLayout
    for n in rowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let source = memory[operands.input]
      for ky in 0..<g.kernel.height {
        let inY = y - g.padding.top + ky
        rows[ky] = inY >= 0 && inY < g.inHeight ? UnsafePointer(source.row(image, inY)) : nil
      }
      let residual = operands.residual.map { UnsafePointer(memory[$0].row(image, y)) }
      withUnsafePointer(to: epilogue.structure) { epilogue in
        var arguments = sw_tail_arguments(
          rows: UnsafePointer(rows), kernel_height: g.kernel.height, kernel_width: g.kernel.width, left: g.padding.left,
          in_width: g.inWidth, pixel: input.pixelStride, channels: input.storedChannels, weight: UnsafePointer(weights.base),
          width: g.outWidth, out: memory[operands.output].row(image, y),
          out_plane: output.planeStride, residual: residual, residual_plane: output.planeStride, epilogue: epilogue,
          scratch: copy)
        kernel.tail(&arguments)
      }
    }
  }
}
