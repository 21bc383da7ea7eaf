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
  /// Of an input pixel, as weights lie.
  private let storedChannels: Int

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    epilogue = operands.epilogueParameters(order: (0..<paddedChannels(g.outChannels)).map { $0 < g.outChannels ? $0 : nil })
    kernel = operands.table.kernel(.tail, operands.inputLayout.element, .float32, rows: g.outChannels)
    // Of codes whole vectors of fours are read.
    let vector = operands.sums == nil ? 1 : 4 * operands.table.instructionSet.lanes
    storedChannels = (operands.inputLayout.storedChannels + vector - 1) / vector * vector
    weights = operands.packs.pack(
      Layout(
        weight: operands.weight, inChannels: g.inChannels, storedChannels: storedChannels, outChannels: g.outChannels,
        taps: g.taps,
        isOfCodes: operands.sums != nil))
  }

  /// By tap, then output channel, input channel.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let inChannels: Int
    let storedChannels: Int
    let outChannels: Int
    let taps: Int
    let isOfCodes: Bool

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { taps * outChannels * storedChannels * (isOfCodes ? 1 : 4) }
    var partCount: Int { 1 }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      func fill<Weight>(_ source: UnsafeBufferPointer<Weight>, _ base: UnsafeMutablePointer<Weight>) {
        for tap in 0..<taps {
          for o in 0..<outChannels {
            let to = base + (tap * outChannels + o) * storedChannels
            for k in 0..<inChannels { to[k] = source[(o * inChannels + k) * taps + tap] }
          }
        }
      }
      if isOfCodes {
        tensors[0].withUnsafeBytes { fill($0.bindMemory(to: Int8.self), base.assumingMemoryBound(to: Int8.self)) }
      } else {
        tensors[0].withUnsafeFloats { fill($0, base.floats) }
      }
    }
  }

  var kernelNames: [String] { [kernel.name] }
  var work: Work { Work(.tail, unit: kernel.unit) }
  var packs: [Pack] { [weights] + epilogue.packs }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (copy: UnsafeMutableRawPointer?, rows: UnsafeMutablePointer<UnsafeRawPointer?>?) {
    let g = operands.geometry
    return (
      cursor.bytes(
        g.kernel.height * (16 + g.kernel.width)
          * max(operands.inputLayout.pixelByteCount, operands.sums == nil ? 0 : storedChannels)),
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
          weight: weights.base,
          width: g.outWidth, out: memory[operands.output].floats(image, y),
          out_plane: plane, residual: residual, residual_plane: plane, epilogue: epilogue,
          scratch: copy, outside: Int32(operands.sums?.input.zeroPoint ?? 0))
        kernel.tail(&arguments)
      }
    }
  }
}
