import Tensors

/// 2-D convolution (cross-correlation) with optional bias and epilogue.
///
///     y[n, o, i, j] = bias[o] + Σ over c, u, v of weight[o, c, u, v] · x[n, g·C + c, i·s + u·d - p, j·s + v·d - p]
///
/// with `C = inChannels / groups`, `g` the group of `o`, stride `s`, dilation `d`, padding `p` (zeros; of integers what
/// stands for 0).
/// - Input: `[N, inChannels, H, W]`, then one tensor of the output's shape before any pixel shuffle for each `.add` of the epilogue.
/// - Parameters: `weight [outChannels, inChannels / groups, kernel.height, kernel.width]`; `bias [outChannels]` when `hasBias`;
///   `slope [channels]` when the epilogue holds a `.prelu`. All of float32, or of integers where its epilogue begins with `rescale` (`Requantization`).
/// - Output: height `(H + top + bottom - dilation · (kernel - 1) - 1) / stride + 1` rounded down, the width likewise.
/// - Cost: `N · outChannels · outHeight · outWidth · kernel.height · kernel.width · inChannels / groups` MACs.
/// - Source: `torch.nn.Conv2d`.
public struct Convolution: Hashable, Sendable {
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

  /// The shape before the epilogue's pixel shuffle, the one that extra inputs have. Throws where the input does not fit.
  public func shapeBeforeShuffle(_ input: Shape) throws(TypeMismatch) -> Shape {
    if let fault = attributeFault { throw TypeMismatch(fault) }
    if let fault = input.valueFault { throw TypeMismatch("the input \(input) \(fault)") }
    let input = try image(input, channels: inChannels)
    return Shape(
      batch: input.batch, channels: outChannels,
      height: try extent(input.height, "height", padding.top + padding.bottom, kernel.height, dilation.height, stride.height),
      width: try extent(input.width, "width", padding.left + padding.right, kernel.width, dilation.width, stride.width))
  }

  private func extent(
    _ extent: Int, _ axis: String, _ padding: Int, _ kernel: Int, _ dilation: Int, _ stride: Int
  ) throws(TypeMismatch) -> Int {
    let reach = dilation * (kernel - 1) + 1
    guard extent + padding >= reach else {
      throw TypeMismatch("the kernel reaches over \(reach) pixels and the padded \(axis) has \(extent + padding)")
    }
    return (extent + padding - reach) / stride + 1
  }
}

extension Convolution: WithoutSizes {
  package var type: OperationType { .convolution }
  package var attributeNames: [String] { ConvolutionAttributes.names + CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> { 1 + epilogue.extraInputCount...1 + epilogue.extraInputCount }

  package func summary(of operands: [String]) -> String {
    attributes.summary(attributes.texts(groups: groups, hasBias: hasBias))
  }

  package var attributeFault: String? {
    attributes.fault(groups: groups, products: inChannels) ?? epilogue.fault(channels: outChannels, terms: terms)
  }

  package var parameters: [Parameter] {
    epilogue.parameters(
      weight: [outChannels, inChannels / groups, kernel.height, kernel.width], hasBias: hasBias, channels: outChannels,
      fanIn: terms, terms: terms)
  }

  /// The products that one output sums.
  private var terms: Int { inChannels / groups * kernel.height * kernel.width }

  package var elements: ElementRule { .products(epilogue) }

  package var linearParts: [LinearPart] {
    [
      LinearPart(
        hasBias: hasBias, inChannels: inChannels, outChannels: outChannels, groups: groups,
        taps: kernel.height * kernel.width, carriesConstants: padding == Padding(0))
    ]
  }

  package var window: SpatialWindow? {
    SpatialWindow(
      kernel: kernel, stride: stride, padding: padding, dilation: dilation, shuffle: epilogue.pixelShuffleFactor)
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { epilogue.channelFlow(of: operand, .summed(groups: groups)) }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    try epilogue.outputShape(of: shapeBeforeShuffle(inputs[0]), extras: inputs.dropFirst())
  }

  package func multiplyAccumulates(_ inputs: [Shape], output: Shape) -> Int {
    // A pixel shuffle keeps the number of elements.
    output.count * terms
  }
}

extension Convolution: Codable {
  var attributes: ConvolutionAttributes {
    ConvolutionAttributes(
      inChannels: inChannels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      epilogue: epilogue)
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case groups
    case hasBias = "bias"
  }

  public init(from decoder: any Decoder) throws {
    let common = try ConvolutionAttributes(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      inChannels: common.inChannels, outChannels: common.outChannels, kernel: common.kernel, stride: common.stride,
      padding: common.padding, dilation: common.dilation,
      groups: try container.decodeIfPresent(Int.self, forKey: .groups) ?? 1,
      hasBias: try container.decode(Bool.self, forKey: .hasBias), epilogue: common.epilogue)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    try attributes.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    if groups != 1 { try container.encode(groups, forKey: .groups) }
    try container.encode(hasBias, forKey: .hasBias)
  }
}
