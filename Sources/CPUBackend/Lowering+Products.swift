import Execution
import Networks
import Tensors

/// Products of matrices.
extension Lowering {
  mutating func lowerLinear(_ node: Node, _ payload: Linear, _ inputs: [Int]) throws(ExecutionError) -> Int {
    if payload.epilogue.sumsIntegers { return try lowerLinearAsPointwise(node, payload, inputs) }
    if let quantize = payload.epilogue.quantize {
      let whole = element
      element = engine.precision.element
      var plain = payload
      plain.epilogue = payload.epilogue.withoutQuantize
      let numbers = try lowerLinear(node, plain, inputs)
      element = whole
      return try quantized(node, numbers, quantize)
    }
    let input = inputs[0]
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      LinearStep(
        node: node.name, payload, weight: try weight(.weight, of: node),
        bias: payload.hasBias ? try parameter(.bias, of: node) : nil, input: from, output: to, table: table, packs: packs))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  /// Of integers: a 1x1 convolution of images of one pixel.
  private mutating func lowerLinearAsPointwise(_ node: Node, _ payload: Linear, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let parameters = ConvolutionParameters(
      weight: try parameter(.weight, of: node), bias: payload.hasBias ? try parameter(.bias, of: node) : nil,
      slopes: slopes(.slope, of: node), multiplier: multiplier(.multiplier, of: node))
    let convolution = Convolution(
      inChannels: payload.inFeatures, outChannels: payload.outFeatures, kernel: Pair(1), hasBias: payload.hasBias)
    let batch = result.layouts[inputs[0]].batch
    let geometry = ConvolutionGeometry(
      convolution, input: Shape(batch: batch, channels: payload.inFeatures, height: 1, width: 1),
      output: Shape(batch: batch, channels: payload.outFeatures, height: 1, width: 1))
    return try lower(node, geometry, parameters, payload.epilogue, inputs, output: try shape(of: node.name)) {
      PointwiseStep($0)
    }
  }

  mutating func lowerMatrixMultiply(_ node: Node, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name)
    var operands: [(value: Int, layout: ValueLayout)] = [], shapes: [Shape] = []
    for (name, input) in zip(node.inputs, inputs) {
      let operand = convert(input, to: valueLayout(result.layouts[input].shape, .planar), node: node.name)
      operands.append((operand, result.layouts[operand]))
      shapes.append(try self.shape(of: name))
    }
    let layout = valueLayout(shape, .planar), output = addValue(layout)
    result.steps.append(
      MatrixMultiplyStep(
        node: node.name, inputs: operands, shapes: shapes, product: shape, output: (output, layout), table: table))
    return convert(output, to: valueLayout(shape), node: node.name)
  }
}
