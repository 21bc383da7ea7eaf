import CKernels
import Execution
import Networks
import Tensors

/// The columns of a convolution's product cut into register tiles, and their weights as the kernels read them.
///
/// With groups a block of columns reads the channels of its columns' groups alone; between those groups the product is dense, with
/// zeros.
final class ProductBlocks {
  /// A run of columns and the input channels that they read. Holds no references.
  struct Block: BitwiseCopyable, Hashable {
    let kernel: Kernel
    let firstColumn: Int
    let firstInput: Int
    let depth: Int
    /// In bytes.
    let weightOffset: Int

    var columns: Int { kernel.columns }
    /// Of the weights of one tap.
    var tapByteCount: Int { kernel.weightByteCount(depth: depth) }
  }

  let blocks: ConstantTable<Block>
  /// For each product that the layer wants, those that are done; more than one where groups meet in a block. See `Work`.
  let share: Double
  /// By block, then tap, input channel, column.
  let weights: Pack

  /// - Parameters:
  ///   - weight: `[outputs · groups, depth, taps…]`
  ///   - order: for each stored column the output channel, nil for padding.
  ///   - tiles: widest first.
  ///   - run: columns that no block may reach over the multiples of.
  init(
    weight: ParameterTensor, outputs: Int, depth: Int, groups: Int = 1, taps: Int = 1, order: [Int?], tiles: [Kernel],
    run: Int = .max, table: KernelTable, packs: PackStore
  ) {
    // The widest tiles for which no narrower ones would need fewer products: narrow tiles meet fewer groups.
    var best: [Block] = [], least = Int.max
    for widest in groups == 1 ? tiles.prefix(1) : tiles[...] {
      let fitting = tiles.filter { $0.columns <= widest.columns }
      var blocks: [Block] = []
      var products = 0, offset = 0, start = 0
      while start < order.count {
        let columns = min(run, order.count - start)
        for part in ColumnBlock.split(columns, into: fitting) {
          let firstColumn = start + part.firstColumn
          var first = groups, last = 0
          for case let channel? in order[firstColumn..<firstColumn + part.columns] {
            first = min(first, channel / outputs)
            last = max(last, channel / outputs)
          }
          // Columns of padding alone read nothing.
          first = min(first, last)
          // Pairs and fours are those of all channels.
          let group = part.kernel.group, firstInput = first * depth / group * group
          let block = Block(
            kernel: part.kernel, firstColumn: firstColumn, firstInput: firstInput, depth: (last + 1) * depth - firstInput,
            weightOffset: offset)
          blocks.append(block)
          products += block.depth * block.columns
          offset += taps * block.tapByteCount
        }
        start += columns
      }
      if products < least { (best, least) = (blocks, products) }
    }
    blocks = ConstantTable(best)
    let done = best.reduce(0) { sum, block in
      sum + block.depth * order[block.firstColumn..<block.firstColumn + block.columns].count { $0 != nil }
    }
    share = Double(done) / Double(max(outputs * groups * depth, 1))
    weights = packs.pack(
      Layout(
        weight: weight.source.tensor, isTurned: weight.source.isTurned, outputs: outputs, depth: depth, taps: taps,
        order: order,
        blocks: best, interleave: table.kernel(.interleave, .float32, .float32)))
  }

  /// Of all blocks.
  var unit: Work.Unit { blocks.values.first?.kernel.unit ?? .float32 }

  var kernelNames: [String] { Set(blocks.values.map(\.kernel.name)).sorted() }

  private struct Layout: PackLayout {
    let weight: ParameterTensor
    /// Only without groups.
    let isTurned: Bool
    /// Of a group.
    let outputs: Int
    let depth: Int
    let taps: Int
    let order: [Int?]
    let blocks: [Block]
    /// Moves numbers, the same on every instruction set.
    let interleave: Kernel

    var sources: [ParameterTensor] { [weight] }
    var byteCount: Int { blocks.reduce(0) { $0 + taps * $1.tapByteCount } }
    var partCount: Int { blocks.count }

    func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
      let block = blocks[part]
      let channels = order[block.firstColumn..<block.firstColumn + block.columns].map { $0 ?? -1 }
      if tensors[0].dataType == .int8 { return fillCodes(base + block.weightOffset, channels, from: tensors[0], block) }
      tensors[0].withUnsafeFloats { source in
        guard let source = source.baseAddress else { return }
        if let first = firstOfPlanes(channels, block) {
          return fillPlanes(base + block.weightOffset, channels, source + first * depth * taps, block)
        }
        channels.withUnsafeBufferPointer { channels in
          for tap in 0..<taps {
            let place = base + block.weightOffset + tap * block.tapByteCount
            // One write after the other, of reads that follow each other: training fills packs in each step.
            if isTurned, !block.kernel.takesPairs {
              fillRows(place.floats, channels, source + taps - 1 - tap, block.firstInput)
            } else {
              fillColumns(place, channels, source, tap: tap, block)
            }
          }
        }
      }
    }

    private func fillCodes(_ base: UnsafeMutableRawPointer, _ channels: [Int], from tensor: Tensor, _ block: Block) {
      tensor.withUnsafeBytes { bytes in
        let source = bytes.bindMemory(to: Int8.self)
        for tap in 0..<taps {
          let place = base + tap * block.tapByteCount
          for (column, channel) in channels.enumerated() where channel >= 0 {
            let first = channel / outputs * depth - block.firstInput
            for k in 0..<depth {
              let from = isTurned ? (k * outputs + channel) * taps + taps - 1 - tap : (channel * depth + k) * taps + tap
              block.kernel.pack(source[from], at: first + k, column: column, into: place)
            }
          }
        }
      }
    }

    /// The first of the channels where they follow each other, padding behind them, so that the columns are planes of a picture whose pixels
    /// are the taps of one input channel after the other; else nil.
    private func firstOfPlanes(_ channels: [Int], _ block: Block) -> Int? {
      guard !isTurned, !block.kernel.takesPairs, block.depth == depth, channels[0] >= 0 else { return nil }
      let count = channels.firstIndex(of: -1) ?? channels.count
      let follow = channels.indices.allSatisfy { channels[$0] == ($0 < count ? channels[0] + $0 : -1) }
      return follow ? channels[0] : nil
    }

    /// Vectors at once, and from as many rows of the weight at the same time: training fills packs in each step.
    private func fillPlanes(
      _ base: UnsafeMutableRawPointer, _ channels: [Int], _ source: UnsafePointer<Float>, _ block: Block
    ) {
      let columns = channels.count, count = channels.firstIndex(of: -1) ?? columns
      if taps == 1 { return interleave.interleave(source, depth, count, base, columns * 4, depth) }
      // Some input channels at a time, whose taps then go apart.
      withUnsafeTemporaryAllocation(byteCount: Self.inputsAtOnce * taps * columns * 4, alignment: 64) { memory in
        guard let pixels = memory.baseAddress else { return }
        let written = (count + Int(SW_CHANNEL_BLOCK) - 1) / Int(SW_CHANNEL_BLOCK) * Int(SW_CHANNEL_BLOCK)
        for first in stride(from: 0, to: depth, by: Self.inputsAtOnce) {
          let inputs = min(Self.inputsAtOnce, depth - first)
          interleave.interleave(source + first * taps, depth * taps, count, pixels, columns * 4, inputs * taps)
          for tap in 0..<taps {
            let to = (base + tap * block.tapByteCount).floats + first * columns
            for k in 0..<inputs { (to + k * columns).update(from: pixels.floats + (k * taps + tap) * columns, count: written) }
          }
        }
      }
    }

    private static let inputsAtOnce = 16

    /// Row by row from a weight that is turned around, which has no groups.
    private func fillRows(
      _ place: UnsafeMutablePointer<Float>, _ channels: UnsafeBufferPointer<Int>, _ source: UnsafePointer<Float>,
      _ firstInput: Int
    ) {
      let isInOrder = taps == 1 && channels[0] >= 0 && channels.indices.allSatisfy { channels[$0] == channels[0] + $0 }
      for k in 0..<depth {
        let row = place + (k - firstInput) * channels.count, from = source + k * outputs * taps
        if isInOrder {
          row.update(from: from + channels[0], count: channels.count)
        } else {
          for (column, channel) in channels.enumerated() where channel >= 0 { row[column] = from[channel * taps] }
        }
      }
    }

    private func fillColumns(
      _ place: UnsafeMutableRawPointer, _ channels: UnsafeBufferPointer<Int>, _ source: UnsafePointer<Float>, tap: Int,
      _ block: Block
    ) {
      Kernel.forEachRun(of: depth) { run in
        for (column, channel) in channels.enumerated() where channel >= 0 {
          let first = channel / outputs * depth - block.firstInput
          if block.kernel.takesPairs {
            for k in run {
              let from = isTurned ? (k * outputs + channel) * taps + taps - 1 - tap : (channel * depth + k) * taps + tap
              block.kernel.pack(source[from], at: first + k, column: column, into: place)
            }
          } else {
            let from = source + channel * depth * taps + tap, to = place.floats + first * channels.count + column
            for k in run { to[k * channels.count] = from[k * taps] }
          }
        }
      }
    }
  }
}
