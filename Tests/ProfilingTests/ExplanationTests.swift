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
      near.note
        == "The machine can hardly do more multiply-adds. To change: fewer products: a separable convolution, or fewer channels."
    )
    // A separable one cannot be replaced by another.
    let separable = explained(Sample.layer("a", nanoseconds: 4_000_000, isSeparable: true, .separable))
    #expect(separable.bound == .arithmetic && separable.note == nil)
    let head = explained(
      Sample.layer("head", nanoseconds: 9_000_000, channels: (3, 64), size: 128, kernels: ["head_6x4_avx512", "store"], .head))
    #expect(head.bound == .arithmetic && head.reason.contains("so few input channels make sums so short"))
    let far = explained(Sample.layer("a", nanoseconds: 9_000_000))
    #expect(far.note == "Its kernel stays below the multiply-adds that the machine can do.")
  }

  @Test func winogradIsSaid() {
    let layer = Sample.small.layers[2]
    let explained = explained(layer)
    #expect(explained.bound == .arithmetic && explained.idealNanoseconds == 754_974 && explained.operations == 75_497_472)
    #expect(explained.reason == "Winograd's transforms and stores take the rest of the time")
    #expect(explained.change?.contains("a separable convolution") == true)
  }

  @Test func memory() {
    // 32 MiB from memory at 10 GB/s against 0.13 GFLOP.
    let layer = Sample.layer("p", "pointwise convolution", nanoseconds: 9_000_000, channels: (16, 16), size: 512, kernel: 1)
    let explained = explained(layer)
    #expect(explained.bound == .memory && explained.bytesMoved == 32 << 20)
    #expect(
      explained.note
        == "Its values take longer to move than to compute. To change: bfloat16, which halves the bytes; or smaller images or "
        + "tiles, whose values stay in the cache.")
    // Who has bfloat16 is not told to take it.
    var half = Sample.profile([layer])
    half.precision = "bfloat16"
    #expect(Explanation(half).layers[0].change == "smaller images or tiles, whose values stay in the cache")
    var weights = layer
    weights.traffic.constantBytes = 40 << 20
    #expect(self.explained(weights).reason == "its weights take longer to fetch than to use")
    #expect(self.explained(weights).change?.hasSuffix("a larger batch, for which they are fetched once") == true)
    // The same bytes in rings of rows stay in the cache, which is ten times as fast.
    var cached = layer
    cached.traffic.cachedBytes = layer.traffic.valueBytes
    cached.traffic.valueBytes = 0
    #expect(self.explained(cached).bound == .arithmetic)
  }

  /// What leaves the cache is slower than its arithmetic alone says.
  @Test func memoryBesideArithmetic() {
    // 0.40 GFLOP and 16 MiB: 4.0 ms and 1.7 ms.
    var layer = Sample.layer("last of its group", nanoseconds: 9_000_000, channels: (32, 32), size: 256, kernel: 3, .winograd)
    layer.operations /= 3
    #expect(explained(layer).bound == .arithmetic && explained(layer).reason.hasPrefix("its values go to memory"))
    #expect(explained(layer).change?.hasPrefix("bfloat16") == true)
    // They are not what most of the time is lost to.
    layer.nanoseconds = 19_000_000
    #expect(explained(layer).reason.hasPrefix("Winograd"))
    layer.nanoseconds = 9_000_000
    layer.traffic.cachedBytes = layer.traffic.valueBytes
    layer.traffic.valueBytes = 0
    #expect(explained(layer).reason.hasPrefix("Winograd"))
  }

  /// Winograd's products are float32 in bfloat16, too, at half the rate.
  @Test func kernelsAreHeldAgainstTheRoofOfTheirNumbers() {
    var layer = Sample.layer("a", nanoseconds: 9_000_000)
    layer.unit = .bfloat16Pairs
    var profile = Sample.profile([layer])
    profile.roofs.gflopsPerS = 200
    #expect(profile.arithmeticNanoseconds(layer) == Double(layer.operations) / 200)
    layer.unit = .float32
    #expect(profile.arithmeticNanoseconds(layer) == Double(layer.operations) / 100)
  }

  @Test func launch() {
    var layer = Sample.layer("tiny", nanoseconds: 12_000, channels: (16, 16), size: 4)
    #expect(explained(layer).bound == .launch)
    #expect(explained(layer).reason == "what it does at once takes hardly longer than waking 2 threads and waiting for them")
    layer = Sample.layer("bands", nanoseconds: 40_000, channels: (16, 16), size: 4)
    #expect(explained(layer).bound == .arithmetic)
    let least = explained(Sample.layer("least", nanoseconds: 400, channels: (4, 4), size: 1))
    #expect(least.bound == .launch && least.note == nil && least.change == nil)
    // Waking the threads may take longer than usual.
    var slow = Sample.profile([layer])
    slow.roofs.launchNanoseconds = 20_000
    #expect(Explanation(slow).layers[0].bound == .launch)
    layer.bandCount = 4
    #expect(explained(layer).bound == .launch)
  }

  @Test func oddChannels() {
    let layer = explained(Sample.layer("odd", nanoseconds: 5_000_000, channels: (64, 33)))
    #expect(layer.bound == .oddChannels)
    #expect(layer.reason == "33 of 48 columns are wanted, the rest of each product is padding")
    #expect(layer.change == "take 48 channels, which cost the same, or 32, which cost less")
    #expect(explained(Sample.layer("even", nanoseconds: 5_000_000, channels: (64, 48))).bound == .arithmetic)
    #expect(explained(Sample.layer("nearly", nanoseconds: 5_000_000, channels: (64, 45))).bound == .arithmetic)
  }

  @Test func fallbackKernels() {
    var grouped = Sample.layer("groups", nanoseconds: 5_000_000, groups: 4)
    #expect(explained(grouped).bound == .arithmetic)
    grouped.operations = 5 * grouped.multiplyAccumulates
    let groups = explained(grouped)
    #expect(groups.bound == .fallbackKernel)
    #expect(groups.reason == "register tiles reach over several of its 4 groups: 2.5 times the products, the others with zeros")
    var shuffle = Sample.layer("shuffle", "pixel shuffle", nanoseconds: 900_000, kernels: ["pixel_shuffle"])
    shuffle.convolution = nil
    shuffle.multiplyAccumulates = 0
    shuffle.operations = 0
    shuffle.isVectorised = false
    #expect(
      explained(shuffle).bound == .fallbackKernel && explained(shuffle).reason.contains("pixel_shuffle has no vector form"))
    var apart = Sample.layer("separable", nanoseconds: 5_000_000, isSeparable: true)
    apart.stepCount = 2
    #expect(explained(apart).bound == .fallbackKernel && explained(apart).reason.contains("one after the other"))
    let copy = Sample.small.layers[0]
    #expect(explained(copy).bound == .copy)
  }

  @Test func theTextIsATableNotesAndASummary() throws {
    let profile = Sample.small
    let lines = Explanation(profile).text().dropFirst(profile.heading.count + 1).split(
      separator: "\n", omittingEmptySubsequences: false)
    let expected = [
      "layer               operation      time     ideal  of roof   GFLOP    moved    bound by  see",
      "copy of x                copy  400.0 us   21.0 us       5%      --  2.0 MiB        copy    1",
      "a          convolution + relu   4.00 ms   3.02 ms      75%    0.30  2.0 MiB  arithmetic    2",
      "b                 convolution   2.50 ms  755.0 us      30%  0.0755  2.0 MiB  arithmetic    3",
      "engine                         100.0 us",
      "in all                          7.00 ms   3.80 ms",
      "",
      "1  (1 layer, 379.0 us above the ideal) A copy into another layout, which no arithmetic needs. To change: values of more than 4 "
        + "channels need none between layers; at the network's ends it cannot be avoided.",
      "2  (1 layer, 980.1 us above the ideal) The machine can hardly do more multiply-adds. To change: fewer products: a separable "
        + "convolution, or fewer channels.",
      "3  (1 layer, 1.75 ms above the ideal) Winograd's transforms and stores take the rest of the time. To change: fewer products: a "
        + "separable convolution, or fewer channels.",
      "",
      "Most is to be gained in b (1.75 ms), a (980.1 us), copy of x (379.0 us).",
      "",
    ]
    #expect(lines.map(String.init) == expected)
    // What is true of several layers is said once.
    let twice = Explanation(Sample.profile([profile.layers[1], profile.layers[1]])).text()
    // Layers that are alike share a line.
    let line = twice.split(separator: "\n").first { $0.hasPrefix("a (x2)  convolution + relu") }
    #expect(
      line?.split(separator: " ").joined(separator: " ")
        == "a (x2) convolution + relu 8.00 ms 6.04 ms 75% 0.60 4.0 MiB arithmetic 1", "\(twice)")
    #expect(twice.hasSuffix("Most is to be gained in a (x2) (1.96 ms).\n"))
    let each = Explanation(Sample.profile([profile.layers[1], profile.layers[1]])).text(groupsAlike: false)
    #expect(each.contains("\na       convolution + relu   4.00 ms") && each.contains("\n1  (2 layers"), "\(each)")
    for width in [40, 80, 120] {
      let notes = try #require(
        Explanation(profile).text(width: width).split(separator: "\n\n").dropLast().last?.split(separator: "\n"))
      #expect(notes.allSatisfy { $0.count <= width } && notes.count > 3)
      #expect(notes.joined(separator: " ").split(separator: " ") == lines[7...9].joined(separator: " ").split(separator: " "))
    }
    #expect(twice.contains("\n1  (2 layers, 1.96 ms above the ideal) The machine") && !twice.contains("\n2  "))
  }
}

@Suite struct PairExplanationTests {
  private typealias Sample = SampleProfiles

  private var standard: Profile.Layer { Sample.layer("body.0.a", nanoseconds: 4_000_000) }
  private var parts: [Profile.Layer] {
    [
      Sample.layer(
        "body.0.a.depthwise", "depthwise convolution", nanoseconds: 600_000, kernels: ["depthwise_avx512", "store"], groups: 64,
        .depthwise),
      Sample.layer("body.0.a.pointwise", "pointwise convolution + relu", nanoseconds: 700_000, kernel: 1, .products),
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
    #expect(pair.reasons[0].reason.hasPrefix("Winograd's transforms save the larger layer most of its multiply-adds already"))
    #expect(pair.reasons[1].reason == "it is 2 passes, between which values are written to memory and read again")
    #expect(pair.reasons[1].change?.hasPrefix("let its parts be one") == true)
    #expect(
      pair.isNotFaster && explanation.text().contains("1 of the 1 layers that became smaller did not become faster: body.0.a."))
    #expect(explanation.text().contains("body.0.a  1.00 ms  1.30 ms  1.30           0.13  0.51   2.00  1, 2\n"))
    #expect(explanation.text().contains("It takes 1.40 ms instead of 1.10 ms: 1.27 of the time."))
  }

  @Test func oneThatIsFasterByWhatItsArithmeticPromisesHasNone() {
    let fused = Sample.layer(
      "body.0.a.depthwise", "separable convolution + relu", nanoseconds: 600_000, kernel: 1, isSeparable: true)
    let explanation = PairExplanation(Sample.profile([standard]), Sample.profile([fused]))
    #expect(explanation.pairs[0].reasons.isEmpty)
    #expect(explanation.text().contains("Every layer that became smaller became faster."))
  }

  /// A time in proportion to what is really done needs no other reason.
  @Test func winogradAloneExplainsWhatIsInProportionToIt() {
    var winograd = standard
    winograd.operations /= 4
    winograd.nanoseconds = 1_000_000
    let fused = Sample.layer("body.0.a", "separable convolution", nanoseconds: 550_000, kernel: 1, isSeparable: true)
    let pair = PairExplanation(Sample.profile([winograd]), Sample.profile([fused])).pairs[0]
    #expect(pair.reasons.count == 1 && pair.reasons[0].reason.hasPrefix("Winograd") && !pair.isNotFaster)
  }

  /// Pairs of one kind share a line; what most of them say is said of all.
  @Test func pairsThatAreAlikeShareALine() {
    var first: [Profile.Layer] = [], second: [Profile.Layer] = []
    for (index, nanoseconds) in [900_000, 900_000, 90_000].enumerated() {
      var layer = standard,
        small = Sample.layer("l", "separable convolution", nanoseconds: nanoseconds, kernel: 1, isSeparable: true)
      layer.name = "body.\(index)"
      layer.nanoseconds = 1_000_000
      small.name = layer.name
      first.append(layer)
      second.append(small)
    }
    first.append(Sample.layer("tail", nanoseconds: 100_000, size: 32))
    second.append(Sample.layer("tail", nanoseconds: 100_000, size: 32))
    let explanation = PairExplanation(Sample.profile(first), Sample.profile(second))
    let lines = explanation.text().split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("body.0 (x3)   3.00 ms   1.89 ms  0.63") }, "\(explanation.text())")
    #expect(lines.contains { $0.hasPrefix("tail         100.0 us  100.0 us  1.00") })
    #expect(!lines.contains { $0.hasPrefix("body.1 ") })
    let each = explanation.text(groupsAlike: false).split(separator: "\n")
    for name in ["body.0 ", "body.1 ", "body.2 "] { #expect(each.contains { $0.hasPrefix(name) }) }
    for width in [60, 80, 120] {
      let longest = explanation.text(width: width).split(separator: "\n").map(\.count).max() ?? 0
      #expect(longest <= width, "\(longest) characters for \(width)")
    }
  }

  @Test func layersWithoutMultiplyAddsHaveNoRatioOfThem() {
    let copy = Sample.small.layers[0]
    let explanation = PairExplanation(Sample.profile([copy]), Sample.profile([copy]))
    #expect(explanation.pairs[0].arithmeticRatio == nil && explanation.pairs[0].reasons.isEmpty)
    #expect(explanation.text().hasSuffix("No layer of b has fewer multiply-adds than its like in a.\n"))
  }

  /// Which has more, and which layers stand alone, is told either way round.
  @Test func whatHasMoreIsTold() {
    let small = Sample.layer("body.0.a", "separable convolution", nanoseconds: 900_000, kernel: 1, isSeparable: true)
    let extra = Sample.layer("sum", "add", nanoseconds: 1000, channels: (1, 1))
    var a = Sample.profile([standard, extra]), b = Sample.profile([small])
    (a.parameterCount, b.parameterCount) = (40_000, 10_000)
    let down = PairExplanation(a, b).text(), up = PairExplanation(b, a).text(), same = PairExplanation(a, a).text()
    #expect(down.contains("b has 10,000 parameters, a 40,000: 4.00 times fewer; multiply-adds: "), "\(down)")
    #expect(up.contains("b has 40,000 parameters, a 10,000: 4.00 times more; multiply-adds: "), "\(up)")
    #expect(same.contains("b has 40,000 parameters, a 40,000: as many; multiply-adds: as many."), "\(same)")
    #expect(down.contains("a alone has sum.") && up.contains("b alone has sum.") && !same.contains(" alone has "))
    b.input = "1x3x9x9"
    #expect(PairExplanation(a, b).conditions == ["They were not given one input: a had 1x64x64x64, b had 1x3x9x9."])
  }

  @Test func networksWithoutCommonNamesSaySo() {
    let explanation = PairExplanation(Sample.profile([standard]), Sample.profile([Sample.layer("x", nanoseconds: 1)]))
    #expect(explanation.text().contains("No layers of the two bear the same names"))
  }
}
