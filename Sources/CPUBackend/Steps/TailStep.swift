import CKernels
import Execution
import Networks
import Tensors

/// A convolution of few output channels, written to planes.
final class TailStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let epilogue: EpilogueParameters
  private let weights: Pack
  private let kernel: Kernel

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    epilogue = EpilogueParameters(
      operands.epilogue, order: (0..<paddedChannels(g.outChannels)).map { $0 < g.outChannels ? $0 : nil }, bias: operands.bias,
      slopes: operands.slopes, packs: operands.packs)
    kernel = operands.table.kernel(.tail, operands.inputLayout.element, .float32, rows: g.outChannels)
    weights = operands.packs.pack(
      Layout(
        weight: operands.weight, inChannels: g.inChannels, storedChannels: operands.inputLayout.storedChannels,
        outChannels: g.outChannels, taps: g.taps))
  }

  /// By tap, then output channel, input channel.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let inChannels: Int
    let storedChannels: Int
    let outChannels: Int
    let taps: Int

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { taps * outChannels * storedChannels * 4 }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      tensors[0].withUnsafeFloats { source in
        for tap in 0..<taps {
          for o in 0..<outChannels {
            let to = base.floats + (tap * outChannels + o) * storedChannels
            for k in 0..<inChannels { to[k] = source[(o * inChannels + k) * taps + tap] }
          }
        }
      }
    }
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.tail) }
  var packs: [Pack] { [weights, epilogue.constants] }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (copy: UnsafeMutableRawPointer?, rows: UnsafeMutablePointer<UnsafeRawPointer?>?) {
    let g = operands.geometry
    return (
      cursor.bytes(g.kernel.height * (16 + g.kernel.width) * operands.inputLayout.pixelByteCount),
      cursor.pointers(g.kernel.height)
    )
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let copy = scratch.copy, let rows = scratch.rows else { return }
    let g = operands.geometry, input = operands.inputLayout, plane = operands.outputLayout.floats.plane
    for n in rowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let source = memory[operands.input]
      for ky in 0..<g.kernel.height {
        let inY = y - g.padding.top + ky
        rows[ky] = inY >= 0 && inY < g.inHeight ? UnsafeRawPointer(source.row(image, inY)) : nil
      }
      let residual = operands.residual.map { UnsafePointer(memory[$0].floats(image, y)) }
      withUnsafePointer(to: epilogue.structure) { epilogue in
        var arguments = sw_tail_arguments(
          rows: UnsafePointer(rows), kernel_height: g.kernel.height, kernel_width: g.kernel.width, left: g.padding.left,
          in_width: g.inWidth, pixel: input.bytesPerPixel, channels: input.storedChannels,
          weight: UnsafePointer(weights.floats),
          width: g.outWidth, out: memory[operands.output].floats(image, y),
          out_plane: plane, residual: residual, residual_plane: plane, epilogue: epilogue,
          scratch: copy)
        kernel.tail(&arguments)
      }
    }
  }
}
