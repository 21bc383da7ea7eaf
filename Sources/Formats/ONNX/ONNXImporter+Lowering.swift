import Networks
import Tensors

/// From one node of the graph to its outputs: constants are folded, views are moved about, the rest becomes nodes.
extension ONNXImporter {
  /// What some form of is supported.
  static let operators = Set<String>([
    "Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu",
    "Clip", "Concat", "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "Cos", "DepthToSpace", "DequantizeLinear", "Div",
    "Dropout",
    "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherND", "Gelu", "Gemm", "Greater",
    "GreaterOrEqual", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "GroupNormalization", "HardSigmoid",
    "HardSwish", "Identity", "InstanceNormalization", "IsInf", "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "LpNormalization", "MatMul", "Max", "MaxPool", "Mean", "MeanVarianceNormalization",
    "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pad", "Pow", "QLinearConv", "QuantizeLinear", "RMSNormalization",
    "Range", "Reciprocal",
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round", "ScatterND", "Selu", "Shape", "Sigmoid", "Sign",
    "Sin", "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum",
    "Swish", "Tanh", "ThresholdedRelu", "Tile", "Transpose", "Unsqueeze", "Upsample", "Where", "Xor", ONNXPatterns.silu,
    ONNXPatterns.gelu, ONNXPatterns.hardSwish, ONNXPatterns.lookup,
  ]).union(integerOperators.keys)

  mutating func lower(_ node: ONNXNode) throws(ONNXProblem) {
    switch node.type {
    case "Constant":
      // Integers of weights, or a zero point, whose type says what they are.
      if let proto = node.tensor("value"), [2, 3].contains(proto.dataType), let name = node.outputs.first {
        return try add(proto, as: name)
      }
      return try set(node, [.constant(constant(node))])
    case "DequantizeLinear":
      if let constant = try dequantizedConstant(node) { return try set(node, [.constant(constant)]) }
      return try set(node, [.view(dequantized(node))])
    case "QuantizeLinear":
      if let proto = try quantizedConstant(node), let name = node.outputs.first { return try add(proto, as: name) }
      return try set(node, [.view(quantized(node))])
    case "QLinearConv": return try set(node, [.view(integerConvolution(node))])
    case "Shape", "Size": return try set(node, [.constant(shape(node))])
    case "Dropout": try checkDropout(node)
    case ONNXPatterns.lookup: return try set(node, [.view(lookup(node))])
    default:
      if let (plain, form) = Self.integerOperators[node.type] {
        return try set(node, [.view(integerOperator(node, plain, form))])
      }
      if let result = try throughNumbers(node) { return try set(node, [.view(result)]) }
    }
    var operands: [ONNXConstant?] = []
    var isConstant = true
    for index in node.inputs.indices {
      switch try value(node, index) {
      case .constant(let constant): operands.append(constant)
      case nil: operands.append(nil)
      case .view: isConstant = false
      }
    }
    if isConstant, operands.contains(where: { $0 != nil }) {
      if node.type == "ConstantOfShape", let shape = operands[0]?.numbers, shape.integers == nil {
        return try set(node, [.view(filled(shape.values, node))])
      }
      if node.type == "Expand", operands.count > 1, operands[0]?.isNumbers == false, operands[1]?.numbers?.integers == nil {
        return try set(node, computing(node, operands[0]).map(Value.view))
      }
      if let results = try folded(node, operands) { return try set(node, results.map(Value.constant)) }
      return try set(node, computing(node, operands[0]).map(Value.view))
    }
    try followBytes(node)
    let results = try lowered(node)
    try set(node, results.map(Value.view))
  }

  /// A node all of whose inputs are known: the network computes with the first as it does with values.
  private mutating func computing(_ node: ONNXNode, _ operand: ONNXConstant?) throws(ONNXProblem) -> [ONNXView] {
    guard case .floats(let tensor)? = operand, tensor.shape.valueFault == nil else {
      throw node.unsupported("all its inputs are constants; export the model with constant folding")
    }
    let source = "\(node.inputs[0]) of \(node.label)"
    try set(source, .view(constantValue(tensor, node)))
    return try lowered(node.reading(source))
  }

  mutating func lowered(_ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    switch node.type {
    case "Identity", "Dropout": return [try view(node)]
    case "CastLike":
      if case .constant(let like)? = try value(node, 1), like.isNumbers {
        throw node.unsupported("it makes integers of the values of an image")
      }
      guard case .constant(let constant)? = try value(node, 0) else { return [try view(node)] }
      guard let tensor = constant.tensor else { throw node.unsupported("its input depends on the size of the image") }
      return [try constantValue(tensor, node)]
    case "Cast":
      // A condition: whether it is not 0.
      if node.integer("to", default: 1) == 9 { return [try negation(negation(view(node), node), node)] }
      let isWhole = if case .maximumIndex = producer(try view(node))?.operation { true } else { false }
      guard isWhole || [1, 10, 11, 16].contains(node.integer("to", default: 1)) else {
        throw node.unsupported("it makes integers of the values of an image")
      }
      return [try view(node)]
    case "Conv", "ConvTranspose", "Gemm":
      let result =
        node.type == "Conv" ? try convolution(node) : node.type == "Gemm" ? try gemm(node) : try transposedConvolution(node)
      noteLayer(node, result)
      return [result]
    case "MatMul":
      let result = try product(node)
      noteLayer(node, result)
      return [result]
    case "BatchNormalization": return [try batchNorm(node)]
    case "Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean": return [try binary(node)]
    case "Pow": return [try power(node)]
    case "Where": return [try choice(node)]
    case "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor": return [try comparison(node)]
    case "Not": return [try negation(view(node), node)]
    case "IsInf":
      let x = try view(node)
      let (below, above) = (node.integer("detect_negative", default: 1) != 0, node.integer("detect_positive", default: 1) != 0)
      guard below || above else { throw node.unsupported("it detects nothing") }
      let magnitude = below && above ? try elementwise(.activation(.leakyReLU(slope: -1)), x, node) : x
      let infinity = Tensor([], [above ? .infinity : -.infinity])
      return [try combined(.view(magnitude), .constant(.floats(infinity)), .equal, node)]
    case "IsNaN":
      let x = try view(node)
      return [try negation(combined(.view(x), .view(x), .equal, node), node)]
    case "Clip": return [try clip(node)]
    case "Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Gelu", "Softplus", "Softsign", "Elu", "Selu",
      "Celu", "ThresholdedRelu", "Abs", "Neg", "Mish", "Swish", "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil",
      "Round", "Sign", "Sin", "Cos", ONNXPatterns.silu, ONNXPatterns.gelu, ONNXPatterns.hardSwish:
      return [try unary(node)]
    case "PRelu": return [try prelu(node)]
    case "Softmax", "LogSoftmax": return [try softmax(node)]
    case "InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization":
      return try normalization(node)
    case "LpNormalization": return [try normNormalization(node)]
    case "MeanVarianceNormalization": return [try meanVarianceNormalization(node)]
    case "LRN": return [try localResponseNormalization(node)]
    case "MaxPool", "AveragePool": return [try pool(node)]
    case "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool": return [try globalPool(node)]
    case "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
      "ReduceSum", "ReduceSumSquare":
      return [try reduction(node)]
    case "ArgMax", "ArgMin": return [try index(node)]
    case "Concat": return [try concatenation(node)]
    case "Split": return try split(node)
    case "Slice": return [try slice(node)]
    case "Gather": return [try gather(node)]
    case "Pad": return [try pad(node)]
    case "DepthToSpace": return [try depthToSpace(node)]
    case "SpaceToDepth": return [try spaceToDepth(node)]
    case "Upsample", "Resize": return [try resize(node)]
    case "Reshape": return [try reshape(node)]
    case "Flatten": return [try flatten(node)]
    case "Transpose": return [try transpose(node)]
    case "Squeeze": return [try squeeze(node)]
    case "Unsqueeze": return [try unsqueeze(node)]
    case "Expand": return [try expand(node)]
    case "Tile": return [try tile(node)]
    default: throw node.unsupported("it is taken where all its inputs are constants")
    }
  }

  private mutating func constant(_ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    if let proto = node.tensor("value") { return try reader.constant(proto) }
    if let value = node.float("value_float") { return .floats(Tensor([], [value])) }
    if let values = node.floats("value_floats") { return .floats(Tensor([values.count], values)) }
    if let value = node.integer("value_int") { return .numbers(ONNXNumbers(shape: [], values: [Extent(value)])) }
    if let values = node.integers("value_ints"), values.count <= ONNXNumbers.limit {
      return .numbers(ONNXNumbers(values.map { Extent($0) }))
    }
    throw node.unsupported("its value is no tensor of numbers")
  }

  /// The extents of a value, or their product.
  private mutating func shape(_ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    var extents: [Extent]
    switch try value(node, 0) {
    case .constant(let constant): extents = constant.shape.map { Extent($0) }
    case .view(let view): extents = try shape(of: view, node)
    case nil: throw node.invalid("its input is absent")
    }
    if node.type == "Size" {
      guard let product = extents.product else { throw node.tooLong() }
      return .numbers(ONNXNumbers(shape: [], values: [product]))
    }
    let rank = extents.count
    func bound(_ name: String, default value: Int) -> Int {
      let index = node.integer(name, default: value).clamped
      return min(max(index < 0 ? index + rank : index, 0), rank)
    }
    let (start, end) = (bound("start", default: 0), bound("end", default: rank))
    extents = start < end ? Array(extents[start..<end]) : []
    return .numbers(ONNXNumbers(extents))
  }

  /// The extents of a view.
  func shape(of view: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> [Extent] {
    guard let shape = view.shape else { throw node.tooLong() }
    return shape
  }

  private mutating func checkDropout(_ node: ONNXNode) throws(ONNXProblem) {
    guard node.input(2) != nil, let training = try constant(node, 2)?.numbers?.integers else { return }
    guard training.allSatisfy({ $0 == 0 }) else {
      throw node.unsupported("it drops values, as in training; export it in eval mode")
    }
  }
}
