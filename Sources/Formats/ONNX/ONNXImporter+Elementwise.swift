import Networks
import Tensors

/// Functions of single elements: of one value, of a value and a constant, of two values.
extension ONNXImporter {
  /// A node of one input, which does not care how the elements lie.
  private mutating func elementwise(_ operation: Operation, _ x: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var result = x.following(try emit(operation, [x.value], x.extents, node).value)
    result.isExclusive = true
    return result
  }

  mutating func unary(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let function: ActivationFunction
    switch node.type {
    case "Relu": function = .relu
    case "LeakyRelu": function = .leakyReLU(slope: node.float("alpha", default: 0.01))
    case "Sigmoid": function = .sigmoid
    case "Tanh": function = .tanh
    case "HardSigmoid":
      function = .hardSigmoid(alpha: node.float("alpha", default: 0.2), beta: node.float("beta", default: 0.5))
    case "HardSwish", ONNXPatterns.hardSwish: function = .hardSwish
    case "Gelu": function = node.text("approximate", default: "none") == "tanh" ? .geluTanh : .gelu
    case ONNXPatterns.gelu: function = .gelu
    case ONNXPatterns.silu: function = .silu
    case "Softplus": function = .softplus
    case "Abs": function = .leakyReLU(slope: -1)
    case "Clip": function = try clip(node)
    case "Neg": return try elementwise(.scale(Scale(factor: -1)), x, node)
    case "Mish":
      let inner = try elementwise(.activation(.tanh), elementwise(.activation(.softplus), x, node), node)
      return try combined(.view(x), .view(inner), .multiply, node)
    default: throw node.unsupported("it is not known")
    }
    return try elementwise(.activation(function), x, node)
  }

  private mutating func clip(_ node: ONNXNode) throws(ONNXProblem) -> ActivationFunction {
    var (low, high) = (node.float("min"), node.float("max"))
    if opset >= 11 {
      low = try constant(node, 1)?.scalar.map { Float($0) }
      high = try constant(node, 2)?.scalar.map { Float($0) }
    }
    return Self.clip(low, high)
  }

  private static func clip(_ low: Float?, _ high: Float?) -> ActivationFunction {
    let limit = Float.greatestFiniteMagnitude
    let (minimum, maximum) = (max(low ?? -limit, -limit), min(high ?? limit, limit))
    return minimum == 0 && maximum == limit ? .relu : .clip(minimum: minimum, maximum: maximum)
  }

  mutating func prelu(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...2)
    let x = try view(node)
    guard let slope = try weights(node, 1) else { throw node.invalid("its slope is absent") }
    guard let slopes = channelwise(slope, x) else {
      throw node.unsupported("its slope \(slope.shape) is neither one number nor one for each channel")
    }
    let result = try emit(
      .activation(.prelu(channels: slopes.count)), [x.value], x.extents, node, parameters: ["slope": slopes])
    return x.following(result.value)
  }

  mutating func softmax(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node)
    let axis = try axis(node.integer("axis", default: opset < 13 ? 1 : -1), rank: x.rank, node)
    if opset < 13, !x.extents[(axis + 1)...].allSatisfy(\.isOne) {
      throw node.unsupported("before opset 13 it runs over all axes from \(axis); export it with opset_version=17")
    }
    return try emit(.softmax(Softmax(axis: axis)), [x.value], x.extents, node)
  }

  // MARK: Two inputs

  mutating func binary(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let functions: [String: BinaryFunction] = [
      "Add": .add, "Sum": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide, "Min": .minimum, "Max": .maximum,
    ]
    let isVariadic = ["Sum", "Min", "Max"].contains(node.type)
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
    return view
  }

  mutating func power(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let exponent = try constant(node, 1)?.scalar
    guard let exponent, exponent == 1 || exponent == 2 || exponent == 3 else {
      throw node.unsupported("its exponent is not 1, 2 or 3")
    }
    var result = x
    for _ in 1..<Int(exponent) { result = try combined(.view(result), .view(x), .multiply, node) }
    return result
  }

  private mutating func combined(
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
      // A batch of 1 that both leave open is the same batch.
      if p.isOne != q.isOne || (p != q && !symbols.same(p, q) && (symbols.declared(p) == 1 || symbols.declared(q) == 1)) {
        isBroadcast = true
      }
      extents.append(p.isOne || (symbols.declared(p) == 1 && !q.isOne) ? q : p)
    }
    let operation: Operation = function == .add && !isBroadcast ? .add : .binary(function)
    return try emit(operation, [x.value, y.value], extents, node)
  }

  /// A value and a constant: one number, or one for each channel. `isReversed` where the constant comes first.
  private mutating func combined(
    _ x: ONNXView, _ c: ONNXConstant, _ function: BinaryFunction, isReversed: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    guard let tensor = c.tensor else { throw node.unsupported("its constant depends on the size of the image") }
    guard let vector = channelwise(tensor, x) else {
      throw node.unsupported("its constant \(tensor.shape) is neither one number nor one for each channel")
    }
    try take(vector.count)
    switch function {
    case .add: return try affine(x, scale: nil, shift: vector, node)
    case .subtract:
      return isReversed
        ? try affine(x, scale: Tensor([1], [-1]), shift: vector, node)
        : try affine(x, scale: nil, shift: vector.mapped { -$0 }, node)
    case .multiply: return try affine(x, scale: vector, shift: nil, node)
    case .divide:
      if isReversed { throw node.unsupported("it divides a constant by the values of an image") }
      return try affine(x, scale: vector.mapped { 1 / $0 }, shift: nil, node)
    case .minimum, .maximum:
      guard vector.count == 1 else { throw node.unsupported("its constant \(tensor.shape) is not one number") }
      let bound = vector.floats[0]
      return try elementwise(
        .activation(function == .minimum ? Self.clip(nil, bound) : Self.clip(bound, nil)), x, node)
    }
  }

  /// A constant that broadcasts to a view as a vector along the channels, or of one element; nil where it does otherwise.
  private func channelwise(_ tensor: Tensor, _ view: ONNXView) -> Tensor? {
    let skipped = max(tensor.shape.rank - view.rank, 0)
    if tensor.count == 1 { return skipped == 0 ? tensor.reshaped([1]) : nil }
    guard tensor.shape.extents[..<skipped].allSatisfy({ $0 == 1 }), skipped == 0 else { return nil }
    let missing = view.rank - tensor.shape.rank
    let varying = tensor.shape.extents.indices.filter { tensor.shape[$0] != 1 }
    guard varying.count == 1, let axis = view.channelAxis, axis == varying[0] + missing,
      view.extents[1].integer == tensor.count
    else { return nil }
    return tensor.reshaped([tensor.count])
  }

  /// `scale · x + shift`, each a vector along the channels or of one element.
  private mutating func affine(
    _ x: ONNXView, scale: Tensor?, shift: Tensor?, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    if let shift, scale == nil, let maker = producer(x), let biased = maker.operation.withBias {
      let count = biased.parameters.first { $0.name == "bias" }?.shape.count ?? 0
      replace(maker, by: biased, parameters: ["bias": try vector(shift, count: count)])
      return x
    }
    if let scale, shift == nil, scale.count == 1 { return try elementwise(.scale(Scale(factor: scale.floats[0])), x, node) }
    guard x.extents.count >= 2, let channels = x.extents[1].integer else {
      throw node.unsupported("the channels of its input are open")
    }
    let factor = try vector(scale ?? Tensor([1], [1]), count: channels)
    let offset = try vector(shift ?? Tensor([1], [0]), count: channels)
    if let maker = producer(x), case .channelAffine = maker.operation, let first = parameter("scale", of: maker),
      let second = parameter("shift", of: maker)
    {
      replace(
        maker, by: maker.operation,
        parameters: [
          "scale": first.combined(factor) { $0 * $1 },
          "shift": second.combined(factor) { $0 * $1 }.combined(offset) { $0 + $1 },
        ])
      return x
    }
    let made = try emit(
      .channelAffine(ChannelAffine(channels: channels, isTrainable: false)), [x.value], x.extents, node,
      parameters: ["scale": factor, "shift": offset])
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
  fileprivate func mapped(_ function: (Float) -> Float) -> Tensor { Tensor(shape, floats.map(function)) }

  fileprivate func combined(_ other: Tensor, _ function: (Float, Float) -> Float) -> Tensor {
    Tensor(shape, zip(floats, other.floats).map(function))
  }
}
