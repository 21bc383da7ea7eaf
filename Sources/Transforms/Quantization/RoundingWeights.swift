import Networks
import Tensors

/// How weights become integers.
public enum WeightRounding: String, Hashable, Codable, Sendable, CaseIterable {
  /// Each to the nearest.
  case nearest
  /// Each up or down, so that the layer's sums on data are near those of float32 (`RoundingProblem`).
  case adaptive
}

/// The choice of one output channel's integers: each weight is rounded down or up, so that its sums are near what they should be.
///
///     E = mean over pixels of (y - s · Σ_k q_k · x_k)²  =  s² · (qᵀ G q - 2 · qᵀ c / s) + …     G = mean of x xᵀ, c = mean of y · x
///
/// `x` are the inputs of the layer's products as the network of integers has them, `y` the sums that float32 makes of its own. So the error is a quadratic form
/// of the integers, and after `G` and `c` are known no data is needed: from the nearest integers on, the one change, or pair of changes, is made that
/// lessens it, until none does. What few pixels cannot tell is left to the nearest: a share of the diagonal of `G` that holds each integer to its weight.
/// - Source: the objective is that of Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization, 2020, which relaxes it and descends by
///   gradients; its quadratic form is solved here as it is, like the layer-wise problems of Frantar and Alistarh, Optimal Brain Compression, 2022.
package struct RoundingProblem: Sendable {
  /// How many weights a channel has.
  package let count: Int
  /// `G`, symmetric, `[count, count]`.
  private let gram: [Float]
  /// What holds integers to weights: this share of the diagonal.
  private let hold: Double

  /// Pairs of changes are tried where a channel has at most so many weights; the time goes with the square.
  private static let mostPaired = 1024
  /// What a change must gain, in shares of its own diagonal: less is rounding.
  private static let least = 1e-6

  /// - Parameters:
  ///   - gram: of `count · count` numbers.
  ///   - hold: 0 or above.
  package init(count: Int, gram: [Float], hold: Double) {
    self.count = count
    self.gram = gram
    self.hold = max(hold, 0)
  }

  /// The integers of one channel.
  ///
  /// - Parameters:
  ///   - weights: `count` of them.
  ///   - cross: `c`, `count` numbers.
  ///   - scale: of the channel, above 0.
  ///   - largest: the largest magnitude of an integer.
  package func integers(_ weights: [Float], cross: [Double], scale: Float, largest: Int) -> [Int] {
    let most = Double(largest), factor = 1 / Double(scale)
    /// Of each weight: the integer now, what a change adds to it (0 for none), and half the derivative of the error.
    var chosen = [Double](repeating: 0, count: count), change = chosen, slope = chosen, diagonal = chosen
    for place in 0..<count {
      // As the nearest are found (`LinearPart.quantized`).
      let quotient = Double(min(max((weights[place] / scale), Float(-largest)), Float(largest)))
      let nearest = quotient.rounded(.toNearestOrEven)
      let other = quotient > nearest ? nearest + 1 : quotient < nearest ? nearest - 1 : nearest
      chosen[place] = nearest
      change[place] = abs(other) <= most ? other - nearest : 0
      let own = Double(gram[place * count + place])
      diagonal[place] = own * (1 + hold)
      slope[place] = hold * own * (nearest - quotient) - cross[place] * factor
    }
    return gram.withUnsafeBufferPointer { gram in
      slope.withUnsafeMutableBufferPointer { slope in
        for place in 0..<count where chosen[place] != 0 {
          let row = gram.baseAddress! + place * count, number = chosen[place]
          for other in 0..<count { slope[other] += number * Double(row[other]) }
        }
      }
      /// What the change of one weight adds to the error.
      func gain(_ place: Int) -> Double { change[place] * (2 * slope[place] + change[place] * diagonal[place]) }
      func make(_ place: Int) {
        let step = change[place], row = gram.baseAddress! + place * count
        slope.withUnsafeMutableBufferPointer { slope in
          for other in 0..<count { slope[other] += step * Double(row[other]) }
        }
        slope[place] += step * hold * Double(row[place])
        chosen[place] += step
        change[place] = -step
      }
      /// The best single changes, one after the other. The error falls with each, so that none comes back.
      func makeSingles() {
        for _ in 0..<16 * count {
          var best = (gain: 0.0, place: -1)
          for place in 0..<count where change[place] != 0 {
            let gain = gain(place)
            if gain < best.gain, gain < -Self.least * diagonal[place] { best = (gain, place) }
          }
          guard best.place >= 0 else { return }
          make(best.place)
        }
      }
      makeSingles()
      guard count <= Self.mostPaired else { return chosen.map { Int($0) } }
      for _ in 0..<16 {
        var isChanged = false
        for first in 0..<count where change[first] != 0 {
          let row = gram.baseAddress! + first * count, own = gain(first)
          var best = (gain: 0.0, place: -1)
          for second in first + 1..<max(count, first + 1) where change[second] != 0 {
            let both = own + gain(second) + 2 * change[first] * change[second] * Double(row[second])
            if both < best.gain, both < -Self.least * (diagonal[first] + diagonal[second]) { best = (both, second) }
          }
          guard best.place >= 0 else { continue }
          make(first)
          make(best.place)
          isChanged = true
        }
        guard isChanged else { break }
        makeSingles()
      }
      return chosen.map { Int($0) }
    }
  }
}

extension LinearPart {
  /// Where the weights of one output channel lie, in the order of its group's input channels, and of the taps of each.
  package func places(of output: Int) -> [Int] {
    if !rowsAreInputs { return Array(output * columns * taps..<(output + 1) * columns * taps) }
    let group = output / columns, column = output % columns, rowsOfGroup = rows / groups
    return (group * rowsOfGroup..<(group + 1) * rowsOfGroup).flatMap { row in
      let start = (row * columns + column) * taps
      return Array(start..<start + taps)
    }
  }
}
