import Networks
import ONNXProto

/// Sizes that follow from extents, as the shape arithmetic of a graph.
extension ONNXExporter {
  /// A vector of int64: a tensor of the graph where all are numbers, else what nodes reckon.
  mutating func sizes(_ node: Node, _ type: String, _ expressions: [SizeExpression]) -> String {
    let constants = expressions.compactMap(\.constant)
    if constants.count == expressions.count { return integers(node, type, constants) }
    // The height and width of one value.
    if expressions.count == 2, case .extent(let operand, let axis) = expressions[0],
      expressions[1] == .extent(operand: operand, axis: axis + 1)
    {
      return extents(node, operand, axis..<axis + 2)
    }
    let parts = expressions.map { integer(node, $0) }
    return parts.count == 1 ? parts[0] : add("Concat", parts, inner(node, type), [.integer("axis", 0)])
  }

  private mutating func extents(_ node: Node, _ operand: Int, _ axes: Range<Int>) -> String {
    add(
      "Shape", [node.inputs[operand]], inner(node, "extent"),
      [.integer("start", axes.lowerBound), .integer("end", axes.upperBound)])
  }

  /// An expression as a vector of one int64.
  private mutating func integer(_ node: Node, _ expression: SizeExpression) -> String {
    guard expression.isIntegral else {
      return add("Cast", [double(node, expression)], inner(node, "size"), [.integer("to", 7)])
    }
    switch expression {
    case .number(let value): return integers(node, "number", [Int(exactly: value) ?? 0])
    case .extent(let operand, let axis): return extents(node, operand, axis..<axis + 1)
    case .sum(let a, let b): return add("Add", [integer(node, a), integer(node, b)], inner(node, "sum"))
    case .difference(let a, let b): return add("Sub", [integer(node, a), integer(node, b)], inner(node, "difference"))
    case .product(let a, let b): return add("Mul", [integer(node, a), integer(node, b)], inner(node, "product"))
    case .minimum(let a, let b): return add("Min", [integer(node, a), integer(node, b)], inner(node, "minimum"))
    case .maximum(let a, let b): return add("Max", [integer(node, a), integer(node, b)], inner(node, "maximum"))
    case .floor(let a), .truncated(let a): return integer(node, a)
    case .quotient, .float32: return add("Cast", [double(node, expression)], inner(node, "size"), [.integer("to", 7)])
    }
  }

  /// An expression as a vector of one double: what `SizeExpression` is evaluated in.
  private mutating func double(_ node: Node, _ expression: SizeExpression) -> String {
    if expression.isIntegral, expression.constant == nil {
      return add("Cast", [integer(node, expression)], inner(node, "double"), [.integer("to", 11)])
    }
    switch expression {
    case .number(let value): return double(node, "number", value)
    case .extent: return add("Cast", [integer(node, expression)], inner(node, "double"), [.integer("to", 11)])
    case .sum(let a, let b): return add("Add", [double(node, a), double(node, b)], inner(node, "sum"))
    case .difference(let a, let b): return add("Sub", [double(node, a), double(node, b)], inner(node, "difference"))
    case .product(let a, let b): return add("Mul", [double(node, a), double(node, b)], inner(node, "product"))
    case .quotient(let a, let b): return add("Div", [double(node, a), double(node, b)], inner(node, "quotient"))
    case .minimum(let a, let b): return add("Min", [double(node, a), double(node, b)], inner(node, "minimum"))
    case .maximum(let a, let b): return add("Max", [double(node, a), double(node, b)], inner(node, "maximum"))
    case .floor(let a): return add("Floor", [double(node, a)], inner(node, "floor"))
    case .truncated(let a):
      let whole = add("Cast", [double(node, a)], inner(node, "whole"), [.integer("to", 7)])
      return add("Cast", [whole], inner(node, "double"), [.integer("to", 11)])
    case .float32(let a):
      let single = add("Cast", [double(node, a)], inner(node, "float32"), [.integer("to", 1)])
      return add("Cast", [single], inner(node, "double"), [.integer("to", 11)])
    }
  }
}

extension SizeExpression {
  /// Whether int64 arithmetic reckons it: no quotient, nothing rounded.
  fileprivate var isIntegral: Bool {
    switch self {
    case .number: constant != nil
    case .extent: true
    case .sum(let a, let b), .difference(let a, let b), .product(let a, let b), .minimum(let a, let b), .maximum(let a, let b):
      a.isIntegral && b.isIntegral
    case .floor(let a), .truncated(let a): a.isIntegral
    case .quotient, .float32: false
    }
  }
}
