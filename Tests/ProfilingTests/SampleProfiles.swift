import Execution
import Swiftlet

/// Profiles made by hand, of round numbers: 100 GFLOP/s, 10 GB/s from memory, 100 GB/s from the last-level cache, 2 threads.
enum SampleProfiles {
  static let roofs = Roofs(
    isa: "avx512", threads: 2, gflopsPerS: 100, memoryGbPerS: 10, cacheGbPerS: 100, launchNanoseconds: 2_000)

  static func layer(
    _ name: String, _ operation: String = "convolution + relu", nanoseconds: Int, channels: (Int, Int) = (64, 64),
    size: Int = 64,
    kernels: [String] = ["gather_6x4_avx512", "store"], kernel: Int = 3, groups: Int = 1, isSeparable: Bool = false,
    _ method: Work.Method = .gatheredProducts
  ) -> Profile.Layer {
    var layer = Profile.Layer(
      name, operation: operation, kernels: kernels,
      inputShapes: [Shape(channels: channels.0, height: size, width: size)],
      outputShape: Shape(channels: channels.1, height: size, width: size), nanoseconds: nanoseconds)
    layer.method = method
    layer.unit = .float32
    layer.convolution = Profile.Layer.Convolution(
      inChannels: channels.0, outChannels: channels.1, kernel: [kernel, kernel], groups: groups, isSeparable: isSeparable)
    layer.multiplyAccumulates = size * size * channels.0 / groups * channels.1 * kernel * kernel
    layer.operations = 2 * layer.multiplyAccumulates
    layer.traffic.valueBytes = size * size * (channels.0 + channels.1) * 4
    layer.traffic.heldBytes = size * size * channels.1 * 4
    return layer
  }

  static func profile(_ layers: [Profile.Layer], model: String = "sample", engine: Int = 100_000) -> Profile {
    let whole = layers.reduce(engine) { $0 + $1.nanoseconds }
    return Profile(
      model: model, input: "1x64x64x64", cpu: "a processor", warmup: 3, runs: 10,
      parameterCount: 36928, sessionBytes: 5 << 20, roofs: roofs, nanoseconds: whole, plainNanoseconds: whole - 1000,
      layers: layers)
  }

  /// A copy in front, two layers in two bands each, and what lies between them.
  static var small: Profile {
    var copy = Profile.Layer(
      "copy of x", operation: "copy", kernels: ["copy"], inputShapes: [[1, 64, 64, 64]], outputShape: [1, 64, 64, 64],
      nanoseconds: 400_000)
    copy.isCopy = true
    copy.isVectorised = false
    copy.traffic.valueBytes = 2 << 20
    var first = layer("a", nanoseconds: 4_000_000)
    first.bandCount = 2
    var second = layer(
      "b", "convolution", nanoseconds: 2_500_000,
      kernels: ["winograd_input_4", "multiply_6x4_avx512", "winograd_output_4"], .winograd)
    second.operations /= 4
    second.bandCount = 2
    var profile = profile([copy, first, second])
    profile.events = [
      Profile.Event(layer: 0, start: 50_000, duration: 400_000, threads: 2),
      Profile.Event(layer: 1, start: 460_000, duration: 2_000_000, threads: 2),
      Profile.Event(layer: 2, start: 2_470_000, duration: 1_250_000, threads: 2),
      Profile.Event(layer: 1, start: 3_730_000, duration: 2_000_000, threads: 2),
      Profile.Event(layer: 2, start: 5_740_000, duration: 1_250_000, threads: 1),
    ]
    return profile
  }
}
