import Execution
import Networks
import Tensors

/// Operations without weights: functions of two values, resizes, softmax, and those that move elements.
extension Lowering {
  /// The value as float32, for steps that know nothing else.
  private mutating func float32(_ node: Node, _ input: Int) -> Int {
    convert(input, to: ValueLayout(result.layouts[input].shape, result.layouts[input].order), node: node.name)
  }

  /// A value for the result of such a step, which then goes through `convert`.
  private mutating func addFloat32(_ layout: ValueLayout) -> (value: Int, layout: ValueLayout) {
    let layout = ValueLayout(layout.shape, layout.order)
    return (addValue(layout), layout)
  }

  mutating func lowerBinary(_ node: Node, _ function: BinaryFunction, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name))
    let operands = inputs.map { ($0, result.layouts[$0]) }
    let output = addValue(layout)
    result.steps.append(
      BinaryStep(
        node: node.name, function, operands, output: (output, layout), table: table, threadCount: engine.threadCount))
    return output
  }

  mutating func lowerResize(_ node: Node, _ payload: Resize, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    if payload.method == .nearest {
      func nearest(_ position: Resize.Position, _ extent: Int) -> Int {
        min(max(position.rounded(payload.rounding), 0), extent - 1)
      }
      let maps = SelectionStep.Maps(
        channels: Array(0..<layout.channels),
        rows: (0..<layout.height).map {
          nearest(payload.rowPosition(of: $0, extent: from.height, outputExtent: layout.height), from.height)
        },
        columns: (0..<layout.width).map {
          nearest(payload.columnPosition(of: $0, extent: from.width, outputExtent: layout.width), from.width)
        })
      return select(node, "resize_nearest", maps, input, layout)
    }
    let wide = float32(node, input), output = addFloat32(layout)
    result.steps.append(
      ResizeStep(
        node: node.name, payload, input: (wide, result.layouts[wide]), output: output, table: table,
        threadCount: engine.threadCount))
    return convert(output.value, to: layout, node: node.name)
  }

  mutating func lowerPad(_ node: Node, _ payload: Pad, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    func map(_ count: Int, _ before: Int, _ extent: Int) -> [Int] {
      (0..<count).map { payload.source(of: $0 - before, extent: extent) ?? SelectionStep.Maps.constant }
    }
    let maps = SelectionStep.Maps(
      channels: map(layout.channels, payload.channelsBefore, from.channels),
      rows: map(layout.height, payload.padding.top, from.height),
      columns: map(layout.width, payload.padding.left, from.width), value: payload.value)
    return select(node, "pad", maps, input, layout)
  }

  mutating func lowerSlice(_ node: Node, _ payload: Slice, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0]), outputShape = try shape(of: node.name)
    let layout = valueLayout(outputShape)
    var starts = [Int](repeating: 0, count: inputShape.rank), steps = [Int](repeating: 1, count: inputShape.rank)
    for span in payload.spans {
      starts[span.axis] = span.range(extent: inputShape[span.axis]).start
      steps[span.axis] = span.step
    }
    if inputShape.isImage, outputShape.batch == inputShape.batch {
      func map(_ axis: Int) -> [Int] { (0..<outputShape[axis]).map { starts[axis] + $0 * steps[axis] } }
      return select(node, "slice", SelectionStep.Maps(channels: map(1), rows: map(2), columns: map(3)), input, layout)
    }
    let input = float32(node, input), strides = result.layouts[input].strides(of: inputShape)
    var offset = 0, axes: [StridedStep.Axis] = []
    for axis in 0..<inputShape.rank {
      offset += starts[axis] * strides[axis]
      axes.append(StridedStep.Axis(extent: outputShape[axis], stride: steps[axis] * strides[axis]))
    }
    return stride(node, "slice", offset: offset, axes, input, layout)
  }

  mutating func lowerTranspose(_ node: Node, _ payload: Transpose, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0])
    let input = float32(node, input), strides = result.layouts[input].strides(of: inputShape)
    let axes = payload.permutation.map { StridedStep.Axis(extent: inputShape[$0], stride: strides[$0]) }
    return stride(node, "transpose", axes, input, valueLayout(try shape(of: node.name)))
  }

  mutating func lowerReduceMean(_ node: Node, _ payload: ReduceMean, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0])
    // Kept or not, the channels then lie as those of one pixel.
    if inputShape.isImage, payload.axes == [2, 3] { return try lowerGlobalAveragePool(node, input) }
    let input = float32(node, input), strides = result.layouts[input].strides(of: inputShape)
    var axes: [StridedStep.Axis] = [], averaged: [StridedStep.Axis] = []
    for axis in 0..<inputShape.rank {
      if payload.axes.contains(axis) {
        averaged.append(StridedStep.Axis(extent: inputShape[axis], stride: strides[axis]))
        if payload.keepsAxes { axes.append(StridedStep.Axis(extent: 1, stride: 0)) }
      } else {
        axes.append(StridedStep.Axis(extent: inputShape[axis], stride: strides[axis]))
      }
    }
    return stride(node, "mean", axes, averaged: averaged, input, valueLayout(try shape(of: node.name)))
  }

  /// Where the elements lie in the same places: the value itself.
  mutating func lowerReshape(_ node: Node, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    if from == layout { return input }
    let wide = float32(node, input), output = addFloat32(layout)
    result.steps.append(ReshapeStep(node: node.name, input: (wide, result.layouts[wide]), output: output))
    return convert(output.value, to: layout, node: node.name)
  }

  mutating func lowerSoftmax(_ node: Node, _ payload: Softmax, _ input: Int) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name), layout = result.layouts[input]
    guard let axis = SoftmaxStep.Axis(payload.axis, of: shape) else {
      throw .unsupported(
        node: node.name, operation: node.operation.typeName, backend: engine.name, reason: SoftmaxStep.Axis.refusal)
    }
    let input = float32(node, input), output = addFloat32(layout)
    result.steps.append(
      SoftmaxStep(
        node: node.name, axis, input: input, output: output.value, layout: output.layout, table: table,
        threadCount: engine.threadCount))
    return convert(output.value, to: layout, node: node.name)
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
      MatrixMultiplyStep(node: node.name, inputs: operands, shapes: shapes, output: (output, layout), table: table))
    return convert(output, to: valueLayout(shape), node: node.name)
  }

  /// Copies by maps along each axis, with the input in the order of the output.
  private mutating func select(
    _ node: Node, _ name: String, _ maps: SelectionStep.Maps, _ input: Int, _ layout: ValueLayout
  ) -> Int {
    let from = convert(input, to: valueLayout(result.layouts[input].shape, layout.order), node: node.name)
    let output = addValue(layout)
    result.steps.append(
      SelectionStep(
        node: node.name, name: name, maps, input: (from, result.layouts[from]), output: (output, layout),
        threadCount: engine.threadCount))
    return output
  }

  /// `input` is float32.
  private mutating func stride(
    _ node: Node, _ name: String, offset: Int = 0, _ axes: [StridedStep.Axis], averaged: [StridedStep.Axis] = [], _ input: Int,
    _ layout: ValueLayout
  ) -> Int {
    let output = addFloat32(layout)
    result.steps.append(
      StridedStep(
        node: node.name, name: name, offset: offset, axes: axes, averaged: averaged, input: (input, result.layouts[input]),
        output: output, threadCount: engine.threadCount))
    return convert(output.value, to: layout, node: node.name)
  }
}

extension SoftmaxStep.Axis {
  /// Why an axis can be none of these, a clause.
  static let refusal = "the CPU backend takes a softmax along the channels, the last axis, or the height of images"

  /// The axis of values of that shape; nil for the batch and for axes in the middle of more than four.
  init?(_ axis: Int, of shape: Shape) {
    if axis == 1 {
      self = .channels
    } else if axis == shape.rank - 1, axis > 1 {
      self = .columns
    } else if axis == 2, shape.isImage {
      self = .rows
    } else {
      return nil
    }
  }
}

extension BinaryStep {
  /// Why values of these shapes cannot be combined, a clause; nil where they can. Axes between the second and the last lie as one.
  static func refusal(_ shapes: [Shape], output: Shape) -> String? {
    let height = ValueLayout(output).height
    for shape in shapes where ![1, height].contains(ValueLayout(shape).height) {
      return "the CPU backend repeats none or all of the middle axes of \(shape)"
    }
    return nil
  }
}
