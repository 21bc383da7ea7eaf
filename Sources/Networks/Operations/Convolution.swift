import Tensors

/// Two values, one along the height and one along the width.
public struct Pair: Hashable, Codable, Sendable {
  public var height: Int
  public var width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// The same value along both axes.
  public init(_ both: Int) { self.init(height: both, width: both) }
}

/// Zeros put around an image, in pixels.
public struct Padding: Hashable, Codable, Sendable {
  public var top: Int
  public var left: Int
  public var bottom: Int
  public var right: Int

  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// The same on all four sides.
  public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }
}

/// 2-D convolution (cross-correlation) with optional bias and epilogue.
///
///     y[n, o, i, j] = bias[o] + Σ over c, u, v of weight[o, c, u, v] · x[n, g·C + c, i·s + u·d - p, j·s + v·d - p]
///
/// with `C = inChannels / groups`, `g` the group of `o`, stride `s`, dilation `d`, padding `p` (zeros).
/// - Input: `[N, inChannels, H, W]`, then one tensor of the output's shape before any pixel shuffle for each `.add` of the epilogue.
/// - Parameters: `weight [outChannels, inChannels / groups, kernel.height, kernel.width]`; `bias [outChannels]` when `hasBias`.
/// - Output: height `(H + top + bottom - dilation · (kernel - 1) - 1) / stride + 1` rounded down, the width likewise.
/// - Cost: `N · outChannels · outHeight · outWidth · kernel.height · kernel.width · inChannels / groups` MACs.
public struct Convolution: Hashable, Codable, Sendable {
  public var inChannels: Int
  public var outChannels: Int
  public var kernel: Pair
  public var stride: Pair
  public var padding: Padding
  public var dilation: Pair
  public var groups: Int
  public var hasBias: Bool
  /// What is done to each output value before it is stored; empty until a fusing pass fills it.
  public var epilogue: Epilogue

  public init(
    inChannels: Int, outChannels: Int, kernel: Pair, stride: Pair = Pair(1), padding: Padding = Padding(0),
    dilation: Pair = Pair(1), groups: Int = 1, hasBias: Bool = true, epilogue: Epilogue = Epilogue()
  ) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
    self.hasBias = hasBias
    self.epilogue = epilogue
  }
}

/// What rides on the kernel that produces a value: steps applied to each output element, in order.
public struct Epilogue: Hashable, Codable, Sendable {
  public enum Step: Hashable, Codable, Sendable {
    case activation(ActivationFunction)
    /// Multiplication by a constant.
    case scale(Float)
    /// Addition of the node's next extra input.
    case add
    /// Pixel shuffle by the factor; the last step.
    case pixelShuffle(Int)
  }

  public var steps: [Step]

  public init(_ steps: [Step] = []) { self.steps = steps }

  public var isEmpty: Bool { steps.isEmpty }
  /// The number of extra inputs that the steps take.
  public var extraInputCount: Int { steps.count { $0 == .add } }
  /// The factor of the closing pixel shuffle, 1 without one.
  public var pixelShuffleFactor: Int {
    if case .pixelShuffle(let factor)? = steps.last { factor } else { 1 }
  }
}
