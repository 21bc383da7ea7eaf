import Networks
import Tensors

/// A linear map along one axis: what each position of the output adds up, positions of the input and their weights.
struct AxisMap: Hashable {
  /// What an output position takes of an input position.
  struct Tap: Hashable {
    var position: Int
    var weight: Double
  }

  /// By output position.
  var taps: [[Tap]]

  /// The other way round: each input position takes what it gave to those of the output.
  func adjoint(extent: Int) -> AxisMap {
    var result = [[Tap]](repeating: [], count: extent)
    for (output, taps) in taps.enumerated() {
      for tap in taps {
        // Outputs come in order: one that takes a position twice is the last there.
        let last = result[tap.position].count - 1
        if last >= 0, result[tap.position][last].position == output {
          result[tap.position][last].weight += tap.weight
        } else {
          result[tap.position].append(Tap(position: output, weight: tap.weight))
        }
      }
    }
    return AxisMap(taps: result)
  }

  /// Each position is one of the input, or nothing.
  static func selection(_ places: [Int?]) -> AxisMap {
    AxisMap(taps: places.map { $0.map { [Tap(position: $0, weight: 1)] } ?? [] })
  }
}
