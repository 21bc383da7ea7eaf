import Execution
import Networks
import Tensors

extension Lowering {
  /// Pools, transposed convolutions and linear layers: kernels for interleaved values, with copies around them where values are
  /// planar.
  mutating func lowerMaximumPool(_ node: Node, _ pool: Pool, _ input: Int) throws(ExecutionError) -> Int {
    try lowerPool(node, .maximum, pool, input)
  }

  mutating func lowerAveragePool(_ node: Node, _ pool: Pool, _ input: Int) throws(ExecutionError) -> Int {
    try lowerPool(node, .average, pool, input)
  }

  private mutating func lowerPool(
    _ node: Node, _ kind: PoolStep.Kind, _ pool: Pool, _ input: Int
  ) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      PoolStep(
        node: node.name, kind, pool, input: from, output: to, table: table))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  mutating func lowerGlobalAveragePool(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      GlobalAveragePoolStep(node: node.name, input: from, output: to, table: table))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  mutating func lowerTransposedConvolution(
    _ node: Node, _ payload: TransposedConvolution, _ inputs: [Int]
  ) throws(ExecutionError) -> Int {
    guard var epilogue = CanonicalEpilogue(payload.epilogue),
      let wholeGeometry = TransposedGeometry(node, payload, shapes: wholeShapes)
    else {
      throw .invalidNetwork("the node '\(node.name)' is not as its support was asked for")
    }
    let method = engine.method(for: wholeGeometry)
    if method == .pointwise { return try lowerTransposedAsPointwise(node, payload, inputs) }
    let order: ValueLayout.Order = method == .planes ? .planar : .interleaved
    let shuffle = epilogue.shuffle, final = try shape(of: node.name)
    epilogue.shuffle = 1
    let plain = Shape(
      batch: final.batch, channels: payload.outChannels, height: final.height / shuffle, width: final.width / shuffle)
    let from = convert(inputs[0], to: valueLayout(result.layouts[inputs[0]].shape, .interleaved), node: node.name)
    let residual = epilogue.adds ? convert(inputs[1], to: valueLayout(plain, order), node: node.name) : nil
    let isFinal = shuffle == 1 && valueLayout(final).order == order
    let layout = valueLayout(plain, order)
    let output = isFinal ? try addOutput(node, layout) : addValue(layout)
    let weight = try weight(.weight, of: node), bias = payload.hasBias ? try parameter(.bias, of: node) : nil
    let slopes = slopes(.slope, of: node)
    let read = (from, result.layouts[from]), written = (output, result.layouts[output])
    let added = residual.map { ($0, result.layouts[$0]) }
    result.steps.append(
      method == .planes
        ? TransposedPlanesStep(
          node: node.name, payload, weight: weight, bias: bias, slopes: slopes, epilogue: epilogue, input: read,
          residual: added, output: written, table: table, threadCount: engine.threadCount,
          packs: packs)
        : TransposedConvolutionStep(
          node: node.name, payload, weight: weight, bias: bias, slopes: slopes, epilogue: epilogue, input: read,
          residual: added, output: written, table: table, packs: packs))
    guard shuffle > 1 else { return convert(output, to: valueLayout(final), node: node.name) }
    let shuffled = try addOutput(node, valueLayout(final))
    rearrange(.pixelShuffle(PixelShuffle(factor: shuffle)), node: node.name, [output], to: shuffled)
    return shuffled
  }

  mutating func lowerLinear(_ node: Node, _ payload: Linear, _ input: Int) throws(ExecutionError) -> Int {
    let (from, to) = try interleaved(node, input)
    result.steps.append(
      LinearStep(
        node: node.name, payload, weight: try weight(.weight, of: node),
        bias: payload.hasBias ? try parameter(.bias, of: node) : nil, input: from, output: to, table: table, packs: packs))
    return convert(to.value, to: valueLayout(try shape(of: node.name)), node: node.name)
  }

  /// Where every image is one pixel, its channels are flat already: the value itself.
  mutating func lowerFlatten(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name))
    if result.layouts[input] == layout { return input }
    let output = addValue(layout)
    rearrange(.flatten, node: node.name, [input], to: output)
    return output
  }

  /// The input and a new output of the node, both interleaved.
  private mutating func interleaved(
    _ node: Node, _ input: Int
  ) throws(ExecutionError) -> (input: (value: Int, layout: ValueLayout), output: (value: Int, layout: ValueLayout)) {
    let from = convert(input, to: valueLayout(result.layouts[input].shape, .interleaved), node: node.name)
    let layout = valueLayout(try shape(of: node.name), .interleaved)
    let isFinal = valueLayout(layout.shape).order == .interleaved
    let to = isFinal ? try addOutput(node, layout) : addValue(layout)
    return ((from, result.layouts[from]), (to, result.layouts[to]))
  }
}
