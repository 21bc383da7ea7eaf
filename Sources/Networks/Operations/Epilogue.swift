import Tensors

/// What a convolution (or a transposed one) does to each output value before it is stored: steps applied in order.
///
/// The operand of the k-th `.add` is the node's input k (counted from 1); its shape is that of the output before any shuffle.
public struct Epilogue: Hashable, Sendable {
  /// What is done to every value in turn.
  public enum Step: Hashable, Sendable {
    /// The slopes of a `.prelu` are the node's parameter `slope`; at most one step is a `.prelu`.
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

  /// The slopes of the steps, as the roles of the node.
  package var parameters: [Parameter] {
    steps.flatMap { step in if case .activation(let function) = step { function.parameters } else { [] as [Parameter] } }
  }

  /// Where the channels of an operand go: those of the first through `flow`, those that are added with it.
  func channelFlow(of operand: Int, _ flow: ChannelFlow) -> ChannelFlow {
    let flow = operand == 0 ? flow : .kept
    let factor = pixelShuffleFactor
    return factor == 1 ? flow : .then(flow, .shuffled(factor: factor, .channelsOutermost))
  }

  /// The shape after the steps. `shape` is the one before any shuffle; throws where an extra input has another.
  func outputShape(of shape: Shape, extras: ArraySlice<Shape>) throws(ShapeMismatch) -> Shape {
    for extra in extras where extra != shape {
      throw ShapeMismatch("the epilogue adds \(extra) to an output of \(shape)")
    }
    let factor = pixelShuffleFactor
    return factor == 1 ? shape : try PixelShuffle(factor: factor).outputShape([shape])
  }

  /// What is wrong with the steps behind a convolution of that many output channels; nil where nothing is.
  func fault(channels: Int) -> String? {
    var slopes = 0
    for (index, step) in steps.enumerated() {
      switch step {
      case .activation(let function):
        if let fault = function.attributeFault { return fault }
        if !function.keepsFinite { return "an epilogue takes no \(function.typeName)" }
        guard case .prelu(let count) = function else { continue }
        if count != 1, count != channels { return "the epilogue has \(count) slopes for \(channels) channels" }
        slopes += 1
        if slopes > 1 { return "the epilogue has two prelu steps" }
      case .scale(let factor):
        if let fault = Scale(factor: factor).attributeFault { return fault }
      case .add: continue
      case .pixelShuffle(let factor):
        if index != steps.count - 1 { return "the pixel shuffle is not the last step of the epilogue" }
        if let fault = PixelShuffle(factor: factor).attributeFault { return fault }
        if channels % (factor * factor) != 0 {
          return "\(channels) channels are no multiple of \(factor)² for the pixel shuffle"
        }
      }
    }
    return nil
  }
}

extension Operation {
  /// The operation as a step of an epilogue; nil where there is no such step.
  package var epilogueStep: Epilogue.Step? {
    switch self {
    case .activation(let function): .activation(function)
    case .scale(let payload): .scale(payload.factor)
    case .add: .add
    case .pixelShuffle(let payload): payload.order == .channelsOutermost ? .pixelShuffle(payload.factor) : nil
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .channelAffine, .binary,
      .concatenation, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten,
      .slice, .pad, .softmax, .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant,
      .matrixMultiply:
      nil
    }
  }
}

extension Epilogue.Step {
  /// The step as an operation of its own.
  package var operation: Operation {
    switch self {
    case .activation(let function): .activation(function)
    case .scale(let factor): .scale(Scale(factor: factor))
    case .add: .add
    case .pixelShuffle(let factor): .pixelShuffle(PixelShuffle(factor: factor))
    }
  }

  /// `relu`, `scale 0.1`, `add`, `pixelShuffle 2`.
  var text: String {
    let operation = operation
    return operation.summary.isEmpty ? operation.typeName : "\(operation.typeName) \(operation.summary)"
  }
}

/// A list of steps, each in the form of the operation it stands for.
extension Epilogue: Codable {
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([Step].self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(steps)
  }
}

extension Epilogue.Step: Codable {
  public init(from decoder: any Decoder) throws {
    let operation = try Operation(from: decoder)
    guard let step = operation.epilogueStep else {
      throw NetworkError.invalidDescription("\(operation.typeName) is no step of an epilogue")
    }
    self = step
  }

  public func encode(to encoder: any Encoder) throws { try operation.encode(to: encoder) }
}
