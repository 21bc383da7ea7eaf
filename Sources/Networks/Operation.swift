import Tensors

/// What a node computes. One payload struct a case, each in its own file under Operations/ with its formula, type rule and cost.
///
/// The vocabulary is PyTorch's: tensors are NCHW, "convolution" is cross-correlation. Switches over this enum have no `default`,
/// so that a new operation is a list of compiler errors and not a surprise.
public enum Operation: Hashable, Sendable {
  case convolution(Convolution)
  case separableConvolution(SeparableConvolution)
  case transposedConvolution(TransposedConvolution)
  case linear(Linear)
  case batchNorm(BatchNorm)
  case activation(ActivationFunction)
  case scale(Scale)
  case channelAffine(ChannelAffine)
  case add
  case binary(BinaryFunction)
  case matrixMultiply
  case concatenation(Concatenation)
  case pixelShuffle(PixelShuffle)
  case pixelUnshuffle(PixelUnshuffle)
  case resize(Resize)
  case maximumPool(Pool)
  case averagePool(Pool)
  case globalAveragePool
  case flatten
  case slice(Slice)
  case pad(Pad)
  case softmax(Softmax)
  case reshape(Reshape)
  case transpose(Transpose)
  case reduction(Reduction)
  case maximumIndex(MaximumIndex)
  case normalization(Normalization)
  case expand(Expand)
  case constant(Constant)
  /// What makes integers of 8 bits, and reckons with them.
  case integer(IntegerOperation)
  /// What only networks hold that are trained.
  indirect case training(TrainingOperation)

  /// The payload as what every operation can answer.
  package var definition: any OperationDefinition {
    switch self {
    case .convolution(let payload): payload
    case .separableConvolution(let payload): payload
    case .transposedConvolution(let payload): payload
    case .linear(let payload): payload
    case .batchNorm(let payload): payload
    case .activation(let payload): payload
    case .scale(let payload): payload
    case .channelAffine(let payload): payload
    case .add: Addition()
    case .binary(let function): BinaryOperation(function: function)
    case .matrixMultiply: MatrixMultiply()
    case .concatenation(let payload): payload
    case .pixelShuffle(let payload): payload
    case .pixelUnshuffle(let payload): payload
    case .resize(let payload): payload
    case .maximumPool(let payload): MaximumPool(pool: payload)
    case .averagePool(let payload): AveragePool(pool: payload)
    case .globalAveragePool: GlobalAveragePool()
    case .flatten: Flatten()
    case .slice(let payload): payload
    case .pad(let payload): payload
    case .softmax(let payload): payload
    case .reshape(let payload): payload
    case .transpose(let payload): payload
    case .reduction(let payload): payload
    case .maximumIndex(let payload): payload
    case .normalization(let payload): payload
    case .expand(let payload): payload
    case .constant(let payload): payload
    case .integer(let operation): operation.definition
    case .training(let operation): operation.definition
    }
  }
}
