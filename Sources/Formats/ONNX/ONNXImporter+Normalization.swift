import Networks
import Tensors

/// Values normalised by their own mean and variance.
extension ONNXImporter {
  /// The first output; mean and 1 / deviation behind it where they are asked for.
  mutating func normalization(_ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    let normed = try normalized(node)
    guard node.type == "LayerNormalization", node.outputs.dropFirst().contains(where: { !$0.isEmpty }) else { return [normed] }
    let x = try view(node)
    let axes = Array(try axis(node.integer("axis", default: -1), rank: x.rank, node)..<x.rank)
    let mean = try reduced(x, .mean, axes, keeps: true, node)
    let centred = try combined(.view(x), .view(mean), .subtract, node)
    let square = try combined(.view(centred), .view(centred), .multiply, node)
    let variance = try reduced(square, .mean, axes, keeps: true, node)
    let epsilon = Tensor([], [node.float("epsilon", default: 1e-5)])
    let shifted = try combined(.view(variance), .constant(.floats(epsilon)), .add, node)
    return [normed, mean, try power(shifted, -0.5, node)]
  }

  private mutating func normalized(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let epsilon = node.float("epsilon", default: 1e-5)
    guard node.integer("stash_type", default: 1) == 1 else {
      throw node.unsupported("its stash_type is \(node.integer("stash_type", default: 1)), not 1 (float32)")
    }
    switch node.type {
    case "LayerNormalization", "RMSNormalization":
      let first = try axis(node.integer("axis", default: -1), rank: x.rank, node)
      let centres = node.type == "LayerNormalization"
      let normed = try normalized(x, Array(first..<x.rank), epsilon: epsilon, centres: centres, node)
      return try scaled(normed, value(node, 1), value(node, 2), node)
    case "InstanceNormalization":
      guard x.rank > 2 else { throw node.invalid("its input has \(x.rank) axes") }
      let normed = try normalized(x, Array(2..<x.rank), epsilon: epsilon, node)
      return try scaled(normed, alongChannels(node, 1, x.rank), alongChannels(node, 2, x.rank), node)
    case "GroupNormalization": return try groupNormalization(node, epsilon: epsilon)
    default: throw node.unsupported("it is not known")
    }
  }

  private mutating func normalized(
    _ view: ONNXView, _ axes: [Int], groups: Int = 1, epsilon: Float, centres: Bool = true, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    var x = view
    // A part of the channels, as files write groups: [N, G, C / G · H · W].
    if groups == 1, let (all, groups) = x.groups(axes), groups > 1 {
      return try elementwise(
        .normalization(Normalization(axes: all, groups: groups, epsilon: epsilon, centres: centres)), x, node)
    }
    if groups > 1 || x.reducing(axes) == nil { x = try plain(view, node) }
    guard let sources = x.reducing(axes)?.sources else { throw node.unsupported("its axes \(axes) are cut into parts") }
    var own = sources
    if sources.isEmpty {
      // Along extents of 1 alone each element stands by itself, as along any axis of the value that has one.
      let single = x.extents.firstIndex(where: \.isOne)
      if single == nil { x = try plain(view, node) }
      own = single.map { [$0] } ?? axes
    }
    let all = groups > 1 ? Array(1..<x.extents.count) : own
    return try elementwise(
      .normalization(Normalization(axes: all, groups: groups, epsilon: epsilon, centres: centres)), x, node)
  }

  /// `x · scale + shift`, where they are given.
  private mutating func scaled(
    _ x: ONNXView, _ scale: Value?, _ shift: Value?, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    var result = x
    if let scale, !isEverywhere(scale, 1) { result = try combined(.view(result), scale, .multiply, node) }
    if let shift, !isEverywhere(shift, 0) { result = try combined(.view(result), shift, .add, node) }
    return result
  }

  private func isEverywhere(_ value: Value, _ number: Float) -> Bool {
    guard case .constant(let constant) = value, let tensor = constant.tensor else { return false }
    return tensor.floats.allSatisfy { $0 == number }
  }

  /// An input of one number a channel as one that broadcasts to values of that many axes; nil where it is absent.
  private mutating func alongChannels(_ node: ONNXNode, _ index: Int, _ rank: Int) throws(ONNXProblem) -> Value? {
    guard let input = try value(node, index) else { return nil }
    switch input {
    case .constant(let constant):
      guard let tensor = constant.tensor, tensor.shape.rank == 1 else { throw node.invalid("its input \(index) is no vector") }
      return .constant(.floats(tensor.reshaped(Shape([tensor.count] + Array(repeating: 1, count: rank - 2)))))
    case .view(let view):
      guard view.rank == 1 else { throw node.invalid("its input \(index) is no vector") }
      return .view(view.inserting(Array(1..<rank - 1)))
    }
  }

  private mutating func groupNormalization(_ node: ONNXNode, epsilon: Float) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(3...3)
    let x = try plain(node)
    guard let groups = node.integer("num_groups"), x.rank > 2, let channels = x.extents[1].integer, groups >= 1,
      channels % groups == 0
    else { throw node.invalid("its num_groups does not divide the channels") }
    let normed = try normalized(x, Array(1..<x.rank), groups: groups, epsilon: epsilon, node)
    var parts: [Value?] = []
    for index in 1...2 {
      guard let part = try constant(node, index)?.tensor, part.shape.rank == 1 else {
        throw node.unsupported("its input \(index) is no vector of weights")
      }
      // Before opset 21 one number a group.
      var vector = part
      if opset < 21 {
        guard part.count == groups else {
          throw node.invalid("its input \(index) has \(part.count) elements for \(groups) groups")
        }
        let size = channels / groups
        try take(channels)
        vector = Tensor([channels], part.floats.flatMap { Array(repeating: $0, count: size) })
      }
      guard vector.count == channels else {
        throw node.invalid("its input \(index) has \(part.count) elements for \(channels) channels")
      }
      parts.append(.constant(.floats(vector.reshaped(Shape([channels] + Array(repeating: 1, count: x.rank - 2))))))
    }
    return try scaled(normed, parts[0], parts[1], node)
  }

  /// `x / norm`, the norm along one axis.
  mutating func normNormalization(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let axis = try axis(node.integer("axis", default: -1), rank: x.rank, node)
    let p = node.integer("p", default: 2)
    guard p == 1 || p == 2 else { throw node.unsupported("its p is \(p), not 1 or 2") }
    var norm = try reduced(x, p == 1 ? .sumOfMagnitudes : .sumOfSquares, [axis], keeps: true, node)
    if p == 2 { norm = try elementwise(.activation(.squareRoot), norm, node) }
    // Of zeros alone zeros are left.
    let limits = ActivationFunction.clip(minimum: .leastNormalMagnitude, maximum: .greatestFiniteMagnitude)
    return try combined(.view(x), .view(elementwise(.activation(limits), norm, node)), .divide, node)
  }

  /// `(x - mean) / (deviation + 1e-9)`
  mutating func meanVarianceNormalization(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let axes = try axes(node.integers("axes") ?? [0, 2, 3], rank: x.rank, node).sorted()
    let centred = try combined(.view(x), .view(reduced(x, .mean, axes, keeps: true, node)), .subtract, node)
    let square = try combined(.view(centred), .view(centred), .multiply, node)
    let deviation = try elementwise(.activation(.squareRoot), reduced(square, .mean, axes, keeps: true, node), node)
    let divisor = try combined(.view(deviation), .constant(.floats(Tensor([], [1e-9]))), .add, node)
    return try combined(.view(centred), .view(divisor), .divide, node)
  }

  /// `x / (bias + alpha / size · Σ x²)^beta`, the sum over that many neighbouring channels.
  mutating func localResponseNormalization(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    guard let size = node.integer("size"), size >= 1, size <= 1 << 20, let channels = x.extents[1].integer else {
      throw node.invalid("its size is absent or not positive, or its channels are open")
    }
    let (product, overflow) = channels.multipliedReportingOverflow(by: channels)
    guard !overflow, product <= 1 << 24 else { throw node.unsupported("it has \(channels) channels") }
    try take(product)
    let factor = node.float("alpha", default: 1e-4) / Float(size)
    var weight = [Float](repeating: 0, count: product)
    for channel in 0..<channels {
      let first = max(0, channel - (size - 1) / 2), last = min(channels - 1, channel + size / 2)
      for neighbour in first...last { weight[channel * channels + neighbour] = factor }
    }
    let square = try combined(.view(x), .view(x), .multiply, node)
    // A 1x1 convolution with a band of weights sums the neighbours.
    let sums = try emit(
      .convolution(Convolution(inChannels: channels, outChannels: channels, kernel: 1)), [square.value], x.extents, node,
      parameters: [
        .weight: Tensor([channels, channels, 1, 1], weight),
        .bias: Tensor(repeating: node.float("bias", default: 1), [channels]),
      ])
    let divisor = try power(sums, -node.float("beta", default: 0.75), node)
    return try combined(.view(x), .view(divisor), .multiply, node)
  }
}

extension ONNXView {
  /// Where the axes hold the inner part of the channels and all axes behind them: the axes but the batch, and how many groups of
  /// channels the outer part tells apart.
  fileprivate func groups(_ given: [Int]) -> (axes: [Int], groups: Int)? {
    let axes = axes
    let taken = Set(given.flatMap { axes[$0] })
    let channels = factors.indices.filter { factors[$0].axis == 1 }
    let outer = channels.filter { !taken.contains($0) }
    guard !outer.isEmpty, outer.count < channels.count, outer == Array(channels.prefix(outer.count)) else { return nil }
    var groups = 1
    for factor in outer {
      guard let extent = factors[factor].extent.integer, extent >= 1, extent <= Limits.attribute / groups else { return nil }
      groups *= extent
    }
    // All but the batch, whole.
    guard factors.indices.allSatisfy({ outer.contains($0) || taken.contains($0) == (factors[$0].axis > 0) }) else { return nil }
    return (Array(1..<extents.count), groups)
  }
}
