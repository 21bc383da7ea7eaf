import Tensors

/// Constants along whole axes: norms of weights, the smaller side of an image, repetition.
extension ONNXImporter {
  /// One number of many along axes: of weights in double precision, rounded once; of sizes as shape arithmetic.
  mutating func reduced(_ x: ONNXConstant, _ given: [Int], _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    let rank = x.shape.count
    if given.isEmpty, node.integer("noop_with_empty_axes", default: 0) != 0 {
      guard ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"].contains(node.type) else {
        throw node.unsupported("it reduces along no axis")
      }
      return x
    }
    let axes = Set(given.isEmpty ? Array(0..<rank) : try self.axes(given, rank: rank, node))
    let kept = x.shape.indices.filter { !axes.contains($0) }
    let shape =
      node.integer("keepdims", default: 1) != 0
      ? x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] } : kept.map { x.shape[$0] }
    let rows = kept.map { x.shape[$0] }.reduce(1, *)
    guard x.count > 0 else { throw node.unsupported("it reduces nothing") }
    // Those of one result lie behind one another.
    let order = kept + axes.sorted()
    let ordered = order == Array(0..<rank) ? x : try transposed(x, order, node)
    let length = x.count / rows
    switch ordered {
    case .floats(let tensor):
      try take(tensor.count)
      let floats = tensor.floats
      let values = (0..<rows).map { row in Self.reduced(floats[row * length..<(row + 1) * length], node.type) }
      return .floats(Tensor(Shape(shape), values))
    case .numbers(let numbers):
      try take(16 * numbers.values.count)
      var values: [Extent] = []
      for row in 0..<rows {
        guard let value = reduced(Array(numbers.values[row * length..<(row + 1) * length]), node.type, numbers.kind) else {
          throw node.unsupported("the shape arithmetic depends on the size of the image in a way that no network follows")
        }
        values.append(value)
      }
      return .numbers(ONNXNumbers(shape: shape, values: values, kind: numbers.kind))
    }
  }

  private static func reduced(_ values: ArraySlice<Float>, _ type: String) -> Float {
    func sum(_ term: (Double) -> Double) -> Double { values.reduce(0) { $0 + term(Double($1)) } }
    switch type {
    case "ReduceL1": return Float(sum { abs($0) })
    case "ReduceL2": return Float(sum { $0 * $0 }.squareRoot())
    case "ReduceMax": return values.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    case "ReduceMean": return Float(sum { $0 } / Double(values.count))
    case "ReduceMin": return values.reduce(.infinity) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    case "ReduceProd": return Float(values.reduce(1) { $0 * Double($1) })
    case "ReduceSumSquare": return Float(sum { $0 * $0 })
    default: return Float(sum { $0 })
    }
  }

  private mutating func reduced(_ values: [Extent], _ type: String, _ kind: ONNXNumbers.Kind) -> Extent? {
    let step: [String: String] = ["ReduceMax": "Max", "ReduceMin": "Min", "ReduceProd": "Mul", "ReduceSum": "Add"]
    guard let type = step[type], var result = values.first else { return nil }
    for value in values.dropFirst() {
      guard let next = combined(result, value, type, kind) else { return nil }
      result = next
    }
    return result
  }

  /// The product of matrices, in double precision, rounded once; the left one may be many. Nil for other forms.
  mutating func multiplied(_ a: Tensor, _ b: Tensor, _ node: ONNXNode) throws(ONNXProblem) -> Tensor? {
    guard a.shape.rank >= 2, b.shape.rank == 2, let depth = a.shape.extents.last, depth == b.shape[0], depth > 0 else {
      return nil
    }
    let (rows, columns) = (a.count / depth, b.shape[1])
    // Counted by its products: time is linear in the file, as everything of constants is.
    let (work, overflow) = a.count.multipliedReportingOverflow(by: columns)
    try take(overflow ? .max : work)
    let (left, right) = (a.floats, b.floats)
    var result: [Float] = []
    result.reserveCapacity(rows * columns)
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { sums[column] = 0 }
      for index in 0..<depth {
        let factor = Double(left[row * depth + index])
        for column in 0..<columns { sums[column] += factor * Double(right[index * columns + column]) }
      }
      for sum in sums { result.append(Float(sum)) }
    }
    return Tensor(Shape(a.shape.extents.dropLast() + [columns]), result)
  }

  mutating func tiled(_ x: ONNXConstant, _ repeats: [Int], _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    guard repeats.count == x.shape.count else {
      throw node.invalid("it has \(repeats.count) repeats for \(x.shape.count) axes")
    }
    guard repeats.allSatisfy({ $0 >= 0 && $0 <= 1 << 36 }) else { throw node.invalid("it repeats \(repeats) times") }
    // Each axis behind one of repeats.
    let strides = Self.rowMajorStrides(x.shape)
    let split = zip(repeats, x.shape).flatMap { [$0, $1] }
    guard split.count <= 16 else { throw node.unsupported("it has \(x.shape.count) axes") }
    let moved = try strided(x, split, strides: strides.flatMap { [0, $0] }, node)
    return try reshaped(moved, zip(repeats, x.shape).map { $0 * $1 }, node)
  }
}
