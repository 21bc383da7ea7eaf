import CKernels
import Networks
import Tensors

/// Depthwise and then pointwise convolution in one step: the depthwise results of some dozens of pixels are made in scratch memory,
/// where they stay in the level-1 or level-2 cache, and are multiplied at once. The middle tensor never reaches memory.
final class SeparableStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let middle: EpilogueParameters
  private let depthwise: DepthwiseRows
  private let product: PointwiseProduct
  private let parts: ConstantTable<InputPart>

  /// - Parameters:
  ///   - operands: of the whole; `weight`, `bias` and `epilogue` are those of the pointwise part, which comes last.
  ///   - weight: of the depthwise part, `[inChannels, 1, kernel.height, kernel.width]`
  ///   - middle: bias and activation of the depthwise part.
  init(_ operands: ConvolutionOperands, depthwise part: Convolution, weight: Tensor, middle: EpilogueParameters) {
    self.operands = operands
    let g = operands.geometry
    arrangement = OutputArrangement(
      channels: g.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = EpilogueParameters(
      operands.epilogue, order: arrangement.order, bias: operands.bias, slopes: operands.slopes)
    self.middle = middle
    parts = ConstantTable(operands.parts)
    depthwise = DepthwiseRows(
      part, input: (g.inHeight, g.inWidth), weight: weight, table: operands.table)
    product = PointwiseProduct(weight: operands.weight, depth: g.inChannels, order: arrangement.order, table: operands.table)
  }

  var kernelNames: [String] { [depthwise.kernel.name] + product.kernelNames }
  var constantByteCount: Int { depthwise.byteCount + middle.byteCount + product.byteCount + epilogue.byteCount }

  private func tasks(_ region: WorkRegion) -> ProductTasks {
    ProductTasks(
      region, width: operands.geometry.outWidth, groupCount: product.groupCount, threadCount: operands.threadCount)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  private struct Scratch {
    var pointers: PixelPointers?
    var middle: UnsafeMutablePointer<Float>?
    var rows: UnsafeMutablePointer<UnsafePointer<Float>?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    Scratch(
      pointers: PixelPointers(&cursor),
      middle: cursor.floats(PointwiseProduct.pixels * operands.inputLayout.pixelSlots),
      rows: cursor.pointers(depthwise.rowCount))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let pointers = scratch.pointers, let between = scratch.middle, let rows = scratch.rows else { return }
    let g = operands.geometry, depth = operands.inputLayout.pixelSlots, output = memory[operands.output]
    let share = tasks(region).share(task)
    withUnsafePointer(to: epilogue.structure) { epilogue in
      withUnsafePointer(to: middle.structure) { middle in
        PixelChunks(rows: share.rows, width: g.outWidth, joinsRows: true).forEach { chunk in
          chunk.forEachSegment { segment in
            let (image, y) = region.place(segment.row)
            for index in 0..<parts.count {
              filter(parts.elements[index], memory, image: image, y: y, segment, into: between, rows: rows, middle)
            }
            pointers.fill(
              segment, arrangement.destination(output, image: image, y: y),
              operands.residualSource(memory, image: image, y: y))
          }
          product.run(
            between, leftPixel: depth, count: chunk.count, out: pointers.out,
            residual: operands.residual == nil ? nil : pointers.residual, blockOffsets: arrangement.blockOffsets,
            groups: share.groups, epilogue)
        }
      }
    }
  }

  /// The depthwise results of a segment's pixels, for the channels of one part of the input.
  @inline(__always)
  private func filter(
    _ part: InputPart, _ memory: RunMemory, image: Int, y: Int, _ segment: PixelChunks.Segment,
    into between: UnsafeMutablePointer<Float>, rows: UnsafeMutablePointer<UnsafePointer<Float>?>,
    _ middle: UnsafePointer<sw_epilogue>
  ) {
    let input = memory[part.value], outWidth = operands.geometry.outWidth, depth = operands.inputLayout.pixelSlots
    depthwise.rows(y, into: rows) { UnsafePointer(input.row(image, $0)) }
    let channels = part.firstChannel..<part.firstChannel + paddedChannels(part.channels)
    var shifted = middle.pointee
    shifted.move(by: part.firstChannel)
    withUnsafePointer(to: shifted) { middle in
      depthwise.run(
        rows, inPixel: part.pixelStride, x: segment.x, count: segment.count,
        ahead: depthwise.ahead(y, x: segment.x + segment.count, outWidth: outWidth, inPixel: part.pixelStride) {
          UnsafePointer(input.row(image, $0))
        },
        out: between + segment.offset * depth + operands.inputLayout.channelOffset(part.firstChannel), outPixel: depth,
        residual: nil, residualPixel: 0, channels: channels, middle)
    }
  }
}
