import CKernels
import Execution
import Tensors

/// Products of two stacks of matrices: columns of the right matrix are packed into scratch, then met by all rows of the left.
///
/// Works on whole values: where the shape is `[M, N]` every image of the batch is a row of the product.
final class MatrixMultiplyStep: Step {
  let node: String
  let reads: [Int]
  let writes: Int
  /// Rows and columns of each product, and the products that an element sums.
  private let rows: Int
  private let columns: Int
  private let depth: Int
  /// Matrices of one image; none where images are rows.
  private let matricesPerImage: Int?
  /// For each matrix of the product the matrix of either operand, which may be repeated.
  private let lefts: ConstantTable<Int>
  private let rights: ConstantTable<Int>
  private let inputHeights: [Int]
  private let outputHeight: Int
  /// Floats of an image.
  private let outputImage: Int
  private let blocks: [ColumnBlock]
  /// Of each block, the kernel for whole register tiles of rows.
  private let multiplies: [Kernel]

  /// All values are planar: the matrices of a stack follow each other. `shapes` are those of the operands in the network.
  init(
    node: String, inputs: [(value: Int, layout: ValueLayout)], shapes: [Shape], product: Shape,
    output: (value: Int, layout: ValueLayout), table: KernelTable
  ) {
    self.node = node
    reads = inputs.map(\.value)
    inputHeights = inputs.map(\.layout.height)
    writes = output.value
    outputHeight = output.layout.height
    outputImage = output.layout.floats.image
    let rank = shapes[0].rank
    rows = shapes[0][rank - 2]
    depth = shapes[0][rank - 1]
    columns = shapes[1][rank - 1]
    matricesPerImage = rank == 2 ? nil : product.extents[1..<rank - 2].reduce(1, *)
    lefts = ConstantTable(Self.matrices(shapes[0], of: product))
    rights = ConstantTable(Self.matrices(shapes[1], of: product))
    blocks = ColumnBlock.split(paddedChannels(columns), into: table.tiles(.gather, .float32, .float32))
    multiplies = blocks.map { table.counterpart(of: $0.kernel, .multiply) }
  }

  /// For each matrix of a stack the one of an operand whose extents are the same or 1.
  private static func matrices(_ shape: Shape, of product: Shape) -> [Int] {
    let stack = product.extents.dropLast(2), own = Array(shape.extents.dropLast(2))
    return (0..<stack.reduce(1, *)).map { matrix in
      var rest = matrix, index = 0, stride = 1
      for (axis, extent) in stack.enumerated().reversed() {
        index += own[axis] == 1 ? 0 : rest % extent * stride
        stride *= own[axis]
        rest /= extent
      }
      return index
    }
  }

  var kernelNames: [String] { Set(blocks.map(\.kernel.name)).sorted() }
  var work: Work { Work(.products) }
  var rowCount: Int { 1 }
  var outputRowsPerRow: Int { outputHeight }
  func inputRows(_ index: Int, for rows: Range<Int>) -> Range<Int> { 0..<inputHeights[index] }

  func taskCount(_ region: WorkRegion) -> Int { (matricesPerImage.map { $0 * region.images.count } ?? 1) * blocks.count }

  private var widest: Int { blocks.reduce(0) { max($0, $1.columns) } }

  private struct Scratch {
    var right: UnsafeMutablePointer<Float>?
    var product: UnsafeMutablePointer<Float>?
    var zeros: UnsafeMutablePointer<Float>?
    var left: UnsafeMutablePointer<UnsafeRawPointer?>?
  }

  private func scratch(_ cursor: inout ScratchCursor) -> Scratch {
    Scratch(
      right: cursor.floats(depth * widest), product: cursor.floats(Kernel.mostRows * Kernel.mostColumns),
      zeros: cursor.floats(depth),
      left: cursor.pointers(Kernel.mostRows))
  }

  var scratchByteCount: Int { ScratchCursor.byteCount { scratch(&$0) } }

  func perform(_ task: Int, of region: WorkRegion, _ memory: RunMemory, scratch base: UnsafeMutableRawPointer) {
    var cursor = ScratchCursor(base)
    let scratch = scratch(&cursor)
    guard let right = scratch.right, let product = scratch.product, let zeros = scratch.zeros, let left = scratch.left else {
      return
    }
    let block = blocks[task % blocks.count], plain = multiplies[task % blocks.count]
    let matrix = matricesPerImage.map { region.images.lowerBound * $0 + task / blocks.count } ?? 0
    let range = matricesPerImage == nil ? region.images : 0..<rows
    let a = memory[reads[0]].floats(0, 0) + lefts.elements[matrix] * rows * depth
    let b = memory[reads[1]].floats(0, 0) + rights.elements[matrix] * depth * columns
    // Where images are rows the task's begin at its first.
    let firstRow = matricesPerImage == nil ? range.lowerBound : 0, start = (matrix * rows + firstRow) * columns
    let out = memory[writes].floats(start / outputImage, 0) + start % outputImage
    let width = min(block.columns, columns - block.firstColumn)
    for k in 0..<depth {
      let row = right + k * block.columns
      row.update(from: b + k * columns + block.firstColumn, count: width)
      (row + width).update(repeating: 0, count: block.columns - width)
    }
    zeros.update(repeating: 0, count: depth)
    var first = range.lowerBound
    while first < range.upperBound {
      let count: Int
      if first + plain.rows <= range.upperBound {
        count = plain.rows
        plain.multiply(a + first * depth, depth * 4, right, depth, product, block.columns, nil)
      } else {
        count = min(block.kernel.rows, range.upperBound - first)
        for row in 0..<block.kernel.rows { left[row] = UnsafeRawPointer(row < count ? a + (first + row) * depth : zeros) }
        block.kernel.gather(left, 0, 1, right, depth, 0, product, block.columns, nil)
      }
      for row in 0..<count {
        (out + (first - firstRow + row) * columns + block.firstColumn).update(from: product + row * block.columns, count: width)
      }
      first += count
    }
  }
}
