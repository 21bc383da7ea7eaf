import Tensors

/// What a convolution, a transposed one or a linear layer does to each output value before it is stored: steps applied in order.
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
    /// Integers of integer sums; the first step, which none but a pixel shuffle follows. Multipliers and shifts are the node's parameters
    /// `multiplier` and `rightShift`.
    case requantize(Requantization)
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

  /// What is done to integer sums; nil where sums are of float32.
  package var requantization: Requantization? {
    for case .requantize(let payload) in steps { return payload }
    return nil
  }

  /// The parameters of a layer that sums `terms` products with weights of that shape, whose initial values go by `fanIn`: float32,
  /// or integers where it requantises; then those of the steps.
  func parameters(weight: Shape, hasBias: Bool, channels: Int, fanIn: Int, terms: Int) -> [Parameter] {
    let bound = Parameter.InitialValue.uniform(bound: 1 / Float(fanIn).squareRoot())
    var result: [Parameter]
    if let requantization {
      // They count as parameters, though gradients do not change integers.
      result = [Parameter(.weight, ValueType(weight, .int8), initialValue: .uniform(bound: 127))]
      if hasBias { result.append(Parameter(.bias, ValueType([channels], .int32), values: requantization.biases(terms: terms))) }
    } else {
      result = [Parameter(.weight, weight, initialValue: bound)]
      if hasBias { result.append(Parameter(.bias, [channels], initialValue: bound)) }
    }
    for step in steps {
      switch step {
      case .activation(let function): result += function.parameters
      case .requantize(let payload): result += payload.parameters(channels: channels, terms: terms)
      case .scale, .add, .pixelShuffle: break
      }
    }
    return result
  }

  /// Where the channels of an operand go: those of the first through `flow`, those that are added with it.
  func channelFlow(of operand: Int, _ flow: ChannelFlow) -> ChannelFlow {
    let flow = operand == 0 ? flow : .kept
    let factor = pixelShuffleFactor
    return factor == 1 ? flow : .then(flow, .shuffled(factor: factor, .channelsOutermost))
  }

  /// The shape after the steps. `shape` is the one before any shuffle; throws where an extra input has another.
  func outputShape(of shape: Shape, extras: ArraySlice<Shape>) throws(TypeMismatch) -> Shape {
    for extra in extras where extra != shape {
      throw TypeMismatch("the epilogue adds \(extra) to an output of \(shape)")
    }
    let factor = pixelShuffleFactor
    return factor == 1 ? shape : try PixelShuffle(factor: factor).outputShape([shape])
  }

  /// What is wrong with the steps behind a convolution of that many output channels, each a sum of so many products; nil where nothing
  /// is.
  func fault(channels: Int, terms: Int) -> String? {
    if let requantization, let fault = requantization.fault(terms: terms) ?? faultBesideRequantization { return fault }
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
      case .requantize: continue
      }
    }
    return nil
  }

  /// What keeps the other steps from standing beside one that requantises.
  private var faultBesideRequantization: String? {
    var requantizes = false
    for step in steps {
      switch step {
      case .requantize:
        if requantizes { return "the epilogue requantises twice" }
        requantizes = true
      case .activation(.relu), .activation(.clip):
        return "a \(step.typeName) beside requantize is its minimum and maximum"
      case .activation: return "integers know no \(step.typeName)"
      case .scale: return "a factor beside requantize belongs into its multiplier"
      case .add: return "an addition beside requantize would need its operand at the scale of the sums, which is not supported"
      case .pixelShuffle: continue
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
      .matrixMultiply, .training:
      nil
    }
  }
}

extension Epilogue.Step {
  /// What the step is: an operation that might stand by itself, or what only an epilogue can do.
  private enum Meaning {
    case operation(Operation)
    case requantization(Requantization)
  }

  private var meaning: Meaning {
    switch self {
    case .activation(let function): .operation(.activation(function))
    case .scale(let factor): .operation(.scale(Scale(factor: factor)))
    case .add: .operation(.add)
    case .pixelShuffle(let factor): .operation(.pixelShuffle(PixelShuffle(factor: factor)))
    case .requantize(let payload): .requantization(payload)
    }
  }

  /// `relu`, `requantize`.
  package var typeName: String {
    switch meaning {
    case .operation(let operation): operation.typeName
    case .requantization: Requantization.typeName
    }
  }

  /// `relu`, `scale 0.1`, `add`, `pixelShuffle 2`, `requantize int8 0.5 · (q - 3)`.
  var text: String {
    switch meaning {
    case .operation(let operation):
      operation.summary.isEmpty ? operation.typeName : "\(operation.typeName) \(operation.summary)"
    case .requantization(let payload): payload.text
    }
  }
}

/// A list of steps, each in the form of the operation it stands for, where there is one.
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
  private enum TypeKey: String, CodingKey { case type }

  public init(from decoder: any Decoder) throws {
    if try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type) == Requantization.typeName {
      self = .requantize(try Requantization(from: decoder))
      return
    }
    let operation = try Operation(from: decoder)
    guard let step = operation.epilogueStep else {
      throw NetworkError.invalidDescription("\(operation.typeName) is no step of an epilogue")
    }
    self = step
  }

  public func encode(to encoder: any Encoder) throws {
    switch meaning {
    case .operation(let operation): try operation.encode(to: encoder)
    case .requantization(let payload): try payload.encode(to: encoder)
    }
  }
}
