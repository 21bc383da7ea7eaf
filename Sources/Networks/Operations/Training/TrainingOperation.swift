import Tensors

/// What only networks hold that are trained: gradients of other operations, and operations that training runs in another form.
///
/// `differentiated` puts them together. Their gradients are no operations, but for those of the linear ones and of what rounds.
public enum TrainingOperation: Hashable, Sendable {
  case convolutionProduct(ConvolutionProduct)
  case activationGradient(ActivationGradient)
  case batchNormalization(BatchNormalization)
  case maximumPoolGradient(MaximumPoolGradient)
  case adjoint(Adjoint)
  case channelSum
  case channelProduct
  case dropout(Dropout)
  case fakeQuantize(FakeQuantize)
  case movingAverage(MovingAverage)
  case parameterStep(ParameterStep)

  /// The payload as what every operation can answer.
  var definition: any OperationDefinition {
    switch self {
    case .convolutionProduct(let payload): payload
    case .activationGradient(let payload): payload
    case .batchNormalization(let payload): payload
    case .maximumPoolGradient(let payload): payload
    case .adjoint(let payload): payload
    case .channelSum: ChannelSum()
    case .channelProduct: ChannelProduct()
    case .dropout(let payload): payload
    case .fakeQuantize(let payload): payload
    case .movingAverage(let payload): payload
    case .parameterStep(let payload): payload
    }
  }
}

/// The sum of each channel over everything else.
///
///     y[c] = Σ over n, i, j of x[n, c, i, j]
///
/// The gradient of a bias.
/// - Input: any shape with an axis 1. Output: `[C]`.
/// - Cost: no MACs.
struct ChannelSum: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  var type: OperationType { .channelSum }
  var inputCount: ClosedRange<Int> { 1...1 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape { [try inputs[0].extent(along: 1)] }
}

/// Each channel times a number of its own.
///
///     y[n, c, i, j] = x[n, c, i, j] · v[c]
///
/// - Input: any shape with an axis 1, and `[C]`. Output: the first one's shape.
/// - Cost: no MACs.
struct ChannelProduct: WithoutAttributes, WithoutParameters, WithoutProducts, WithoutSizes, WithoutPlaces, OnFloat32 {
  var type: OperationType { .channelProduct }
  var inputCount: ClosedRange<Int> { 2...2 }

  func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    try vector(inputs[1], of: inputs[0])
    return inputs[0]
  }
}

/// Checks that a value has one element for each channel of another.
func vector(_ vector: Shape, of value: Shape) throws(TypeMismatch) {
  let channels = try value.extent(along: 1)
  guard vector == Shape([channels]) else { throw TypeMismatch("\(vector) is not [\(channels)], the channels of \(value)") }
}
