import GeneratedNetworks
import Testing

/// Random networks of all operations: engines, instruction sets, threads, bands and tiles agree.
@Suite struct GeneratedNetworkTests {
  /// As many as `make test` has time for; others with `SWIFTLET_SEEDS`, and by `make fuzz`.
  @Test(arguments: Seeds.first(600)) func agree(_ seed: Int) {
    if case .fault(let fault) = NetworkCheck.run(seed: UInt64(seed)) { Issue.record("seed \(seed): \(fault)") }
  }

  @Test func everyOperationOccurs() {
    var seen: Set<OperationKind> = []
    for kind in GeneratedNetwork.Kind.allCases {
      for seed in 0..<300 {
        var choices = ChoiceSource(seed: UInt64(seed))
        guard let generated = GeneratedNetwork(kind, &choices) else { continue }
        for node in generated.network.nodes { seen.insert(OperationKind(node.operation)) }
      }
    }
    #expect(seen == Set(OperationKind.allCases.filter { $0 != .integer }))
  }
}
