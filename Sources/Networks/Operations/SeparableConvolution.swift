import Tensors

/// A depthwise convolution (one kernel a channel) and a 1x1 convolution as one operation, in either order, with one epilogue.
///
///     depthwiseFirst:  y = pointwise(middle(depthwise(x)))     pointwiseFirst:  y = depthwise(middle(pointwise(x)))
///
/// What lies between the two is never stored by a backend that fuses them. Stride, padding and dilation are those of the depthwise
/// part; its padding is of zeros, also where a biased pointwise part comes before it.
/// - Input: `[N, inChannels, H, W]`, then one tensor of the output's shape before any pixel shuffle for each `.add` of the epilogue.
/// - Parameters: `depthwiseWeight [channels, 1, kernel.height, kernel.width]` with `channels` those the depthwise part sees,
///   `pointwiseWeight [outChannels, inChannels, 1, 1]`; `depthwiseBias`, `pointwiseBias` where asked for; `middleSlope` when
///   `middle` is a `.prelu`, `slope` when the epilogue holds one. Of integers each part has a multiplier, too (`Requantization`); what
///   lies between is then requantised, and padding of the second part is its zero point.
/// - Output: as of the depthwise convolution.
/// - Cost: `N · outHeight · outWidth · (channels · kernel.height · kernel.width)` and `N · h · w · inChannels · outChannels` MACs, with
///   h, w the size at which the pointwise part runs (the input's when it is first).
/// - Source: Howard et al., MobileNets, 2017 (depthwise first); Chollet, Xception, 2017, as written in most programs (pointwise first:
///   "channel selection").
public struct SeparableConvolution: Hashable, Sendable {
  /// Which part comes first.
  public enum Order: String, Hashable, Codable, Sendable, CaseIterable {
    case depthwiseFirst, pointwiseFirst

    /// What the parts add to the name of the layer where they are nodes of their own: `head.depthwise`, `head.pointwise`.
    package var partNames: (first: String, second: String) {
      switch self {
      case .depthwiseFirst: ("depthwise", "pointwise")
      case .pointwiseFirst: ("select", "kernels")
      }
    }
  }

  public var order: Order
  public var inChannels: Int
  public var outChannels: Int
  public var kernel: Pair
  public var stride: Pair
  public var padding: Padding
  public var dilation: Pair
  public var depthwiseHasBias: Bool
  public var pointwiseHasBias: Bool
  /// What is done to the value between the two parts.
  public var middle: ActivationFunction?
  /// What lies between where both parts sum integers: integers, too. Then the epilogue begins with `rescale`.
  public var middleRequantization: Requantization?
  /// What is done to each output value before it is stored.
  public var epilogue: Epilogue

  public init(
    order: Order, inChannels: Int, outChannels: Int, kernel: Pair, stride: Pair = Pair(1), padding: Padding = Padding(0),
    dilation: Pair = Pair(1), depthwiseHasBias: Bool = true, pointwiseHasBias: Bool = true, middle: ActivationFunction? = nil,
    middleRequantization: Requantization? = nil, epilogue: Epilogue = Epilogue()
  ) {
    self.order = order
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.depthwiseHasBias = depthwiseHasBias
    self.pointwiseHasBias = pointwiseHasBias
    self.middle = middle
    self.middleRequantization = middleRequantization
    self.epilogue = epilogue
  }

  /// The channels between the two parts, which are those of the depthwise part.
  public var depthwiseChannels: Int { order == .depthwiseFirst ? inChannels : outChannels }

  /// What closes the first part, but for the activation between: nothing, or what makes integers of its sums.
  private var firstEpilogue: Epilogue {
    Epilogue(middleRequantization.map { [.rescale, .requantize($0)] } ?? [])
  }

  /// The depthwise part as a convolution of its own, with the epilogue where it comes last. `middle` is in neither.
  public var depthwise: Convolution {
    Convolution(
      inChannels: depthwiseChannels, outChannels: depthwiseChannels, kernel: kernel, stride: stride, padding: padding,
      dilation: dilation, groups: depthwiseChannels, hasBias: depthwiseHasBias,
      epilogue: order == .pointwiseFirst ? epilogue : firstEpilogue)
  }

  /// The pointwise part as a convolution of its own, with the epilogue where it comes last.
  public var pointwise: Convolution {
    Convolution(
      inChannels: inChannels, outChannels: outChannels, kernel: Pair(1), hasBias: pointwiseHasBias,
      epilogue: order == .depthwiseFirst ? epilogue : firstEpilogue)
  }

  /// The parts in the order in which they run.
  public var parts: (first: Convolution, second: Convolution) {
    order == .depthwiseFirst ? (depthwise, pointwise) : (pointwise, depthwise)
  }

  /// The shape before the epilogue's pixel shuffle, the one that extra inputs have. Throws where the input does not fit.
  public func shapeBeforeShuffle(_ input: Shape) throws(TypeMismatch) -> Shape {
    let between = try parts.first.shapeBeforeShuffle(input)
    return try parts.second.shapeBeforeShuffle(between)
  }
}

extension SeparableConvolution: WithoutSizes {
  package var type: OperationType { .separableConvolution }
  package var attributeNames: [String] { ConvolutionAttributes.names + CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1 + epilogue.extraInputCount...1 + epilogue.extraInputCount }

  package func summary(of operands: [String]) -> String {
    var texts = [attributes.channelsText, order == .depthwiseFirst ? "depthwise first" : "pointwise first"]
    texts += attributes.windowTexts
    if depthwiseHasBias { texts.append("depthwise bias") }
    if pointwiseHasBias { texts.append("pointwise bias") }
    if let middle { texts.append("\(Operation.activation(middle).typeName) between") }
    if let middleRequantization { texts.append("\(middleRequantization.summary) between") }
    return attributes.summary(texts)
  }

  package var attributeFault: String? {
    guard epilogue.sumsIntegers == (middleRequantization != nil) else {
      return "sums of integers need integers between the parts, and others none"
    }
    switch middle {
    case .leakyReLU, .prelu, nil: break
    case let function?:
      if middleRequantization != nil { return "no \(function.typeName) stands between parts that sum integers" }
    }
    if let fault = depthwise.attributeFault ?? pointwise.attributeFault ?? middle?.attributeFault { return fault }
    if let middle, !middle.keepsFinite { return "no \(middle.typeName) stands between" }
    if case .prelu(let count)? = middle, count != 1, count != depthwiseChannels {
      return "there are \(count) slopes between for \(depthwiseChannels) channels"
    }
    return nil
  }

  package var parameters: [Parameter] {
    func renamed(_ parameters: [Parameter], _ roles: [ParameterRole: ParameterRole]) -> [Parameter] {
      parameters.map { parameter in
        var parameter = parameter
        parameter.role = roles[parameter.role] ?? parameter.role
        return parameter
      }
    }
    return renamed(
      depthwise.parameters, [.weight: .depthwiseWeight, .bias: .depthwiseBias, .multiplier: .depthwiseMultiplier])
      + renamed(
        pointwise.parameters, [.weight: .pointwiseWeight, .bias: .pointwiseBias, .multiplier: .pointwiseMultiplier])
      + renamed(middle?.parameters ?? [], [.slope: .middleSlope])
  }

  package var linearParts: [LinearPart] {
    let depthwise = LinearPart(
      weightRole: .depthwiseWeight, biasRole: .depthwiseBias, hasBias: depthwiseHasBias, inChannels: depthwiseChannels,
      outChannels: depthwiseChannels, groups: depthwiseChannels, taps: kernel.height * kernel.width,
      carriesConstants: padding == Padding(0))
    let pointwise = LinearPart(
      weightRole: .pointwiseWeight, biasRole: .pointwiseBias, hasBias: pointwiseHasBias, inChannels: inChannels,
      outChannels: outChannels, taps: 1, carriesConstants: true)
    return order == .depthwiseFirst ? [depthwise, pointwise] : [pointwise, depthwise]
  }

  package var elements: ElementRule { .products(epilogue) }

  package var window: SpatialWindow? {
    SpatialWindow(
      kernel: kernel, stride: stride, padding: padding, dilation: dilation, shuffle: epilogue.pixelShuffleFactor)
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { epilogue.channelFlow(of: operand, .summed(groups: 1)) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let between = try parts.first.outputShape([inputs[0]])
    return try parts.second.outputShape([between] + inputs.dropFirst())
  }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int {
    let depthwiseProducts = output.count / outChannels * depthwiseChannels * kernel.height * kernel.width
    let pixels = order == .depthwiseFirst ? output.count / outChannels : inputs[0].count / inChannels
    return depthwiseProducts + pixels * inChannels * outChannels
  }
}

extension SeparableConvolution: Codable {
  var attributes: ConvolutionAttributes {
    ConvolutionAttributes(
      inChannels: inChannels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      epilogue: epilogue)
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case order
    case depthwiseHasBias = "depthwiseBias"
    case pointwiseHasBias = "pointwiseBias"
    case middle, middleRequantization
  }

  public init(from decoder: any Decoder) throws {
    let common = try ConvolutionAttributes(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    var middle: ActivationFunction?
    if let operation = try container.decodeIfPresent(Operation.self, forKey: .middle) {
      guard case .activation(let function) = operation else {
        throw NetworkError.invalidDescription(
          "\(operation.typeName) is no activation between the parts of a separable convolution")
      }
      middle = function
    }
    self.init(
      order: try container.decode(Order.self, forKey: .order), inChannels: common.inChannels, outChannels: common.outChannels,
      kernel: common.kernel, stride: common.stride, padding: common.padding, dilation: common.dilation,
      depthwiseHasBias: try container.decode(Bool.self, forKey: .depthwiseHasBias),
      pointwiseHasBias: try container.decode(Bool.self, forKey: .pointwiseHasBias), middle: middle,
      middleRequantization: try container.decodeIfPresent(Requantization.self, forKey: .middleRequantization),
      epilogue: common.epilogue)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    try attributes.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(order, forKey: .order)
    try container.encode(depthwiseHasBias, forKey: .depthwiseHasBias)
    try container.encode(pointwiseHasBias, forKey: .pointwiseHasBias)
    if let middle { try container.encode(Operation.activation(middle), forKey: .middle) }
    try container.encodeIfPresent(middleRequantization, forKey: .middleRequantization)
  }
}
