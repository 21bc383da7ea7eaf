import Networks
import Tensors

/// The weights and the bias of an operation that sums products: what a `ChannelMap` before or behind it can be folded into.
///
/// The weights are seen as `[rows, columns, taps]`: each row belongs to one channel of one side, each column to one of the other
/// side within the row's group.
struct LinearPart {
  var weightRole = "weight"
  var biasRole = "bias"
  var hasBias: Bool
  var inChannels: Int
  var outChannels: Int
  var groups = 1
  /// The weights of one pair of channels.
  var taps: Int
  /// Rows are input channels, as in a transposed convolution.
  var rowsAreInputs = false
  /// Whether a constant added to the input is a constant added to the output: every output sums all of its taps.
  var carriesConstants: Bool

  private var rows: Int { rowsAreInputs ? inChannels : outChannels }
  private var columns: Int { (rowsAreInputs ? outChannels : inChannels) / groups }

  /// The channels of the pair in that row and column.
  private func channels(_ row: Int, _ column: Int) -> (input: Int, output: Int) {
    let other = row / (rows / groups) * columns + column
    return rowsAreInputs ? (row, other) : (other, row)
  }

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
  var firstPart: LinearPart? {
    switch self {
    case .convolution(let payload):
      LinearPart(
        hasBias: payload.hasBias, inChannels: payload.inChannels, outChannels: payload.outChannels, groups: payload.groups,
        taps: payload.kernel.height * payload.kernel.width, carriesConstants: payload.padding == Padding(0))
    case .separableConvolution(let payload): payload.order == .depthwiseFirst ? payload.depthwisePart : payload.pointwisePart
    case .transposedConvolution(let payload):
      // How many taps an output sums depends on where it lies.
      LinearPart(
        hasBias: payload.hasBias, inChannels: payload.inChannels, outChannels: payload.outChannels, groups: payload.groups,
        taps: payload.kernel.height * payload.kernel.width, rowsAreInputs: true, carriesConstants: false)
    case .linear(let payload):
      LinearPart(
        hasBias: payload.hasBias, inChannels: payload.inFeatures, outChannels: payload.outFeatures, taps: 1,
        carriesConstants: true)
    case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
      .reshape, .transpose, .reduction, .normalization, .expand, .constant, .matrixMultiply:
      nil
    }
  }

  /// The part whose sums are the operation's output; nil where it sums no products, or an epilogue comes after them.
  var lastPart: LinearPart? {
    guard epilogue?.isEmpty ?? true else { return nil }
    guard case .separableConvolution(let payload) = self else { return firstPart }
    return payload.order == .depthwiseFirst ? payload.pointwisePart : payload.depthwisePart
  }

  /// The operation with the bias of that role.
  func withBias(_ role: String) -> Operation {
    switch self {
    case .convolution(var payload):
      payload.hasBias = true
      return .convolution(payload)
    case .separableConvolution(var payload):
      if role == SeparableConvolution.depthwiseBias { payload.depthwiseHasBias = true } else { payload.pointwiseHasBias = true }
      return .separableConvolution(payload)
    case .transposedConvolution(var payload):
      payload.hasBias = true
      return .transposedConvolution(payload)
    case .linear(var payload):
      payload.hasBias = true
      return .linear(payload)
    case .batchNorm, .activation, .scale, .channelAffine, .add, .concatenation, .pixelShuffle, .pixelUnshuffle, .resize,
      .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
      .reshape, .transpose, .reduction, .normalization, .expand, .constant, .matrixMultiply:
      return self
    }
  }
}

extension SeparableConvolution {
  fileprivate static let depthwiseBias = "depthwiseBias"

  fileprivate var depthwisePart: LinearPart {
    LinearPart(
      weightRole: "depthwiseWeight", biasRole: Self.depthwiseBias, hasBias: depthwiseHasBias, inChannels: depthwiseChannels,
      outChannels: depthwiseChannels, groups: depthwiseChannels, taps: kernel.height * kernel.width,
      carriesConstants: padding == Padding(0))
  }

  fileprivate var pointwisePart: LinearPart {
    LinearPart(
      weightRole: "pointwiseWeight", biasRole: "pointwiseBias", hasBias: pointwiseHasBias, inChannels: inChannels,
      outChannels: outChannels, taps: 1, carriesConstants: true)
  }
}
