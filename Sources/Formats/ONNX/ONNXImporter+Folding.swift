import Tensors

/// Operators whose inputs are all known: shape arithmetic, and what exporters leave of the preparation of weights.
extension ONNXImporter {
  /// The outputs; nil where the operator is not folded.
  mutating func folded(_ node: ONNXNode, _ operands: [ONNXConstant?]) throws(ONNXProblem) -> [ONNXConstant]? {
    func operand(_ index: Int) throws(ONNXProblem) -> ONNXConstant {
      guard index < operands.count, let operand = operands[index] else { throw node.invalid("its input \(index) is absent") }
      return operand
    }
    func list(_ index: Int, attribute: String) throws(ONNXProblem) -> [Int]? {
      guard index < operands.count, let operand = operands[index] else { return node.integers(attribute) }
      guard let integers = operand.numbers?.integers else {
        throw node.unsupported("its input \(index) depends on the size of the image")
      }
      return integers
    }
    switch node.type {
    case "Identity", "Dropout": return [try operand(0)]
    case "Cast": return [try cast(operand(0), to: node.integer("to", default: 1), node)]
    case "CastLike":
      let target =
        switch try operand(1).numbers?.kind {
        case .integer: 7
        case .double: 11
        case .single, nil: 1
        }
      return [try cast(operand(0), to: target, node)]
    case "Reshape":
      let x = try operand(0)
      guard let target = try operand(1).numbers?.integers else {
        throw node.unsupported("its shape depends on the size of the image")
      }
      return [try reshaped(x, resolved(target, of: x.shape, node), node)]
    case "Flatten":
      let x = try operand(0)
      let axis = node.integer("axis", default: 1)
      let split = axis == x.shape.count ? axis : try self.axis(axis, rank: x.shape.count, node)
      return [try reshaped(x, [x.shape[..<split].reduce(1, *), x.shape[split...].reduce(1, *)], node)]
    case "Unsqueeze":
      let x = try operand(0)
      guard let given = try list(1, attribute: "axes"), given.count <= 8 else { throw node.invalid("its axes are absent") }
      var shape = x.shape
      for axis in try axes(given, rank: shape.count + given.count, node).sorted() { shape.insert(1, at: axis) }
      return [try reshaped(x, shape, node)]
    case "Squeeze":
      let x = try operand(0)
      let given = try list(1, attribute: "axes") ?? x.shape.indices.filter { x.shape[$0] == 1 }
      let dropped = try axes(given, rank: x.shape.count, node)
      return [try reshaped(x, x.shape.indices.filter { !dropped.contains($0) }.map { x.shape[$0] }, node)]
    case "Transpose":
      let x = try operand(0)
      return [try transposed(x, permutation(node, rank: x.shape.count), node)]
    case "Concat":
      var all: [ONNXConstant] = []
      for index in operands.indices { all.append(try operand(index)) }
      guard let axis = node.integer("axis") else { throw node.invalid("its axis is absent") }
      return [try concatenated(all, axis: axis, node)]
    case "Expand":
      let x = try operand(0)
      guard let target = try list(1, attribute: "") else { throw node.invalid("its shape is absent") }
      return [try expanded(x, to: broadcast(x.shape, target, node), node)]
    case "Gather": return [try gathered(operand(0), operand(1), along: node.integer("axis", default: 0), node)]
    case "GatherND":
      let (x, indices) = (try operand(0), try operand(1))
      guard node.integer("batch_dims", default: 0) == 0, indices.shape.last == 1, let list = indices.numbers else {
        throw node.unsupported("it takes other than whole rows at known places")
      }
      let places = ONNXNumbers(shape: indices.shape.dropLast(), values: list.values)
      return [try gathered(x, .numbers(places), along: 0, node)]
    case "MatMul":
      guard case .floats(let a) = try operand(0), case .floats(let b) = try operand(1) else { return nil }
      return try multiplied(a, b, node).map { [.floats($0)] }
    case "ScatterND": return [try scattered(operand(0), operand(1), operand(2), node)]
    case "Slice": return [try sliced(operand(0), slices(node, rank: operand(0).shape.count), node)]
    case "Split": return try split(operand(0), node)
    case "ConstantOfShape":
      guard let shape = try operand(0).numbers?.integers else {
        throw node.unsupported("its shape depends on the size of the image")
      }
      let value: ONNXConstant =
        try node.tensor("value").map { (proto) throws(ONNXProblem) in try reader.constant(proto) }
        ?? .floats(Tensor(zeros: [1]))
      guard value.count == 1 else { throw node.invalid("its value has \(value.count) elements") }
      return [try expanded(reshaped(value, [], node), to: shape, node)]
    case "Range": return [try range(operand(0), operand(1), operand(2), node)]
    case "Where":
      let (condition, a, b) = (try operand(0), try operand(1), try operand(2))
      return [try chosen(condition, a, b, node)]
    case "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare":
      return [try reduced(operand(0), list(1, attribute: "axes") ?? [], node)]
    case "Clip":
      var result = try operand(0)
      for (index, attribute, type) in [(1, "min", "Max"), (2, "max", "Min")] {
        var bound = index < operands.count ? operands[index] : nil
        if bound == nil, opset < 11 { bound = node.float(attribute).map { .floats(Tensor([], [$0])) } }
        if let bound { result = try combined(result, bound, node, as: type) }
      }
      return [result]
    case "Tile":
      guard let repeats = try list(1, attribute: "") else { throw node.invalid("its repeats are absent") }
      return [try tiled(operand(0), repeats, node)]
    case "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor":
      return [try compared(operand(0), operand(1), node)]
    case "Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "Mod", "Sum":
      var result = try operand(0)
      for index in operands.indices.dropFirst() { result = try combined(result, operand(index), node) }
      return [result]
    case "Neg", "Abs", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Tanh", "Sin", "Cos", "Sign",
      "Sigmoid", "Relu", "Not":
      return [try mapped(operand(0), node)]
    default: return nil
    }
  }

  /// A shape with 0 and -1 resolved.
  func resolved(_ target: [Int], of shape: [Int], _ node: ONNXNode) throws(ONNXProblem) -> [Int] {
    var result: [Int] = []
    for (axis, extent) in target.enumerated() {
      if extent == 0, node.integer("allowzero", default: 0) == 0 {
        guard axis < shape.count else { throw node.invalid("there is no axis \(axis) to keep") }
        result.append(shape[axis])
      } else {
        result.append(extent)
      }
    }
    if let open = result.firstIndex(of: -1) {
      result[open] = 1
      let (all, rest) = (try count(shape, node), try count(result, node))
      guard rest > 0, all % rest == 0 else { throw node.invalid("\(all) elements do not divide into \(target)") }
      result[open] = all / rest
    }
    return result
  }

  func permutation(_ node: ONNXNode, rank: Int) throws(ONNXProblem) -> [Int] {
    let permutation = node.integers("perm") ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw node.invalid("\(permutation) is no permutation of \(rank) axes")
    }
    return permutation
  }

  /// `target` is ONNX's number of an element type.
  private mutating func cast(_ x: ONNXConstant, to target: Int, _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    // float, float16, double, bfloat16; bool
    let toFloat = [1, 10, 11, 16].contains(target), isCondition = target == 9
    switch x {
    case .floats(let tensor):
      if toFloat { return x }
      // Whether it is not 0.
      if isCondition { return .floats(tensor.mapped { $0 != 0 ? 1 : 0 }) }
      guard tensor.count <= ONNXNumbers.limit else { throw node.unsupported("it casts \(tensor.count) weights to integers") }
      let values = tensor.floats.map { Extent(Double($0.rounded(.towardZero))) }
      return .numbers(ONNXNumbers(shape: tensor.shape.extents, values: values))
    case .numbers(var numbers):
      if isCondition {
        for index in numbers.values.indices {
          guard let value = numbers.values[index].constant else {
            throw node.unsupported("its condition depends on the size of the image")
          }
          numbers.values[index] = Extent(value != 0 ? 1 : 0)
        }
      }
      numbers.kind = toFloat ? (target == 11 ? .double : .single) : .integer
      for index in numbers.values.indices {
        let value = numbers.values[index]
        if toFloat, target == 10 || target == 16, value.constant == nil {
          throw node.unsupported("it reckons sizes in half precision")
        }
        let result =
          switch numbers.kind {
          case .integer: symbols.truncated(value)
          case .single: symbols.rounded(.sum, value, Extent(0), .single)
          case .double: symbols.rounded(.sum, value, Extent(0), .double)
          }
        guard let result else { throw node.tooLong() }
        numbers.values[index] = result
      }
      // Weights in double precision are weights from here on.
      if case .numbers(let given) = x, given.kind == .double, numbers.kind == .single, let tensor = x.tensor {
        return .floats(tensor)
      }
      return .numbers(numbers)
    }
  }

  private mutating func gathered(
    _ x: ONNXConstant, _ indices: ONNXConstant, along given: Int, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    let axis = try axis(given, rank: x.shape.count, node)
    guard let chosen = indices.numbers?.integers else { throw node.unsupported("its indices depend on the size of the image") }
    let extent = x.shape[axis]
    var parts: [ONNXConstant] = []
    let strides = Self.rowMajorStrides(x.shape)
    for index in chosen {
      guard index >= -extent, index < extent else { throw node.invalid("the index \(index) is not among \(extent)") }
      var shape = x.shape
      shape[axis] = 1
      parts.append(try strided(x, shape, strides: strides, offset: (index < 0 ? index + extent : index) * strides[axis], node))
    }
    let shape = Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...])
    if parts.isEmpty { return .numbers(ONNXNumbers(shape: shape, values: [])) }
    return try reshaped(concatenated(parts, axis: axis, node), shape, node)
  }

  private mutating func sliced(
    _ x: ONNXConstant, _ slices: [ONNXSlice], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    var shape = x.shape
    var strides = Self.rowMajorStrides(shape)
    var offset = 0
    for slice in slices {
      guard let start = slice.start.integerClamped, let end = slice.end.integerClamped else {
        throw node.unsupported("its bounds depend on the size of the image")
      }
      let extent = x.shape[slice.axis]
      let (first, count) = slice.range(start: start, end: end, extent: extent)
      shape[slice.axis] = count
      if count > 0 { offset += first * strides[slice.axis] }
      strides[slice.axis] *= count > 1 ? slice.step : 1
    }
    return try strided(x, shape, strides: strides, offset: offset, node)
  }

  private mutating func split(_ x: ONNXConstant, _ node: ONNXNode) throws(ONNXProblem) -> [ONNXConstant] {
    let axis = try axis(node.integer("axis", default: 0), rank: x.shape.count, node)
    let strides = Self.rowMajorStrides(x.shape)
    var start = 0
    var results: [ONNXConstant] = []
    for length in try splitLengths(node, extent: x.shape[axis]) {
      var shape = x.shape
      shape[axis] = length
      results.append(try strided(x, shape, strides: strides, offset: start * strides[axis], node))
      start += length
    }
    return results
  }

  /// The extents of the parts that a Split makes.
  mutating func splitLengths(_ node: ONNXNode, extent: Int) throws(ONNXProblem) -> [Int] {
    var given = node.integers("split")
    if node.input(1) != nil { given = try constant(node, 1)?.numbers?.integers }
    if let given, !given.isEmpty {
      guard given.allSatisfy({ $0 >= 0 && $0 <= extent }), given.count <= extent + 1, given.reduce(0, +) == extent else {
        throw node.invalid("\(given) does not add up to \(extent)")
      }
      return given
    }
    let count = node.integer("num_outputs", default: node.outputs.count)
    guard count > 0, count <= node.outputs.count, count <= max(extent, 1) else { throw node.invalid("it has \(count) outputs") }
    let length = (extent + count - 1) / count
    guard extent % count == 0 || (opset >= 18 && extent - length * (count - 1) > 0) else {
      throw node.invalid("an extent of \(extent) does not split into \(count)")
    }
    return Array(repeating: length, count: count - 1) + [extent - length * (count - 1)]
  }

  private mutating func range(
    _ start: ONNXConstant, _ limit: ONNXConstant, _ step: ONNXConstant, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    guard let first = start.scalar, let end = limit.scalar, let step = step.scalar, step != 0 else {
      throw node.unsupported("its bounds depend on the size of the image")
    }
    let count = max(0, ((end - first) / step).rounded(.up))
    guard count <= Double(ONNXNumbers.limit) else { throw node.unsupported("it makes \(count) numbers") }
    try take(16 * Int(count))
    let values = (0..<Int(count)).map { Extent(first + Double($0) * step) }
    return .numbers(ONNXNumbers(shape: [values.count], values: values, kind: start.numbers?.kind ?? .integer))
  }
}
