import Execution
import Networks
import Tensors

/// Operations that only move elements.
extension Lowering {
  mutating func lowerExpand(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    expanded(node, input, try shape(of: node.inputs[0]), to: try shape(of: node.name))
  }

  mutating func expanded(_ node: Node, _ input: Int, _ shape: Shape, to output: Shape) -> Int {
    if shape == output { return input }
    let input = float32(node, input), strides = result.layouts[input].strides(of: shape)
    let axes = (0..<output.rank).map { axis in
      StridedStep.Axis(extent: output[axis], stride: shape[axis] == 1 ? 0 : strides[axis])
    }
    return strided(node, "expand", axes, input, valueLayout(output))
  }

  mutating func lowerConcatenation(_ node: Node, axis: Int, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name)
    var parts: [(value: Int, layout: ValueLayout)] = [], shapes: [Shape] = []
    for (name, input) in zip(node.inputs, inputs) {
      let part = float32(node, input)
      parts.append((part, result.layouts[part]))
      shapes.append(try self.shape(of: name))
    }
    let output = addFloat32(valueLayout(shape))
    result.steps.append(
      JoinStep(node: node.name, axis: axis, inputs: parts, shapes: shapes, output: output, shape: shape))
    return convert(output.value, to: valueLayout(shape), node: node.name)
  }

  mutating func lowerPad(_ node: Node, _ payload: Pad, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    func map(_ count: Int, _ before: Int, _ extent: Int) throws(ExecutionError) -> [Int] {
      try result.tables.map(.pad(payload.mode, before: before, extent: extent, count: count), node) {
        payload.source(of: $0 - before, extent: extent) ?? SelectionStep.Maps.constant
      }
    }
    let maps = SelectionStep.Maps(
      channels: try map(layout.channels, payload.channelsBefore, from.channels),
      rows: try map(layout.height, payload.padding.top, from.height),
      columns: try map(layout.width, payload.padding.left, from.width),
      value: types[node.name].flatMap { Codes.byte(of: payload.value, $0) }.map(Float.init) ?? payload.value)
    return select(node, "pad", maps, input, layout)
  }

  mutating func lowerSlice(_ node: Node, _ payload: Slice, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0]), outputShape = try shape(of: node.name)
    let layout = valueLayout(outputShape)
    var starts = [Int](repeating: 0, count: inputShape.rank), steps = [Int](repeating: 1, count: inputShape.rank)
    for span in payload.spans {
      starts[span.axis] = span.range(extent: inputShape[span.axis])?.start ?? 0
      steps[span.axis] = span.step
    }
    if inputShape.isImage, outputShape.batch == inputShape.batch {
      func map(_ axis: Int) throws(ExecutionError) -> [Int] {
        let (start, step) = (starts[axis], steps[axis])
        return try result.tables.map(.slice(start: start, step: step, count: outputShape[axis]), node) { start + $0 * step }
      }
      return select(
        node, "slice", SelectionStep.Maps(channels: try map(1), rows: try map(2), columns: try map(3)), input, layout)
    }
    let input = float32(node, input), strides = result.layouts[input].strides(of: inputShape)
    var offset = 0, axes: [StridedStep.Axis] = []
    for axis in 0..<inputShape.rank {
      offset += starts[axis] * strides[axis]
      axes.append(StridedStep.Axis(extent: outputShape[axis], stride: steps[axis] * strides[axis]))
    }
    return strided(node, "slice", offset: offset, axes, input, layout)
  }

  mutating func lowerTranspose(_ node: Node, _ payload: Transpose, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0])
    let input = float32(node, input), strides = result.layouts[input].strides(of: inputShape)
    let axes = payload.permutation.map { StridedStep.Axis(extent: inputShape[$0], stride: strides[$0]) }
    return strided(node, "transpose", axes, input, valueLayout(try shape(of: node.name)))
  }

  /// The same elements in the same order under another shape, float32 both.
  mutating func reshaped(_ node: Node, _ input: Int, to shape: Shape) -> Int {
    let output = addFloat32(valueLayout(shape))
    if output.layout == result.layouts[input] { return input }
    result.steps.append(ReshapeStep(node: node.name, input: (input, result.layouts[input]), output: output))
    return output.value
  }

  /// Where the elements lie in the same places: the value itself.
  mutating func lowerReshape(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    if from == layout { return input }
    let wide = float32(node, input), output = addFloat32(layout)
    result.steps.append(ReshapeStep(node: node.name, input: (wide, result.layouts[wide]), output: output))
    return convert(output.value, to: layout, node: node.name)
  }

  /// Copies by maps along each axis, with the input in the order of the output.
  mutating func select(
    _ node: Node, _ name: String, _ maps: SelectionStep.Maps, _ input: Int, _ layout: ValueLayout
  ) -> Int {
    let from = convert(input, to: valueLayout(result.layouts[input].shape, layout.order), node: node.name)
    let output = addValue(layout)
    result.steps.append(
      SelectionStep(
        node: node.name, name: name, maps, input: (from, result.layouts[from]), output: (output, layout)))
    return output
  }

  /// Where every image is one pixel, its channels are flat already: the value itself.
  mutating func lowerFlatten(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name))
    if result.layouts[input] == layout { return input }
    let output = addValue(layout)
    rearrange(.flatten, node: node.name, [input], to: output)
    return output
  }

  /// `input` is float32.
  mutating func strided(
    _ node: Node, _ name: String, offset: Int = 0, _ axes: [StridedStep.Axis], _ input: Int, _ layout: ValueLayout
  ) -> Int {
    let output = addFloat32(layout)
    result.steps.append(
      StridedStep(
        node: node.name, name: name, offset: offset, axes: axes, input: (input, result.layouts[input]), output: output))
    return convert(output.value, to: layout, node: node.name)
  }
}
