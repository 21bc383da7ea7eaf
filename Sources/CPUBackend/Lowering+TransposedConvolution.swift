import Execution
import Networks
import Tensors

extension Lowering {
  /// A transposed convolution by the method that the selector takes for the whole image.
  mutating func lowerTransposedConvolution(
    _ node: Node, _ payload: TransposedConvolution, _ inputs: [Int]
  ) throws(ExecutionError) -> Int {
    let parameters = ConvolutionParameters(
      weight: try weight(.weight, of: node), bias: payload.hasBias ? try parameter(.bias, of: node) : nil,
      slopes: slopes(.slope, of: node), multiplier: multiplier(.multiplier, of: node))
    return try lowerTransposedConvolution(node, payload, parameters, inputs)
  }

  /// The same with any parameters.
  mutating func lowerTransposedConvolution(
    _ node: Node, _ payload: TransposedConvolution, _ parameters: ConvolutionParameters, _ inputs: [Int]
  ) throws(ExecutionError) -> Int {
    guard var epilogue = CanonicalEpilogue(payload.epilogue),
      let wholeGeometry = TransposedGeometry(node, payload, shapes: wholeShapes)
    else {
      throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for")
    }
    if let quantize = epilogue.quantize {
      var plain = payload
      plain.epilogue = payload.epilogue.withoutQuantize
      let whole = element
      element = engine.precision.element
      let numbers = try lowerTransposedConvolution(node, plain, parameters, inputs)
      element = whole
      return try quantized(node, numbers, quantize)
    }
    let method = engine.method(for: wholeGeometry)
    if method == .pointwise { return try lowerTransposedAsPointwise(node, payload, parameters, inputs) }
    let order: ValueLayout.Order = method == .planes ? .planar : .interleaved
    let shuffle = epilogue.shuffle, final = try shape(of: node.name)
    epilogue.shuffle = 1
    let plain = Shape(
      batch: final.batch, channels: payload.outChannels, height: final.height / shuffle, width: final.width / shuffle)
    let sums = parameters.sums(
      of: codes(of: node.inputs[0]), epilogue.requantization,
      added: epilogue.adds && epilogue.requantization != nil ? codes(of: node.inputs[1]) : nil)
    // Numbers of integer sums are stored as float32.
    let wanted = element
    if sums != nil, epilogue.requantization == nil { element = .float32 }
    defer { element = wanted }
    let from = convert(inputs[0], to: self.layout(of: inputs[0], .interleaved), node: node.name)
    let residual = epilogue.adds ? convert(inputs[1], to: valueLayout(plain, order), node: node.name) : nil
    let isFinal = shuffle == 1 && valueLayout(final).order == order && element == wanted
    let layout = valueLayout(plain, order)
    let output = isFinal ? try addOutput(node, layout) : addValue(layout)
    let (weight, bias, slopes) = (parameters.weight, parameters.bias, parameters.slopes)
    let read = (from, result.layouts[from]), written = (output, result.layouts[output])
    let added = residual.map { ($0, result.layouts[$0]) }
    switch method {
    case .planes:
      result.steps.append(
        TransposedPlanesStep(
          node: node.name, payload, weight: weight, bias: bias, slopes: slopes, epilogue: epilogue, input: read,
          residual: added, output: written, table: table, threadCount: engine.threadCount, packs: packs))
    case .depthwise:
      result.steps.append(
        TransposedDepthwiseStep(
          node: node.name, payload, weight: weight, bias: bias, slopes: slopes, epilogue: epilogue, input: read,
          residual: added, output: written, table: table, packs: packs))
    case .pointwise, .phases:
      result.steps.append(
        TransposedConvolutionStep(
          node: node.name, payload, weight: weight, bias: bias, slopes: slopes, epilogue: epilogue, sums: sums, input: read,
          residual: added, output: written, table: table, packs: packs))
    }
    element = wanted
    guard shuffle > 1 else { return convert(output, to: valueLayout(final), node: node.name) }
    let shuffled = try addOutput(node, valueLayout(final))
    rearrange(.pixelShuffle(PixelShuffle(factor: shuffle)), node: node.name, [output], to: shuffled)
    return shuffled
  }

  /// A transposed convolution whose kernel is as large as its stride: a 1x1 convolution to the channels of every place that a pixel
  /// spreads to, and a pixel shuffle.
  private mutating func lowerTransposedAsPointwise(
    _ node: Node, _ payload: TransposedConvolution, _ given: ConvolutionParameters, _ inputs: [Int]
  ) throws(ExecutionError) -> Int {
    let factor = payload.stride.height, places = factor * factor, channels = payload.outChannels * places
    let parameters = ConvolutionParameters(
      // [inChannels, outChannels, factor, factor]: the places of a channel follow each other, as a pixel shuffle takes them.
      weight: .turned(given.weight), bias: given.bias.map { .repeated($0, count: places) },
      // One slope serves all channels as it is.
      slopes: given.slopes.map {
        network.parameter(.slope, of: node)?.count == 1 ? $0 : .repeated($0, count: places)
      }, multiplier: given.multiplier.map { .repeated($0, count: places) }, columns: .turned)
    let input = result.layouts[inputs[0]].shape
    let pointwise = Convolution(
      inChannels: payload.inChannels, outChannels: channels, kernel: Pair(1), hasBias: payload.hasBias)
    let geometry = ConvolutionGeometry(
      pointwise, input: input,
      output: Shape(batch: input.batch, channels: channels, height: input.height, width: input.width))
    var epilogue = payload.epilogue
    if factor > 1 { epilogue.steps.append(.pixelShuffle(factor)) }
    return try lower(node, geometry, parameters, epilogue, inputs, output: try shape(of: node.name)) { operands in
      PointwiseStep(operands)
    }
  }
}
