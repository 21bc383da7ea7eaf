import Networks
import Tensors
import Testing
import Transforms

/// Weights rounded up or down by a quadratic form, against all ways to round them.
@Suite struct RoundingWeightsTests {
  /// A channel, and the data that its form is made of.
  private struct Case {
    let weights: [Float]
    /// Of integers, and of float32.
    let rounded: [[Double]]
    let sums: [Double]
    let scale: Float

    init(seed: UInt64, count: Int, pixels: Int, isSymmetric: Bool) {
      var generator = SplitMix64(seed: seed)
      weights = (0..<count).map { _ in generator.nextUniform(bound: 1) }
      scale = Float(0.3 + Double(generator.nextUnit()) * 0.3)
      var rounded: [[Double]] = [], sums: [Double] = []
      for _ in 0..<pixels {
        // Neighbours are alike, as those of pictures.
        let base = Double(generator.nextUnit())
        let x = (0..<count).map { _ in base + 0.4 * Double(generator.nextUnit()) }
        let own = isSymmetric ? x : x.map { $0 + 0.1 * (Double(generator.nextUnit()) - 0.5) }
        rounded.append(x)
        sums.append(zip(weights, own).reduce(0) { $0 + Double($1.0) * $1.1 })
      }
      (self.rounded, self.sums) = (rounded, sums)
    }

    var gram: [Float] {
      let count = weights.count
      return (0..<count * count).map { index in
        Float(rounded.reduce(0) { $0 + $1[index / count] * $1[index % count] } / Double(rounded.count))
      }
    }

    var cross: [Double] {
      weights.indices.map { place in
        zip(sums, rounded).reduce(0) { $0 + $1.0 * $1.1[place] } / Double(rounded.count)
      }
    }

    func error(_ integers: [Int]) -> Double {
      zip(sums, rounded).reduce(0) { total, pixel in
        let sum = zip(integers, pixel.1).reduce(0) { $0 + Double(scale) * Double($1.0) * $1.1 }
        return total + (pixel.0 - sum) * (pixel.0 - sum)
      } / Double(sums.count)
    }

    var nearest: [Int] { weights.map { Int(($0 / scale).rounded(.toNearestOrEven)) } }

    /// All ways up or down.
    func best(largest: Int) -> Double {
      var least = Double.infinity
      for bits in 0..<1 << weights.count {
        let integers = weights.enumerated().map { place, weight in
          let quotient = weight / scale
          let way = bits >> place & 1 == 0 ? quotient.rounded(.down) : quotient.rounded(.up)
          return min(max(Int(way), -largest), largest)
        }
        least = min(least, error(integers))
      }
      return least
    }
  }

  /// Never worse than the nearest, nor better than the best of all ways, and near to that.
  @Test(arguments: [true, false]) func nearTheBestOfAllWays(_ isSymmetric: Bool) throws {
    var (nearest, found, best, hits) = (0.0, 0.0, 0.0, 0)
    let seeds = 120
    for seed in 0..<UInt64(seeds) {
      let count = 2 + Int(seed % 8), own = Case(seed: seed, count: count, pixels: 40, isSymmetric: isSymmetric)
      let problem = RoundingProblem(count: count, gram: own.gram, hold: 0)
      let integers = problem.integers(own.weights, cross: own.cross, scale: own.scale, largest: 7)
      let (a, b, c) = (own.error(own.nearest), own.error(integers), own.best(largest: 7))
      #expect(b <= a * (1 + 1e-5) + 1e-9 && b >= c * (1 - 1e-5) - 1e-9, "seed \(seed): \(a), \(b), \(c)")
      for (weight, integer) in zip(own.weights, integers) {
        #expect(abs(Double(weight / own.scale) - Double(integer)) < 1, "seed \(seed)")
      }
      nearest += a
      found += b
      best += c
      hits += b <= c * (1 + 1e-4) + 1e-9 ? 1 : 0
    }
    // Of what could be gained nearly all is, and most channels are at the best there is.
    #expect(nearest - found >= 0.97 * (nearest - best), "\(nearest), \(found), \(best)")
    #expect(hits * 10 >= seeds * 7, "\(hits) of \(seeds)")
  }

  /// No single change, and no pair, lessens the error.
  @Test func nothingIsLeftToGain() {
    for seed: UInt64 in 100..<130 {
      let count = 12 + Int(seed % 9), own = Case(seed: seed, count: count, pixels: 60, isSymmetric: false)
      let integers = RoundingProblem(count: count, gram: own.gram, hold: 0)
        .integers(own.weights, cross: own.cross, scale: own.scale, largest: 7)
      let least = own.error(integers)
      func turned(_ place: Int) -> Int {
        let quotient = own.weights[place] / own.scale
        return Int(quotient.rounded(.down)) == integers[place] ? Int(quotient.rounded(.up)) : Int(quotient.rounded(.down))
      }
      for first in 0..<count {
        for second in first..<count {
          var other = integers
          other[first] = turned(first)
          other[second] = turned(second)
          #expect(own.error(other) >= least * (1 - 1e-4) - 1e-7, "seed \(seed): \(first), \(second)")
        }
      }
    }
  }

  /// Where inputs know nothing of each other the nearest is the best; what is exact stays; so does what nothing is known of.
  @Test func nearestWhereThatIsBest() {
    let weights: [Float] = [0.26, -0.74, 0.5, 1, -0.1, 0], scale: Float = 0.25, count = weights.count
    var gram = [Float](repeating: 0, count: count * count)
    for place in 0..<count { gram[place * count + place] = Float(place) }
    let cross = weights.indices.map { Double(weights[$0]) * Double(gram[$0 * count + $0]) }
    let integers = RoundingProblem(count: count, gram: gram, hold: 0.1)
      .integers(weights, cross: cross, scale: scale, largest: 3)
    #expect(integers == [1, -3, 2, 3, 0, 0])
  }

  @Test func heldToTheNearest() {
    let own = Case(seed: 7, count: 9, pixels: 30, isSymmetric: false)
    let integers = RoundingProblem(count: 9, gram: own.gram, hold: 1e6)
      .integers(own.weights, cross: own.cross, scale: own.scale, largest: 7)
    #expect(integers == own.nearest)
  }

  /// Weights of each output, whichever side rows are of.
  @Test func placesOfChannels() {
    for groups in [1, 2] {
      for rowsAreInputs in [false, true] {
        let part = LinearPart(
          hasBias: false, inChannels: 4, outChannels: 6, groups: groups, taps: 3, rowsAreInputs: rowsAreInputs,
          carriesConstants: false)
        var seen: [Int] = []
        for output in 0..<6 {
          let places = part.places(of: output)
          #expect(places.count == part.terms)
          for (index, place) in places.enumerated() {
            let pair = part.channels(place / 3 / part.columns, place / 3 % part.columns)
            #expect(pair.output == output && pair.input % (4 / groups) == index / 3 && place % 3 == index % 3)
          }
          seen += places
        }
        #expect(seen.sorted() == Array(0..<part.rows * part.columns * 3))
      }
    }
  }
}
