@testable import Profiling
import Swiftlet
import Testing

@Suite struct ProfileStatisticTests {
  /// The sample with other times: 100 us of engine each, layers as given in microseconds.
  private static func run(_ times: [Int], engine: Int = 100) -> Profile {
    var profile = SampleProfiles.small
    for (index, time) in times.enumerated() {
      profile.layers[index].nanoseconds = time * 1000
      profile.layers[index].totalNanoseconds = time * 1000
    }
    profile.nanoseconds = (times.reduce(engine, +)) * 1000
    return profile
  }

  /// Another program held up a layer in each of them.
  private static let runs = [run([400, 4000, 9500]), run([400, 6000, 2500], engine: 50), run([900, 4100, 2600])]

  @Test func theMedianRunIsShownAsItWas() {
    let profile = Profile.combining(Self.runs, .medianRun)
    #expect(profile == Self.runs[1])
    #expect(profile.statisticText == "the median of 10 runs after 3")
    // Of an even number the faster of the two in the middle.
    #expect(Profile.combining(Self.runs + [Self.run([1, 1, 1])], .medianRun).nanoseconds == Self.runs[2].nanoseconds)
  }

  @Test func eachLayerIsTakenFromItsFastestRun() {
    let profile = Profile.combining(Self.runs, .fastestOfEachLayer)
    #expect(profile.layers.map(\.nanoseconds) == [400_000, 4_000_000, 2_500_000])
    #expect(profile.engineNanoseconds == 50_000 && profile.nanoseconds == 6_950_000 && profile.events.isEmpty)
    #expect(profile.statisticText == "each layer at its fastest of 10 runs after 3")
    #expect(Profile.combining([Self.runs[0]], .fastestOfEachLayer).layers == Self.runs[0].layers)
  }

  /// A run in which a layer was held up would put it in another light.
  @Test func aDisturbedRunDoesNotChangeWhatIsExplained() {
    let disturbed = Explanation(Self.runs[0]), judged = Explanation(Profile.combining(Self.runs, .fastestOfEachLayer))
    #expect(disturbed.layers[2] != judged.layers[2])
    #expect(judged.layers[2] == Explanation(SampleProfiles.small).layers[2])
    #expect(judged.text().contains("each layer at its fastest of 10 runs"))
  }
}
