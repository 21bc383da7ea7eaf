import Foundation
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
    #expect(Explanation(profile).text().contains("\n\(line)\n"))
    #expect(PairExplanation(profile, profile).text().contains(line))
    #expect(ProfileDifference(SampleProfiles.small, profile).conditions == ["b: \(line)"])
  }

  @Test func `layers above their roof`() {
    var profile = SampleProfiles.small
    profile.layers[1].nanoseconds = 2_000_000
    profile.layers[1].totalNanoseconds = 2_000_000
    #expect(profile.roofShare(profile.layers[1]) > 1.4 && profile.layersAboveRoof == 1)
    #expect(
      profile.disturbance?.contains(
        "busy: 1 layer was faster than the roofs that were measured. The roofs are unreliable, and nothing is judged by them. Measure"
      ) == true)
    // Sums of integers have a roof of their own.
    var integers = profile
    integers.layers[1].unit = .integers
    #expect(integers.layersAboveRoof == 1)
    integers.roofs.integerGopsPerS = 400
    #expect(
      integers.layersAboveRoof == 0
        && abs(4 * integers.roofShare(integers.layers[1]) - profile.roofShare(profile.layers[1])) < 1e-9)
    #expect(integers.roofs.text.contains("100.0 GFLOP/s, integers 400.0 GOP/s, memory"))
    #expect(Roofline(integers).svg.contains("of integers 400 GFLOP/s") && !Roofline(profile).svg.contains("of integers"))
    profile.fastestNanoseconds = 100
    profile.slowNanoseconds = 200
    #expect(profile.disturbance?.contains("100% longer than the fastest, and 1 layer was faster") == true)
    // What takes no part of the time says nothing.
    profile.nanoseconds *= 100
    #expect(profile.layersAboveRoof == 0)
  }

  /// Nothing is judged by roofs that were other ones a moment later.
  @Test func `roofs that disagree`() throws {
    var profile = SampleProfiles.small
    #expect(!profile.hasUnreliableRoofs)
    var lower = profile.roofs
    lower.gflopsPerS *= 0.8
    profile.roofs.raise(to: lower)
    #expect(profile.roofs.disagreement.map { abs($0 - 0.2) < 1e-9 } == true && !profile.hasUnreliableRoofs)
    lower.memoryGbPerS *= 0.5
    profile.roofs.raise(to: lower)
    #expect(profile.hasUnreliableRoofs && profile.disturbance?.contains("before and after the runs differ by 50%") == true)
    let explanation = Explanation(profile)
    #expect(explanation.layers.allSatisfy { $0.bound == .unreliable && $0.reason.isEmpty && $0.change == nil })
    // What does not depend on them is told, and what is left out.
    let text = explanation.text()
    for word in ["GFLOP", "moved", "kernel", "taken, because", "Left out, because they follow from the roofs"] {
      #expect(text.contains(word), "\(text)")
    }
    #expect(
      !text.contains("bound by") && profile.layers.allSatisfy { $0.kernels.isEmpty || text.contains($0.kernels[0]) }, "\(text)")
    #expect(text.split(separator: "nothing is judged by them").count == 2, "said once: \(text)")
    let told = try #require(text.ranges(of: "Left out").first.map { text[..<$0.lowerBound] })
    for judgement in ["ideal", "of roof", "bound by", "see", "?", "To change", "Most is to be gained"] {
      #expect(!told.contains(judgement), "\(text)")
    }
    // Shares of the time stay, those of the roof go.
    #expect(ProfileTable().text(profile).split(separator: "\n")[3].count { $0 == "%" } == 2)
  }

  /// What was seen on another machine, long ago, or in another way counts for nothing.
  @Test func `the best roofs are remembered`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roofs-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let memory = RoofMemory(folder: folder + "/deep/caches"), high = SampleProfiles.roofs
    var low = high
    low.gflopsPerS /= 2
    #expect(memory.raised(high, machine: "a", precision: "float32", now: 1000) == high)
    let raised = memory.raised(low, machine: "a", precision: "float32", now: 2000)
    #expect(raised.gflopsPerS == high.gflopsPerS && raised.disagreement == 0.5 && raised.areRemembered == true)
    // Which were used is said, beside the sentence that they disagree.
    var profile = SampleProfiles.small
    profile.roofs = raised
    #expect(profile.heading.contains("; the best of now and of the last day on this machine\n"), "\(profile.heading)")
    #expect(
      profile.disturbance?.contains("before and after the runs, and the best of the last day on this machine, differ by 50%")
        == true)
    profile.roofs = low
    profile.roofs.areRemembered = false
    #expect(profile.heading.contains("; the best of now, before and after the runs\n"), "\(profile.heading)")
    for (machine, precision, threads, now) in [
      ("b", "float32", low.threads, 2000.0), ("a", "bfloat16", low.threads, 2000), ("a", "float32", low.threads + 1, 2000),
      ("a", "float32", low.threads, 500), ("c", "float32", low.threads, 1000 + RoofMemory.lifetime),
    ] {
      var other = low
      other.threads = threads
      #expect(memory.raised(other, machine: machine, precision: precision, now: now) == other)
    }
    #expect(memory.raised(low, machine: "a", precision: "float32", now: 1001 + RoofMemory.lifetime) == low)
    // In a command, which writes nothing that it reads.
    _ = FileClaims.together { memory.raised(high, machine: "d", precision: "float32", now: 5000) }
    let again = FileClaims.together { memory.raised(low, machine: "d", precision: "float32", now: 6000) }
    #expect(again.gflopsPerS == high.gflopsPerS && again.disagreement == 0.5)
    // A file that is none, and no place at all.
    try AtomicFile.write(Array("broken".utf8), to: folder + "/deep/caches/roofs.json")
    #expect(memory.raised(low, machine: "a", precision: "float32", now: 2000) == low)
    #expect(RoofMemory(folder: nil).raised(low, machine: "a", precision: "float32", now: 2000) == low)
    #expect(RoofMemory(folder: "/dev/null/x").raised(low, machine: "a", precision: "float32", now: 2000) == low)
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
