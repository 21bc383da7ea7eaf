import Tensors

/// What a node computes. One payload struct a case, each in its own file under Operations/ with its formula, shape rule and cost.
///
/// The vocabulary is PyTorch's: tensors are NCHW, "convolution" is cross-correlation. Switches over this enum have no `default`,
/// so that a new operation is a list of compiler errors and not a surprise.
public enum Operation: Hashable, Sendable {
  case convolution(Convolution)
  case transposedConvolution(TransposedConvolution)
  case linear(Linear)
  case batchNorm(BatchNorm)
  case activation(ActivationFunction)
  case scale(Scale)
  case channelAffine(ChannelAffine)
  case add
  case concatenation
  case pixelShuffle(PixelShuffle)
  case pixelUnshuffle(PixelUnshuffle)
  case resize(Resize)
  case maximumPool(Pool)
  case averagePool(Pool)
  case globalAveragePool
  case flatten

  /// The payload as what every operation can answer.
  package var definition: any OperationDefinition {
    switch self {
    case .convolution(let payload): payload
    case .transposedConvolution(let payload): payload
    case .linear(let payload): payload
    case .batchNorm(let payload): payload
    case .activation(let payload): payload
    case .scale(let payload): payload
    case .channelAffine(let payload): payload
    case .add: Addition()
    case .concatenation: Concatenation()
    case .pixelShuffle(let payload): payload
    case .pixelUnshuffle(let payload): payload
    case .resize(let payload): payload
    case .maximumPool(let payload): MaximumPool(pool: payload)
    case .averagePool(let payload): AveragePool(pool: payload)
    case .globalAveragePool: GlobalAveragePool()
    case .flatten: Flatten()
    }
  }
}

/// What every operation answers about itself.
package protocol OperationDefinition: Sendable {
  /// The term users read: `convolution`, `pixelShuffle`.
  var typeName: String { get }
  /// The number of inputs it takes.
  var inputCount: ClosedRange<Int> { get }
  /// The parameters it owns, by role (`weight`, `bias`), in a fixed order; the tensor of role r of node n is named `n.r`.
  var parameters: [ParameterRole] { get }
  /// The shape of the output. Throws a reason, without the node's name, where the inputs do not fit.
  func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape
  /// Multiply-accumulate operations of one evaluation. Additions, activations and copies count none.
  func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int
}

/// A parameter that an operation owns.
public struct ParameterRole: Hashable, Sendable {
  /// `weight`, `bias`, `runningMean` …
  public var name: String
  public var shape: Shape
  /// False for the running statistics of a batch norm, which count as buffers and not as parameters.
  public var isTrainable: Bool

  public init(_ name: String, _ shape: Shape, isTrainable: Bool = true) {
    self.name = name
    self.shape = shape
    self.isTrainable = isTrainable
  }
}

/// Why the inputs of an operation do not fit it.
public struct ShapeMismatch: Error, Hashable, Sendable {
  public var reason: String
  public init(_ reason: String) { self.reason = reason }
}
