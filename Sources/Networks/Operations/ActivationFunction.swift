import Tensors

/// An elementwise function. Output shape = input shape; no MACs.
public enum ActivationFunction: Hashable, Codable, Sendable {
  /// `max(x, 0)`
  case relu
  /// `x` for `x >= 0`, else `slope · x`
  case leakyReLU(slope: Float)
  /// `x` for `x >= 0`, else `slope[c] · x`; parameter `slope [channels]` (or `[1]`, shared) of the node.
  case prelu(channels: Int)
  /// `min(max(x, minimum), maximum)`
  case clip(minimum: Float, maximum: Float)
  /// `1 / (1 + exp(-x))`
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
}
