import Execution
import Testing

/// Of the methods that can run a layer the cheapest, by any backend.
@Suite struct KernelChoiceTests {
  private enum Method: String, KernelMethod {
    case first, second, third
    var description: String { rawValue }
  }

  private enum Only: String, KernelMethod {
    case one
    var description: String { rawValue }
    static var soleReason: String? { "there is no other" }
  }

  private func candidates(_ costs: [Method: Double]) -> [KernelCandidate<Method>] {
    KernelCandidate.all(refusal: { costs[$0] == nil ? "\($0) cannot" : nil }, cost: { costs[$0] ?? .nan })
  }

  @Test func theCheapestIsTakenAndTheFirstOfEquals() {
    #expect(KernelCandidate.cheapest(of: candidates([.first: 3, .second: 1, .third: 2])) == .second)
    #expect(KernelCandidate.cheapest(of: candidates([.second: 2, .third: 2])) == .second)
    #expect(KernelCandidate.cheapest(of: candidates([:])) == nil)
    let weighed = candidates([.third: 5])
    #expect(weighed.map(\.method) == Method.allCases && weighed.map(\.cost) == [nil, nil, 5])
    #expect(weighed[0].verdict == .refused("first cannot"))
  }

  @Test func reasonsAreGiven() throws {
    let cheapest = try #require(KernelChoice(candidates([.first: 3, .third: 2])))
    #expect(cheapest.chosen == "third" && cheapest.reason == "it is the cheapest of 2")
    #expect(cheapest.candidates.map(\.name) == ["first", "second", "third"])
    #expect(KernelChoice(candidates([.first: 3]))?.reason == "no other can")
    #expect(KernelChoice(candidates([:])) == nil)
    let sole: [KernelCandidate<Only>] = KernelCandidate.all(refusal: { _ in nil }, cost: { _ in 1 })
    #expect(KernelChoice(sole)?.reason == "there is no other")
  }
}
