import Tensors

/// 2-D transposed convolution: the adjoint of a convolution of the same attributes, used to enlarge; with optional epilogue.
///
///     y[n, o, i·s + u·d - p, j·s + v·d - p] += weight[c, o', u, v] · x[n, c, i, j];  then bias[o] is added
///
/// with `o'` the index of `o` in the group of `c`, stride `s`, dilation `d`, padding `p` (pixels cut from the border of `y`).
/// - Input: `[N, inChannels, H, W]`, then one tensor of the output's shape before any pixel shuffle for each `.add` of the epilogue.
/// - Parameters: `weight [inChannels, outChannels / groups, kernel.height, kernel.width]`; `bias [outChannels]` when `hasBias`;
///   `slope [channels]` when the epilogue holds a `.prelu`. All of float32, or of integers where its epilogue begins with `rescale` (`Requantization`).
/// - Output: height `(H - 1) · stride - top - bottom + dilation · (kernel - 1) + outputPadding + 1`, the width likewise; then what
///   the epilogue's pixel shuffle makes of it.
/// - Cost: `N · inChannels · H · W · kernel.height · kernel.width · outChannels / groups` MACs.
/// - Source: `torch.nn.ConvTranspose2d`.
public struct TransposedConvolution: Hashable, Sendable {
  public var inChannels: Int
  public var outChannels: Int
  public var kernel: Pair
  public var stride: Pair
  /// Pixels cut from each border of the output.
  public var padding: Padding
  /// Rows and columns added at the bottom and the right; smaller than the stride or the dilation.
  public var outputPadding: Pair
  public var dilation: Pair
  public var groups: Int
  public var hasBias: Bool
  /// What is done to each output value before it is stored; empty until a fusing pass fills it.
  public var epilogue: Epilogue

  public init(
    inChannels: Int, outChannels: Int, kernel: Pair, stride: Pair = Pair(1), padding: Padding = Padding(0),
    outputPadding: Pair = Pair(0), dilation: Pair = Pair(1), groups: Int = 1, hasBias: Bool = true,
    epilogue: Epilogue = Epilogue()
  ) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.outputPadding = outputPadding
    self.dilation = dilation
    self.groups = groups
    self.hasBias = hasBias
    self.epilogue = epilogue
  }

  /// The shape before the epilogue's pixel shuffle, the one that extra inputs have. Throws where the input does not fit.
  public func shapeBeforeShuffle(_ input: Shape) throws(TypeMismatch) -> Shape {
    if let fault = attributeFault { throw TypeMismatch(fault) }
    if let fault = input.valueFault { throw TypeMismatch("the input \(input) \(fault)") }
    let input = try image(input, channels: inChannels)
    let height =
      (input.height - 1) * stride.height - padding.top - padding.bottom + dilation.height * (kernel.height - 1)
      + outputPadding.height + 1
    let width =
      (input.width - 1) * stride.width - padding.left - padding.right + dilation.width * (kernel.width - 1)
      + outputPadding.width + 1
    guard height > 0, width > 0 else { throw TypeMismatch("the padding \(padding) leaves nothing of the output") }
    return Shape(batch: input.batch, channels: outChannels, height: height, width: width)
  }
}

extension TransposedConvolution: WithoutSizes {
  package var type: OperationType { .transposedConvolution }
  package var attributeNames: [String] { ConvolutionAttributes.names + CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1 + epilogue.extraInputCount...1 + epilogue.extraInputCount }

  package func summary(of operands: [String]) -> String {
    var texts = attributes.texts(groups: groups, hasBias: hasBias)
    if outputPadding != Pair(0) { texts.append("output padding \(outputPadding)") }
    return attributes.summary(texts)
  }

  package var attributeFault: String? {
    if let fault = attributes.fault(groups: groups, products: max(inChannels, outChannels))
      ?? outputPadding.fault("output padding", minimum: 0)
    {
      return fault
    }
    for (extra, limit) in [
      (outputPadding.height, max(stride.height, dilation.height)), (outputPadding.width, max(stride.width, dilation.width)),
    ] where extra >= limit {
      return "the output padding \(extra) is not smaller than stride or dilation, \(limit)"
    }
    return epilogue.fault(channels: outChannels, terms: terms)
  }

  package var parameters: [Parameter] {
    epilogue.parameters(
      weight: [inChannels, outChannels / groups, kernel.height, kernel.width], hasBias: hasBias, channels: outChannels,
      // PyTorch takes axis 1 of the weight for the fan-in here too.
      fanIn: outChannels / groups * kernel.height * kernel.width, terms: terms)
  }

  /// The most products that one output sums.
  private var terms: Int { inChannels / groups * kernel.height * kernel.width }

  package var elements: ElementRule { .products(epilogue) }

  package var linearParts: [LinearPart] {
    // How many taps an output sums depends on where it lies.
    [
      LinearPart(
        hasBias: hasBias, inChannels: inChannels, outChannels: outChannels, groups: groups,
        taps: kernel.height * kernel.width, rowsAreInputs: true, carriesConstants: false)
    ]
  }

  package var window: SpatialWindow? {
    func axis(_ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int) -> SpatialWindow.Axis {
      SpatialWindow.Axis(up: stride, before: padding - dilation * (kernel - 1), behind: padding)
    }
    return SpatialWindow(
      vertical: axis(kernel.height, stride.height, padding.top, dilation.height),
      horizontal: axis(kernel.width, stride.width, padding.left, dilation.width), shuffle: epilogue.pixelShuffleFactor,
      kernel: kernel)
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { epilogue.channelFlow(of: operand, .summed(groups: groups)) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    try epilogue.outputShape(of: shapeBeforeShuffle(inputs[0]), extras: inputs.dropFirst())
  }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int {
    inputs[0].count * (outChannels / groups * kernel.height * kernel.width)
  }
}

extension TransposedConvolution: Codable {
  var attributes: ConvolutionAttributes {
    ConvolutionAttributes(
      inChannels: inChannels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      epilogue: epilogue)
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case outputPadding, groups
    case hasBias = "bias"
  }

  public init(from decoder: any Decoder) throws {
    let common = try ConvolutionAttributes(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      inChannels: common.inChannels, outChannels: common.outChannels, kernel: common.kernel, stride: common.stride,
      padding: common.padding, outputPadding: try container.decodeIfPresent(Pair.self, forKey: .outputPadding) ?? Pair(0),
      dilation: common.dilation, groups: try container.decodeIfPresent(Int.self, forKey: .groups) ?? 1,
      hasBias: try container.decode(Bool.self, forKey: .hasBias), epilogue: common.epilogue)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    try attributes.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    if outputPadding != Pair(0) { try container.encode(outputPadding, forKey: .outputPadding) }
    if groups != 1 { try container.encode(groups, forKey: .groups) }
    try container.encode(hasBias, forKey: .hasBias)
  }
}
