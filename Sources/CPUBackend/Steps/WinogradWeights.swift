import CKernels
import Tensors

/// The kernels of a 3x3 convolution in the domain where Winograd's method multiplies: U = G g Gᵀ, computed in Double and rounded once.
struct WinogradWeights: PackLayout {
  /// Column blocks that are multiplied before their outputs are transformed.
  struct Group: Hashable {
    var firstColumn: Int
    var columns: Int
    /// In floats; the columns of one position follow each other, then comes the next position.
    var weightOffset: Int
    var blocks: [ColumnBlock]
  }

  /// `[outChannels, inChannels, 3, 3]`; where `isTurned` what turned around is that.
  let weight: ParameterTensor
  let isTurned: Bool
  let inChannels: Int
  let outChannels: Int
  /// m of F(m x m, 3x3).
  let size: Int
  /// For each column the output channel, nil for padding.
  let order: [Int?]
  let groups: [Group]
  /// Makes the same bits on every instruction set.
  let kernel: Kernel

  var sources: [ParameterTensor] { [weight] }
  var byteCount: Int { groups.reduce(0) { $0 + (size + 2) * (size + 2) * inChannels * $1.columns * 4 } }
  var partCount: Int { groups.reduce(0) { $0 + $1.blocks.count } }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    var part = part
    for group in groups {
      guard part < group.blocks.count else {
        part -= group.blocks.count
        continue
      }
      let block = group.blocks[part]
      tensors[0].withUnsafeFloats { source in
        for first in stride(from: 0, to: block.columns, by: Int(SW_WINOGRAD_COLUMNS)) {
          fill(base.floats, group, block, firstColumn: first, from: source)
        }
      }
      return
    }
  }

  /// Blocks are whole vectors of columns.
  private func fill(
    _ base: UnsafeMutablePointer<Float>, _ group: Group, _ block: ColumnBlock, firstColumn: Int,
    from source: UnsafeBufferPointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: Int(SW_WINOGRAD_COLUMNS)) { kernels in
      for lane in kernels.indices {
        let channel = order[group.firstColumn + block.firstColumn + firstColumn + lane]
        // Turned around, kernels lie as those from this channel to others, and their taps from the last to the first.
        kernels.initializeElement(
          at: lane,
          to: channel.flatMap { channel in
            source.baseAddress.map { isTurned ? $0 + channel * 9 + 8 : $0 + channel * inChannels * 9 }
          })
      }
      kernel.winogradWeights(
        kernels.baseAddress, isTurned ? outChannels * 9 : 9, isTurned ? -1 : 1, inChannels,
        base + group.weightOffset + inChannels * block.firstColumn + firstColumn,
        inChannels * group.columns, block.columns)
    }
  }
}
