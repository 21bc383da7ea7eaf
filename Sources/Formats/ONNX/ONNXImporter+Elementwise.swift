import Networks
import Tensors

/// Functions of two inputs, element by element: of two values, or of a value and a constant.
extension ONNXImporter {
  /// A node of one input, which does not care how the elements lie.
  mutating func elementwise(_ operation: Operation, _ x: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var result = x.following(try emit(operation, [x.value], x.extents, node).value)
    result.isExclusive = true
    return result
  }

  mutating func prelu(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...2)
    let x = try view(node)
    guard let slope = try value(node, 1) else { throw node.invalid("its slope is absent") }
    if case .constant(let constant) = slope, let tensor = constant.tensor, let slopes = channelwise(tensor, x) {
      let result = try emit(
        .activation(.prelu(channels: slopes.count)), [x.value], x.extents, node, parameters: [.slope: slopes])
      return x.following(result.value)
    }
    // x where it is positive, and slope · x where it is not.
    let positive = try elementwise(.activation(.relu), x, node)
    let negative = try combined(.view(x), .constant(.floats(Tensor([], [0]))), .minimum, node)
    let sloped = try combined(.view(negative), slope, .multiply, node)
    return try combined(.view(positive), .view(sloped), .add, node)
  }

  mutating func binary(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let functions: [String: BinaryFunction] = [
      "Add": .add, "Sum": .add, "Mean": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide, "Min": .minimum,
      "Max": .maximum,
    ]
    let isVariadic = ["Sum", "Min", "Max", "Mean"].contains(node.type)
    try node.checkInputs(isVariadic ? 1...ONNXNumbers.limit : 2...2)
    guard let function = functions[node.type], let first = try value(node, 0) else { throw node.invalid("its input is absent") }
    var result = first
    for index in node.inputs.indices.dropFirst() {
      guard let next = try value(node, index) else { throw node.invalid("its input \(index) is absent") }
      if case .constant(let a) = result, case .constant(let b) = next {
        result = .constant(try combined(a, b, node))
      } else {
        result = .view(try combined(result, next, function, node))
      }
    }
    guard case .view(let view) = result else { throw node.unsupported("all its inputs are constants") }
    guard node.type == "Mean", node.inputs.count > 1 else { return view }
    return try elementwise(.scale(Scale(factor: 1 / Float(node.inputs.count))), view, node)
  }

  mutating func power(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...2)
    guard let base = try value(node, 0), let exponent = try value(node, 1) else { throw node.invalid("an input is absent") }
    guard case .view(let x) = base, case .constant(let constant) = exponent, let number = constant.scalar else {
      return try combined(base, exponent, .power, node)
    }
    return try power(x, Float(number), node)
  }

  /// A value to a power that is one number.
  mutating func power(_ x: ONNXView, _ exponent: Float, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    switch exponent {
    case 1: return x
    case 2, 3:
      let square = try combined(.view(x), .view(x), .multiply, node)
      return exponent == 2 ? square : try combined(.view(square), .view(x), .multiply, node)
    case -1: return try elementwise(.activation(.reciprocal), x, node)
    default:
      guard exponent.isFinite else { throw node.unsupported("its exponent is \(exponent)") }
      return try elementwise(.activation(.power(exponent: exponent)), x, node)
    }
  }

  // MARK: Conditions

  /// 1 where it holds, else 0; conditions are such numbers, too.
  mutating func comparison(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...2)
    guard let a = try value(node, 0), let b = try value(node, 1) else { throw node.invalid("an input is absent") }
    switch node.type {
    case "Less": return try combined(a, b, .less, node)
    case "LessOrEqual": return try combined(a, b, .lessOrEqual, node)
    case "Greater": return try combined(b, a, .less, node)
    case "GreaterOrEqual": return try combined(b, a, .lessOrEqual, node)
    case "And": return try combined(a, b, .multiply, node)
    case "Or": return try combined(a, b, .maximum, node)
    case "Xor": return try negation(combined(a, b, .equal, node), node)
    default: return try combined(a, b, .equal, node)
    }
  }

  /// 1 where it is 0, else 0.
  mutating func negation(_ x: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try combined(.view(x), .constant(.floats(Tensor([], [0]))), .equal, node)
  }

  /// `condition ? a : b`: what is not chosen counts as 0, whatever it is, and both are added.
  mutating func choice(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(3...3)
    guard let condition = try value(node, 0), let a = try value(node, 1), let b = try value(node, 2) else {
      throw node.invalid("an input is absent")
    }
    let other: Value
    switch condition {
    case .view(let view): other = .view(try negation(view, node))
    case .constant(let constant):
      guard let tensor = constant.tensor else { throw node.unsupported("its condition depends on the size of the image") }
      other = .constant(.floats(tensor.mapped { $0 != 0 ? 0 : 1 }))
    }
    return try combined(masked(a, condition, node), masked(b, other, node), .add, node)
  }

  private mutating func masked(_ value: Value, _ mask: Value, _ node: ONNXNode) throws(ONNXProblem) -> Value {
    guard case .constant(let constant) = value, case .constant(let condition) = mask else {
      if case .constant(let zero) = value, zero.scalar == 0 { return value }
      return .view(try combined(value, mask, .mask, node))
    }
    guard let tensor = constant.tensor, let condition = condition.tensor else {
      throw node.unsupported("its input depends on the size of the image")
    }
    let shape = try broadcast(tensor.shape.extents, condition.shape.extents, node)
    guard let values = try expanded(.floats(tensor), to: shape, node).tensor,
      let chosen = try expanded(.floats(condition), to: shape, node).tensor
    else { return value }
    return .constant(.floats(values.combined(chosen) { $1 != 0 ? $0 : 0 }))
  }

  // MARK: Two values

  mutating func combined(
    _ a: Value, _ b: Value, _ function: BinaryFunction, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    switch (a, b) {
    case (.view(let x), .view(let y)): return try combined(x, y, function, node)
    case (.view(let x), .constant(let c)): return try combined(x, c, function, isReversed: false, node)
    case (.constant(let c), .view(let x)): return try combined(x, c, function, isReversed: true, node)
    case (.constant, .constant): throw node.unsupported("all its inputs are constants")
    }
  }

  private mutating func combined(
    _ a: ONNXView, _ b: ONNXView, _ function: BinaryFunction, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    if a.isLike(b) {
      let operation: Operation = function == .add ? .add : .binary(function)
      var result = a.following(try emit(operation, [a.value, b.value], a.extents, node).value)
      result.isExclusive = true
      return result
    }
    let rank = max(a.rank, b.rank)
    let x = try plain(a.inserting(Array(0..<rank - a.rank)), node)
    let y = try plain(b.inserting(Array(0..<rank - b.rank)), node)
    var extents: [Extent] = []
    var isBroadcast = false
    for (p, q) in zip(x.extents, y.extents) {
      // Extents that are not known to be equal may meet as 1 and more. Those that are equal where nothing is rounded off are held
      // against each other when the network runs.
      if p != q, symbols.exact(p) != symbols.exact(q) { isBroadcast = true }
      extents.append(broadcast(p, q))
    }
    let operation: Operation = function == .add && !isBroadcast ? .add : .binary(function)
    return try emit(operation, [x.value, y.value], extents, node)
  }

  /// The extent that two make: where one of them may be 1, the larger.
  mutating func broadcast(_ p: Extent, _ q: Extent) -> Extent {
    if p == q || q.isOne || (p.constant != nil && !p.isOne) { return p }
    return q.constant != nil || p.isOne ? q : symbols.maximum(p, q)
  }

  // MARK: A value and a constant

  /// `isReversed` where the constant comes first.
  private mutating func combined(
    _ x: ONNXView, _ c: ONNXConstant, _ function: BinaryFunction, isReversed: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    guard let tensor = c.tensor else { throw node.unsupported("its constant depends on the size of the image") }
    guard tensor.count > 0 else { throw node.unsupported("its constant \(tensor.shape) is empty") }
    if let vector = channelwise(tensor, x),
      let folded = try folded(x, vector, function, isReversed: isReversed, node)
    {
      return folded
    }
    let operands = { (x: String, c: String) in isReversed ? [c, x] : [x, c] }
    // One number, or extents along axes that are those of the value, meet the elements where they lie.
    if let moved = try aligned(tensor, x, node) {
      let constant = try constantValue(moved, node)
      var result = x.following(try emit(.binary(function), operands(x.value, constant.value), x.extents, node).value)
      result.isExclusive = true
      return result
    }
    let rank = max(x.rank, tensor.shape.rank)
    let value = try plain(x.inserting(Array(0..<rank - x.rank)), node)
    let shape = Array(repeating: 1, count: rank - tensor.shape.rank) + tensor.shape.extents
    let constant = try constantValue(tensor.reshaped(Shape(shape)), node)
    let extents = zip(value.extents, shape).map { $1 == 1 ? $0 : Extent($1) }
    return try emit(.binary(function), operands(value.value, constant.value), extents, node)
  }

  /// A value that nothing computes.
  mutating func constantValue(_ tensor: Tensor, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    guard tensor.shape.rank <= Limits.rank else { throw node.unsupported("a constant has \(tensor.shape.rank) axes") }
    try take(tensor.count)
    return try emit(
      .constant(Constant(tensor.shape)), [], tensor.shape.extents.map { Extent($0) }, node,
      name: "\(ONNXNames.readable(node)).constant", parameters: [.value: tensor])
  }

  /// The constant with axes like those of the value behind a view, where each axis along which it varies is one of those, whole.
  private mutating func aligned(_ tensor: Tensor, _ x: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> Tensor? {
    let missing = x.rank - tensor.shape.rank
    guard missing >= 0 else { return nil }
    let varying = tensor.shape.extents.indices.filter { tensor.shape[$0] != 1 }
    var shape = [Int](repeating: 1, count: x.extents.count)
    var sources: [(axis: Int, source: Int)] = []
    for axis in varying {
      guard let source = x.wholeAxis(axis + missing), x.extents[source].integer == tensor.shape[axis] else { return nil }
      shape[source] = tensor.shape[axis]
      sources.append((axis, source))
    }
    let order = sources.sorted { $0.source < $1.source }.map(\.axis)
    guard order != varying else { return tensor.reshaped(Shape(shape)) }
    let fixed = tensor.shape.extents.indices.filter { tensor.shape[$0] == 1 }
    return try transposed(.floats(tensor), fixed + order, node).tensor?.reshaped(Shape(shape))
  }

  /// Functions of a value and one number, or one for each channel, that have a form of their own, which other layers can take in; nil
  /// for others.
  private mutating func folded(
    _ x: ONNXView, _ vector: Tensor, _ function: BinaryFunction, isReversed: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView? {
    guard vector.floats.allSatisfy(\.isFinite) else { return nil }
    switch function {
    case .add: return try affine(x, scale: nil, shift: vector, node)
    case .subtract:
      return isReversed
        ? try affine(x, scale: Tensor([1], [-1]), shift: vector, node)
        : try affine(x, scale: nil, shift: vector.mapped { -$0 }, node)
    case .multiply: return try affine(x, scale: vector, shift: nil, node)
    case .divide:
      if isReversed {
        return vector.count == 1 && vector.floats[0] == 1 ? try elementwise(.activation(.reciprocal), x, node) : nil
      }
      let reciprocals = vector.mapped { 1 / $0 }
      guard reciprocals.floats.allSatisfy({ $0.isFinite && $0.isNormal }) else { return nil }
      return try affine(x, scale: reciprocals, shift: nil, node)
    case .minimum, .maximum:
      guard vector.count == 1 else { return nil }
      let bound = vector.floats[0]
      return try elementwise(
        .activation(function == .minimum ? Self.clip(nil, bound) : Self.clip(bound, nil)), x, node)
    case .power: return isReversed || vector.count > 1 ? nil : try power(x, vector.floats[0], node)
    case .mask, .equal, .less, .lessOrEqual: return nil
    }
  }

  /// A constant that broadcasts to a view as a vector along the channels, or of one element; nil where it does otherwise.
  func channelwise(_ tensor: Tensor, _ view: ONNXView) -> Tensor? {
    let skipped = max(tensor.shape.rank - view.rank, 0)
    if tensor.count == 1 { return skipped == 0 ? tensor.reshaped([1]) : nil }
    guard tensor.shape.extents[..<skipped].allSatisfy({ $0 == 1 }), skipped == 0 else { return nil }
    let missing = view.rank - tensor.shape.rank
    let varying = tensor.shape.extents.indices.filter { tensor.shape[$0] != 1 }
    guard varying.count == 1, let axis = view.channelAxis, axis == varying[0] + missing,
      view.extents[1].integer ?? tensor.count == tensor.count
    else { return nil }
    return tensor.reshaped([tensor.count])
  }

  /// `scale · x + shift`, each a vector along the channels or of one element; nil where the channels are open.
  private mutating func affine(
    _ x: ONNXView, scale: Tensor?, shift: Tensor?, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView? {
    if let shift, scale == nil, let maker = producer(x), let biased = maker.operation.withBias {
      let count = biased.parameters.first { $0.role == .bias }?.shape.count ?? 0
      replace(maker, by: biased, parameters: [.bias: try vector(shift, count: count)])
      return x
    }
    if let scale, shift == nil, scale.count == 1 { return try elementwise(.scale(Scale(factor: scale.floats[0])), x, node) }
    // Features that depend on an open size are as many as the constant has.
    guard x.extents.count >= 2, let channels = x.extents[1].integer ?? [scale, shift].compactMap({ $0?.count }).max(by: <),
      x.extents[1].integer != nil || channels > 1
    else { return nil }
    let factor = try vector(scale ?? Tensor([1], [1]), count: channels)
    let offset = try vector(shift ?? Tensor([1], [0]), count: channels)
    if let maker = producer(x), case .channelAffine = maker.operation, let first = parameter(.scale, of: maker),
      let second = parameter(.shift, of: maker)
    {
      // Where the size is open nothing else says how many channels there are.
      guard first.count == channels else {
        throw node.invalid("it takes \(channels) channels, and what it reads has \(first.count)")
      }
      replace(
        maker, by: maker.operation,
        parameters: [
          .scale: first.combined(factor) { $0 * $1 },
          .shift: second.combined(factor) { $0 * $1 }.combined(offset) { $0 + $1 },
        ])
      return x
    }
    let made = try emit(
      .channelAffine(ChannelAffine(channels: channels, isTrainable: false)), [x.value], x.extents, node,
      parameters: [.scale: factor, .shift: offset])
    var result = x.following(made.value)
    result.isExclusive = true
    return result
  }

  private mutating func vector(_ tensor: Tensor, count: Int) throws(ONNXProblem) -> Tensor {
    try take(count)
    return tensor.count == count ? tensor.reshaped([count]) : Tensor(repeating: tensor.floats[0], [count])
  }
}

extension Operation {
  /// The same with a bias, where it has none and could.
  fileprivate var withBias: Operation? {
    switch self {
    case .convolution(var payload) where !payload.hasBias && payload.epilogue.isEmpty:
      payload.hasBias = true
      return .convolution(payload)
    case .transposedConvolution(var payload) where !payload.hasBias && payload.epilogue.isEmpty:
      payload.hasBias = true
      return .transposedConvolution(payload)
    case .linear(var payload) where !payload.hasBias:
      payload.hasBias = true
      return .linear(payload)
    default: return nil
    }
  }
}

extension Tensor {
  func mapped(_ function: (Float) -> Float) -> Tensor { Tensor(shape, floats.map(function)) }

  func combined(_ other: Tensor, _ function: (Float, Float) -> Float) -> Tensor {
    Tensor(shape, zip(floats, other.floats).map(function))
  }
}
