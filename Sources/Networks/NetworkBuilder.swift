import Tensors

/// Puts a network together node by node and keeps track of channels.
///
///     var builder = NetworkBuilder("tiny")
///     let x = builder.input("x", channels: 3)
///     let head = builder.convolution("head", x, outChannels: 64, kernel: 3, padding: 1)
///     builder.output(builder.activation("relu", head, .relu))
///     let network = try builder.build(.random(seed: 1))
///
/// Mistakes (a name used twice, channels that do not fit) come out of `build`, which verifies.
public struct NetworkBuilder: Sendable {
  /// A value of the network under construction: pass it on to the next operation.
  public struct Value: Hashable, Sendable {
    public let name: String
    /// The extent of axis 1; for `flatten` the channels of its input, right where height and width are 1.
    public let channels: Int
  }

  /// What has been put together so far; not verified.
  package private(set) var graph: NetworkGraph
  /// Draws weights of convolutions within `√(6 / fan-in)` in place of `1 / √(fan-in)`, so that rectifiers keep the size of what goes through: long
  /// chains of them without batch norms learn nothing else. He et al. 2015, "Delving Deep into Rectifiers".
  package var keepsSizeThroughRectifiers = false
  /// The parameters set by `setParameter`.
  package private(set) var fixed: [String: Tensor] = [:]

  public init(_ name: String, contract: PictureContract? = nil) {
    graph = NetworkGraph(name: name, inputs: [], nodes: [], outputs: [], contract: contract)
  }

  /// A float32 value `[N, channels, H, W]` that enters the network.
  public mutating func input(_ name: String, channels: Int) -> Value {
    graph.inputs.append(NetworkInput(name: name, channels: channels))
    return Value(name: name, channels: channels)
  }

  /// A value of these axes that enters the network; see `NetworkInput`. Its channels are `axes[1]`, 1 where that is open.
  public mutating func input(
    _ name: String, axes: [Int?], names: [String?] = [], element: DataType = .float32,
    quantization: ValueType.Quantization? = nil
  ) -> Value {
    graph.inputs.append(
      NetworkInput(name: name, axes: axes, axisNames: names, element: element, quantization: quantization))
    return Value(name: name, channels: axes.count > 1 ? axes[1] ?? 1 : 1)
  }

  /// Declares that the value leaves the network.
  public mutating func output(_ value: Value) { graph.outputs.append(value.name) }

  /// Any operation; `channels` is the extent of the output's axis 1.
  public mutating func node(_ name: String, _ operation: Operation, _ inputs: [Value], channels: Int) -> Value {
    graph.nodes.append(Node(name: name, operation: operation, inputs: inputs.map(\.name)))
    return Value(name: name, channels: channels)
  }

  /// Gives a parameter these values in place of initial ones.
  public mutating func setParameter(_ name: String, _ tensor: Tensor) { fixed[name] = tensor }

  /// A parameter of a node, by its name `node.role`, as a value: what it is before the run.
  public func parameter(_ name: String) -> Value {
    for node in graph.nodes {
      for parameter in node.operation.parameters where node.parameterName(parameter.role) == name {
        return Value(name: name, channels: parameter.shape.rank > 1 ? parameter.shape[1] : 1)
      }
    }
    return Value(name: name, channels: 1)
  }

  /// Makes the parameter this value at the end of a run; see `ParameterUpdate`.
  public mutating func update(_ parameter: String, to value: Value) {
    graph.updates.append(ParameterUpdate(parameter: parameter, value: value.name))
  }

  /// A convolution of the channels of `x`; see `Convolution`.
  public mutating func convolution(
    _ name: String, _ x: Value, outChannels: Int, kernel: Pair, stride: Pair = Pair(1), padding: Padding = Padding(0),
    dilation: Pair = Pair(1), groups: Int = 1, bias: Bool = true
  ) -> Value {
    let payload = Convolution(
      inChannels: x.channels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      groups: groups, hasBias: bias)
    return node(name, .convolution(payload), [x], channels: outChannels)
  }

  /// A depthwise and a 1x1 convolution as one node; see `SeparableConvolution`.
  public mutating func separableConvolution(
    _ name: String, _ x: Value, order: SeparableConvolution.Order, outChannels: Int, kernel: Pair, stride: Pair = Pair(1),
    padding: Padding = Padding(0), dilation: Pair = Pair(1), depthwiseBias: Bool = true, pointwiseBias: Bool = true,
    middle: ActivationFunction? = nil
  ) -> Value {
    let payload = SeparableConvolution(
      order: order, inChannels: x.channels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding,
      dilation: dilation, depthwiseHasBias: depthwiseBias, pointwiseHasBias: pointwiseBias, middle: middle)
    return node(name, .separableConvolution(payload), [x], channels: outChannels)
  }

  /// A transposed convolution of the channels of `x`; see `TransposedConvolution`.
  public mutating func transposedConvolution(
    _ name: String, _ x: Value, outChannels: Int, kernel: Pair, stride: Pair = Pair(1), padding: Padding = Padding(0),
    outputPadding: Pair = Pair(0), dilation: Pair = Pair(1), groups: Int = 1, bias: Bool = true
  ) -> Value {
    let payload = TransposedConvolution(
      inChannels: x.channels, outChannels: outChannels, kernel: kernel, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups, hasBias: bias)
    return node(name, .transposedConvolution(payload), [x], channels: outChannels)
  }

  /// `inFeatures` is `x.channels` unless given.
  public mutating func linear(
    _ name: String, _ x: Value, inFeatures: Int? = nil, outFeatures: Int, bias: Bool = true
  ) -> Value {
    let payload = Linear(inFeatures: inFeatures ?? x.channels, outFeatures: outFeatures, hasBias: bias)
    return node(name, .linear(payload), [x], channels: outFeatures)
  }

  /// A batch norm of the channels of `x`; see `BatchNorm`.
  public mutating func batchNorm(_ name: String, _ x: Value, epsilon: Float = 1e-5) -> Value {
    node(name, .batchNorm(BatchNorm(channels: x.channels, epsilon: epsilon)), [x], channels: x.channels)
  }

  /// An elementwise function; see `ActivationFunction`.
  public mutating func activation(_ name: String, _ x: Value, _ function: ActivationFunction) -> Value {
    node(name, .activation(function), [x], channels: x.channels)
  }

  /// Multiplication by a constant.
  public mutating func scale(_ name: String, _ x: Value, by factor: Float) -> Value {
    node(name, .scale(Scale(factor: factor)), [x], channels: x.channels)
  }

  /// A trainable affine of scale 1 and shift 0.
  public mutating func channelAffine(_ name: String, _ x: Value) -> Value {
    node(name, .channelAffine(ChannelAffine(channels: x.channels)), [x], channels: x.channels)
  }

  /// An affine of the given scale and shift that training leaves alone.
  public mutating func fixedChannelAffine(_ name: String, _ x: Value, scale: [Float], shift: [Float]) -> Value {
    setParameter("\(name).scale", Tensor([scale.count], scale))
    setParameter("\(name).shift", Tensor([shift.count], shift))
    let payload = ChannelAffine(channels: x.channels, isTrainable: false)
    return node(name, .channelAffine(payload), [x], channels: x.channels)
  }

  /// The sum of two values of one shape.
  public mutating func add(_ name: String, _ a: Value, _ b: Value) -> Value {
    node(name, .add, [a, b], channels: a.channels)
  }

  /// A function of two values that broadcasts; see `BinaryFunction`.
  public mutating func binary(_ name: String, _ function: BinaryFunction, _ a: Value, _ b: Value) -> Value {
    node(name, .binary(function), [a, b], channels: max(a.channels, b.channels))
  }

  /// The product of two stacks of matrices; `[…, M, K]` by `[…, K, N]`. Channels must be given for values of rank 2
  /// and 3 where they are not those of `a`.
  public mutating func matrixMultiply(_ name: String, _ a: Value, _ b: Value, channels: Int? = nil) -> Value {
    node(name, .matrixMultiply, [a, b], channels: channels ?? a.channels)
  }

  /// The channels of all values, one value after the other; or what lies along another axis.
  public mutating func concatenation(_ name: String, _ values: [Value], axis: Int = 1) -> Value {
    let channels = axis == 1 ? values.reduce(0) { $0 &+ $1.channels } : values.first?.channels ?? 0
    return node(name, .concatenation(Concatenation(axis: axis)), values, channels: channels)
  }

  /// A value that the network owns; see `Constant`.
  public mutating func constant(_ name: String, _ tensor: Tensor) -> Value {
    setParameter("\(name).value", tensor)
    return node(name, .constant(Constant(tensor.shape)), [], channels: tensor.shape.rank > 1 ? tensor.shape[1] : 1)
  }

  /// Extents of 1 repeated; see `Expand`.
  public mutating func expand(_ name: String, _ x: Value, _ extents: [Int]) -> Value {
    node(name, .expand(Expand(extents)), [x], channels: extents.count > 1 && extents[1] > 1 ? extents[1] : x.channels)
  }

  /// `factor²` channels become `factor` x `factor` pixels of one; see `PixelShuffle`.
  public mutating func pixelShuffle(
    _ name: String, _ x: Value, factor: Int, order: PixelShuffleOrder = .channelsOutermost
  ) -> Value {
    let payload = PixelShuffle(factor: factor, order: order)
    return node(name, .pixelShuffle(payload), [x], channels: x.channels / max(1, factor &* factor))
  }

  /// `factor` x `factor` pixels become `factor²` channels; see `PixelUnshuffle`.
  public mutating func pixelUnshuffle(
    _ name: String, _ x: Value, factor: Int, order: PixelShuffleOrder = .channelsOutermost
  ) -> Value {
    let payload = PixelUnshuffle(factor: factor, order: order)
    return node(name, .pixelUnshuffle(payload), [x], channels: x.channels &* factor &* factor)
  }

  /// Enlargement by a whole factor; see `Resize`.
  public mutating func resize(_ name: String, _ x: Value, _ method: Resize.Method, factor: Int) -> Value {
    resize(name, x, Resize(method: method, factor: factor))
  }

  /// By any factor or to a size; see `Resize`. A size may follow from `x` (operand 0) and `others`.
  public mutating func resize(_ name: String, _ x: Value, _ payload: Resize, following others: [Value] = []) -> Value {
    node(name, .resize(payload), [x] + others, channels: x.channels)
  }

  /// The maximum of each window.
  public mutating func maximumPool(_ name: String, _ x: Value, _ pool: Pool) -> Value {
    node(name, .maximumPool(pool), [x], channels: x.channels)
  }

  /// The mean of each window.
  public mutating func averagePool(_ name: String, _ x: Value, _ pool: Pool) -> Value {
    node(name, .averagePool(pool), [x], channels: x.channels)
  }

  /// The mean of each channel: `[N, channels, 1, 1]`.
  public mutating func globalAveragePool(_ name: String, _ x: Value) -> Value {
    node(name, .globalAveragePool, [x], channels: x.channels)
  }

  /// All axes but the first as one.
  public mutating func flatten(_ name: String, _ x: Value) -> Value { node(name, .flatten, [x], channels: x.channels) }

  /// A part of each axis named; see `Slice`. Bounds may follow from `x` (operand 0) and `others`.
  public mutating func slice(_ name: String, _ x: Value, _ spans: [Slice.Span], following others: [Value] = []) -> Value {
    let channels = spans.first { $0.axis == 1 && $0.step > 0 }?.range(extent: x.channels)?.count ?? x.channels
    return node(name, .slice(Slice(spans)), [x] + others, channels: channels)
  }

  /// Pixels and channels put around; see `Pad`. Amounts may follow from `x` (operand 0) and `others`.
  public mutating func pad(_ name: String, _ x: Value, _ payload: Pad, following others: [Value] = []) -> Value {
    node(name, .pad(payload), [x] + others, channels: x.channels &+ payload.channelsBefore &+ payload.channelsBehind)
  }

  /// Exponentials that sum to 1 along the axis, by default that of the channels.
  public mutating func softmax(_ name: String, _ x: Value, axis: Int = 1) -> Value {
    node(name, .softmax(Softmax(axis: axis)), [x], channels: x.channels)
  }

  /// The same elements under another shape; see `Reshape`. Unless given, the channels are `extents[1]`, or as `flatten` counts
  /// them where that is 0 or -1.
  public mutating func reshape(_ name: String, _ x: Value, _ extents: [Int], channels: Int? = nil) -> Value {
    let stated = extents.count > 1 && extents[1] > 0 ? extents[1] : x.channels
    return node(name, .reshape(Reshape(extents)), [x], channels: channels ?? stated)
  }

  /// The axes in another order; see `Transpose`. Channels must be given where axis 1 does not stay.
  public mutating func transpose(_ name: String, _ x: Value, _ permutation: [Int], channels: Int? = nil) -> Value {
    node(name, .transpose(Transpose(permutation)), [x], channels: channels ?? x.channels)
  }

  /// One number of many along the axes; see `Reduction`. Channels must be given where axes before the channels are not kept.
  public mutating func reduction(
    _ name: String, _ x: Value, _ function: Reduction.Function, axes: [Int], keepsAxes: Bool = true, channels: Int? = nil
  ) -> Value {
    let usual = keepsAxes && axes.contains(1) ? 1 : x.channels
    return node(
      name, .reduction(Reduction(function, axes: axes, keepsAxes: keepsAxes)), [x], channels: channels ?? usual)
  }

  /// The place of the largest along the axis; see `MaximumIndex`. Channels must be given where an axis before them is not kept.
  public mutating func maximumIndex(
    _ name: String, _ x: Value, axis: Int = 1, keepsAxis: Bool = true, channels: Int? = nil
  ) -> Value {
    let usual = keepsAxis && axis == 1 ? 1 : x.channels
    return node(name, .maximumIndex(MaximumIndex(axis: axis, keepsAxis: keepsAxis)), [x], channels: channels ?? usual)
  }

  /// Normalised by its own mean and variance along the axes; see `Normalization`.
  public mutating func normalization(_ name: String, _ x: Value, _ payload: Normalization) -> Value {
    node(name, .normalization(payload), [x], channels: x.channels)
  }

  /// The network, verified, with its parameters filled.
  public func build(_ initialization: Initialization) throws(NetworkError) -> Network {
    _ = try graph.verified()
    var parameters = initialization.parameters(of: graph)
    if keepsSizeThroughRectifiers {
      for node in graph.nodes {
        guard case .convolution = node.operation else { continue }
        let name = node.parameterName(.weight)
        parameters[name] = parameters[name].map { Tensor($0.shape, $0.floats.map { $0 * Float(6).squareRoot() }) }
      }
    }
    parameters.merge(fixed) { _, given in given }
    return try Network(graph, parameters: parameters)
  }
}
