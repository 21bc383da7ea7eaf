import Networks
import Tensors

extension Network {
  /// The same function with the weights of layers that feed one another brought to like ranges, channel by channel.
  ///
  ///     first layer:  weight[c], bias[c] / s[c]      second layer:  weight[:, c] · s[c]      s[c] = √(r1[c] / r2[c])
  ///
  /// with r1 and r2 the largest magnitudes of the channel's weights in both. Between them stands nothing, or a ReLU, leaky ReLU or PReLU, which
  /// pass a factor above 0 on, and one reader. Twice over all pairs; exact but for the rounding of weights.
  /// - Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019.
  public func equalizingChannels() -> Network {
    var network = preparedForQuantization()
    let editor = NetworkEditor(network)
    var pairs: [(first: Node, second: Node)] = []
    for node in network.nodes {
      guard let place = editor.placeOfOnlyRead(node.inputs.first), let before = editor[place], before.operation.isProduct,
        node.operation.isProduct, before.passesFactors, editor.ownsAlone(before), editor.ownsAlone(node)
      else { continue }
      pairs.append((before, node))
    }
    for _ in 0..<2 { for pair in pairs { network.equalize(pair.first, pair.second) } }
    return network
  }

  private mutating func equalize(_ first: Node, _ second: Node) {
    guard let former = first.operation.linearParts.last, let latter = second.operation.linearParts.first,
      former.outChannels == latter.inChannels, var weight = parameter(.weight, of: first),
      var next = parameter(.weight, of: second),
      weight.dataType == .float32, next.dataType == .float32
    else { return }
    let r1 = former.largest(weight) { $0.output }, r2 = latter.largest(next) { $0.input }
    let scales = zip(r1, r2).map { a, b in
      // What is 0 on one side says nothing.
      a > 0 && b > 0 ? min(max((Double(a) / Double(b)).squareRoot(), 1e-3), 1e3) : 1
    }
    former.scale(&weight) { 1 / scales[$0.output] }
    latter.scale(&next) { scales[$0.input] }
    parameters[first.parameterName(.weight)] = weight
    parameters[second.parameterName(.weight)] = next
    if var bias = parameter(.bias, of: first) {
      bias.withUnsafeMutableFloats { values in
        for channel in values.indices { values[channel] = Float(Double(values[channel]) / scales[channel]) }
      }
      parameters[first.parameterName(.bias)] = bias
    }
  }
}

extension Node {
  /// Whether a factor above 0 on its weights is one on its output.
  fileprivate var passesFactors: Bool {
    guard let steps = operation.epilogue?.steps else { return false }
    return steps.allSatisfy { step in
      switch step {
      case .activation(.relu), .activation(.leakyReLU), .activation(.prelu), .scale: true
      case .activation, .add, .pixelShuffle, .rescale, .requantize, .quantize: false
      }
    }
  }
}

extension Operation {
  fileprivate var isProduct: Bool {
    switch self {
    case .convolution, .transposedConvolution, .linear: true
    default: false
    }
  }
}

extension LinearPart {
  /// The largest magnitude of the weights of each channel of one side.
  fileprivate func largest(_ weight: Tensor, _ side: ((input: Int, output: Int)) -> Int) -> [Float] {
    var result = [Float](repeating: 0, count: max(inChannels, outChannels))
    weight.withUnsafeFloats { values in
      for row in 0..<rows {
        for column in 0..<columns {
          let channel = side(channels(row, column)), start = (row * columns + column) * taps
          for value in values[start..<start + taps] { result[channel] = max(result[channel], abs(value)) }
        }
      }
    }
    return result
  }

  fileprivate func scale(_ weight: inout Tensor, _ factor: ((input: Int, output: Int)) -> Double) {
    weight.withUnsafeMutableFloats { values in
      for row in 0..<rows {
        for column in 0..<columns {
          let factor = factor(channels(row, column)), start = (row * columns + column) * taps
          for place in start..<start + taps { values[place] = Float(Double(values[place]) * factor) }
        }
      }
    }
  }
}
