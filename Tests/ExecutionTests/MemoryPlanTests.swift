import Execution
import Tensors
import Testing

@Suite struct MemoryPlanTests {
  @Test func valuesThatLiveTogetherNeverOverlap() {
    for seed in UInt64(1)...200 {
      var generator = SplitMix64(seed: seed)
      let requests = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
        let first = Int.random(in: 0...30, using: &generator)
        return MemoryPlan.Request(
          byteCount: Int.random(in: 0...5000, using: &generator),
          lifetime: first...first + Int.random(in: 0...10, using: &generator))
      }
      let plan = MemoryPlan(requests)
      var lowerBound = 0
      for step in 0...40 {
        lowerBound = max(lowerBound, requests.filter { $0.lifetime.contains(step) }.reduce(0) { $0 + $1.byteCount })
      }
      #expect(plan.byteCount >= lowerBound, "seed \(seed)")
      for (a, request) in requests.enumerated() {
        #expect(plan.offsets[a] % 64 == 0)
        #expect(plan.offsets[a] + request.byteCount <= plan.byteCount)
        for b in requests.indices where b > a && requests[b].lifetime.overlaps(request.lifetime) {
          let apart =
            plan.offsets[a] + request.byteCount <= plan.offsets[b] || plan.offsets[b] + requests[b].byteCount <= plan.offsets[a]
          #expect(apart, "seed \(seed), requests \(a) and \(b)")
        }
      }
    }
  }

  @Test func aChainTakesTwoBuffers() {
    let plan = MemoryPlan((0..<10).map { MemoryPlan.Request(byteCount: 640, lifetime: $0...$0 + 1) })
    #expect(plan.byteCount == 1280)
  }
}
