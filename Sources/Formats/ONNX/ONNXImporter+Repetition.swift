import Networks
import Tensors

/// Values repeated along axes, and values behind one another.
extension ONNXImporter {
  mutating func expand(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    var target = try numbers(node, 1)
    guard target.count <= Limits.rank else { throw node.unsupported("it has \(target.count) axes") }
    let all = x.inserting(Array(0..<max(0, target.count - x.rank)))
    let shape = try shape(of: all, node)
    target = Array(repeating: Extent(1), count: max(0, shape.count - target.count)) + target
    var result = shape
    var isRepeated = false
    for (axis, (wanted, extent)) in zip(target, shape).enumerated() where !wanted.isOne && wanted != extent {
      // An open extent is held against it when the network runs.
      guard extent.isOne || extent.integer == nil || wanted.integer == nil else {
        throw node.invalid("it repeats axis \(axis), whose extent is \(text(extent))")
      }
      guard wanted.constant == nil || (1...Limits.elements).contains(wanted.integer ?? 0) else {
        throw node.invalid("the extent of axis \(axis) would be \(wanted.constant ?? 0)")
      }
      isRepeated = true
      result[axis] = broadcast(extent, wanted)
    }
    guard isRepeated else { return all }
    let value = try plain(all, node)
    var operands = SizeOperands(value.value)
    var extents: [SizeExpression] = []
    for (wanted, extent) in zip(target, shape) {
      extents.append(wanted == extent ? 1 : try expression(wanted, &operands, node))
    }
    return try emit(.expand(Expand(extents)), operands.names, result, node)
  }

  mutating func tile(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var x = try view(node)
    let repeats = try numbers(node, 1)
    guard repeats.count == x.rank else { throw node.invalid("it has \(repeats.count) repeats for \(x.rank) axes") }
    let shape = try shape(of: x, node)
    if repeats.contains(where: { $0.constant == nil }) {
      // What has one element is repeated as often as an extent says.
      guard repeats.indices.allSatisfy({ repeats[$0].isOne || shape[$0].isOne }), x.rank <= Limits.rank else {
        throw node.unsupported("how often it repeats more than one element depends on the size of the image")
      }
      return try expanded(plain(x, node), to: zip(repeats, shape).map { $0.isOne ? $1 : $0 }, node)
    }
    for (axis, count) in try integers(node, 1).enumerated() where count != 1 {
      guard count >= 1, count <= 4096 else { throw node.unsupported("it repeats axis \(axis) \(count) times") }
      x = try joined(Array(repeating: plain(x, node), count: count), axis: axis, node)
    }
    return x
  }

  /// A value repeated along axes of one element to extents that may follow from others.
  private mutating func expanded(_ x: ONNXView, to target: [Extent], _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var operands = SizeOperands(x.value)
    var extents: [SizeExpression] = []
    for (wanted, extent) in zip(target, x.extents) {
      extents.append(wanted == extent ? 1 : try expression(wanted, &operands, node))
    }
    return try emit(.expand(Expand(extents)), operands.names, target, node)
  }

  /// One number everywhere, in extents that follow from others.
  mutating func filled(_ shape: [Extent], _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let value = try node.tensor("value").map { (proto) throws(ONNXProblem) in try reader.constant(proto) }
    let number = value == nil ? Tensor(zeros: [1]) : value?.isNumbers == false ? value?.tensor : nil
    guard (1...Limits.rank).contains(shape.count), let number, number.count == 1 else {
      throw node.unsupported("its shape depends on the size of the image")
    }
    let one = try constantValue(number.reshaped(Shape(shape.map { _ in 1 })), node)
    return try expanded(one, to: shape, node)
  }

  mutating func concatenation(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    guard let given = node.integer("axis") else { throw node.invalid("its axis is absent") }
    var parts: [ONNXView] = []
    for index in node.inputs.indices {
      switch try value(node, index) {
      case .view(let view): parts.append(view)
      case .constant(let constant):
        let tensor = try tensor(constant, index, node)
        if tensor.count == 0 { continue }
        parts.append(try constantValue(tensor, node))
      case nil: throw node.invalid("its input \(index) is absent")
      }
    }
    guard let first = parts.first else { throw node.invalid("it has no inputs") }
    let axis = try axis(given, rank: first.rank, node)
    guard parts.allSatisfy({ $0.rank == first.rank }) else { throw node.invalid("its inputs differ in their axes") }
    return try joined(parts, axis: axis, node)
  }

  /// Views of one rank behind one another along an axis; moved alike, they are joined where their elements lie.
  private mutating func joined(_ parts: [ONNXView], axis: Int, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let first = parts[0]
    if parts.count == 1 { return first }
    if let source = first.wholeAxis(axis), parts.allSatisfy({ $0.isLike(first, butFor: source) }) {
      guard let sum = parts.lazy.map({ $0.extents[source] }).sum else { throw node.tooLong() }
      var extents = first.extents
      extents[source] = sum
      let made = try emit(.concatenation(Concatenation(axis: source)), parts.map(\.value), extents, node)
      var result = first.following(made.value, axis: axis, of: source, extent: sum)
      result.isExclusive = true
      return result
    }
    var values: [ONNXView] = []
    for part in parts { values.append(try plain(part, node)) }
    var extents = values[0].extents
    guard let sum = values.lazy.map({ $0.extents[axis] }).sum else { throw node.tooLong() }
    extents[axis] = sum
    return try emit(.concatenation(Concatenation(axis: axis)), values.map(\.value), extents, node)
  }
}
