import Networks
import Tensors

/// From one node of the graph to its outputs: constants are folded, views are moved about, the rest becomes nodes.
extension ONNXImporter {
  /// What some form of is supported.
  static let operators: Set<String> = [
    "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "Conv",
    "ConvTranspose", "DepthToSpace", "Div", "Dropout", "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "MatMul", "Max", "MaxPool", "Min", "Mish", "Mod",
    "Mul", "Neg", "Not", "PRelu", "Pad", "Pow", "Range", "Reciprocal", "ReduceMean", "ReduceProd", "Relu", "Reshape", "Resize",
    "Round", "Shape", "Sigmoid", "Size", "Slice", "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub",
    "Sum", "Tanh", "Transpose", "Unsqueeze", "Upsample", "Where", ONNXPatterns.silu, ONNXPatterns.gelu, ONNXPatterns.hardSwish,
  ]

  mutating func lower(_ node: ONNXNode) throws(ONNXProblem) {
    switch node.type {
    case "Constant": return try set(node, [.constant(constant(node))])
    case "Shape", "Size": return try set(node, [.constant(shape(node))])
    case "Dropout": try checkDropout(node)
    default: break
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
      return try set(node, folded(node, operands).map(Value.constant))
    }
    let results = try lowered(node)
    try set(node, results.map(Value.view))
  }

  private mutating func lowered(_ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    switch node.type {
    case "Identity", "Dropout": return [try view(node)]
    case "Cast":
      guard [1, 10, 11, 16].contains(node.integer("to", default: 1)) else {
        throw node.unsupported("it makes integers of the values of an image")
      }
      return [try view(node)]
    case "Conv": return [try convolution(node)]
    case "ConvTranspose": return [try transposedConvolution(node)]
    case "Gemm": return [try gemm(node)]
    case "MatMul": return [try product(node)]
    case "BatchNormalization": return [try batchNorm(node)]
    case "Add", "Sub", "Mul", "Div", "Min", "Max", "Sum": return [try binary(node)]
    case "Pow": return [try power(node)]
    case "Relu", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Gelu", "Softplus", "Clip", "Abs", "Neg", "Mish",
      ONNXPatterns.silu, ONNXPatterns.gelu, ONNXPatterns.hardSwish:
      return [try unary(node)]
    case "PRelu": return [try prelu(node)]
    case "Softmax": return [try softmax(node)]
    case "MaxPool", "AveragePool": return [try pool(node)]
    case "GlobalAveragePool": return [try globalAveragePool(node)]
    case "ReduceMean": return [try reduceMean(node)]
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
    default: throw node.unsupported("it is read where its inputs are constants")
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
      var product = Extent(1)
      for extent in extents {
        guard let next = product * extent else { throw node.unsupported("the shape arithmetic is too long") }
        product = next
      }
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
    guard let shape = view.shape else { throw node.unsupported("the shape arithmetic is too long") }
    return shape
  }

  private mutating func checkDropout(_ node: ONNXNode) throws(ONNXProblem) {
    guard node.input(2) != nil, let training = try constant(node, 2)?.numbers?.integers else { return }
    guard training.allSatisfy({ $0 == 0 }) else {
      throw node.unsupported("it drops values, as in training; export it in eval mode")
    }
  }
}
