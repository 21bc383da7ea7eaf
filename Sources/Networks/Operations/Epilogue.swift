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
    /// Numbers of integer sums, by the node's parameter `multiplier`; the first step, which says that the layer sums integers.
    case rescale
    /// Integers of such numbers; none but a pixel shuffle follows. Operands that are added before it are integers. See `Requantization`.
    case requantize(Requantization)
    /// Integers of float32 numbers; none but a pixel shuffle follows.
    case quantize(Quantize)
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

  /// Whether the layer sums integers.
  package var sumsIntegers: Bool { steps.first == .rescale }

  /// What makes integers of integer sums; nil where there is none.
  package var requantization: Requantization? {
    for case .requantize(let payload) in steps { return payload }
    return nil
  }

  /// What makes integers of sums of float32; nil where nothing does.
  package var quantize: Quantize? {
    for case .quantize(let payload) in steps { return payload }
    return nil
  }

  /// What elements the layer takes and makes.
  var conversion: ElementConversion {
    let operand = sumsIntegers ? ElementConversion.Operand.codes : .float32
    if let requantization {
      return ElementConversion(operand, others: .scaledCodes, to: requantization.element, requantization.quantization)
    }
    return ElementConversion(operand, to: quantize?.element ?? .float32, quantize?.quantization)
  }

  /// The parameters of a layer that sums `terms` products with weights of that shape, whose initial values go by `fanIn`: float32,
  /// or integers where it sums such; then those of the steps.
  func parameters(weight: Shape, hasBias: Bool, channels: Int, fanIn: Int, terms: Int) -> [Parameter] {
    let bound = Parameter.InitialValue.uniform(bound: 1 / Float(fanIn).squareRoot())
    var result: [Parameter]
    if sumsIntegers {
      // They count as parameters, though gradients do not change integers.
      result = [Parameter(.weight, ValueType(weight, .int8), initialValue: .uniform(bound: 127))]
      if hasBias { result.append(Parameter(.bias, ValueType([channels], .int32), values: Requantization.biases(terms: terms))) }
    } else {
      result = [Parameter(.weight, weight, initialValue: bound)]
      if hasBias { result.append(Parameter(.bias, [channels], initialValue: bound)) }
    }
    for step in steps {
      switch step {
      case .activation(let function): result += function.parameters
      case .rescale: result.append(multiplier(channels: channels, terms: terms))
      case .scale, .add, .requantize, .quantize, .pixelShuffle: break
      }
    }
    return result
  }

  /// A new network's outputs spread over some of the integers: of `terms` products of numbers around ±73 the sum is around
  /// 2^12.4 · √terms.
  private func multiplier(channels: Int, terms: Int) -> Parameter {
    let exponent = -7 - (Int.bitWidth - terms.leadingZeroBitCount) / 2
    return Parameter(
      .multiplier, [channels], numbers: Requantization.multipliers, isTrainable: false,
      initialValue: .constant(Float(sign: .plus, exponent: exponent, significand: 1)))
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
    if let fault = integerFault(terms: terms) { return fault }
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
      case .pixelShuffle(let factor):
        if index != steps.count - 1 { return "the pixel shuffle is not the last step of the epilogue" }
        if let fault = PixelShuffle(factor: factor).attributeFault { return fault }
        if channels % (factor * factor) != 0 {
          return "\(channels) channels are no multiple of \(factor)² for the pixel shuffle"
        }
      case .add, .rescale, .requantize, .quantize: continue
      }
    }
    return nil
  }

  /// What is wrong with the steps that make integers or take them, and with what stands beside them.
  private func integerFault(terms: Int) -> String? {
    if sumsIntegers, terms > Requantization.mostTerms {
      return "sums of \(terms) products of integers may not fit int32; at most \(Requantization.mostTerms) do"
    }
    for (index, step) in steps.enumerated() {
      switch step {
      case .rescale: if index > 0 { return "rescale is the first step of an epilogue, or none" }
      case .requantize(let payload):
        if !sumsIntegers { return "requantize needs sums of integers, and rescale before it" }
        if let fault = payload.fault ?? faultBehind(index) ?? faultBetween(index) { return fault }
      case .quantize(let payload):
        if sumsIntegers { return "what sums integers ends in requantize, and not in quantize" }
        if let fault = payload.attributeFault ?? faultBehind(index) { return fault }
      case .activation, .scale, .add, .pixelShuffle: continue
      }
    }
    return nil
  }

  /// What may not follow the step that makes integers.
  private func faultBehind(_ index: Int) -> String? {
    for step in steps[(index + 1)...] {
      if case .pixelShuffle = step { continue }
      return "no \(step.typeName) follows \(steps[index].typeName)"
    }
    return nil
  }

  /// What may not stand between the sums and the step that makes integers of them.
  private func faultBetween(_ end: Int) -> String? {
    var additions = 0
    for (index, step) in steps[..<end].enumerated() {
      switch step {
      case .activation(.relu), .activation(.clip):
        if index + 1 == end { return "a \(step.typeName) right before requantize is its minimum and maximum" }
        if case .activation(.relu) = step { continue }
        return "no clip stands between rescale and requantize"
      case .activation(.leakyReLU), .activation(.prelu), .rescale: continue
      case .activation: return "no \(step.typeName) stands between rescale and requantize; a lookup behind the layer does"
      case .scale: return "a factor before requantize belongs into the multiplier"
      case .add:
        additions += 1
        if additions > 1 { return "one addition stands before requantize, and not two" }
      // They have faults of their own.
      case .requantize, .quantize, .pixelShuffle: continue
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
    case .integer(.quantize(let payload)): .quantize(payload)
    case .convolution, .separableConvolution, .transposedConvolution, .linear, .batchNorm, .channelAffine, .binary,
      .concatenation, .pixelUnshuffle, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten,
      .slice, .pad, .softmax, .reshape, .transpose, .reduction, .maximumIndex, .normalization, .expand, .constant,
      .matrixMultiply, .integer, .training:
      nil
    }
  }
}

extension Epilogue.Step {
  /// What the step is: an operation that might stand by itself, or what only an epilogue can do.
  private enum Meaning {
    case operation(Operation)
    case rescaling
    case requantization(Requantization)
  }

  private var meaning: Meaning {
    switch self {
    case .activation(let function): .operation(.activation(function))
    case .scale(let factor): .operation(.scale(Scale(factor: factor)))
    case .add: .operation(.add)
    case .pixelShuffle(let factor): .operation(.pixelShuffle(PixelShuffle(factor: factor)))
    case .quantize(let payload): .operation(.integer(.quantize(payload)))
    case .rescale: .rescaling
    case .requantize(let payload): .requantization(payload)
    }
  }

  private static let rescaleName = "rescale"

  /// `relu`, `requantize`.
  package var typeName: String {
    switch meaning {
    case .operation(let operation): operation.typeName
    case .rescaling: Self.rescaleName
    case .requantization: Requantization.typeName
    }
  }

  /// `relu`, `scale 0.1`, `add`, `pixelShuffle 2`, `requantize int8 0.5 · (q - 3)`.
  var text: String {
    switch meaning {
    case .operation(let operation):
      operation.summary.isEmpty ? operation.typeName : "\(operation.typeName) \(operation.summary)"
    case .rescaling: Self.rescaleName
    case .requantization(let payload): "\(Requantization.typeName) \(payload.summary)"
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
  private enum TypeKey: String, CodingKey, CaseIterable { case type }

  public init(from decoder: any Decoder) throws {
    func refuseOthers(_ names: [String] = []) throws {
      try decoder.refuseFields(except: TypeKey.allCases.map(\.rawValue) + names, of: "a step of an epilogue")
    }
    switch try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type) {
    case Self.rescaleName:
      try refuseOthers()
      self = .rescale
    case Requantization.typeName:
      try refuseOthers(Requantization.CodingKeys.allCases.map(\.rawValue))
      self = .requantize(try Requantization(from: decoder))
    default:
      let operation = try Operation(from: decoder)
      guard let step = operation.epilogueStep else {
        throw NetworkError.invalidDescription("\(operation.typeName) is no step of an epilogue")
      }
      self = step
    }
  }

  public func encode(to encoder: any Encoder) throws {
    func encode(type: String) throws {
      var container = encoder.container(keyedBy: TypeKey.self)
      try container.encode(type, forKey: .type)
    }
    switch meaning {
    case .operation(let operation): try operation.encode(to: encoder)
    case .rescaling: try encode(type: Self.rescaleName)
    case .requantization(let payload):
      try encode(type: Requantization.typeName)
      try payload.encode(to: encoder)
    }
  }
}
