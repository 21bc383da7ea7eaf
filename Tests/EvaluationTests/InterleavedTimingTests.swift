import Networks
import Tensors
import Testing

@testable import Evaluation

@Suite struct InterleavedTimingTests {
  /// The ranks of published tables of such intervals, from 1 on.
  @Test(arguments: [(6, 1), (8, 1), (9, 2), (10, 2), (15, 4), (20, 6), (25, 8), (30, 10), (50, 18), (100, 40)])
  func intervalsOfTheMedian(count: Int, rank: Int) {
    let interval = InterleavedTiming.medianInterval((1...count).map(Double.init))
    #expect(interval == Double(rank)...Double(count + 1 - rank))
  }

  @Test func fewValuesHaveAll() {
    #expect(InterleavedTiming.medianInterval([1, 2, 3]) == 1...3 && InterleavedTiming.medianInterval([4]) == 4...4)
  }

  /// Of values that are drawn, the interval holds the median of what they are drawn from at least 95 times in 100.
  @Test func intervalsHoldTheMedian() {
    var generator = SplitMix64(seed: 5)
    var held = 0
    for _ in 0..<4000 {
      // A long tail, as times have.
      let values = (0..<30).map { _ in 1 / (1.001 - Double(generator.nextUnit())) }.sorted()
      if InterleavedTiming.medianInterval(values).contains(1 / 0.501) { held += 1 }
    }
    #expect(held >= 3780, "\(held)")
  }

  @Test func allHaveTheirTurns() throws {
    let networks = [try SmallNetworks.vdsr(), try SmallNetworks.nearest()]
    let results = try InterleavedTiming(shapes: [[1, 1, 24, 24]], rounds: 6).run(
      networks.map { InterleavedTiming.Candidate(network: $0, engine: .cpu(CPUOptions(threadCount: 1))) })
    #expect(results.count == 2)
    for result in results {
      #expect(result.leastSeconds <= result.seconds && result.seconds <= result.mostSeconds && result.leastSeconds > 0)
      #expect(result.sessionMemoryByteCount >= 2 * 4 * 24 * 24 && (result.joules == nil) == (Energy.joules == nil))
    }
    #expect(throws: EvaluationError.self) {
      try InterleavedTiming(shapes: [[1, 3, 24, 24]]).run([.init(network: networks[0], engine: .reference)])
    }
  }
}
