@testable import Profiling
import Swiftlet
import Testing

@Suite struct ExplanationTests {
  private typealias Sample = SampleProfiles

  private func explained(_ layer: Profile.Layer) -> Explanation.Layer { Explanation(Sample.profile([layer])).layers[0] }

  @Test func arithmetic() {
    let near = explained(Sample.layer("a", nanoseconds: 4_000_000))
    #expect(near.bound == .arithmetic && near.idealNanoseconds == 3_019_898)
    #expect(
      near.text
        == "a, convolution + relu: 4.00 ms, an ideal kernel 3.02 ms; bound by arithmetic: its 0.30 GFLOP take 3.02 ms at "
        + "the machine's 100 GFLOP/s. To change: only fewer products help: a separable convolution, or fewer channels.")
    // A separable one cannot be replaced by another.
    let separable = explained(Sample.layer("a", nanoseconds: 4_000_000, isSeparable: true))
    #expect(separable.bound == .arithmetic && separable.change == nil)
    let head = explained(
      Sample.layer("head", nanoseconds: 9_000_000, channels: (3, 64), size: 128, kernels: ["head_6x4_avx512", "store"]))
    #expect(head.bound == .arithmetic && head.reason.contains("3 input channels make sums so short"))
  }

  @Test func winogradIsSaid() {
    let layer = Sample.small.layers[2]
    let explained = explained(layer)
    #expect(explained.bound == .arithmetic && explained.idealNanoseconds == 754_974)
    #expect(explained.reason.contains("its 0.0755 GFLOP by Winograd (written: 0.30) take 755.0 us"))
    #expect(explained.change?.contains("Winograd's transforms") == true)
  }

  @Test func memory() {
    // 32 MiB from memory at 10 GB/s against 0.13 GFLOP.
    let layer = Sample.layer("p", "pointwise convolution", nanoseconds: 9_000_000, channels: (16, 16), size: 512, kernel: 1)
    let explained = explained(layer)
    #expect(explained.bound == .memory)
    #expect(
      explained.reason.hasPrefix(
        "bound by memory: its 32.0 MiB take 3.36 ms, its 0.13 GFLOP only 1.34 ms; it reaches 37.28% of that"))
    // The same bytes in rings of rows stay in the cache, which is ten times as fast.
    var cached = layer
    cached.traffic.cachedBytes = layer.traffic.valueBytes
    cached.traffic.valueBytes = 0
    #expect(self.explained(cached).bound == .arithmetic)
  }

  @Test func launch() {
    var layer = Sample.layer("tiny", nanoseconds: 12_000, channels: (16, 16), size: 4)
    #expect(explained(layer).bound == .launch)
    #expect(explained(layer).reason == "too small: 12.0 us is about what it costs to wake 2 threads and wait for them")
    layer = Sample.layer("bands", nanoseconds: 40_000, channels: (16, 16), size: 4)
    #expect(explained(layer).bound == .arithmetic)
    let least = explained(Sample.layer("least", nanoseconds: 400, channels: (4, 4), size: 1))
    #expect(least.reason == "too small to matter" && least.change == nil)
    // Waking the threads may take longer than usual.
    var slow = Sample.profile([layer])
    slow.roofs.launchNanoseconds = 20_000
    #expect(Explanation(slow).layers[0].bound == .launch)
    layer.bandCount = 4
    #expect(explained(layer).bound == .launch && explained(layer).reason.contains("10.0 us a band, in 4 bands"))
  }

  @Test func oddChannels() {
    let layer = explained(Sample.layer("odd", nanoseconds: 5_000_000, channels: (64, 33)))
    #expect(layer.bound == .oddChannels)
    #expect(layer.reason == "bound by odd channels: 33 of 48 columns are wanted, the rest of each product is padding")
    #expect(layer.change == "take 48 channels, which cost the same, or 32, which cost less")
    #expect(explained(Sample.layer("even", nanoseconds: 5_000_000, channels: (64, 48))).bound == .arithmetic)
    #expect(explained(Sample.layer("nearly", nanoseconds: 5_000_000, channels: (64, 45))).bound == .arithmetic)
  }

  @Test func fallbackKernels() {
    let groups = explained(Sample.layer("groups", nanoseconds: 5_000_000, groups: 4))
    #expect(groups.bound == .fallbackKernel && groups.reason.contains("4 groups run as one dense product"))
    var shuffle = Sample.layer("shuffle", "pixel shuffle", nanoseconds: 900_000, kernels: ["pixel_shuffle"])
    shuffle.convolution = nil
    shuffle.multiplyAccumulates = 0
    shuffle.operations = 0
    shuffle.isVectorised = false
    #expect(
      explained(shuffle).bound == .fallbackKernel && explained(shuffle).reason.contains("pixel_shuffle has no vector form"))
    var apart = Sample.layer("separable", nanoseconds: 5_000_000, isSeparable: true)
    apart.stepCount = 2
    #expect(explained(apart).bound == .fallbackKernel && explained(apart).reason.contains("in 2 passes"))
    let copy = Sample.small.layers[0]
    #expect(explained(copy).bound == .copy)
  }

  @Test func theSummaryNamesWhatIsToBeGained() {
    let text = Explanation(Sample.small).text
    #expect(
      text.contains("In all 7.00 ms; kernels at their roofs would take 3.80 ms. Between the layers the engine spends 100.0 us.")
    )
    #expect(text.contains("Most is to be gained in b (1.75 ms), a (980.1 us), copy of x (379.0 us)."))
  }
}

@Suite struct PairExplanationTests {
  private typealias Sample = SampleProfiles

  private var standard: Profile.Layer { Sample.layer("body.0.a", nanoseconds: 4_000_000) }
  private var parts: [Profile.Layer] {
    [
      Sample.layer(
        "body.0.a.depthwise", "depthwise convolution", nanoseconds: 600_000, kernels: ["depthwise_avx512", "store"], groups: 64),
      Sample.layer("body.0.a.pointwise", "pointwise convolution + relu", nanoseconds: 700_000, kernel: 1),
    ]
  }

  @Test func layersAreMatchedByTheNamesTheyShare() {
    let copy = Sample.small.layers[0]
    let first = Sample.profile([standard, Sample.layer("tail", nanoseconds: 1000)])
    let second = Sample.profile([copy] + parts + [Sample.layer("body.0.ab", nanoseconds: 1000)])
    let groups = LayerMatching(first, second).groups
    #expect(groups.map(\.name) == ["body.0.a", "tail", "x", "body.0.ab"])
    #expect(groups[0].second.map(\.name) == ["body.0.a.depthwise", "body.0.a.pointwise"])
    let rows = ProfileDifference(first, second).rows
    #expect(rows.map(\.name) == ["body.0.a", "tail", "x", "body.0.ab", "engine", "total"])
    #expect(rows[0].ratio == 0.325 && rows[1].secondNanoseconds == nil && rows[2].firstNanoseconds == nil)
  }

  @Test func aSmallerLayerThatIsNotFasterHasReasons() {
    var winograd = standard
    winograd.operations /= 4
    winograd.nanoseconds = 1_000_000
    let explanation = PairExplanation(Sample.profile([winograd]), Sample.profile(parts, model: "small"))
    let pair = explanation.pairs[0]
    #expect(pair.timeRatio == 1.3)
    #expect(pair.reasons[0].hasPrefix("its 7.9 times fewer multiply-adds are 2.0 times fewer in fact, as Winograd"))
    #expect(pair.reasons[1] == "it is 2 passes, between which 2.0 MiB are written and read again")
    #expect(pair.changes[0].hasPrefix("let its parts be one"))
    #expect(explanation.text.contains("1 of the layers that became smaller did not become faster: body.0.a."))
    #expect(explanation.text.contains("It takes 1.40 ms instead of 1.10 ms: 1.27 of the time."))
  }

  @Test func oneThatIsFasterByWhatItsArithmeticPromisesHasNone() {
    let fused = Sample.layer(
      "body.0.a.depthwise", "separable convolution + relu", nanoseconds: 600_000, kernel: 1, isSeparable: true)
    let explanation = PairExplanation(Sample.profile([standard]), Sample.profile([fused]))
    #expect(explanation.pairs[0].reasons.isEmpty && explanation.pairs[0].changes.isEmpty)
    #expect(explanation.text.contains("Every layer that became smaller became faster."))
  }

  @Test func networksWithoutCommonNamesSaySo() {
    let explanation = PairExplanation(Sample.profile([standard]), Sample.profile([Sample.layer("x", nanoseconds: 1)]))
    #expect(explanation.text.contains("No layers of the two bear the same names"))
  }
}
