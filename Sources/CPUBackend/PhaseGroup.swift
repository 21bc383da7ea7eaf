import Networks

/// Phases of a transposed convolution that read the same input pixels.
///
/// With stride s, output pixel (j·s + dy, i·s + dx) sums the taps of its phase (dy, dx) over pixels around (j, i) of the input: each
/// phase is a convolution of stride 1 with some of the taps.
struct PhaseGroup: Hashable {
  /// An input pixel, counted from the one under the work pixel.
  struct Tap: Hashable {
    var row: Int
    var column: Int
  }

  struct Phase: Hashable {
    var row: Int
    var column: Int
    /// Of each tap of the group the position in the kernel, row by row; nil where the phase leaves the tap out.
    var kernelPositions: [Int?]
  }

  var taps: [Tap]
  var phases: [Phase]

  /// The phases that an output of that size has, grouped in the order of their first.
  static func all(of payload: TransposedConvolution, height: Int, width: Int) -> [PhaseGroup] {
    var result: [PhaseGroup] = []
    var places: [[Tap]: Int] = [:]
    for row in 0..<min(payload.stride.height, height) {
      let vertical = axis(
        row + payload.padding.top, payload.kernel.height, stride: payload.stride.height, dilation: payload.dilation.height)
      for column in 0..<min(payload.stride.width, width) {
        let horizontal = axis(
          column + payload.padding.left, payload.kernel.width, stride: payload.stride.width, dilation: payload.dilation.width)
        var taps: [Tap] = [], positions: [Int] = []
        for v in vertical {
          for h in horizontal {
            taps.append(Tap(row: v.offset, column: h.offset))
            positions.append(v.position * payload.kernel.width + h.position)
          }
        }
        let phase = Phase(row: row, column: column, kernelPositions: positions)
        if let place = places[taps] {
          result[place].phases.append(phase)
        } else {
          places[taps] = result.count
          result.append(PhaseGroup(taps: taps, phases: [phase]))
        }
      }
    }
    return result
  }

  /// The kernel positions along one axis that reach an output position `place` (with the padding), and the input position each
  /// reads: place = offset · stride + position · dilation.
  private static func axis(_ place: Int, _ kernel: Int, stride: Int, dilation: Int) -> [(position: Int, offset: Int)] {
    var result: [(position: Int, offset: Int)] = []
    for position in 0..<kernel where (place - position * dilation) % stride == 0 {
      result.append((position, (place - position * dilation) / stride))
    }
    return result
  }
}

// MARK: Groups that are read together

extension PhaseGroup {
  /// The groups joined wherever it takes less time to load the pixels of all their taps once, and to multiply some of them by zero, than
  /// to load those of each group for itself.
  ///
  /// - Parameter cost: of a tap of so many output planes.
  static func joined(_ groups: [PhaseGroup], channels: Int, cost: (_ outputs: Int) -> Double) -> [PhaseGroup] {
    func total(_ group: PhaseGroup) -> Double { Double(group.taps.count) * cost(group.phases.count * channels) }
    var result = groups
    while true {
      var best: (first: Int, second: Int, group: PhaseGroup)?
      var most = 0.0
      for second in result.indices {
        for first in 0..<second {
          let both = result[first].joined(with: result[second])
          let saved = total(result[first]) + total(result[second]) - total(both)
          if saved > most { (best, most) = ((first, second, both), saved) }
        }
      }
      guard let best else { return result }
      result[best.first] = best.group
      result.remove(at: best.second)
    }
  }

  private func joined(with other: PhaseGroup) -> PhaseGroup {
    let taps = Set(self.taps + other.taps).sorted { ($0.row, $0.column) < ($1.row, $1.column) }
    func phases(of group: PhaseGroup) -> [Phase] {
      let places = Dictionary(uniqueKeysWithValues: zip(group.taps, group.taps.indices))
      return group.phases.map { phase in
        Phase(
          row: phase.row, column: phase.column, kernelPositions: taps.map { places[$0].flatMap { phase.kernelPositions[$0] } })
      }
    }
    return PhaseGroup(taps: taps, phases: phases(of: self) + phases(of: other))
  }
}
