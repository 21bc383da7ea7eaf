import Tensors

/// A convolution is a product of two tensors, input and weight, and linear in both: this is that product, or what makes a gradient of
/// either from the gradient `g` of its output.
///
///     output:          y[n, o, i, j] = b[o] + Σ over c, u, v of w[o, c, u, v] · x[n, g·C + c, i·s + u·d - p, j·s + v·d - p]
///     inputGradient:   Σ over the same triples of w · g, for each element of x
///     weightGradient:  Σ over the same triples of x · g, for each element of w
///
/// Each is linear in what it reads, and its gradients are the other two.
/// - Input: `output` takes x and w, and b `[outChannels]` where there is a bias; `inputGradient` takes g and w, and where `size` is nil a value of the height and width of x;
///   `weightGradient` takes x and g. x `[N, inChannels, H, W]`, w `[outChannels, inChannels / groups, kernel.height, kernel.width]`, g and y as
///   `Convolution` says.
/// - Output: y, or the shape of x or w. `fusing` draws a factor and an addition into the gradient of an input: of a value of its shape, behind w.
/// - Cost: the MACs of the convolution, for each of the three.
/// - Source: `torch.nn.grad.conv2d_input`, `conv2d_weight`.
public struct ConvolutionProduct: Hashable, Sendable {
  /// What is made of the other two.
  public enum Result: Hashable, Sendable, CaseIterable {
    case output, inputGradient, weightGradient
  }

  public var result: Result
  /// Its epilogue is that of the gradient of an input, a factor and an addition at most; gradients know no bias.
  public var convolution: Convolution
  /// The height and width of x, for the gradient of the input; nil where they follow from an operand, and for the others.
  public var size: Pair?

  public init(_ result: Result, of convolution: Convolution, size: Pair? = nil) {
    self.result = result
    self.convolution = convolution
    self.convolution.hasBias = result == .output && convolution.hasBias
    self.convolution.epilogue = Epilogue()
    self.size = size
  }
}

extension ConvolutionProduct: WithoutParameters, WithoutPlaces, OnFloat32 {
  package var type: OperationType {
    switch result {
    case .output: .convolutionOutput
    case .inputGradient: .convolutionInputGradient
    case .weightGradient: .convolutionWeightGradient
    }
  }

  package var attributeNames: [String] { ConvolutionAttributes.names + CodingKeys.allCases.map(\.rawValue) }

  package var inputCount: ClosedRange<Int> {
    let count = elementOperandCount + (result == .inputGradient && size == nil ? 1 : 0)
    return count...count
  }

  package var elementOperandCount: Int { (convolution.hasBias ? 3 : 2) + convolution.epilogue.extraInputCount }

  package func summary(of operands: [String]) -> String {
    let size = size.map { ["size \($0.height)x\($0.width)"] } ?? [], attributes = convolution.attributes
    return attributes.summary(attributes.texts(groups: convolution.groups, hasBias: convolution.hasBias) + size)
  }

  package var attributeFault: String? {
    if size != nil, result != .inputGradient { return "only the gradient of an input has a size" }
    if !convolution.epilogue.isEmpty, result != .inputGradient || !hasGradientEpilogue {
      return "a factor of the gradient of an input and an addition to it are all the epilogue there may be"
    }
    return convolution.attributeFault ?? size?.fault("size")
  }

  private var hasGradientEpilogue: Bool {
    var steps = convolution.epilogue.steps[...]
    if case .scale? = steps.first { steps.removeFirst() }
    return steps.isEmpty || steps == [.add]
  }

  /// Of w.
  package var weightShape: Shape {
    [
      convolution.outChannels, convolution.inChannels / convolution.groups, convolution.kernel.height,
      convolution.kernel.width,
    ]
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard result == .inputGradient, size == nil else { return nil }
    var resolved = self
    resolved.size = try image(inputs[elementOperandCount]).size
    return .training(.convolutionProduct(resolved))
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    switch result {
    case .output:
      guard inputs[1] == weightShape else { throw TypeMismatch("the weight \(inputs[1]) is not \(weightShape)") }
      if convolution.hasBias, inputs[2] != Shape([convolution.outChannels]) {
        throw TypeMismatch("the bias \(inputs[2]) is not [\(convolution.outChannels)]")
      }
      return try convolution.shapeBeforeShuffle(inputs[0])
    case .inputGradient:
      guard inputs[1] == weightShape else { throw TypeMismatch("the weight \(inputs[1]) is not \(weightShape)") }
      let size: Pair
      if let stated = self.size {
        size = stated
      } else if inputs.count > elementOperandCount {
        size = try image(inputs[elementOperandCount]).size
      } else {
        throw TypeMismatch("its size is not resolved")
      }
      let input = Shape(
        batch: try image(inputs[0]).batch, channels: convolution.inChannels, height: size.height, width: size.width)
      let output = try convolution.shapeBeforeShuffle(input)
      guard output == inputs[0] else { throw TypeMismatch("the gradient \(inputs[0]) is not \(output), that of \(input)") }
      return try convolution.epilogue.outputShape(of: input, extras: inputs[2..<elementOperandCount])
    case .weightGradient:
      let output = try convolution.shapeBeforeShuffle(inputs[0])
      guard output == inputs[1] else { throw TypeMismatch("the gradient \(inputs[1]) is not \(output), that of \(inputs[0])") }
      return weightShape
    }
  }

  package var linearParts: [LinearPart] { [] }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int {
    let outputs =
      switch result {
      case .output: output.count
      case .inputGradient: inputs[0].count
      case .weightGradient: inputs[1].count
      }
    return outputs * (weightShape.count / convolution.outChannels)
  }
}

extension ConvolutionProduct: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case groups, size
    case hasBias = "bias"
  }
  private enum TypeKey: String, CodingKey { case type }

  public init(from decoder: any Decoder) throws {
    let name = try decoder.container(keyedBy: TypeKey.self).decode(String.self, forKey: .type)
    guard let result = Result.allCases.first(where: { Self($0, of: .unit).type.rawValue == name }) else {
      throw NetworkError.unknownOperation(name)
    }
    let common = try ConvolutionAttributes(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let convolution = Convolution(
      inChannels: common.inChannels, outChannels: common.outChannels, kernel: common.kernel, stride: common.stride,
      padding: common.padding, dilation: common.dilation, groups: try container.decodeIfPresent(Int.self, forKey: .groups) ?? 1,
      hasBias: try container.decodeIfPresent(Bool.self, forKey: .hasBias) ?? false, epilogue: common.epilogue)
    self.init(result, of: convolution, size: try container.decodeIfPresent(Pair.self, forKey: .size))
    self.convolution.epilogue = common.epilogue
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    try convolution.attributes.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    if convolution.groups != 1 { try container.encode(convolution.groups, forKey: .groups) }
    try container.encodeIfPresent(size, forKey: .size)
    if convolution.hasBias { try container.encode(true, forKey: .hasBias) }
  }
}

extension Convolution {
  /// Of one channel to one, 1x1.
  fileprivate static let unit = Convolution(inChannels: 1, outChannels: 1, kernel: Pair(1))
}

extension Shape {
  /// Height and width.
  fileprivate var size: Pair { Pair(height: height, width: width) }
}
