import Networks
import Tensors

/// Functions of one value, element by element, and those along one axis.
extension ONNXImporter {
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
    case "Softsign": function = .softsign
    case "Elu": function = .elu(alpha: node.float("alpha", default: 1))
    case "Celu": function = .celu(alpha: node.float("alpha", default: 1))
    case "ThresholdedRelu": function = .thresholdedReLU(alpha: node.float("alpha", default: 1))
    case "Abs": function = .leakyReLU(slope: -1)
    case "Erf": function = .errorFunction
    case "Exp": function = .exponential
    case "Log": function = .logarithm
    case "Sqrt": function = .squareRoot
    case "Reciprocal": function = .reciprocal
    case "Floor": function = .floor
    case "Ceil": function = .ceiling
    case "Round": function = .round
    case "Sign": function = .sign
    case "Sin": function = .sine
    case "Cos": function = .cosine
    case "Neg": return try elementwise(.scale(Scale(factor: -1)), x, node)
    case "Selu":
      let inner = try elementwise(
        .activation(.elu(alpha: node.float("alpha", default: 1.673_263_2))), x, node)
      return try elementwise(.scale(Scale(factor: node.float("gamma", default: 1.050_701))), inner, node)
    case "Swish":
      let alpha = node.float("alpha", default: 1)
      if alpha == 1 { return try elementwise(.activation(.silu), x, node) }
      let gate = try elementwise(.activation(.sigmoid), elementwise(.scale(Scale(factor: alpha)), x, node), node)
      return try combined(.view(x), .view(gate), .multiply, node)
    case "Mish":
      let inner = try elementwise(.activation(.tanh), elementwise(.activation(.softplus), x, node), node)
      return try combined(.view(x), .view(inner), .multiply, node)
    default: throw node.unsupported("it is not known")
    }
    return try elementwise(.activation(function), x, node)
  }

  /// Bounds that are absent, numbers, or computed.
  mutating func clip(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    if opset < 11 { return try clipped(x, node.float("min"), node.float("max"), node) }
    var (low, high): (Float?, Float?)
    var computed: [(Value, BinaryFunction)] = []
    for (index, function) in [(1, BinaryFunction.maximum), (2, .minimum)] {
      guard let bound = try value(node, index) else { continue }
      guard case .constant(let constant) = bound else {
        computed.append((bound, function))
        continue
      }
      guard let number = constant.scalar, !number.isNaN else { throw node.invalid("its bound \(index) is not one number") }
      if index == 1 { low = Float(number) } else { high = Float(number) }
    }
    if computed.isEmpty { return try clipped(x, low, high, node) }
    // The upper bound comes last and wins.
    var result = x
    if let low { result = try clipped(result, low, nil, node) }
    for (bound, function) in computed { result = try combined(.view(result), bound, function, node) }
    if let high { result = try clipped(result, nil, high, node) }
    return result
  }

  private mutating func clipped(
    _ x: ONNXView, _ low: Float?, _ high: Float?, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    let isOpen = (low ?? -.infinity) == -.infinity && (high ?? .infinity) == .infinity
    return isOpen ? x : try elementwise(.activation(Self.clip(low, high)), x, node)
  }

  /// Where the bounds cross, the upper one wins.
  static func clip(_ low: Float?, _ high: Float?) -> ActivationFunction {
    let limit = Float.greatestFiniteMagnitude
    let maximum = min(max(high ?? limit, -limit), limit)
    let minimum = min(max(low ?? -limit, -limit), maximum)
    return minimum == 0 && maximum == limit ? .relu : .clip(minimum: minimum, maximum: maximum)
  }

  // MARK: Along an axis

  mutating func softmax(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var x = try view(node)
    let axis = try axis(node.integer("axis", default: opset < 13 ? 1 : -1), rank: x.rank, node)
    let shape = try shape(of: x, node)
    let isLogarithmic = node.type == "LogSoftmax"
    // Before opset 13 over all axes from that one on.
    guard opset >= 13 || shape[(axis + 1)...].allSatisfy(\.isOne) else {
      let flat = try reshaped(x, [Extent(1)] + shape[..<axis] + [Extent(-1)], node)
      return try reshaped(softmax(flat, axis: axis + 1, isLogarithmic: isLogarithmic, node), shape, node)
    }
    if x.reducing([axis]) == nil { x = try plain(node) }
    return try softmax(x, axis: axis, isLogarithmic: isLogarithmic, node)
  }

  private mutating func softmax(
    _ given: ONNXView, axis: Int, isLogarithmic: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    if isLogarithmic {
      // x - m - log Σ exp(x - m), m the largest.
      let most = try reduced(given, .maximum, [axis], keeps: true, node)
      let less = try combined(.view(given), .view(most), .subtract, node)
      let sum = try reduced(elementwise(.activation(.exponential), less, node), .sum, [axis], keeps: true, node)
      return try combined(.view(less), .view(elementwise(.activation(.logarithm), sum, node)), .subtract, node)
    }
    if let source = given.wholeAxis(axis) { return try elementwise(.softmax(Softmax(axis: source)), given, node) }
    let x = try plain(given, node)
    return try emit(.softmax(Softmax(axis: axis)), [x.value], x.extents, node)
  }
}
