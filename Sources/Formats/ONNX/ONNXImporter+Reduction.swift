import Networks
import Tensors

/// One number of many along some axes, and what is built of such.
extension ONNXImporter {
  mutating func reduction(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let given = try integers(node, 1, attribute: "axes") ?? []
    let keeps = node.integer("keepdims", default: 1) != 0
    let isNothing = given.isEmpty && node.integer("noop_with_empty_axes", default: 0) != 0
    let axes = try axes(given.isEmpty && !isNothing ? Array(0..<x.rank) : given, rank: x.rank, node).sorted()
    func reduced(_ x: ONNXView, _ function: Reduction.Function, keeps: Bool) throws(ONNXProblem) -> ONNXView {
      // Along no axis every element stands alone.
      axes.isEmpty ? x : try self.reduced(x, function, axes, keeps: keeps, node)
    }
    switch node.type {
    case "ReduceMean": return try reduced(x, .mean, keeps: keeps)
    case "ReduceSum": return try reduced(x, .sum, keeps: keeps)
    case "ReduceMax": return try reduced(x, .maximum, keeps: keeps)
    case "ReduceMin": return try reduced(x, .minimum, keeps: keeps)
    case "ReduceProd": return try reduced(x, .product, keeps: keeps)
    case "ReduceL1":
      return axes.isEmpty
        ? try elementwise(.activation(.leakyReLU(slope: -1)), x, node) : try reduced(x, .sumOfMagnitudes, keeps: keeps)
    case "ReduceL2":
      return axes.isEmpty
        ? try elementwise(.activation(.leakyReLU(slope: -1)), x, node)
        : try elementwise(.activation(.squareRoot), reduced(x, .sumOfSquares, keeps: keeps), node)
    case "ReduceSumSquare":
      return axes.isEmpty ? try power(x, 2, node) : try reduced(x, .sumOfSquares, keeps: keeps)
    case "ReduceLogSum": return try elementwise(.activation(.logarithm), reduced(x, .sum, keeps: keeps), node)
    case "ReduceLogSumExp":
      if axes.isEmpty { return x }
      // The largest is taken out, so that nothing overflows.
      let most = try reduced(x, .maximum, keeps: true)
      let less = try combined(.view(x), .view(most), .subtract, node)
      let sum = try reduced(elementwise(.activation(.exponential), less, node), .sum, keeps: true)
      let result = try combined(.view(elementwise(.activation(.logarithm), sum, node)), .view(most), .add, node)
      return keeps ? result : result.dropping(Set(axes))
    default: throw node.unsupported("it is not known")
    }
  }

  /// A reduction of a view along some of its axes, ascending: where they are axes of the value, whole, it runs where the elements lie.
  mutating func reduced(
    _ view: ONNXView, _ function: Reduction.Function, _ axes: [Int], keeps: Bool, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    var x = view
    if x.reducing(axes) == nil { x = try plain(view, node) }
    let isGlobal = function == .mean && x.extents.count == 4 && axes == [2, 3] && x.isPlain
    if !keeps, x.isPlain, !isGlobal {
      // Axes that are not kept are dropped at once: extents of 1 in the middle of open ones would be in the way.
      let extents = x.extents.indices.filter { !axes.contains($0) }.map { x.extents[$0] }
      return try emit(.reduction(Reduction(function, axes: axes, keepsAxes: false)), [x.value], extents, node)
    }
    guard let (sources, reducing) = x.reducing(axes) else { throw node.unsupported("its axes \(axes) are cut into parts") }
    var result = reducing
    if sources.isEmpty {
      // Extents of 1 alone: of one element each.
      result = x
      if function == .sumOfSquares { result = try combined(.view(x), .view(x), .multiply, node) }
      if function == .sumOfMagnitudes { result = try elementwise(.activation(.leakyReLU(slope: -1)), x, node) }
    } else {
      let isGlobal = function == .mean && x.extents.count == 4 && sources == [2, 3]
      let operation: Operation =
        isGlobal ? .globalAveragePool : .reduction(Reduction(function, axes: sources, keepsAxes: true))
      result = reducing.following(try emit(operation, [x.value], reducing.extents, node).value)
      result.isExclusive = true
    }
    return keeps ? result : result.dropping(Set(axes))
  }

  /// The place of the largest or smallest along an axis, a whole number.
  mutating func index(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    guard node.integer("select_last_index", default: 0) == 0 else {
      throw node.unsupported("it takes the last of equal elements")
    }
    var x = try view(node)
    let axis = try axes([node.integer("axis", default: 0)], rank: x.rank, node)[0]
    if node.type == "ArgMin" { x = try elementwise(.scale(Scale(factor: -1)), x, node) }
    let value = try plain(x, node), keeps = node.integer("keepdims", default: 1) != 0
    var extents = value.extents
    if keeps { extents[axis] = Extent(1) } else { extents.remove(at: axis) }
    return try emit(.maximumIndex(MaximumIndex(axis: axis, keepsAxis: keeps)), [value.value], extents, node)
  }

  /// Over all axes behind the channels.
  mutating func globalPool(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    guard x.rank > 2 else { throw node.invalid("its input has \(x.rank) axes") }
    let axes = Array(2..<x.rank)
    switch node.type {
    case "GlobalAveragePool": return try reduced(x, .mean, axes, keeps: true, node)
    case "GlobalMaxPool": return try reduced(x, .maximum, axes, keeps: true, node)
    default:
      let p = node.integer("p", default: 2)
      if p == 1 { return try reduced(x, .sumOfMagnitudes, axes, keeps: true, node) }
      guard p == 2 else { throw node.unsupported("its p is \(p), not 1 or 2") }
      return try elementwise(.activation(.squareRoot), reduced(x, .sumOfSquares, axes, keeps: true, node), node)
    }
  }
}

extension ONNXView {
  /// The axes of the value that the axes of the view are made of, ascending, and the view with an extent of 1 in their place; nil where
  /// a part of one of them lies in another axis.
  func reducing(_ given: [Int]) -> (sources: [Int], view: ONNXView)? {
    let axes = axes
    let taken = Set(given.flatMap { axes[$0] })
    let sources = Set(taken.map { factors[$0].axis })
    guard factors.indices.allSatisfy({ taken.contains($0) == sources.contains(factors[$0].axis) }) else { return nil }
    return (sources.sorted(), removing(taken))
  }
}
