import CKernels
import Execution
import Networks
import Tensors

/// A fully connected layer: the images of the batch are the rows of one product, and threads share its columns, because the
/// weights are what has to come from memory.
final class LinearStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  private let payload: Linear
  private let input: ValueLayout
  private let output: ValueLayout
  private let weights: Pack
  /// Where the weights of each block begin, in bytes.
  private let weightOffsets: [Int]
  private let epilogue: EpilogueParameters
  private let arrangement: OutputArrangement
  private let blocks: [ColumnBlock]
  /// Of each block, the kernel for whole register tiles of images.
  private let multiplies: [Kernel]
  private let storeFunction: sw_store_function
  private let outside: Pack

  /// Both values are interleaved images of one pixel.
  init(
    node: String, _ payload: Linear, weight: ParameterTensor, bias: ParameterTensor?,
    input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout), table: KernelTable, packs: PackStore
  ) {
    self.node = node
    self.payload = payload
    reads = [input.value]
    writes = output.value
    self.input = input.layout
    self.output = output.layout
    arrangement = OutputArrangement(channels: payload.outFeatures, shuffle: 1, destination: output.layout)
    epilogue = EpilogueParameters(CanonicalEpilogue(), order: arrangement.order, bias: bias, slopes: nil, packs: packs)
    blocks = ColumnBlock.split(arrangement.order.count, into: table.tiles(.gather, input.layout.element, .float32))
    multiplies = blocks.map { table.counterpart(of: $0.kernel, .multiply) }
    storeFunction = table.kernel(.store, .float32, output.layout.element).store
    outside = packs.outside(input.layout, nil)
    let layout = Layout(weight: weight, payload: payload, blocks: blocks)
    weightOffsets = layout.offsets
    weights = packs.pack(layout)
  }

  /// By column block, then input feature, column.
  private struct Layout: PackLayout {
    let weight: ParameterTensor
    let payload: Linear
    let blocks: [ColumnBlock]

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { blocks.reduce(0) { $0 + $1.kernel.weightByteCount(depth: payload.inFeatures) } }
    /// Where each block begins.
    var offsets: [Int] {
      var offset = 0
      return blocks.map { block in
        defer { offset += block.kernel.weightByteCount(depth: payload.inFeatures) }
        return offset
      }
    }
    var partCount: Int { blocks.count }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let block = blocks[part], place = base + offsets[part]
      tensors[0].withUnsafeFloats { source in
        Kernel.forEachRun(of: payload.inFeatures) { run in
          for column in 0..<min(block.columns, payload.outFeatures - block.firstColumn) {
            let from = (block.firstColumn + column) * payload.inFeatures
            for k in run { block.kernel.pack(source[from + k], at: k, column: column, into: place) }
          }
        }
      }
    }
  }

  var kernelNames: [String] { Set(blocks.map(\.kernel.name)).sorted() + ["store"] }
  var work: Work { Work(.products, unit: blocks[0].kernel.unit) }
  var rowCount: Int { 1 }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<1 }
  var packs: [Pack] { [weights, outside] + epilogue.packs }
  func taskCount(_ region: WorkRegion) -> Int { blocks.count }

  private func scratch(
    _ cursor: inout ScratchCursor
  ) -> (product: UnsafeMutablePointer<Float>?, left: UnsafeMutablePointer<UnsafeRawPointer?>?) {
    (cursor.floats(Kernel.mostRows * Kernel.mostColumns), cursor.pointers(Kernel.mostRows))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let product = scratch.product, let left = scratch.left else { return }
    let block = blocks[task], plain = multiplies[task], depth = payload.inFeatures
    let right = UnsafeRawPointer(weights.base) + weightOffsets[task]
    let from = memory[reads[0]]
    var destination = arrangement.destination(memory[writes], image: 0, y: 0)
    // The images are the pixels of one row.
    destination.pixel = memory[writes].bytesPerImage
    var residual = sw_source(base: nil, row: 0, pixel: 0)
    withUnsafePointer(to: epilogue.structure) { epilogue in
      var image = region.images.lowerBound
      while image < region.images.upperBound {
        let rows: Int
        if image + plain.rows <= region.images.upperBound {
          rows = plain.rows
          plain.multiply(from.row(image, 0), from.bytesPerImage, right, depth, product, block.columns, nil)
        } else {
          rows = block.kernel.rows
          for row in 0..<rows {
            left[row] =
              image + row < region.images.upperBound
              ? UnsafeRawPointer(from.row(image + row, 0)) : UnsafeRawPointer(outside.base)
          }
          block.kernel.gather(left, 0, 1, right, depth, 0, product, block.columns, nil)
        }
        storeFunction(
          product, block.columns, min(rows, region.images.upperBound - image), block.firstColumn / Int(SW_CHANNEL_BLOCK),
          block.columns / Int(SW_CHANNEL_BLOCK), 0, image, &destination, &residual, epilogue)
        image += rows
      }
    }
  }
}
