import Networks
import Tensors

/// Products with matrices, of weights or of values.
extension ONNXImporter {
  mutating func gemm(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...3)
    let (alpha, beta) = (node.float("alpha", default: 1), node.float("beta", default: 1))
    guard let a = try value(node, 0), let b = try value(node, 1) else { throw node.invalid("an input is absent") }
    if case .view = a, node.integer("transA", default: 0) == 0, case .constant(let constant) = b,
      let matrix = constant.tensor, matrix.shape.rank == 2
    {
      let outFeatures = matrix.shape[node.integer("transB", default: 0) == 0 ? 1 : 0]
      if let bias = try vectorBias(node, outFeatures) {
        let weight = node.integer("transB", default: 0) == 0 ? try matrixTransposed(matrix, node) : matrix
        return try linear(
          plain(node, rank: 2), weight: scaled(weight, by: alpha),
          bias: bias.map { (tensor) throws(ONNXProblem) in try scaled(tensor, by: beta) }, node)
      }
    }
    // Products of values, and sums with more than a vector.
    var operands: [ONNXView] = []
    for (index, (value, attribute)) in [(a, "transA"), (b, "transB")].enumerated() {
      var view = try computed(value, index, node)
      guard view.rank == 2 else { throw node.invalid("its input \(index) has \(view.rank) axes, not 2") }
      if node.integer(attribute, default: 0) != 0 { view = view.transposed([1, 0]) }
      operands.append(try plain(view, node))
    }
    var result = try emit(
      .matrixMultiply, operands.map(\.value), [operands[0].extents[0], operands[1].extents[1]], node)
    if alpha != 1 { result = try elementwise(.scale(Scale(factor: alpha)), result, node) }
    guard var addend = try value(node, 2) else { return result }
    if beta != 1 {
      switch addend {
      case .view(let view): addend = .view(try elementwise(.scale(Scale(factor: beta)), view, node))
      case .constant(let constant):
        addend = .constant(.floats(try scaled(tensor(constant, 2, node), by: beta)))
      }
    }
    return try combined(.view(result), addend, .add, node)
  }

  /// The third input of a Gemm as one number a feature, `.some(nil)` where it is absent; nil where it is more than that.
  private mutating func vectorBias(_ node: ONNXNode, _ count: Int) throws(ONNXProblem) -> Tensor?? {
    switch try value(node, 2) {
    case nil: return .some(nil)
    case .view: return nil
    case .constant(let constant):
      guard let given = constant.tensor, given.count == 1 || given.count == count,
        given.shape.extents.last ?? 1 == given.count
      else { return nil }
      return try expanded(.floats(given.reshaped([given.count])), to: [count], node).tensor
    }
  }

  private mutating func linear(
    _ x: ONNXView, weight: Tensor, bias: Tensor?, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    // Features that depend on an open size are held against the weight when the network runs.
    guard fix(x.extents[1], to: weight.shape[1]) else {
      throw node.invalid("its weight \(weight.shape) does not fit \(text(x.extents[1])) features")
    }
    let payload = Linear(inFeatures: weight.shape[1], outFeatures: weight.shape[0], hasBias: bias != nil)
    return try emit(
      .linear(payload), [x.value], [x.extents[0], Extent(weight.shape[0])], node,
      parameters: Self.parameters(weight: weight, bias: bias))
  }

  /// A matrix product: a linear layer, a 1x1 convolution where the last axis holds the channels of an image, or one of two values.
  mutating func product(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    try node.checkInputs(2...2)
    guard let a = try value(node, 0), let b = try value(node, 1) else { throw node.invalid("an input is absent") }
    if case .view(let x) = a, case .constant(let constant) = b, let matrix = constant.tensor, matrix.shape.rank == 2 {
      if x.extents.count == 4, x.rank > 2, x.holdsChannels(x.rank - 1) {
        return try channelProduct(x, matrix, axis: x.rank - 1, node)
      }
      if x.rank == 2 { return try linear(plain(node), weight: matrixTransposed(matrix, node), bias: nil, node) }
    }
    // A vector is a matrix of one row, or of one column, which leaves the result again.
    var dropped: Set<Int> = []
    var operands: [ONNXView] = []
    for (index, value) in [a, b].enumerated() {
      var view = try computed(value, index, node)
      guard view.rank >= 1 else { throw node.invalid("its input \(index) is one number") }
      if view.rank == 1 {
        view = view.inserting([index])
        dropped.insert(index)
      }
      operands.append(view)
    }
    let rank = max(operands[0].rank, operands[1].rank)
    for index in operands.indices {
      operands[index] = try plain(operands[index].inserting(Array(0..<rank - operands[index].rank)), node)
    }
    let (left, right) = (operands[0].extents, operands[1].extents)
    var extents = zip(left, right).dropLast(2).map { broadcast($0, $1) }
    extents += [left[rank - 2], right[rank - 1]]
    let result = try emit(.matrixMultiply, operands.map(\.value), extents, node)
    return result.dropping(Set(dropped.map { $0 == 0 ? rank - 2 : rank - 1 }))
  }

  /// By a matrix along the channels: a 1x1 convolution.
  private mutating func channelProduct(
    _ x: ONNXView, _ matrix: Tensor, axis: Int, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    let weight = try matrixTransposed(matrix, node)
    guard fix(x.extents[1], to: weight.shape[1]) else {
      throw node.invalid("its weight \(weight.shape) does not fit \(text(x.extents[1])) channels")
    }
    var extents = x.extents
    extents[1] = Extent(weight.shape[0])
    let payload = Convolution(inChannels: weight.shape[1], outChannels: weight.shape[0], kernel: 1, hasBias: false)
    let made = try emit(
      .convolution(payload), [x.value], extents, node,
      parameters: [.weight: weight.reshaped([weight.shape[0], weight.shape[1], 1, 1])])
    var result = x.following(made.value, axis: axis, of: 1, extent: extents[1])
    result.isExclusive = true
    return result
  }

  private mutating func matrixTransposed(_ matrix: Tensor, _ node: ONNXNode) throws(ONNXProblem) -> Tensor {
    try transposed(.floats(matrix), [1, 0], node).tensor ?? matrix
  }

  private mutating func scaled(_ tensor: Tensor, by factor: Float) throws(ONNXProblem) -> Tensor {
    if factor == 1 { return tensor }
    try take(tensor.count)
    var result = tensor
    result.withUnsafeMutableFloats { floats in
      for index in floats.indices { floats[index] *= factor }
    }
    return result
  }
}
