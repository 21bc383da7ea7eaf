import CKernels
import Networks

/// A convolution of one kernel a channel: vectors run over the channels.
final class DepthwiseStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let weights: AlignedFloats
  private let kernel: Kernel
  private let storeFunction: sw_store_function
  private let zeros: AlignedFloats

  /// Pixels between two stores.
  private static let pixels = 8

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    arrangement = OutputArrangement(channels: g.outChannels, shuffle: 1, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    kernel = operands.table.kernel(.depthwise, rows: 1)
    storeFunction = operands.table.kernel(.store, rows: 1).store
    let stored = arrangement.order.count
    weights = AlignedFloats(count: g.taps * stored)
    zeros = AlignedFloats(count: stored)
    operands.weight.withUnsafeFloats { source in
      for tap in 0..<g.taps {
        for channel in 0..<g.outChannels { weights.base[tap * stored + channel] = source[channel * g.taps + tap] }
      }
    }
  }

  var kernelNames: [String] { [kernel.name, "store"] }
  var constantByteCount: Int { weights.byteCount + epilogue.byteCount }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (product: UnsafeMutablePointer<Float>?, left: UnsafeMutablePointer<UnsafePointer<Float>?>?) {
    (cursor.floats(Self.pixels * arrangement.order.count), cursor.pointers(Self.pixels * operands.geometry.taps))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let product = scratch.product, let left = scratch.left else { return }
    let g = operands.geometry, layout = operands.inputLayout, stored = arrangement.order.count
    for n in rowTasks(region).range(task) {
      let (image, y) = region.place(n)
      let input = memory[operands.input]
      var destination = arrangement.destination(memory[operands.output], image: image, y: y)
      var residual = operands.residualSource(memory, image: image, y: y)
      withUnsafePointer(to: epilogue.structure) { epilogue in
        for x in stride(from: 0, to: g.outWidth, by: Self.pixels) {
          let count = min(Self.pixels, g.outWidth - x)
          var tap = 0
          for ky in 0..<g.kernel.height {
            let inY = y * g.stride.height - g.padding.top + ky * g.dilation.height
            let inRow = inY >= 0 && inY < g.inHeight ? UnsafePointer(input.row(image, inY)) : nil
            for kx in 0..<g.kernel.width {
              for pixel in 0..<count {
                let inX = (x + pixel) * g.stride.width - g.padding.left + kx * g.dilation.width
                let isInside = inX >= 0 && inX < g.inWidth
                left[tap * count + pixel] =
                  (isInside ? inRow.map { $0 + inX * layout.pixelStride } : nil) ?? UnsafePointer(zeros.base)
              }
              tap += 1
            }
          }
          kernel.depthwise(left, g.taps, count, weights.base, stored, product, stored)
          storeFunction(product, stored, count, 0, stored / Int(SW_CHANNEL_BLOCK), 0, x, &destination, &residual, epilogue)
        }
      }
    }
  }
}
