import Tensors

// PROVISIONAL: each struct moves to a file of its own under Operations/ with its formula, shape rule and cost.

/// weight [inChannels, outChannels / groups, kh, kw]; out = (in - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1
public struct TransposedConvolution: Hashable, Codable, Sendable {
  public var inChannels: Int, outChannels: Int
  public var kernel: Pair, stride: Pair, padding: Padding, outputPadding: Pair, dilation: Pair
  public var groups: Int
  public var hasBias: Bool
}
/// [N, inFeatures] -> [N, outFeatures]; weight [outFeatures, inFeatures]
public struct Linear: Hashable, Codable, Sendable { public var inFeatures: Int, outFeatures: Int; public var hasBias: Bool }
/// roles weight, bias (trainable), runningMean, runningVariance
public struct BatchNorm: Hashable, Codable, Sendable { public var channels: Int; public var epsilon: Float }
/// y = factor · x
public struct Scale: Hashable, Codable, Sendable { public var factor: Float }
/// y[c] = scale[c] · x[c] + shift[c]; roles scale, shift; isTrainable false for EDSR's mean shift
public struct ChannelAffine: Hashable, Codable, Sendable { public var channels: Int; public var isTrainable: Bool }
public struct PixelShuffle: Hashable, Codable, Sendable { public var factor: Int }
public struct PixelUnshuffle: Hashable, Codable, Sendable { public var factor: Int }
/// Semantics of PyTorch interpolate(scale_factor), align_corners false; bicubic a = -0.75
public struct Resize: Hashable, Codable, Sendable {
  public enum Method: String, Hashable, Codable, Sendable { case nearest, bilinear, bicubic }
  public var method: Method
  public var factor: Int
}
public struct Pool: Hashable, Codable, Sendable {
  public var kernel: Pair, stride: Pair, padding: Padding
  public var ceilMode: Bool, countIncludesPadding: Bool
}
struct Addition {}
struct Concatenation {}
struct MaximumPool { var pool: Pool }
struct AveragePool { var pool: Pool }
struct GlobalAveragePool {}
struct Flatten {}
