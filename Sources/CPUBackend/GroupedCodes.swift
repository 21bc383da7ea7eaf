import CKernels
import Tensors

/// Weights of integers by column block, then tap, channel, column, the channels of a tap together.
struct GroupedCodes: PackLayout {
  let weight: ParameterTensor
  let channels: Int
  let taps: Int
  let order: [Int?]
  let blocks: [ColumnBlock]

  var sources: [ParameterTensor] { [weight] }
  /// Fours of the depth.
  private var steps: Int { taps * ((channels + 3) / 4) }
  var byteCount: Int { steps * order.count * 4 }
  var partCount: Int { blocks.count }

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    let block = blocks[part]
    tensors[0].withUnsafeBytes { bytes in
      let source = bytes.bindMemory(to: Int8.self)
      for column in 0..<block.columns {
        guard let output = order[block.firstColumn + column] else { continue }
        for tap in 0..<taps {
          let to = base + (steps * block.firstColumn + tap * (steps / taps) * block.columns) * 4
          for channel in 0..<channels {
            block.kernel.pack(source[(output * channels + channel) * taps + tap], at: channel, column: column, into: to)
          }
        }
      }
    }
  }
}
