import Networks
import Tensors
import Execution

extension Lowering {
  /// A convolution by the method that the selector takes for the whole image.
  ///
  /// - Parameter shape: of the result, after any pixel shuffle.
  mutating func lowerConvolution(
    _ node: Node, _ payload: Convolution, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    let parameters = ConvolutionParameters(
      weight: try weight(.weight, of: node), bias: payload.hasBias ? try parameter(.bias, of: node) : nil,
      slopes: slopes(.slope, of: node), multiplier: multiplier(.multiplier, of: node))
    return try lowerConvolution(node, payload, parameters, inputs, output: shape)
  }

  /// The same with any parameters.
  mutating func lowerConvolution(
    _ node: Node, _ payload: Convolution, _ parameters: ConvolutionParameters, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    guard let geometry = ConvolutionGeometry(node, payload, shapes: shapes),
      let wholeGeometry = ConvolutionGeometry(node, payload, shapes: wholeShapes)
    else { throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for") }
    let method = engine.method(for: wholeGeometry)
    return try lower(
      node, geometry, parameters, payload.epilogue, inputs, output: shape, inputOrder: method.inputOrder,
      outputOrder: method.outputOrder, storesAnywhere: method.storesAnywhere
    ) { operands in
      switch method {
      case .winograd4: WinogradStep(operands, size: 4)
      case .winograd2: WinogradStep(operands, size: 2)
      case .head: HeadStep(operands)
      case .rows: RowsStep(operands)
      case .tail: TailStep(operands)
      case .depthwise: DepthwiseStep(operands)
      case .pointwise: PointwiseStep(operands)
      case .direct: GatherStep(operands)
      }
    }
  }

  /// A separable convolution as one step, in the way that the selector takes for the whole image.
  mutating func lowerSeparable(
    _ node: Node, _ payload: SeparableConvolution, _ inputs: [Int], output shape: Shape
  ) throws(ExecutionError) -> Int {
    guard let geometry = SeparableGeometry(node, payload, shapes: shapes)?.window,
      let wholeGeometry = SeparableGeometry(node, payload, shapes: wholeShapes)
    else { throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for") }
    let depthwise = ConvolutionParameters(
      weight: try weight(.depthwiseWeight, of: node),
      bias: payload.depthwiseHasBias ? try parameter(.depthwiseBias, of: node) : nil,
      slopes: slopes(.slope, of: node), multiplier: multiplier(.depthwiseMultiplier, of: node))
    let pointwise = ConvolutionParameters(
      weight: try weight(.pointwiseWeight, of: node),
      bias: payload.pointwiseHasBias ? try parameter(.pointwiseBias, of: node) : nil,
      slopes: slopes(.slope, of: node), multiplier: multiplier(.pointwiseMultiplier, of: node))
    var middle = CanonicalEpilogue()
    middle.before = payload.middle
    let middleSlopes = slopes(.middleSlope, of: node)
    let channels = payload.depthwiseChannels
    let order = (0..<paddedChannels(channels)).map { $0 < channels ? $0 : nil }
    // What the first part reads, and what the second reads: integers where both sum such.
    let given = codes(of: node.inputs[0])
    let requantization = payload.middleRequantization
    let codes = requantization.map { Codes($0.element, $0.quantization) }
    let method = engine.method(for: wholeGeometry)
    switch method {
    case .blocks, .vectorBlocks:
      let between = EpilogueParameters(
        middle, order: order, bias: depthwise.bias, slopes: middleSlopes, sums: depthwise.sums(of: given, requantization),
        packs: packs)
      return try lower(node, geometry, pointwise, payload.epilogue, inputs, codes: codes, output: shape) { operands in
        SeparableStep(
          operands, depthwise: payload.depthwise, weight: depthwise.weight, codes: given, middle: between,
          products: method == .blocks ? operands.table : operands.table.withoutTiles)
      }
    case .ring:
      let between = EpilogueParameters(
        middle, order: order, bias: pointwise.bias, slopes: middleSlopes, sums: pointwise.sums(of: given, requantization),
        packs: packs)
      return try lower(
        node, geometry, depthwise, payload.epilogue, inputs, codes: codes, output: shape, storesAnywhere: false
      ) { operands in
        ChannelSelectionStep(operands, pointwise: pointwise.weight, middle: between)
      }
    }
  }

  /// The concatenations that are read in parts by all their readers.
  func concatenationsReadInParts() -> Set<String> {
    ConcatenationPart.unmadeConcatenations(in: network, shapes: shapes) { node in
      if case .separableConvolution(let payload) = node.operation {
        return SeparableGeometry(node, payload, shapes: wholeShapes).map { engine.method(for: $0).takesParts } ?? false
      }
      guard case .convolution(let payload) = node.operation,
        let method = ConvolutionGeometry(node, payload, shapes: wholeShapes).map({ engine.method(for: $0) })
      else { return false }
      return method.takesParts
    }
  }

  /// Where the channels of a value lie.
  private func parts(of value: Int) -> [InputPart] {
    guard case .inParts(let values) = result.places[value] else {
      return [InputPart(value, result.layouts[value], firstChannel: 0)]
    }
    var channel = 0
    return values.map { value in
      defer { channel += result.layouts[value].channels }
      return InputPart(value, result.layouts[value], firstChannel: channel)
    }
  }

  /// The parameters of a convolution, as packs take them.
  struct ConvolutionParameters {
    var weight: ParameterTensor
    var bias: ParameterTensor?
    var slopes: ParameterTensor?
    /// Of sums of integers.
    var multiplier: ParameterTensor?
    /// How the weights of a column lie.
    var columns: IntegerSums.Columns = .rows

    /// What is done to sums of integers; nil where there are none.
    func sums(of codes: Codes?, _ requantization: Requantization?, added: Codes? = nil) -> IntegerSums? {
      guard let multiplier, let codes else { return nil }
      return IntegerSums(
        weight: weight.source.tensor, columns: columns, multiplier: multiplier, input: codes, added: added,
        requantization: requantization)
    }
  }

  /// The factors of sums of integers, where the node has any.
  func multiplier(_ role: ParameterRole, of node: Node) -> ParameterTensor? {
    network.parameter(role, of: node).map { _ in .parameter(node.parameterName(role)) }
  }

  /// What every convolution shares: layouts, residual, and what is left of the epilogue.
  ///
  /// - Parameters:
  ///   - codes: what is summed where that is integers; those of the first input unless given.
  ///   - storesAnywhere: whether the step can store columns in any order, and so spread them out as a pixel shuffle does.
  mutating func lower(
    _ node: Node, _ geometry: ConvolutionGeometry, _ parameters: ConvolutionParameters, _ steps: Epilogue, _ inputs: [Int],
    codes given: Codes? = nil, output shape: Shape, inputOrder: ValueLayout.Order = .interleaved,
    outputOrder: ValueLayout.Order = .interleaved,
    storesAnywhere: Bool = true, _ makeStep: (ConvolutionOperands) -> any Step
  ) throws(ExecutionError) -> Int {
    guard var epilogue = CanonicalEpilogue(steps) else {
      throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for")
    }
    if let quantize = epilogue.quantize {
      // The numbers first, which then become integers.
      epilogue.quantize = nil
      let whole = element
      element = engine.precision.element
      let numbers = try lower(
        node, geometry, parameters, steps.withoutQuantize, inputs, codes: given, output: shape, inputOrder: inputOrder,
        outputOrder: outputOrder, storesAnywhere: storesAnywhere, makeStep)
      element = whole
      return try quantized(node, numbers, quantize)
    }
    let sums = parameters.sums(
      of: given ?? codes(of: node.inputs[0]), epilogue.requantization,
      added: epilogue.adds && epilogue.requantization != nil ? codes(of: node.inputs[1]) : nil)
    // Numbers of integer sums are stored as float32.
    let wanted = element
    if sums != nil, epilogue.requantization == nil { element = .float32 }
    defer { element = wanted }
    let finalLayout = valueLayout(shape)
    let plainShape = Shape(
      batch: geometry.batch, channels: geometry.outChannels, height: geometry.outHeight, width: geometry.outWidth)

    // The shuffle rides on the store where stored pixels are whole blocks of channels and nothing is added before it.
    let fusesShuffle = epilogue.shuffle > 1 && finalLayout.order == .interleaved && !epilogue.adds && storesAnywhere
    let laterShuffle = fusesShuffle ? 1 : epilogue.shuffle
    if !fusesShuffle { epilogue.shuffle = 1 }

    let input = convert(inputs[0], to: layout(of: inputs[0], inputOrder), node: node.name)
    let produced = fusesShuffle ? finalLayout : valueLayout(plainShape, outputOrder)
    let residual =
      epilogue.adds ? convert(inputs[1], to: valueLayout(plainShape, produced.order), node: node.name) : nil
    let isFinal = laterShuffle == 1 && produced.order == finalLayout.order && wanted == element
    let output = isFinal ? try addOutput(node, produced) : addValue(produced)
    let operands = ConvolutionOperands(
      node: node.name, geometry: geometry, weight: parameters.weight, bias: parameters.bias, slopes: parameters.slopes,
      epilogue: epilogue, sums: sums, input: input, inputLayout: result.layouts[input], parts: parts(of: input),
      residual: residual,
      residualLayout: residual.map { result.layouts[$0] }, output: output, outputLayout: result.layouts[output], table: table,
      packs: packs, threadCount: engine.threadCount)
    result.steps.append(makeStep(operands))

    if laterShuffle > 1 {
      element = wanted
      let final = valueLayout(shape), shuffled = try addOutput(node, final)
      rearrange(.pixelShuffle(PixelShuffle(factor: laterShuffle)), node: node.name, [output], to: shuffled)
      return shuffled
    }
    element = wanted
    return convert(output, to: valueLayout(shape), node: node.name)
  }
}
