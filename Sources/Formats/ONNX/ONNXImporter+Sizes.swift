import Networks

/// Sizes that follow from the inputs' extents, as expressions of the network.
extension ONNXImporter {
  /// The operands of a node whose sizes follow from extents: the value it computes with, behind it the inputs that are asked.
  struct SizeOperands {
    private(set) var names: [String]

    init(_ value: String) { names = [value] }

    fileprivate mutating func place(of input: String) -> Int {
      if let place = names.firstIndex(of: input) { return place }
      names.append(input)
      return names.count - 1
    }
  }

  /// An extent as an expression; throws where it has none.
  func expression(_ extent: Extent, _ operands: inout SizeOperands, _ node: ONNXNode) throws(ONNXProblem) -> SizeExpression {
    var budget = SizeExpression.partLimit
    guard let expression = expression(extent, &operands, depth: 0, &budget), operands.names.count <= 16 else {
      throw node.tooLong()
    }
    return expression
  }

  private func expression(
    _ extent: Extent, _ operands: inout SizeOperands, depth: Int, _ budget: inout Int
  ) -> SizeExpression? {
    budget -= 1
    guard depth < 64, budget > 0 else { return nil }
    if let constant = extent.constant { return constant.isFinite ? .number(constant) : nil }
    guard let denominator = extent.denominator else { return nil }
    // Those that are added first, so that none begins with a minus.
    let terms = extent.terms.filter { $0.coefficient.numerator > 0 } + extent.terms.filter { $0.coefficient.numerator < 0 }
    var sum: SizeExpression?
    for term in terms {
      var product: SizeExpression?
      for atom in term.atoms {
        guard let factor = expression(atom: atom, &operands, depth: depth + 1, &budget) else { return nil }
        product = product.map { $0 * factor } ?? factor
      }
      let (multiple, overflow) = term.coefficient.numerator.multipliedReportingOverflow(
        by: denominator / term.coefficient.denominator)
      guard !overflow, multiple.magnitude < 1 << 53 else { return nil }
      let times = SizeExpression(abs(multiple))
      let part = product.map { times.constant == 1 ? $0 : $0 * times } ?? times
      budget -= 3
      if let before = sum {
        sum = multiple < 0 ? before - part : before + part
      } else {
        sum = multiple < 0 ? 0 - part : part
      }
    }
    guard let sum else { return nil }
    return denominator == 1 ? sum : sum / SizeExpression(denominator)
  }

  private func expression(
    atom: Int, _ operands: inout SizeOperands, depth: Int, _ budget: inout Int
  ) -> SizeExpression? {
    func part(_ extent: Extent) -> SizeExpression? { expression(extent, &operands, depth: depth + 1, &budget) }
    func both(
      _ a: Extent, _ b: Extent, _ join: (SizeExpression, SizeExpression) -> SizeExpression
    ) -> SizeExpression? {
      part(a).flatMap { first in part(b).map { join(first, $0) } }
    }
    let (kind, source) = symbols.atom(atom)
    switch kind {
    case .symbol: return source.map { .extent(operand: operands.place(of: $0.input), axis: $0.axis) }
    case .floor(let extent): return part(extent).map { .floor($0) }
    case .truncated(let extent): return part(extent).map { .truncated($0) }
    case .quotient(let a, let b): return both(a, b) { .quotient($0, $1) }
    case .minimum(let a, let b): return both(a, b) { .minimum($0, $1) }
    case .maximum(let a, let b): return both(a, b) { .maximum($0, $1) }
    case .rounded(let operation, let a, let b, let precision):
      let exact: SizeExpression? =
        switch operation {
        case .sum: b.constant == 0 ? part(a) : both(a, b) { .sum($0, $1) }
        case .product: both(a, b) { .product($0, $1) }
        case .quotient: both(a, b) { .quotient($0, $1) }
        }
      // Expressions are evaluated in double precision, which rounds one operation as the file's does.
      return precision == .single ? exact.map { .float32($0) } : exact
    }
  }

  /// A number that must be known while the file is read; nil where it is open. Where it is known only for the size that the file
  /// fixes, and is read for any, that is the end.
  func known(_ extent: Extent, _ node: ONNXNode) throws(ONNXProblem) -> Int? {
    if let integer = extent.integer { return integer }
    guard symbols.declaredInteger(extent) != nil else { return nil }
    throw node.ofOneSize()
  }
}

extension ONNXNode {
  /// Refused because the file is read for any size, and this node is made for the one that the file fixes.
  func ofOneSize() -> ONNXProblem { .fixedSize(node: label, type: type) }

  /// Refused because sizes have passed the bounds of `Extent`, or of expressions.
  func tooLong() -> ONNXProblem { unsupported("the shape arithmetic is too long") }
}
