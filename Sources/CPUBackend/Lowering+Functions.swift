import Execution
import Networks
import Tensors

/// Functions of two values, resizes, reductions, normalisations and softmax.
extension Lowering {
  /// The value as float32, for steps that know nothing else.
  mutating func float32(_ node: Node, _ input: Int) -> Int {
    convert(input, to: ValueLayout(result.layouts[input].shape, result.layouts[input].order), node: node.name)
  }

  /// A value for the result of such a step, which then goes through `convert`.
  mutating func addFloat32(_ layout: ValueLayout) -> (value: Int, layout: ValueLayout) {
    let layout = ValueLayout(layout.shape, layout.order)
    return (addValue(layout), layout)
  }

  mutating func lowerBinary(_ node: Node, _ function: BinaryFunction, _ inputs: [Int]) throws(ExecutionError) -> Int {
    let output = try shape(of: node.name)
    var operands: [Int] = []
    for (name, input) in zip(node.inputs, inputs) { operands.append(try repeatable(node, input, shape(of: name), in: output)) }
    return addBinary(node, function, operands, valueLayout(output))
  }

  mutating func addBinary(
    _ node: Node, _ function: BinaryFunction, _ operands: [Int], _ layout: ValueLayout
  ) -> Int {
    let output = addValue(layout)
    result.steps.append(
      BinaryStep(
        node: node.name, function, operands.map { ($0, result.layouts[$0]) }, output: (output, layout), table: table))
    return output
  }

  /// The operand as one that a function of two values can repeat. Axes between the second and the last lie as one: where some of
  /// them but not all would be repeated, it is made as large as the output.
  mutating func repeatable(
    _ node: Node, _ input: Int, _ shape: Shape, in output: Shape
  ) throws(ExecutionError) -> Int {
    let layout = valueLayout(output), own = result.layouts[input]
    if own.height != 1, own.height != layout.height { return expanded(node, input, shape, to: output) }
    return input
  }

  mutating func lowerResize(_ node: Node, _ payload: Resize, _ input: Int) throws(ExecutionError) -> Int {
    let layout = valueLayout(try shape(of: node.name)), from = result.layouts[input]
    if payload.method == .nearest {
      func map(_ isRows: Bool, _ extent: Int, _ count: Int) throws(ExecutionError) -> [Int] {
        try result.tables.map(.resize(payload, rows: isRows, extent: extent, count: count), node) { index in
          let position =
            isRows
            ? payload.rowPosition(of: index, extent: extent, outputExtent: count)
            : payload.columnPosition(of: index, extent: extent, outputExtent: count)
          return min(max(position.rounded(payload.rounding), 0), extent - 1)
        }
      }
      let maps = SelectionStep.Maps(
        channels: try result.tables.map(.identity(count: layout.channels), node) { $0 },
        rows: try map(true, from.height, layout.height), columns: try map(false, from.width, layout.width))
      return select(node, "resize_nearest", maps, input, layout)
    }
    let rows = try result.tables.taps(of: payload, rows: true, extent: from.height, count: layout.height, node)
    let columns = try result.tables.taps(of: payload, rows: false, extent: from.width, count: layout.width, node)
    let wide = float32(node, input), output = addFloat32(layout)
    result.steps.append(
      ResizeStep(
        node: node.name, rows: rows, columns: columns, input: (wide, result.layouts[wide]), output: output, table: table))
    return convert(output.value, to: layout, node: node.name)
  }

  mutating func lowerReduction(_ node: Node, _ payload: Reduction, _ input: Int) throws(ExecutionError) -> Int {
    let inputShape = try shape(of: node.inputs[0]), outputShape = try shape(of: node.name)
    // Kept or not, the channels then lie as those of one pixel.
    if inputShape.isImage, payload.function == .mean, payload.axes == [2, 3] {
      return try lowerGlobalAveragePool(node, input)
    }
    let input = float32(node, input)
    let output = reduced(node, payload, input, inputShape, to: outputShape)
    return convert(output, to: valueLayout(outputShape), node: node.name)
  }

  /// Both float32.
  mutating func reduced(
    _ node: Node, _ payload: Reduction, _ input: Int, _ shape: Shape, to outputShape: Shape
  ) -> Int {
    let output = addFloat32(valueLayout(outputShape))
    result.steps.append(
      ReductionStep(
        node: node.name, payload, shape: shape, input: (input, result.layouts[input]), outputShape: outputShape, output: output,
        table: table, threadCount: engine.threadCount))
    return output.value
  }

  /// Where an element is the largest, how many places are left from it on; the most of these belongs to the first. Functions of two values
  /// and reductions of float32, which are vectors already.
  mutating func lowerMaximumIndex(_ node: Node, _ payload: MaximumIndex, _ input: Int) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.inputs[0]), outputShape = try self.shape(of: node.name)
    let layout = ValueLayout(shape), extent = shape[payload.axis]
    var one = shape, line = Shape(Array(repeating: 1, count: shape.rank))
    one[payload.axis] = 1
    line[payload.axis] = extent
    let input = float32(node, input), reduction = Reduction(.maximum, axes: [payload.axis])
    let most = try repeatable(node, reduced(node, reduction, input, shape, to: one), one, in: shape)
    let isMost = addBinary(node, .equal, [input, most], layout)
    let left = addConstant(.countdown(line), ValueLayout(line))
    let places = addBinary(node, .multiply, [isMost, try repeatable(node, left, line, in: shape)], layout)
    let first = reduced(
      node, Reduction(.maximum, axes: [payload.axis], keepsAxes: payload.keepsAxis), places, shape, to: outputShape)
    // Where nothing is equal, as NaN, the last place.
    let number = ValueLayout(Shape(Array(repeating: 1, count: outputShape.rank)))
    let count = addConstant(.number(Float(extent)), number), least = addConstant(.number(1), number)
    let outputLayout = ValueLayout(outputShape)
    let known = addBinary(node, .maximum, [first, least], outputLayout)
    let output = addBinary(node, .subtract, [count, known], outputLayout)
    return convert(output, to: valueLayout(outputShape), node: node.name)
  }

  /// As functions of two values and reductions of float32, which are vectors already; what they share stays in the cache where bands do.
  mutating func lowerNormalization(_ node: Node, _ payload: Normalization, _ input: Int) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name), layout = ValueLayout(shape)
    var statistic = shape
    for axis in payload.axes where axis != 1 || payload.groups == 1 { statistic[axis] = 1 }
    let input = float32(node, input)
    func reduction(_ function: Reduction.Function) -> Reduction {
      Reduction(function, axes: payload.axes.filter { $0 != 1 || payload.groups == 1 })
    }
    var centred = input
    if payload.centres {
      let mean = meanOfGroups(node, payload, reduced(node, reduction(.mean), input, shape, to: statistic), statistic)
      centred = addBinary(node, .subtract, [input, try repeatable(node, mean, statistic, in: shape)], layout)
    }
    // Σ x² / number + ε, to the power -½.
    let sums = reduced(node, reduction(.sumOfSquares), centred, shape, to: statistic)
    let variance = meanOfGroups(node, payload, sums, statistic)
    let deviationLayout = ValueLayout(statistic), deviation = addValue(deviationLayout)
    var epilogue = CanonicalEpilogue()
    epilogue.before = .power(exponent: -0.5)
    let count = Float(shape.count / statistic.count)
    result.steps.append(
      ElementwiseStep(
        node: node.name, input: (variance, result.layouts[variance]), output: (deviation, deviationLayout), table: table,
        packs: packs, multiplier: .number(1 / count), bias: .number(payload.epsilon), epilogue: epilogue, clearsPadding: true))
    let factor = try repeatable(node, deviation, statistic, in: shape)
    let output = addBinary(node, .multiply, [centred, factor], layout)
    return convert(output, to: valueLayout(shape), node: node.name)
  }

  /// For each channel the mean over its group, of values `[N, C, 1, …]`; the value itself where there are no groups.
  private mutating func meanOfGroups(_ node: Node, _ payload: Normalization, _ value: Int, _ shape: Shape) -> Int {
    guard payload.groups > 1 else { return value }
    let grouped: Shape = [shape.count / shape[1], payload.groups, shape[1] / payload.groups]
    let mean: Shape = [grouped[0], grouped[1], 1]
    let split = reshaped(node, value, to: grouped)
    let means = reduced(node, Reduction(.mean, axes: [2]), split, grouped, to: mean)
    let strides = result.layouts[means].strides(of: mean)
    let repeated = addFloat32(ValueLayout(grouped))
    result.steps.append(
      StridedStep(
        node: node.name, name: "expand",
        axes: [
          StridedStep.Axis(extent: grouped[0], stride: strides[0]), StridedStep.Axis(extent: grouped[1], stride: strides[1]),
          StridedStep.Axis(extent: grouped[2], stride: 0),
        ], input: (means, result.layouts[means]), output: repeated))
    return reshaped(node, repeated.value, to: shape)
  }

  mutating func lowerSoftmax(_ node: Node, _ payload: Softmax, _ input: Int) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name), layout = valueLayout(shape)
    guard let axis = SoftmaxStep.Axis(payload.axis, of: shape) else {
      return try lowerSoftmaxAlongLast(node, payload, input)
    }
    let input = float32(node, input), output = addFloat32(layout)
    result.steps.append(
      SoftmaxStep(
        node: node.name, axis, input: (input, result.layouts[input]), output: output, table: table))
    return convert(output.value, to: layout, node: node.name)
  }

  /// Along the batch, or a middle axis of more than four: that axis goes to the end and back.
  private mutating func lowerSoftmaxAlongLast(
    _ node: Node, _ payload: Softmax, _ input: Int
  ) throws(ExecutionError) -> Int {
    let shape = try shape(of: node.name), layout = valueLayout(shape)
    var permutation = Array(0..<shape.rank)
    permutation.append(permutation.remove(at: payload.axis))
    let wide = float32(node, input), strides = result.layouts[wide].strides(of: shape)
    var there = permutation.map { StridedStep.Axis(extent: shape[$0], stride: strides[$0]) }
    // So that the last axis is the width.
    while there.count < 3 { there.insert(StridedStep.Axis(extent: 1, stride: 0), at: 0) }
    let padded = Shape(there.map(\.extent))
    let front = addFloat32(ValueLayout(padded))
    result.steps.append(
      StridedStep(
        node: node.name, name: "transpose", axes: there, input: (wide, result.layouts[wide]), output: front))
    let soft = addFloat32(ValueLayout(padded))
    result.steps.append(
      SoftmaxStep(
        node: node.name, .columns, input: front, output: soft, table: table))
    let softStrides = Array(result.layouts[soft.value].strides(of: padded).suffix(shape.rank))
    let back = (0..<shape.rank).map { axis in
      StridedStep.Axis(extent: shape[axis], stride: softStrides[permutation.firstIndex(of: axis) ?? 0])
    }
    return strided(node, "transpose", back, soft.value, layout)
  }
}

extension SoftmaxStep.Axis {
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
