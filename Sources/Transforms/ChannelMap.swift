import Networks
import Tensors

/// `y[c] = scale[c] · x[c] + shift[c]` in Double: what a batch norm, an affine and a scaling all are in inference.
struct ChannelMap: Equatable {
  /// One value a channel, or one for all where `isUniform`.
  var scale: [Double]
  var shift: [Double]
  /// A scaling, which knows no channels.
  var isUniform: Bool

  /// The map of a node; nil where it is no such operation, or parameters are missing.
  init?(_ node: Node, in network: Network) {
    /// A parameter of one number a channel.
    func vector(_ role: ParameterRole, _ channels: Int) -> Tensor? {
      network.parameter(role, of: node).flatMap { $0.dataType == .float32 && $0.count == channels ? $0 : nil }
    }
    switch node.operation {
    case .scale(let payload):
      self.init(scale: [Double(payload.factor)], shift: [0], isUniform: true)
    case .channelAffine(let payload):
      guard let scale = vector(.scale, payload.channels), let shift = vector(.shift, payload.channels) else { return nil }
      self.init(scale: scale.floats.map(Double.init), shift: shift.floats.map(Double.init), isUniform: false)
    case .batchNorm(let payload):
      guard let weight = vector(.weight, payload.channels), let bias = vector(.bias, payload.channels),
        let mean = vector(.runningMean, payload.channels), let variance = vector(.runningVariance, payload.channels)
      else { return nil }
      let affine = payload.affine(weight: weight, bias: bias, mean: mean, variance: variance)
      self.init(scale: affine.scale, shift: affine.shift, isUniform: false)
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .activation, .add, .concatenation, .pixelShuffle,
      .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
      .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant, .matrixMultiply, .integer, .training:
      return nil
    }
  }

  /// The map of a depthwise convolution of kernel 1x1; nil where tensors do not fit.
  init?(depthwise payload: Convolution, weight: Tensor, bias: Tensor?) {
    guard weight.dataType == .float32, weight.count == payload.outChannels, payload.hasBias == (bias != nil),
      bias.map({ $0.dataType == .float32 && $0.count == payload.outChannels }) ?? true
    else { return nil }
    let shift = bias.map { $0.floats.map(Double.init) } ?? Array(repeating: 0, count: payload.outChannels)
    self.init(scale: weight.floats.map(Double.init), shift: shift, isUniform: false)
  }

  private init(scale: [Double], shift: [Double], isUniform: Bool) {
    self.scale = scale
    self.shift = shift
    self.isUniform = isUniform
  }

  /// Whether zero stays zero.
  var keepsZero: Bool { shift.allSatisfy { $0 == 0 } }

  func scale(_ channel: Int) -> Double { isUniform ? scale[0] : scale[channel] }
  func shift(_ channel: Int) -> Double { isUniform ? shift[0] : shift[channel] }

  /// This map and then the other; nil where their channels differ.
  func followed(by next: ChannelMap) -> ChannelMap? {
    guard isUniform || next.isUniform || scale.count == next.scale.count else { return nil }
    let channels = isUniform ? next.scale.count : scale.count
    return ChannelMap(
      scale: (0..<channels).map { scale($0) * next.scale($0) },
      shift: (0..<channels).map { shift($0) * next.scale($0) + next.shift($0) }, isUniform: isUniform && next.isUniform)
  }
}
