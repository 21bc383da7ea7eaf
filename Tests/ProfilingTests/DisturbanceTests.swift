@testable import Profiling
import Swiftlet
import Testing

/// Profiles of a machine that did other work say so.
@Suite struct DisturbanceTests {
  @Test func `runs that differ`() {
    var profile = SampleProfiles.small
    #expect(profile.disturbance == nil && profile.scatter == 0)
    profile.fastestNanoseconds = 4_000_000
    profile.slowNanoseconds = 4_800_000
    #expect(profile.disturbance == nil)
    profile.slowNanoseconds = 6_000_000
    let line =
      "The machine was busy: a quarter of the runs took at least 50% longer than the fastest. Measure again when it is idle."
    #expect(profile.disturbance == line)
    #expect(ProfileTable().text(profile).hasSuffix("\n\(line)\n"))
    #expect(Explanation(profile).text.contains("\n\(line)\n"))
    #expect(PairExplanation(profile, profile).text.contains(line))
    #expect(ProfileDifference(SampleProfiles.small, profile).conditions == ["b: \(line)"])
  }

  @Test func `layers above their roof`() {
    var profile = SampleProfiles.small
    profile.layers[1].nanoseconds = 2_000_000
    profile.layers[1].totalNanoseconds = 2_000_000
    #expect(profile.roofShare(profile.layers[1]) > 1.4 && profile.layersAboveRoof == 1)
    #expect(profile.disturbance?.contains("busy: 1 layer was faster than the roofs that were measured.") == true)
    profile.fastestNanoseconds = 100
    profile.slowNanoseconds = 200
    #expect(profile.disturbance?.contains("100% longer than the fastest, and 1 layer was faster") == true)
    // What takes no part of the time says nothing.
    profile.nanoseconds *= 100
    #expect(profile.layersAboveRoof == 0)
  }

  @Test func `what is measured is kept`() throws {
    let network = try VDSR(depth: 3, features: 8).network(.random(seed: 1))
    let profile = try Profiler(
      engine: .cpu(CPUOptions(threadCount: 1)), warmup: 0, runs: 5, roofs: SampleProfiles.roofs
    ).profile(network, model: "m", input: Tensor(repeating: 0.5, [1, 1, 16, 16]))
    let fastest = try #require(profile.fastestNanoseconds), slow = try #require(profile.slowNanoseconds)
    #expect(fastest <= profile.plainNanoseconds && profile.plainNanoseconds <= slow && fastest > 0)
  }
}
