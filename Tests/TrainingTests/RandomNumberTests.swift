import Tensors
import Testing

@testable import Training

@Suite struct RandomNumberTests {
  @Test func keysThatDifferInAnythingHaveOtherNumbers() {
    var seen: Set<UInt64> = []
    for seed in [0, 1, 2, .max] as [UInt64] {
      for epoch in 0..<8 {
        for index in 0..<64 {
          var generator = SampleKey(seed: seed, epoch: epoch, index: index).generator
          seen.insert(generator.next())
        }
      }
    }
    #expect(seen.count == 4 * 8 * 64)
  }

  @Test(arguments: [1, 2, 3, 7, 100]) func numbersBelowABoundComeEquallyOften(bound: Int) {
    var generator = SplitMix64(seed: 5), counts = [Int](repeating: 0, count: bound)
    let draws = 2000 * bound
    for _ in 0..<draws { counts[generator.next(below: bound)] += 1 }
    // Five deviations of a binomial distribution.
    let deviation = (2000 * (1 - 1 / Double(bound))).squareRoot()
    #expect(counts.allSatisfy { abs(Double($0) - 2000) <= 5 * deviation })
  }

  @Test func permutationsHoldEachNumberOnce() {
    var generator = SplitMix64(seed: 9)
    for count in [0, 1, 2, 17, 1000] { #expect(generator.permutation(count).sorted() == Array(0..<count)) }
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[generator.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 1000) < 150 })
    // What was drawn once stays for all versions.
    var known = SplitMix64(mixing: [1, 0])
    #expect(known.permutation(8) == [0, 3, 7, 1, 4, 2, 6, 5])
  }

  @Test func normalNumbersHaveTheirMoments() {
    var noise = GaussianNoise(SplitMix64(seed: 3))
    let values = (0..<100_000).map { _ in Double(noise.next()) }
    func moment(_ power: Int) -> Double {
      values.reduce(0) { sum, value in sum + (0..<power).reduce(1.0) { product, _ in product * value } } / Double(values.count)
    }
    // Deviations of the means: sqrt(1 / n), sqrt(2 / n), sqrt(15 / n), sqrt(96 / n).
    #expect(abs(moment(1)) < 5 * 0.0032 && abs(moment(2) - 1) < 5 * 0.0045)
    #expect(abs(moment(3)) < 5 * 0.0123 && abs(moment(4) - 3) < 5 * 0.031)
  }
}
