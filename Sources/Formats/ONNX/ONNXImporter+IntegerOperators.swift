import Networks
import ONNXProto
import Tensors

/// Operators whose inputs and outputs are integers with scales and zero points of their own, as ONNX Runtime's quantisation writes them: each is the operator of
/// numbers between `DequantizeLinear` and `QuantizeLinear`.
extension ONNXImporter {
  /// How inputs follow one another; each operand is three of them: integers, scale, zero point.
  enum IntegerForm: Sendable {
    /// Operands, then scale and zero point of the result.
    case operands(Int)
    /// Scale and zero point of the result, then operands, however many.
    case variadic
    /// Two operands, a bias of int32 or none, then scale and zero point of the result, or none where it is float32.
    case gemm
  }

  /// The operators, and what each is of numbers.
  static let integerOperators: [String: (plain: String, form: IntegerForm)] = [
    "QLinearMatMul": ("MatMul", .operands(2)), "com.microsoft.QLinearAdd": ("Add", .operands(2)),
    "com.microsoft.QLinearMul": ("Mul", .operands(2)), "com.microsoft.QLinearSigmoid": ("Sigmoid", .operands(1)),
    "com.microsoft.QLinearLeakyRelu": ("LeakyRelu", .operands(1)), "com.microsoft.QLinearSoftmax": ("Softmax", .operands(1)),
    "com.microsoft.QLinearGlobalAveragePool": ("GlobalAveragePool", .operands(1)),
    "com.microsoft.QLinearAveragePool": ("AveragePool", .operands(1)),
    "com.microsoft.QLinearReduceMean": ("ReduceMean", .operands(1)), "com.microsoft.QLinearConcat": ("Concat", .variadic),
    "com.microsoft.QGemm": ("Gemm", .gemm),
  ]

  mutating func integerOperator(_ node: ONNXNode, _ plain: String, _ form: IntegerForm) throws(ONNXProblem) -> ONNXView {
    guard node.integer("channels_last", default: 0) == 0 else { throw node.unsupported("its channels lie last") }
    let place = "\(node.outputs.first ?? node.label)/integers"
    var names: [String] = []
    let result: Int
    switch form {
    case .operands(let count):
      try node.checkInputs(3 * count + 1...3 * count + 2)
      for index in 0..<count {
        // A matrix of weights has a scale for each column.
        names.append(try numbers(node, 3 * index, axis: 1, "\(place)/\(index)"))
      }
      result = 3 * count
    case .variadic:
      guard node.inputs.count > 2, node.inputs.count % 3 == 2 else {
        throw node.invalid("it has \(node.inputs.count) inputs, not two and three for each operand")
      }
      for index in stride(from: 2, to: node.inputs.count, by: 3) {
        names.append(try numbers(node, index, axis: 0, "\(place)/\(index)"))
      }
      result = 0
    case .gemm:
      try node.checkInputs(6...9)
      names = [
        try numbers(node, 0, axis: 1, "\(place)/a"),
        try numbers(node, 3, axis: node.integer("transB", default: 0) == 0 ? 1 : 0, "\(place)/b"),
      ]
      if node.input(6) != nil {
        try setBias(node, 6, weightScale: 4, inputScale: 1, factor: node.float("alpha", default: 1), "\(place)/c")
        names.append("\(place)/c")
      }
      result = 7
    }
    let view = try lowered(ONNXNode(node, type: plain, inputs: names))[0]
    guard node.input(result) != nil else { return view }
    return try quantized(view, quantization(node.input(result), node.input(result + 1), node), node)
  }

  /// The numbers of an operand, under a name of their own.
  private mutating func numbers(_ node: ONNXNode, _ index: Int, axis: Int, _ name: String) throws(ONNXProblem) -> String {
    if let tensor = try integers(node.input(index)) {
      let (numbers, grid) = try numbers(tensor, scale: node.input(index + 1), zero: node.input(index + 2), axis: axis, node)
      try set(name, .constant(.floats(numbers)))
      grids[name] = grid
    } else {
      let payload = try quantization(node.input(index + 1), node.input(index + 2), node)
      try set(name, .view(dequantized(view(node, index), payload, node)))
    }
    return name
  }

  /// The numbers of a bias of int32, whose scales are products of those of input and weights.
  mutating func setBias(
    _ node: ONNXNode, _ index: Int, weightScale: Int, inputScale: Int, factor: Float = 1, _ name: String
  ) throws(ONNXProblem) {
    guard let bias = try integers(node.input(index)), bias.dataType == .int32, let integers = bias.integers else {
      throw node.unsupported("its bias is no constant of int32")
    }
    let input = try scales(node.input(inputScale), node)
    guard input.count == 1 else { throw node.unsupported("its input has \(input.count) scales; values have one") }
    let scales = try scales(node.input(weightScale), node).map { $0 * input[0] * factor }
    guard [1, integers.count].contains(scales.count) else {
      throw node.invalid("\(scales.count) scales do not fit \(integers.count) biases")
    }
    let numbers = integers.enumerated().map { Float($1) * scales[scales.count == 1 ? 0 : $0] }
    try set(name, .constant(.floats(Tensor(bias.shape, numbers))))
    grids[name] = Grid(integers: bias, scales: scales)
  }

  /// An operator that the file applies to integers although it reckons: on the numbers, and integers of the same scale again.
  mutating func throughNumbers(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView? {
    guard node.type == "Relu" || (node.type == "Resize" && node.text("mode", default: "nearest") != "nearest"),
      case .view(let x)? = try value(node, 0), let payload = codes(of: x.value)
    else { return nil }
    let name = "\(node.outputs.first ?? node.label)/numbers"
    try set(name, .view(elementwise(.integer(.dequantize), x, node)))
    return try quantized(lowered(node.reading(name))[0], payload, node)
  }

  /// `ONNXPatterns.lookup`: a function of integers as a table of numbers, which become integers.
  mutating func lookup(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let payload = try quantization(node.input(2), node.input(3), node), x = try view(node)
    guard let known = codes(of: x.value), let integers = known.element.integers else {
      throw node.unsupported("it picks by integers that no QuantizeLinear before it makes")
    }
    var least = 0
    if node.input(4) != nil {
      guard let number = try constant(node, 4)?.scalar else { throw node.unsupported("what it takes off is not one number") }
      least = Int(number)
    }
    guard let table = try constant(node, 1)?.tensor, table.count == Lookup.count, least == integers.lowerBound else {
      throw node.unsupported("its table does not have an entry for each of \(integers)")
    }
    let stored = table.floats.map { payload.stored($0) }
    let result = try emit(
      .integer(.lookup(Lookup(payload.element, payload.quantization))), [x.value], x.extents, node,
      parameters: [.table: Tensor([Lookup.count], payload.element, integers: stored)])
    codes[result.value] = payload
    var view = x.following(result.value)
    view.isExclusive = true
    return view
  }

  // MARK: Inputs of integers

  /// What the integers of the graph's inputs of int8 and uint8 stand for, where the nodes that read them, or what only moves them, say so.
  mutating func inputQuantizations(
    _ inputs: [ONNXValueInfoProto], _ nodes: [ONNXNode]
  ) throws(ONNXProblem) -> [String: Quantize] {
    var sources: [String: String] = [:], result: [String: Quantize] = [:]
    for input in inputs where [2, 3].contains(input.type.tensorType.elemType) { sources[input.name] = input.name }
    if sources.isEmpty { return [:] }
    let moves: Set<String> = [
      "Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "MaxPool", "DepthToSpace", "SpaceToDepth",
    ]
    for node in nodes {
      if moves.contains(node.type), let source = node.inputs.first.flatMap({ sources[$0] }) {
        if let output = node.outputs.first { sources[output] = source }
        continue
      }
      for (index, name) in node.inputs.enumerated() {
        guard let source = sources[name], result[source] == nil, let scale = Self.scalePlace(node, index) else { continue }
        let payload = try quantization(node.input(scale), node.input(scale + 1), node)
        guard inputs.contains(where: { $0.name == source && $0.type.tensorType.elemType == (payload.element == .int8 ? 3 : 2) })
        else { continue }
        result[source] = payload
      }
    }
    return result
  }

  /// Which input is the scale of an operand; nil where the operand has none.
  private static func scalePlace(_ node: ONNXNode, _ index: Int) -> Int? {
    if node.type == "DequantizeLinear" || node.type == "QLinearConv" { return index == 0 ? 1 : nil }
    switch integerOperators[node.type]?.form {
    case .operands(let count): return index % 3 == 0 && index < 3 * count ? index + 1 : nil
    case .variadic: return index >= 2 && index % 3 == 2 ? index + 1 : nil
    case .gemm: return index == 0 || index == 3 ? index + 1 : nil
    case nil: return nil
    }
  }
}
