import Execution
import Networks
import Tensors

/// What a session runs: steps in order over values that lie in the inputs, the outputs or an arena.
struct Program {
  enum Place: Hashable {
    case input(Int)
    case output(Int)
    case arena
  }

  var steps: [any Step]
  var layouts: [ValueLayout]
  var places: [Place]
  /// Of each output: the value whose bytes it is. Where two outputs are one value, the second is a copy of the first.
  var outputValues: [Int]
}

/// Turns a network into a program: chooses a kernel for each convolution, gives each value a layout, and puts copies between
/// where layouts differ.
struct Lowering {
  private let network: Network
  private let shapes: [String: Shape]
  private let wholeShapes: [String: Shape]
  private let engine: CPUEngine
  private let table: KernelTable
  private var result = Program(steps: [], layouts: [], places: [], outputValues: [])
  /// The value of each network value, in the layout that `ValueLayout(shape)` gives it.
  private var values: [String: Int] = [:]

  init(_ network: Network, shapes: [String: Shape], wholeShapes: [String: Shape], engine: CPUEngine) {
    self.network = network
    self.shapes = shapes
    self.wholeShapes = wholeShapes
    self.engine = engine
    table = KernelTable(engine.instructionSet)
  }

  mutating func program() throws(ExecutionError) -> Program {
    for (index, input) in network.inputs.enumerated() {
      let shape = try shape(of: input.name)
      let value = addValue(ValueLayout(shape, .planar), .input(index))
      values[input.name] = convert(value, to: ValueLayout(shape), node: input.name)
    }
    for node in network.nodes { try lower(node) }
    for name in network.outputs { result.outputValues.append(try outputValue(name)) }
    return result
  }

  // MARK: Values

  private mutating func addValue(_ layout: ValueLayout, _ place: Program.Place = .arena) -> Int {
    result.layouts.append(layout)
    result.places.append(place)
    return result.layouts.count - 1
  }

  private func shape(of name: String) throws(ExecutionError) -> Shape {
    guard let shape = shapes[name] else { throw .invalidNetwork("the value '\(name)' has no shape") }
    return shape
  }

  private func value(_ name: String) throws(ExecutionError) -> Int {
    guard let value = values[name] else { throw .invalidNetwork("the value '\(name)' is read before it is computed") }
    return value
  }

  private func parameter(_ role: String, of node: Node) throws(ExecutionError) -> Tensor {
    guard let tensor = network.parameter(role, of: node) else {
      throw .invalidNetwork("the parameter '\(node.parameterName(role))' is missing")
    }
    return tensor
  }

  /// The value itself where it has the layout already, else a copy.
  private mutating func convert(_ value: Int, to layout: ValueLayout, node: String) -> Int {
    let from = result.layouts[value]
    guard from.order != layout.order else { return value }
    let copy = addValue(layout)
    rearrange(.copy, node: node, [value], to: copy)
    return copy
  }

  private mutating func rearrange(_ kind: RearrangementStep.Kind, node: String, _ inputs: [Int], to output: Int) {
    result.steps.append(
      RearrangementStep(
        node: node, kind: kind, inputs: inputs.map { ($0, result.layouts[$0]) }, output: output,
        layout: result.layouts[output], threadCount: engine.threadCount))
  }

  /// The planar value that leaves as the next output: the value itself where it may lie in the output's tensor.
  private mutating func outputValue(_ name: String) throws(ExecutionError) -> Int {
    let value = try value(name), index = result.outputValues.count
    if result.layouts[value].order == .planar, result.places[value] == .arena {
      result.places[value] = .output(index)
      return value
    }
    let copy = addValue(ValueLayout(result.layouts[value].shape, .planar), .output(index))
    rearrange(.copy, node: name, [value], to: copy)
    return copy
  }

  // MARK: Nodes

  private mutating func lower(_ node: Node) throws(ExecutionError) {
    let shape = try shape(of: node.name)
    var inputs: [Int] = []
    for name in node.inputs { inputs.append(try value(name)) }
    let layout = ValueLayout(shape)
    switch node.operation {
    case .convolution(let payload):
      let names = ConvolutionRoles(weight: "weight", bias: "bias", slope: "slope")
      values[node.name] = try lowerConvolution(node, payload, inputs, names, output: shape)
      return
    case .separableConvolution(let payload):
      values[node.name] = try lowerSeparable(node, payload, inputs, output: shape)
      return
    case .activation(let function):
      var epilogue = CanonicalEpilogue()
      epilogue.before = function
      let slopes: [Float]? = if case .prelu = function { try parameter("slope", of: node).floats } else { nil }
      values[node.name] = elementwise(node, inputs[0], layout, slopes: slopes, epilogue: epilogue)
    case .scale(let payload):
      var epilogue = CanonicalEpilogue()
      epilogue.scale = payload.factor
      values[node.name] = elementwise(node, inputs[0], layout, epilogue: epilogue)
    case .channelAffine:
      values[node.name] = elementwise(
        node, inputs[0], layout, multiplier: try parameter("scale", of: node).floats,
        bias: try parameter("shift", of: node).floats, epilogue: CanonicalEpilogue())
    case .batchNorm(let payload):
      let affine = try batchNormAffine(node, payload)
      values[node.name] = elementwise(
        node, inputs[0], layout, multiplier: affine.scale, bias: affine.shift, epilogue: CanonicalEpilogue())
    case .add:
      var epilogue = CanonicalEpilogue()
      epilogue.adds = true
      values[node.name] = elementwise(node, inputs[0], layout, epilogue: epilogue, residual: inputs[1])
    case .concatenation: values[node.name] = rearranged(node, .concatenation, inputs, layout)
    case .pixelShuffle(let payload): values[node.name] = rearranged(node, .pixelShuffle(payload.factor), inputs, layout)
    case .pixelUnshuffle(let payload): values[node.name] = rearranged(node, .pixelUnshuffle(payload.factor), inputs, layout)
    case .transposedConvolution, .linear, .resize, .maximumPool, .averagePool, .globalAveragePool, .flatten:
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: engine.name, reason: "it has no kernel")
    }
  }

  private mutating func rearranged(_ node: Node, _ kind: RearrangementStep.Kind, _ inputs: [Int], _ layout: ValueLayout) -> Int
  {
    let output = addValue(layout)
    rearrange(kind, node: node.name, inputs, to: output)
    return output
  }

  private mutating func elementwise(
    _ node: Node, _ input: Int, _ layout: ValueLayout, multiplier: [Float]? = nil, bias: [Float]? = nil, slopes: [Float]? = nil,
    epilogue: CanonicalEpilogue, residual: Int? = nil
  ) -> Int {
    let output = addValue(layout)
    result.steps.append(
      ElementwiseStep(
        node: node.name, input: input, output: output, layout: layout, table: table, threadCount: engine.threadCount,
        multiplier: multiplier, bias: bias, slopes: slopes, epilogue: epilogue, residual: residual))
    return output
  }

  /// (x - mean) / √(variance + ε) · weight + bias as one multiplier and one shift, computed in Double.
  private func batchNormAffine(
    _ node: Node, _ payload: BatchNorm
  ) throws(ExecutionError) -> (scale: [Float], shift: [Float]) {
    let weight = try parameter("weight", of: node).floats, bias = try parameter("bias", of: node).floats
    let mean = try parameter("runningMean", of: node).floats, variance = try parameter("runningVariance", of: node).floats
    var scale: [Float] = [], shift: [Float] = []
    for channel in 0..<payload.channels {
      let factor = Double(weight[channel]) / (Double(variance[channel]) + Double(payload.epsilon)).squareRoot()
      scale.append(Float(factor))
      shift.append(Float(Double(bias[channel]) - Double(mean[channel]) * factor))
    }
    return (scale, shift)
  }

  /// The parameters of a convolution by the roles they have in its node.
  private struct ConvolutionRoles {
    var weight: String
    var bias: String
    var slope: String
  }

  /// The parts of a separable convolution one after the other.
  private mutating func lowerSeparable(
    _ node: Node, _ payload: SeparableConvolution, _ inputs: [Int], output: Shape
  ) throws(ExecutionError) -> Int {
    var (first, second) = payload.parts
    if let middle = payload.middle { first.epilogue.steps.append(.activation(middle)) }
    let depthwise = ConvolutionRoles(weight: "depthwiseWeight", bias: "depthwiseBias", slope: "slope")
    let pointwise = ConvolutionRoles(weight: "pointwiseWeight", bias: "pointwiseBias", slope: "slope")
    var roles = payload.order == .depthwiseFirst ? (depthwise, pointwise) : (pointwise, depthwise)
    roles.0.slope = "middleSlope"
    let between: Shape
    do throws(ShapeMismatch) {
      between = try first.shapeBeforeShuffle(result.layouts[inputs[0]].shape)
    } catch {
      throw .invalidNetwork("the node '\(node.name)' does not fit its input: \(error.reason)")
    }
    let middle = try lowerConvolution(node, first, [inputs[0]], roles.0, output: between)
    return try lowerConvolution(node, second, [middle] + inputs.dropFirst(), roles.1, output: output)
  }

  /// - Parameter output: the shape of the result, after any pixel shuffle.
  private mutating func lowerConvolution(
    _ node: Node, _ payload: Convolution, _ inputs: [Int], _ roles: ConvolutionRoles, output shape: Shape
  ) throws(ExecutionError) -> Int {
    let shuffle = payload.epilogue.pixelShuffleFactor
    guard var epilogue = CanonicalEpilogue(payload.epilogue) else {
      throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for")
    }
    let geometry = ConvolutionGeometry(
      payload, input: result.layouts[inputs[0]].shape,
      output: Shape(
        batch: shape.batch, channels: payload.outChannels, height: shape.height / shuffle, width: shape.width / shuffle))
    var wholeGeometry = geometry
    if let whole = ConvolutionGeometry(node, payload, shapes: wholeShapes) { wholeGeometry = whole }
    let method = engine.method(for: wholeGeometry)
    let finalLayout = ValueLayout(shape)
    let plainShape = Shape(
      batch: geometry.batch, channels: geometry.outChannels, height: geometry.outHeight, width: geometry.outWidth)

    // The shuffle rides on the store where stored pixels are whole blocks of channels and nothing is added before it.
    // A depthwise kernel stores its channels in the order in which it reads them.
    let fusesShuffle =
      epilogue.shuffle > 1 && finalLayout.order == .interleaved && !epilogue.adds && method != .tail && method != .depthwise
    let laterShuffle = fusesShuffle ? 1 : epilogue.shuffle
    if !fusesShuffle { epilogue.shuffle = 1 }

    let inputOrder: ValueLayout.Order = method == .head ? .planar : .interleaved
    let input = convert(inputs[0], to: ValueLayout(result.layouts[inputs[0]].shape, inputOrder), node: node.name)
    let produced =
      fusesShuffle ? finalLayout : ValueLayout(plainShape, method == .tail ? .planar : .interleaved)
    let residual =
      epilogue.adds ? convert(inputs[1], to: ValueLayout(plainShape, produced.order), node: node.name) : nil
    let output = addValue(produced)
    let operands = ConvolutionOperands(
      node: node.name, geometry: geometry, weight: try parameter(roles.weight, of: node),
      bias: payload.hasBias ? try parameter(roles.bias, of: node).floats : nil,
      slopes: network.parameter(roles.slope, of: node)?.floats, epilogue: epilogue, input: input,
      inputLayout: result.layouts[input], residual: residual, residualLayout: residual.map { result.layouts[$0] },
      output: output, outputLayout: produced, table: table, threadCount: engine.threadCount)
    result.steps.append(step(method, operands))

    if laterShuffle > 1 {
      let shuffled = addValue(finalLayout)
      rearrange(.pixelShuffle(laterShuffle), node: node.name, [output], to: shuffled)
      return shuffled
    }
    return convert(output, to: finalLayout, node: node.name)
  }

  private func step(_ method: ConvolutionMethod, _ operands: ConvolutionOperands) -> any Step {
    switch method {
    case .winograd4: WinogradStep(operands, size: 4)
    case .winograd2: WinogradStep(operands, size: 2)
    case .head: HeadStep(operands)
    case .tail: TailStep(operands)
    case .depthwise: DepthwiseStep(operands)
    case .pointwise, .direct: GatherStep(operands)
    }
  }
}
