import Execution
@testable import Profiling
import Swiftlet
import Testing

/// What becomes of a run's timeline, without running anything.
@Suite struct LayerTableTests {
  /// A copy, a node of two steps and one of one step, in two bands, with time of the engine's between them.
  private static let timeline = RunTimeline(
    steps: [
      RunTimeline.Step(
        node: "a", kernels: ["copy"], work: Work(.copy), traffic: RunTimeline.Traffic(valueBytes: 100, heldBytes: 50)),
      RunTimeline.Step(
        node: "a", kernels: ["depthwise_3x3_1_avx512"], work: Work(.depthwise),
        traffic: RunTimeline.Traffic(valueBytes: 200, constantBytes: 10, heldBytes: 70)),
      RunTimeline.Step(
        node: "a", kernels: ["pointwise_6x4_avx512"], work: Work(.products),
        traffic: RunTimeline.Traffic(cachedBytes: 300, constantBytes: 20, heldBytes: 80)),
      RunTimeline.Step(
        node: "b", kernels: ["gather_6x4_avx512", "store"], work: Work(.gatheredProducts),
        traffic: RunTimeline.Traffic(valueBytes: 400, heldBytes: 90)),
    ],
    events: [
      RunTimeline.Event(step: 0, start: 7, duration: 1000, threadCount: 2),
      RunTimeline.Event(step: 1, start: 1010, duration: 2000, threadCount: 2),
      RunTimeline.Event(step: 2, start: 3020, duration: 3000, threadCount: 2),
      RunTimeline.Event(step: 3, start: 6030, duration: 4000, threadCount: 2),
      RunTimeline.Event(step: 1, start: 10_040, duration: 2000, threadCount: 1),
      RunTimeline.Event(step: 2, start: 12_050, duration: 3000, threadCount: 1),
      RunTimeline.Event(step: 3, start: 15_060, duration: 4000, threadCount: 1),
    ], nanoseconds: 19_100)

  private static func profile(_ timeline: RunTimeline) throws -> Profile {
    var builder = NetworkBuilder("two")
    let x = builder.input("x", channels: 16)
    builder.output(
      builder.convolution("b", builder.convolution("a", x, outChannels: 16, kernel: 3, padding: 1), outChannels: 16, kernel: 1))
    let network = try builder.build(.random(seed: 1)), input: Shape = [1, 16, 8, 8]
    let table = try LayerTable(
      network, shapes: network.inferredShapes(inputs: [input]), ledger: network.ledger(inputs: [input]), timeline)
    return Profile(
      model: "two", input: "\(input)", cpu: "a processor", parameterCount: network.parameterCount, roofs: SampleProfiles.roofs,
      nanoseconds: timeline.nanoseconds, plainNanoseconds: timeline.nanoseconds, layers: table.layers, events: table.events)
  }

  @Test func stepsOfANodeAreOneLayer() throws {
    let profile = try Self.profile(Self.timeline)
    #expect(profile.layers.map(\.nanoseconds) == [1000, 10_000, 8000])
    #expect(profile.layers.map(\.totalNanoseconds) == [1000, 11_000, 8000])
    #expect(profile.layers.map(\.stepCount) == [1, 2, 1] && profile.layers.map(\.bandCount) == [1, 2, 2])
    #expect(
      profile.layers.map(\.traffic.bytesMoved) == [100, 530, 400] && profile.layers.map(\.traffic.heldBytes) == [50, 80, 90])
    #expect(profile.layers.map(\.isCopy) == [true, false, false])
    #expect(profile.events.map(\.layer) == [0, 1, 1, 2, 1, 1, 2])
  }

  @Test func rowsAddUpToTheWallTimeOfTheTimeline() throws {
    let profile = try Self.profile(Self.timeline)
    #expect(profile.engineNanoseconds == Self.timeline.engineNanoseconds && profile.engineNanoseconds == 100)
    for statistic in Profile.Statistic.allCases {
      let combined = Profile.combining([profile], statistic)
      for grouping in ProfileTable.Grouping.allCases {
        let rows = ProfileTable(grouping: grouping).rows(combined)
        #expect(rows.reduce(0) { $0 + $1.selfNanoseconds } == Self.timeline.nanoseconds)
      }
    }
  }

  @Test func theSameTimelineGivesTheSameText() throws {
    let first = try Self.profile(Self.timeline), second = try Self.profile(Self.timeline)
    #expect(ProfileTable().text(first) == ProfileTable().text(second))
    #expect(try first.trace == second.trace)
    #expect(Explanation(first).text() == Explanation(second).text())
    #expect(Roofline(first).svg == Roofline(second).svg)
  }
}
