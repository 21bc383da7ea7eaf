import Networks
import Tensors

/// A residual network of float32 with random parameters, to become one of integers: a head, blocks whose sums feed one another, and a tail. What stands
/// between sums and layers is exact wherever it is computed.
package struct ResidualNetwork {
  package let network: Network
  package let input: Tensor

  package init(_ choices: inout ChoiceSource) throws(NetworkError) {
    let channels = choices.pick([1, 3, 4]), width = choices.pick([8, 16, 24, 36, 64])
    var builder = NetworkBuilder("residual")
    let x = builder.input("x", channels: channels)
    var value = builder.convolution("head", x, outChannels: width, kernel: 3, padding: 1)
    if choices.oneIn(3) { value = builder.activation("head.relu", value, .relu) }
    if choices.oneIn(4) { value = builder.maximumPool("head.pool", value, Pool(kernel: 2)) }
    var skip = value
    for block in 0..<choices.within(1...4) {
      let name = "body.\(block)"
      value = Self.block(name, value, &builder, &choices)
      // Sums of half the size are the beginning of the next.
      if choices.oneIn(5) {
        let small = builder.convolution("\(name).small", value, outChannels: width, kernel: 3, stride: 2, padding: 1)
        let down = builder.convolution("\(name).down", value, outChannels: width, kernel: 1, stride: 2)
        value = builder.add("\(name).half", small, down)
        skip = value
      }
    }
    if choices.oneIn(2) { value = builder.add("skip", value, skip) }
    switch choices.below(5) {
    case 0:
      let wide = builder.convolution("up", value, outChannels: 4 * choices.pick([4, 16]), kernel: 3, padding: 1)
      value = builder.pixelShuffle("shuffle", wide, factor: 2)
    case 1: if width % 4 == 0 { value = builder.pixelShuffle("shuffle", value, factor: 2) }
    case 2: value = builder.concatenation("joined", [value, skip])
    case 3: value = builder.resize("larger", value, .nearest, factor: 2)
    default: break
    }
    value = builder.convolution("tail", value, outChannels: choices.pick([1, 3, 20]), kernel: 3, padding: 1)
    builder.output(value)
    network = try builder.build(.random(seed: UInt64(choices.below(1 << 16))))
    let shape = Shape(
      batch: choices.within(1...2), channels: channels, height: 2 * choices.within(3...6), width: 2 * choices.within(3...14))
    var generator = SplitMix64(seed: UInt64(choices.below(1 << 16)))
    input = Tensor(uniform: shape, bound: 1, using: &generator)
  }

  private static func block(
    _ name: String, _ x: NetworkBuilder.Value, _ builder: inout NetworkBuilder, _ choices: inout ChoiceSource
  ) -> NetworkBuilder.Value {
    let width = x.channels
    let function = choices.pick(
      [ActivationFunction.relu, .leakyReLU(slope: 0.2), .prelu(channels: width), .clip(minimum: -0.5, maximum: 0.7)])
    func layer(_ part: String, _ x: NetworkBuilder.Value) -> NetworkBuilder.Value {
      switch choices.below(4) {
      case 0:
        let middle = builder.convolution(
          "\(name).\(part).depthwise", x, outChannels: x.channels, kernel: 3, padding: 1, groups: x.channels)
        return builder.convolution("\(name).\(part).pointwise", middle, outChannels: width, kernel: 1)
      case 1:
        let middle = builder.convolution("\(name).\(part).select", x, outChannels: width, kernel: 1)
        return builder.convolution(
          "\(name).\(part).kernels", middle, outChannels: width, kernel: 3, padding: 1, groups: width)
      case 2: return builder.convolution("\(name).\(part)", x, outChannels: width, kernel: 1)
      default: return builder.convolution("\(name).\(part)", x, outChannels: width, kernel: 3, padding: 1)
      }
    }
    var branch = builder.activation("\(name).first", layer("a", x), function)
    if choices.oneIn(4) { branch = builder.concatenation("\(name).joined", [x, branch]) }
    branch = layer("b", branch)
    if choices.oneIn(3) { branch = builder.scale("\(name).scaled", branch, by: 0.3) }
    if choices.oneIn(5) { branch = builder.activation("\(name).second", branch, .leakyReLU(slope: 0.1)) }
    if choices.oneIn(6) {
      branch = builder.maximumPool("\(name).pool", branch, Pool(kernel: Pair(3), stride: Pair(1), padding: Padding(1)))
    }
    let sum = choices.oneIn(2) ? builder.add("\(name).sum", x, branch) : builder.add("\(name).sum", branch, x)
    return choices.oneIn(4) ? builder.activation("\(name).third", sum, .relu) : sum
  }
}
