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

  let weight: ParameterTensor
  let inChannels: Int
  /// m of F(m x m, 3x3).
  let size: Int
  /// For each column the output channel, nil for padding.
  let order: [Int?]
  let groups: [Group]

  var sources: [ParameterTensor] { [weight] }
  var byteCount: Int { groups.reduce(0) { $0 + (size + 2) * (size + 2) * inChannels * $1.columns * 4 } }
  var partCount: Int { groups.reduce(0) { $0 + $1.blocks.count } }

  /// G of F(4x4, 3x3), in units of 1/24.
  private static let transform4: [[Double]] = [
    [6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24],
  ].map { $0.map { $0 / 24 } }
  /// G of F(2x2, 3x3), in halves.
  private static let transform2: [[Double]] = [[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]].map { $0.map { $0 / 2 } }

  /// Columns that are transformed together, one in each lane.
  private typealias Lanes = SIMD8<Double>

  func fill(_ base: UnsafeMutableRawPointer, part: Int, from tensors: [Tensor]) {
    var part = part
    for group in groups {
      guard part < group.blocks.count else {
        part -= group.blocks.count
        continue
      }
      let block = group.blocks[part]
      tensors[0].withUnsafeFloats { source in
        for first in stride(from: 0, to: block.columns, by: Lanes.scalarCount) {
          fill(base.floats, group, block, columns: first..<min(first + Lanes.scalarCount, block.columns), from: source)
        }
      }
      return
    }
  }

  private func fill(
    _ base: UnsafeMutablePointer<Float>, _ group: Group, _ block: ColumnBlock, columns: Range<Int>,
    from source: UnsafeBufferPointer<Float>
  ) {
    let transform = (size == 4 ? Self.transform4 : Self.transform2).flatMap { $0 }, points = size + 2
    let channels = columns.map { order[group.firstColumn + block.firstColumn + $0] }
    guard channels.contains(where: { $0 != nil }) else { return }
    let position = inChannels * group.columns
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 9 + points * 3) { memory in
      let taps = memory.baseAddress!, half = taps + 9
      for k in 0..<inChannels {
        for tap in 0..<9 { taps[tap] = Lanes(repeating: 0) }
        for case (let lane, let channel?) in channels.enumerated() {
          let kernel = (channel * inChannels + k) * 9
          for tap in 0..<9 { taps[tap][lane] = Double(source[kernel + tap]) }
        }
        for i in 0..<points {
          let (a, b, c) = (transform[i * 3], transform[i * 3 + 1], transform[i * 3 + 2])
          for v in 0..<3 { half[i * 3 + v] = Lanes(repeating: 0) + a * taps[v] + b * taps[3 + v] + c * taps[6 + v] }
        }
        let to = base + group.weightOffset + inChannels * block.firstColumn + k * block.columns
        for i in 0..<points {
          for j in 0..<points {
            let value =
              half[i * 3] * transform[j * 3] + half[i * 3 + 1] * transform[j * 3 + 1] + half[i * 3 + 2] * transform[j * 3 + 2]
            let place = to + (i * points + j) * position
            for (lane, column) in columns.enumerated() where channels[lane] != nil { place[column] = Float(value[lane]) }
          }
        }
      }
    }
  }
}
