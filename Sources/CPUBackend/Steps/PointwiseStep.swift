import CKernels
import Execution
import Networks

/// A 1x1 convolution of any stride and number of groups: a product over the pixels where they lie.
final class PointwiseStep: ConvolutionStep {
  let operands: ConvolutionOperands
  private let arrangement: OutputArrangement
  private let epilogue: EpilogueParameters
  private let product: PointwiseProduct

  init(_ operands: ConvolutionOperands) {
    self.operands = operands
    let g = operands.geometry
    arrangement = OutputArrangement(
      channels: g.outChannels, shuffle: operands.epilogue.shuffle, destination: operands.outputLayout)
    epilogue = operands.epilogueParameters(order: arrangement.order)
    product = PointwiseProduct(
      weight: operands.weight, outputs: g.outChannels / g.groups, depth: g.inChannels / g.groups, groups: g.groups,
      order: arrangement.order, elements: (operands.inputLayout.element, operands.outputLayout.element), table: operands.table,
      packs: operands.packs)
  }

  var kernelNames: [String] { product.kernelNames }
  var work: Work { Work(.products, unit: product.unit, productShare: product.share) }
  var packs: [Pack] { [product.weights] + epilogue.packs }

  private func tasks(_ region: WorkRegion) -> ProductTasks {
    let input = region.imageRows * operands.geometry.outWidth * operands.inputLayout.pixelByteCount
    return ProductTasks(
      region, width: operands.geometry.outWidth, groupCount: product.groupCount, preparesInput: false,
      goesByColumns: product.byteCount > input)
  }

  func taskCount(_ region: WorkRegion) -> Int { tasks(region).count }

  private struct Scratch {
    var pointers: PixelPointers?
    var packed: UnsafeMutableRawPointer?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    Scratch(
      pointers: PixelPointers(&cursor),
      packed: cursor.bytes(PointwiseProduct.pixels * operands.inputLayout.pixelByteCount))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  /// Rows this wide are multiplied one by one; those of narrower images are joined, or register tiles would be filled in part.
  private static let wideRow = 96

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let pointers = scratch.pointers, let packed = scratch.packed else { return }
    let g = operands.geometry
    let input = memory[operands.input], output = memory[operands.output]
    let source = PixelSource(input, operands.inputLayout, stride: g.stride)
    let share = tasks(region).share(task)
    withUnsafePointer(to: epilogue.structure) { epilogue in
      let chunks = PixelChunks(rows: share.rows, width: g.outWidth, joinsRows: g.outWidth < Self.wideRow)
      chunks.forEach { chunk in
        chunk.forEachSegment { segment in
          let (image, y) = region.place(segment.row)
          pointers.fill(
            segment, arrangement.destination(output, image: image, y: y),
            operands.residualSource(memory, image: image, y: y))
        }
        let left = source.pixels(of: chunk, packed: packed) { region.place($0) }
        product.run(
          left.base, leftPixel: left.stride, count: chunk.count, out: pointers.out,
          residual: operands.residual == nil ? nil : pointers.residual, blockOffsets: arrangement.blockOffsets,
          groups: share.groups, epilogue)
      }
    }
  }
}
