import Swiftlet
import Testing

@testable import Evaluation

/// Which sizes are those of one picture enlarged.
@Suite struct SeemingOutputTests {
  /// Every factor that `upscale` takes gives sizes that are known again, by a factor that gives the same.
  @Test(arguments: 0..<400) func whatIsEnlargedIsKnown(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed))
    let small = (width: Int.random(in: 1...4000, using: &generator), height: Int.random(in: 1...4000, using: &generator))
    let scale =
      seed.isMultiple(of: 2) ? Double(Int.random(in: 2...64, using: &generator)) : .random(in: 1.05...64, using: &generator)
    func size(_ scale: Double) -> (width: Int, height: Int) {
      (Int((Double(small.width) * scale).rounded()), Int((Double(small.height) * scale).rounded()))
    }
    let large = size(scale)
    guard large != small else { return }
    guard let found = SeemingOutput.scale(from: small, to: large) else {
      Issue.record("\(small) times \(scale) is \(large)")
      return
    }
    #expect(size(found) == large, "\(small) \(scale) \(found)")
    if seed.isMultiple(of: 2), min(small.width, small.height) > 64 { #expect(found == scale) }
  }

  @Test func othersAreNot() {
    for (small, large) in [
      ((40, 30), (40, 30)), ((40, 30), (80, 30)), ((40, 30), (80, 62)), ((40, 30), (39, 29)), ((0, 0), (80, 60)),
      ((10, 10), (650, 650)), ((400, 300), (410, 308)), ((40, 30), (60, 80)),
    ] { #expect(SeemingOutput.scale(from: small, to: large) == nil, "\(small) \(large)") }
  }
}
