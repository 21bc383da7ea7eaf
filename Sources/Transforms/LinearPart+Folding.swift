import Networks
import Tensors

/// What of a `ChannelMap` before or behind can be folded into the weights and the bias.
extension LinearPart {
  /// Weights and bias of the part and the map behind it; nil where a number would not be finite, or a tensor does not fit.
  func followed(by map: ChannelMap, weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?)? {
    guard fits(map, outChannels, weight, bias) else { return nil }
    let scaled = scaled(weight) { map.scale($0.output) }
    guard hasBias || !map.keepsZero else { return finite(scaled, nil) }
    let old = bias?.floats
    let sums = (0..<outChannels).map { Double(old?[$0] ?? 0) * map.scale($0) + map.shift($0) }
    return finite(scaled, Tensor([outChannels], sums.map { Float($0) }))
  }

  /// Weights and bias of the part and the map before it; nil where that is not exact, a number would not be finite, or a tensor
  /// does not fit.
  func preceded(by map: ChannelMap, weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?)? {
    guard fits(map, inChannels, weight, bias), carriesConstants || map.keepsZero else { return nil }
    let scaled = scaled(weight) { map.scale($0.input) }
    guard !map.keepsZero else { return finite(scaled, bias) }
    var sums = [Double](repeating: 0, count: outChannels)
    if let bias { sums = bias.floats.map(Double.init) }
    weight.withUnsafeFloats { weight in
      for row in 0..<rows {
        for column in 0..<columns {
          let pair = channels(row, column)
          let start = (row * columns + column) * taps
          for value in weight[start..<start + taps] { sums[pair.output] += Double(value) * map.shift(pair.input) }
        }
      }
    }
    return finite(scaled, Tensor([outChannels], sums.map { Float($0) }))
  }

  private func fits(_ map: ChannelMap, _ channels: Int, _ weight: Tensor, _ bias: Tensor?) -> Bool {
    (map.isUniform || map.scale.count == channels) && weight.dataType == .float32 && weight.count == rows * columns * taps
      && hasBias == (bias != nil) && bias.map { $0.dataType == .float32 && $0.count == outChannels } ?? true
  }

  private func scaled(_ weight: Tensor, by factor: ((input: Int, output: Int)) -> Double) -> Tensor {
    var result = weight
    result.withUnsafeMutableFloats { values in
      for row in 0..<rows {
        for column in 0..<columns {
          let factor = factor(channels(row, column))
          let start = (row * columns + column) * taps
          for index in start..<start + taps { values[index] = Float(Double(values[index]) * factor) }
        }
      }
    }
    return result
  }

  private func finite(_ weight: Tensor, _ bias: Tensor?) -> (weight: Tensor, bias: Tensor?)? {
    func isFinite(_ tensor: Tensor) -> Bool { tensor.withUnsafeFloats { $0.allSatisfy(\.isFinite) } }
    return isFinite(weight) && bias.map(isFinite) ?? true ? (weight, bias) : nil
  }
}

extension Operation {
  /// The part that reads the first input; nil where the operation sums no products.
  var firstPart: LinearPart? { linearParts.first }

  /// The part whose sums are the operation's output; nil where it sums no products, or an epilogue comes after them.
  var lastPart: LinearPart? { epilogue?.isEmpty ?? true ? linearParts.last : nil }

  /// The operation with the bias of that role.
  func withBias(_ role: ParameterRole) -> Operation {
    switch self {
    case .convolution(var payload):
      payload.hasBias = true
      return .convolution(payload)
    case .separableConvolution(var payload):
      if role == .depthwiseBias { payload.depthwiseHasBias = true } else { payload.pointwiseHasBias = true }
      return .separableConvolution(payload)
    case .transposedConvolution(var payload):
      payload.hasBias = true
      return .transposedConvolution(payload)
    case .linear(var payload):
      payload.hasBias = true
      return .linear(payload)
    case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
      .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer, .training:
      return self
    }
  }
}
