import GeneratedNetworks
import Testing

/// Random networks of all operations come back from each file format, and make the same behind every pass and behind ONNX.
@Suite struct GeneratedRoundTripTests {
  @Test(arguments: Seeds.first(400)) func comeBack(_ seed: Int) throws {
    var choices = ChoiceSource(seed: UInt64(seed))
    #expect(throws: Never.self) { try NetworkPromises.check(&choices) }
  }
}
