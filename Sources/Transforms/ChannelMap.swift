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
    func values(_ role: String) -> [Double]? {
      network.parameter(role, of: node).flatMap { $0.dataType == .float32 ? $0.floats.map(Double.init) : nil }
    }
    switch node.operation {
    case .scale(let payload):
      self.init(scale: [Double(payload.factor)], shift: [0], isUniform: true)
    case .channelAffine(let payload):
      guard let scale = values("scale"), let shift = values("shift"), scale.count == payload.channels,
        shift.count == payload.channels
      else { return nil }
      self.init(scale: scale, shift: shift, isUniform: false)
    case .batchNorm(let payload):
      guard let weight = values("weight"), let bias = values("bias"), let mean = values("runningMean"),
        let variance = values("runningVariance"),
        [weight.count, bias.count, mean.count, variance.count].allSatisfy({ $0 == payload.channels })
      else { return nil }
      let factors = zip(weight, variance).map { $0 / ($1 + Double(payload.epsilon)).squareRoot() }
      let shift = (0..<payload.channels).map { bias[$0] - mean[$0] * factors[$0] }
      self.init(scale: factors, shift: shift, isUniform: false)
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .activation, .add, .concatenation, .pixelShuffle,
      .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten, .binary, .slice, .pad, .softmax,
      .reshape, .transpose, .reduction, .normalization, .expand, .constant, .matrixMultiply:
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
