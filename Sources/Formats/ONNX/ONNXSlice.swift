/// What a Slice takes of one axis: from `start` to before `end`, which may count from behind, by `step`.
struct ONNXSlice {
  var axis: Int
  var start: Extent
  var end: Extent
  var step: Int

  /// The first element and the number of elements of an axis of that extent.
  func range(start: Int, end: Int, extent: Int) -> (first: Int, count: Int) {
    func resolved(_ index: Int, _ low: Int, _ high: Int) -> Int { min(max(index < 0 ? index + extent : index, low), high) }
    if step > 0 {
      let (first, last) = (resolved(start, 0, extent), resolved(end, 0, extent))
      return (first, max(0, (last - first + step - 1) / step))
    }
    let (first, last) = (resolved(start, -1, extent - 1), resolved(end, -1, extent - 1))
    return (max(first, 0), max(0, (first - last - step - 1) / -step))
  }
}

extension ONNXImporter {
  /// What a Slice node takes, from its attributes (before opset 10) or inputs.
  mutating func slices(_ node: ONNXNode, rank: Int) throws(ONNXProblem) -> [ONNXSlice] {
    var starts: [Extent] = []
    var ends: [Extent] = []
    var axes: [Int]?
    var steps: [Int]?
    if opset < 10 {
      starts = (node.integers("starts") ?? []).map { Extent($0) }
      ends = (node.integers("ends") ?? []).map { Extent($0) }
      axes = node.integers("axes")
    } else {
      starts = try numbers(node, 1)
      ends = try numbers(node, 2)
      if node.input(3) != nil { axes = try integers(node, 3) }
      if node.input(4) != nil { steps = try integers(node, 4) }
    }
    let given = try self.axes(axes ?? Array(starts.indices), rank: rank, node)
    guard starts.count == given.count, ends.count == given.count, steps?.count ?? given.count == given.count else {
      throw node.invalid("it has \(starts.count) starts, \(ends.count) ends and \(given.count) axes")
    }
    var result: [ONNXSlice] = []
    for (index, axis) in given.enumerated() {
      let step = steps?[index] ?? 1
      guard step != 0, abs(step.clamped) < 1 << 40 else { throw node.invalid("the step \(step)") }
      result.append(ONNXSlice(axis: axis, start: starts[index], end: ends[index], step: step))
    }
    return result
  }

  /// The numbers of a constant input.
  mutating func numbers(_ node: ONNXNode, _ index: Int) throws(ONNXProblem) -> [Extent] {
    guard let numbers = try constant(node, index)?.numbers else { throw node.invalid("its input \(index) is absent") }
    return numbers.values
  }

  /// The integers of a constant input.
  mutating func integers(_ node: ONNXNode, _ index: Int) throws(ONNXProblem) -> [Int] {
    guard let numbers = try constant(node, index)?.numbers else { throw node.invalid("its input \(index) is absent") }
    if let integers = numbers.integers { return integers }
    var result: [Int] = []
    for value in numbers.values {
      guard let integer = try known(value, node) else {
        throw node.unsupported("its input \(index) depends on the size of the image")
      }
      result.append(integer)
    }
    return result
  }

  /// A list that is an input since some opset and was an attribute before; nil where it is absent.
  mutating func integers(_ node: ONNXNode, _ index: Int, attribute: String) throws(ONNXProblem) -> [Int]? {
    node.input(index) != nil ? try integers(node, index) : node.integers(attribute)
  }
}
