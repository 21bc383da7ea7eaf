import Tensors

/// Conditions of constants, which are 1 where they hold and 0 elsewhere.
///
/// Of integers that depend on the size of the image, too: a < b is min(1, max(0, b - a)), and `c ? a : b` is b + c (a - b).
extension ONNXImporter {
  mutating func compared(_ a: ONNXConstant, _ b: ONNXConstant, _ node: ONNXNode) throws(ONNXProblem) -> ONNXConstant {
    let shape = try broadcast(a.shape, b.shape, node)
    let (x, y) = (try expanded(a, to: shape, node), try expanded(b, to: shape, node))
    if let p = x.numbers, let q = y.numbers {
      try take(16 * p.values.count)
      var values: [Extent] = []
      for (a, b) in zip(p.values, q.values) {
        guard let value = compared(a, b, node.type) else {
          throw node.unsupported("it compares what depends on the size of the image and is no integer")
        }
        values.append(value)
      }
      return .numbers(ONNXNumbers(shape: shape, values: values))
    }
    guard let p = x.tensor, let q = y.tensor else {
      throw node.unsupported("what it compares depends on the size of the image")
    }
    let type = node.type
    return .floats(p.combined(q) { Self.holds(Double($0), Double($1), type) ? 1 : 0 })
  }

  private static func holds(_ a: Double, _ b: Double, _ type: String) -> Bool {
    switch type {
    case "Less": a < b
    case "LessOrEqual": a <= b
    case "Greater": a > b
    case "GreaterOrEqual": a >= b
    case "Equal": a == b
    case "And": a != 0 && b != 0
    case "Or": a != 0 || b != 0
    default: (a != 0) != (b != 0)
    }
  }

  private mutating func compared(_ a: Extent, _ b: Extent, _ type: String) -> Extent? {
    if let x = a.constant, let y = b.constant { return Extent(Self.holds(x, y, type) ? 1 : 0) }
    switch type {
    case "Less": return isLess(a, b)
    case "Greater": return isLess(b, a)
    case "LessOrEqual": return isLess(b, a).flatMap { Extent(1) + -$0 }
    case "GreaterOrEqual": return isLess(a, b).flatMap { Extent(1) + -$0 }
    case "Equal":
      if a == b { return Extent(1) }
      guard let below = isLess(a, b), let above = isLess(b, a), let differ = below + above else { return nil }
      return Extent(1) + -differ
    case "And": return a * b
    case "Or": return symbols.maximum(a, b)
    default:
      guard let sum = a + b, let both = a * b, let twice = both.scaled(by: 2) else { return nil }
      return sum + -twice
    }
  }

  private mutating func isLess(_ a: Extent, _ b: Extent) -> Extent? {
    guard let difference = a + -b else { return nil }
    let bounds = symbols.bounds(difference)
    // One may always be the smaller, integer or not: an extent is never -1, the mark of open ones.
    if bounds.most < 0 { return Extent(1) }
    if bounds.least >= 0 { return Extent(0) }
    return symbols.isBelowZero(difference)
  }

  /// `condition ? a : b`, element by element.
  mutating func chosen(
    _ condition: ONNXConstant, _ a: ONNXConstant, _ b: ONNXConstant, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXConstant {
    let shape = try broadcast(broadcast(condition.shape, a.shape, node), b.shape, node)
    if let c = try expanded(condition, to: shape, node).tensor, case .floats = a, case .floats = b,
      let x = try expanded(a, to: shape, node).tensor, let y = try expanded(b, to: shape, node).tensor
    {
      var result = y
      let (conditions, values) = (c.floats, x.floats)
      result.withUnsafeMutableFloats { floats in
        for index in floats.indices where conditions[index] != 0 { floats[index] = values[index] }
      }
      return .floats(result)
    }
    guard let c = try expanded(condition, to: shape, node).numbers, let x = try expanded(a, to: shape, node).numbers,
      let y = try expanded(b, to: shape, node).numbers
    else { throw node.unsupported("it chooses among too many numbers") }
    try take(16 * c.values.count)
    var values: [Extent] = []
    for (condition, (a, b)) in zip(c.values, zip(x.values, y.values)) {
      if let constant = condition.constant {
        values.append(constant != 0 ? a : b)
      } else if let difference = a + -b, x.isInteger, y.isInteger, let part = condition * difference, let value = b + part {
        values.append(value)
      } else {
        throw node.unsupported("its condition depends on the size of the image")
      }
    }
    return .numbers(ONNXNumbers(shape: shape, values: values, kind: x.kind))
  }
}
