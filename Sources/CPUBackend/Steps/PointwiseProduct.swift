import CKernels
import Networks
import Tensors

/// The weights of a 1x1 convolution packed for the pointwise kernels, and the loop over their column blocks.
final class PointwiseProduct {
  private let depth: Int
  /// Of one column's weights.
  private let slots: Int
  private let weights: AlignedFloats
  private let groups: [Group]

  /// Columns whose weights are read together, as register blocks.
  private struct Group {
    var blocks: [ColumnBlock]
  }

  /// The widest group, in columns: as wide as the widest register tile.
  static let groupColumns = 64

  /// - Parameters:
  ///   - weight: `[outChannels, depth, 1, 1]`
  ///   - order: for each stored column the output channel, nil for padding.
  init(weight: Tensor, depth: Int, order: [Int?], table: KernelTable) {
    self.depth = depth
    let tiles = table.tiles(.pointwise)
    groups = stride(from: 0, to: order.count, by: Self.groupColumns).map { first in
      let blocks = ColumnBlock.split(min(Self.groupColumns, order.count - first), into: tiles)
      return Group(blocks: blocks.map { ColumnBlock(kernel: $0.kernel, firstColumn: first + $0.firstColumn) })
    }
    slots = groups.first?.blocks.first?.kernel.slots(depth: depth) ?? depth
    weights = AlignedFloats(count: slots * order.count)
    weight.withUnsafeFloats { source in
      for block in groups.flatMap(\.blocks) {
        let base = weights.base + slots * block.firstColumn
        for column in 0..<block.columns {
          guard let channel = order[block.firstColumn + column] else { continue }
          for k in 0..<depth { block.kernel.pack(source[channel * depth + k], at: k, column: column, into: base) }
        }
      }
    }
  }

  /// Pixels that are multiplied together: whole register tiles of every kernel, and few enough that they stay in the level-1 or
  /// level-2 cache while the weights pass by.
  static let pixels = 48

  var kernelNames: [String] { Set(groups.flatMap(\.blocks).map(\.kernel.name)).sorted() }
  var groupCount: Int { groups.count }
  /// The columns of some groups.
  func columns(_ range: Range<Int>, of count: Int) -> Range<Int> {
    range.lowerBound * Self.groupColumns..<min(range.upperBound * Self.groupColumns, count)
  }
  var byteCount: Int { weights.byteCount }

  /// Multiplies `count` pixels that lie `leftPixel` floats apart and stores each where its pointer says.
  ///
  /// - Parameters:
  ///   - out: `count` pointers.
  ///   - residual: `count` pointers, or nil.
  ///   - blockOffsets: of each 16 columns, from the pixel's pointer.
  ///   - range: the groups of columns to compute.
  @inline(__always)
  func run(
    _ left: UnsafePointer<Float>, leftPixel: Int, count: Int, out: UnsafePointer<UnsafeMutablePointer<Float>?>,
    residual: UnsafePointer<UnsafePointer<Float>?>?, blockOffsets: UnsafePointer<Int>, groups range: Range<Int>,
    _ epilogue: UnsafePointer<sw_epilogue>
  ) {
    for group in range {
      for block in groups[group].blocks {
        var arguments = sw_pointwise_arguments(
          left: left, left_pixel: leftPixel, count: count, depth: depth, right: weights.base + slots * block.firstColumn,
          out: out,
          residual: residual, block: blockOffsets + block.firstColumn / Int(SW_CHANNEL_BLOCK), channel: block.firstColumn,
          epilogue: epilogue)
        block.kernel.pointwise(&arguments)
      }
    }
  }
}
