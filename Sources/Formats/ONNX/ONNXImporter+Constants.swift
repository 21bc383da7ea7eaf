import Tensors

/// Moves of the elements of constants.
extension ONNXImporter {
  /// The strides of a shape that `count` has bounded.
  static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    StridedWalk.rowMajorStrides(shape) ?? Array(repeating: 0, count: shape.count)
  }

  /// The number of elements; throws where they are beyond all bounds, before anything is made.
  func count(_ shape: [Int], _ node: ONNXNode) throws(ONNXProblem) -> Int {
    // Extents of 0 do not hide how large the others are.
    guard shape.allSatisfy({ $0 >= 0 }), shape.count <= 16, let bound = Shape(shape.map { max($0, 1) }).checkedCount,
      bound <= 1 << 40
    else { throw node.invalid("its output would have the shape \(shape)") }
    return shape.contains(0) ? 0 : bound
  }

  /// The elements at `offset + Σ index · stride`, for every index of the shape; all of them lie inside the constant.
  mutating func strided(
    _ constant: ONNXConstant, _ shape: [Int], strides: [Int], offset: Int = 0, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    let count = try count(shape, node)
    try take(constant.isNumbers ? 16 * count : count)
    let walk = StridedWalk(shape: shape, strides: strides, offset: offset, count: count)
    switch constant {
    case .numbers(let numbers):
      guard count <= ONNXNumbers.limit else { throw node.unsupported("it makes \(count) integers") }
      var values: [Extent] = []
      walk.visit { values.append(numbers.values[$1]) }
      return .numbers(ONNXNumbers(shape: shape, values: values, kind: numbers.kind))
    case .floats(let tensor):
      let result = Tensor(unsafeUninitialized: Shape(shape)) { bytes in
        let target = bytes.bindMemory(to: Float.self)
        tensor.withUnsafeFloats { source in walk.visit { target[$0] = source[$1] } }
      }
      return .floats(result)
    }
  }

  /// The same elements under another shape of as many.
  func reshaped(_ constant: ONNXConstant, _ shape: [Int], _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    guard try count(shape, node) == constant.count else {
      throw node.invalid("\(constant.count) elements do not fill the shape \(shape)")
    }
    switch constant {
    case .floats(let tensor): return .floats(tensor.reshaped(Shape(shape)))
    case .numbers(let numbers):
      return .numbers(ONNXNumbers(shape: shape, values: numbers.values, kind: numbers.kind))
    }
  }

  mutating func transposed(
    _ constant: ONNXConstant, _ permutation: [Int], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    let strides = Self.rowMajorStrides(constant.shape)
    return try strided(constant, permutation.map { constant.shape[$0] }, strides: permutation.map { strides[$0] }, node)
  }

  /// The constant repeated to a shape that its own broadcasts to.
  mutating func expanded(_ constant: ONNXConstant, to shape: [Int], _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    if constant.shape == shape { return constant }
    let missing = shape.count - constant.shape.count
    guard missing >= 0 else { throw node.invalid("\(constant.shape) does not broadcast to \(shape)") }
    let own = Self.rowMajorStrides(constant.shape)
    var strides = [Int](repeating: 0, count: shape.count)
    for axis in constant.shape.indices {
      guard constant.shape[axis] == shape[missing + axis] || constant.shape[axis] == 1 else {
        throw node.invalid("\(constant.shape) does not broadcast to \(shape)")
      }
      if constant.shape[axis] != 1 { strides[missing + axis] = own[axis] }
    }
    return try strided(constant, shape, strides: strides, node)
  }

  /// The shape that both broadcast to.
  func broadcast(_ a: [Int], _ b: [Int], _ node: ONNXNode) throws(ONNXProblem) -> [Int] {
    let rank = max(a.count, b.count)
    var shape: [Int] = []
    for axis in 0..<rank {
      let x = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
      let y = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
      guard x == y || x == 1 || y == 1 else { throw node.invalid("\(a) and \(b) do not broadcast") }
      shape.append(x == 1 ? y : x)
    }
    return shape
  }

  /// The constants behind one another along an axis.
  mutating func concatenated(
    _ constants: [ONNXConstant], axis: Int, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    guard let first = constants.first else { throw node.invalid("it has no inputs") }
    var shape = first.shape
    let axis = try self.axis(axis, rank: shape.count, node)
    shape[axis] = 0
    for constant in constants {
      var other = constant.shape
      guard other.count == shape.count else { throw node.invalid("its inputs differ in their axes") }
      shape[axis] += other[axis]
      other[axis] = shape[axis]
      guard other == shape else { throw node.invalid("its inputs differ in more than axis \(axis)") }
    }
    let total = try count(shape, node)
    let outer = shape[..<axis].reduce(1, *)
    let lengths = constants.map { $0.shape[axis...].reduce(1, *) }
    let isNumbers = constants.contains { $0.isNumbers }
    try take(isNumbers ? 16 * total : total)
    if isNumbers {
      guard total <= ONNXNumbers.limit else { throw node.unsupported("it makes \(total) integers") }
      var parts: [ONNXNumbers] = []
      for constant in constants {
        guard let numbers = constant.numbers else { throw node.unsupported("it joins integers and weights") }
        parts.append(numbers)
      }
      var values: [Extent] = []
      for row in 0..<outer {
        for (part, length) in zip(parts, lengths) { values += part.values[row * length..<(row + 1) * length] }
      }
      return .numbers(ONNXNumbers(shape: shape, values: values, kind: parts.first?.kind ?? .integer))
    }
    var values: [Float] = []
    values.reserveCapacity(total)
    let parts = constants.map { $0.tensor?.floats ?? [] }
    for row in 0..<outer {
      for (part, length) in zip(parts, lengths) { values += part[row * length..<(row + 1) * length] }
    }
    return .floats(Tensor(Shape(shape), values))
  }

  /// The weights with parts of them, at places along the first axes, replaced in order.
  mutating func scattered(
    _ data: ONNXConstant, _ places: ONNXConstant, _ updates: ONNXConstant, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    guard node.text("reduction", default: "none") == "none", case .floats(let tensor) = data,
      let new = updates.tensor, let index = places.tensor, let depth = places.shape.last, depth >= 1, depth <= data.shape.count
    else { throw node.unsupported("it does more than replace weights at known places") }
    let size = data.shape[depth...].reduce(1, *), count = index.count / depth
    guard new.count == count * size, index.count % depth == 0 else {
      throw node.invalid("its updates \(new.shape) do not fill \(count) places of \(size)")
    }
    try take(tensor.count + new.count)
    let strides = Self.rowMajorStrides(data.shape), (indices, values) = (index.floats, new.floats)
    var elements = tensor.floats
    for place in 0..<count {
      var offset = 0
      for axis in 0..<depth {
        let number = indices[place * depth + axis], extent = data.shape[axis]
        guard number >= -Float(extent), number < Float(extent) else {
          throw node.invalid("the index \(number) is not among \(extent)")
        }
        offset += (Int(number) < 0 ? Int(number) + extent : Int(number)) * strides[axis]
      }
      for element in 0..<size { elements[offset + element] = values[place * size + element] }
    }
    return .floats(Tensor(tensor.shape, elements))
  }

  /// An axis that may count from behind.
  func axis(_ axis: Int, rank: Int, _ node: ONNXNode) throws(ONNXProblem) -> Int {
    guard axis >= -rank, axis < rank else { throw node.invalid("there is no axis \(axis) among \(rank)") }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes that may count from behind, each once.
  func axes(_ axes: [Int], rank: Int, _ node: ONNXNode) throws(ONNXProblem) -> [Int] {
    var result: [Int] = []
    for axis in axes {
      let axis = try self.axis(axis, rank: rank, node)
      guard !result.contains(axis) else { throw node.invalid("the axis \(axis) stands twice") }
      result.append(axis)
    }
    return result
  }
}

extension ONNXConstant {
  var isNumbers: Bool {
    if case .numbers = self { return true }
    return false
  }
}
