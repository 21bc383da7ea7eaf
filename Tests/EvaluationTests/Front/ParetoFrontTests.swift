import Tensors
import Testing

@testable import Evaluation

@Suite struct ParetoFrontTests {
  private func exact(_ values: [Double]) -> [ParetoFront.Objective] { values.map { ParetoFront.Objective($0) } }

  @Test func whatIsNoBetterIsNotAbove() {
    let points = [exact([1, 5]), exact([2, 4]), exact([2, 5]), exact([1, 5]), exact([0, 9])]
    // Equal points do not dominate each other.
    #expect(ParetoFront.dominators(points) == [[], [], [0, 1, 3], [], []])
    #expect(ParetoFront.dominators([]) == [])
    #expect(ParetoFront.dominators([exact([1])]) == [[]])
  }

  @Test func timesThatAreNotToldApartAreEqual() {
    func point(_ quality: Double, _ time: Double, _ interval: ClosedRange<Double>) -> [ParetoFront.Objective] {
      [ParetoFront.Objective(quality), ParetoFront.Objective(time, in: interval)]
    }
    // Quality decides where each time lies in the other's interval, in favour of the one that seems slower.
    #expect(
      ParetoFront.dominators([point(-35, 11, 9...12), point(-34, 10, 9...12), point(-34, 4, 4...5)]) == [[], [0, 2], []])
    // One that is known badly does not lose to what is clearly slower, and what is known well is beaten by it.
    #expect(ParetoFront.dominators([point(-35, 9.6, 9.5...9.7), point(-34, 8, 7...10)]) == [[], []])
    #expect(ParetoFront.dominators([point(-34, 9.6, 9.5...9.7), point(-35, 8, 7...10)]) == [[1], []])
    // What is no number comes last.
    #expect(ParetoFront.dominators([exact([.infinity, 1]), exact([0, 1])]) == [[1], []])
  }

  /// Held against the definition, of numbers: a is nowhere larger and somewhere smaller. And whatever the intervals, somebody is left, and nobody
  /// dominates whom it is dominated by.
  @Test(arguments: 0..<200) func generatedPoints(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    func number() -> Double { Double(generator.next() % 6) }
    let count = 1 + Int(generator.next() % 9), objectives = 1 + Int(generator.next() % 4)
    let values = (0..<count).map { _ in (0..<objectives).map { _ in number() } }
    let found = ParetoFront.dominators(values.map(exact))
    for (place, mine) in values.enumerated() {
      let wanted = values.indices.filter { other in
        let pairs = zip(values[other], mine)
        return pairs.allSatisfy { $0 <= $1 } && pairs.contains { $0 < $1 }
      }
      #expect(found[place] == wanted, "seed \(seed), \(values)")
    }
    #expect(found.contains { $0.isEmpty })
    // One objective that is measured.
    let measured = values.map { value in
      exact(Array(value.dropLast())) + [
        ParetoFront.Objective(value[objectives - 1], in: value[objectives - 1] - number()...value[objectives - 1] + number())
      ]
    }
    let others = ParetoFront.dominators(measured)
    #expect(others.contains { $0.isEmpty }, "seed \(seed), \(values)")
    for (place, dominators) in others.enumerated() {
      for other in dominators { #expect(!others[other].contains(place)) }
    }
  }
}
