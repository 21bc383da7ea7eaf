import Profiling
import Swiftlet
import Testing

@Suite struct ExplanationTests {
  @Test func printAll() {
    typealias S = SampleProfiles
    print(Explanation(S.small).text)
    var odd = S.layer("odd", nanoseconds: 5_000_000, channels: (64, 33))
    var plain = S.layer("shuffle", "pixel shuffle", nanoseconds: 900_000, kernels: ["pixel_shuffle"])
    plain.convolution = nil; plain.multiplyAccumulates = 0; plain.operations = 0; plain.isVectorised = false
    let groups = S.layer("groups", nanoseconds: 5_000_000, groups: 4)
    let tiny = S.layer("tiny", nanoseconds: 12_000, channels: (16, 16), size: 4)
    let big = S.layer("pointwise", "pointwise convolution", nanoseconds: 9_000_000, channels: (16, 16), size: 512, kernel: 1)
    let head = S.layer("head", nanoseconds: 9_000_000, channels: (3, 64), size: 128, kernels: ["head_6x4_avx512", "store"])
    odd.bandCount = 1
    print(Explanation(S.profile([odd, plain, groups, tiny, big, head])).text)
    let a = S.layer("body.0.a", nanoseconds: 4_000_000)
    var wa = a; wa.operations /= 4; wa.nanoseconds = 1_000_000
    let d = S.layer("body.0.a.depthwise", "depthwise convolution", nanoseconds: 600_000, kernels: ["depthwise_avx512", "store"], groups: 64)
    let p = S.layer("body.0.a.pointwise", "pointwise convolution + relu", nanoseconds: 700_000, kernel: 1)
    print(PairExplanation(S.profile([a]), S.profile([d, p])).text)
    print(PairExplanation(S.profile([wa]), S.profile([d, p], model: "small")).text)
  }
}
