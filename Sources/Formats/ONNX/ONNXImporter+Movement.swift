import Networks
import Tensors

/// Operators that move elements and compute nothing.
extension ONNXImporter {
  mutating func reshape(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    var target = opset < 5 ? (node.integers("shape") ?? []).map { Extent($0) } : try numbers(node, 1)
    let shape = try shape(of: x, node)
    guard target.count <= 16 else { throw node.invalid("it has \(target.count) axes") }
    if node.integer("allowzero", default: 0) == 0 {
      for axis in target.indices where target[axis].constant == 0 {
        guard axis < shape.count else { throw node.invalid("there is no axis \(axis) to keep") }
        target[axis] = shape[axis]
      }
    }
    return try reshaped(x, target, node)
  }

  /// A view under another shape, in which one extent may be -1.
  mutating func reshaped(_ x: ONNXView, _ target: [Extent], _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let open = target.indices.filter { target[$0].constant == -1 }
    for extent in target {
      if let constant = extent.constant, constant < 1, constant != -1 { throw node.invalid("an extent would be \(constant)") }
    }
    guard open.count <= 1 else { throw node.invalid("it leaves more than one extent open") }
    func attempt(_ x: ONNXView, _ target: [Extent]) -> ONNXView? {
      open.first.map { x.reshaped(target, open: $0, symbols) } ?? x.reshaped(target, symbols)
    }
    let result = attempt(x, target) ?? attempt(x.mappingExtents(symbols.exact), target.map(symbols.exact))
    guard let result else {
      if let made = try regrouped(x, target, node) { return made }
      let (old, new) = (try shape(of: x, node), target)
      let sizes = [old, new].map { $0.map { symbols.declaredInteger($0).map(String.init) ?? "?" }.joined(separator: ", ") }
      throw node.unsupported("the elements of [\(sizes[0])] do not regroup to [\(sizes[1])]; export it with a fixed size")
    }
    return try named(result, node)
  }

  /// A reshape node, where the shape is one that a network can state whatever the sizes are.
  private mutating func regrouped(
    _ x: ONNXView, _ target: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView? {
    let value = try plain(x, node)
    var extents: [Int] = []
    var result = target
    var rest: Extent? = Extent(1)
    for axis in target.indices {
      if let integer = target[axis].integer {
        extents.append(integer)
      } else if axis < value.rank, target[axis] == value.extents[axis] {
        extents.append(0)
      } else {
        return nil
      }
      if extents[axis] != -1 { rest = rest.flatMap { $0 * target[axis] } }
    }
    guard extents.count(where: { $0 == -1 }) <= 1, !extents.isEmpty, extents.count <= Limits.rank else { return nil }
    if let open = extents.firstIndex(of: -1) {
      var all: Extent? = Extent(1)
      for extent in value.extents { all = all.flatMap { $0 * extent } }
      guard let all, let rest, let quotient = symbols.quotient(all, rest) else { return nil }
      result[open] = quotient
    }
    return try emit(.reshape(Reshape(extents)), [value.value], result, node)
  }

  mutating func flatten(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let given = node.integer("axis", default: 1)
    let split = given == x.rank ? given : try axis(given, rank: x.rank, node)
    let shape = try shape(of: x, node)
    if split == 0 { return try reshaped(x, [Extent(1), Extent(-1)], node) }
    if split == 1, x.rank > 2, x.isPlain {
      var features = Extent(1)
      for extent in shape[1...] {
        guard let next = features * extent else { throw node.unsupported("the shape arithmetic is too long") }
        features = next
      }
      return try emit(.flatten, [x.value], [shape[0], features], node)
    }
    var front = Extent(1)
    for extent in shape[..<split] {
      guard let next = front * extent else { throw node.unsupported("the shape arithmetic is too long") }
      front = next
    }
    return try reshaped(x, [front, Extent(-1)], node)
  }

  mutating func transpose(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    return try named(x.transposed(permutation(node, rank: x.rank)), node)
  }

  mutating func squeeze(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let shape = try shape(of: x, node)
    let given = try integers(node, 1, attribute: "axes") ?? shape.indices.filter { shape[$0].isOne }
    let axes = try axes(given, rank: x.rank, node)
    for axis in axes where !shape[axis].isOne {
      throw node.unsupported("it drops axis \(axis), whose extent is \(text(shape[axis])) and not always 1")
    }
    return x.dropping(Set(axes))
  }

  mutating func unsqueeze(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    guard let given = try integers(node, 1, attribute: "axes"), given.count <= 8, x.rank + given.count <= 16 else {
      throw node.invalid("its axes are absent or too many")
    }
    return x.inserting(try axes(given, rank: x.rank + given.count, node).sorted())
  }

  // MARK: Parts

  mutating func split(_ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    let x = try plain(node)
    let axis = try axis(node.integer("axis", default: 0), rank: x.rank, node)
    guard let extent = symbols.declaredInteger(x.extents[axis]) else {
      throw node.unsupported("it splits an axis whose extent is open")
    }
    var start = 0
    var results: [ONNXView] = []
    for length in try splitLengths(node, extent: extent) {
      guard length > 0 else { throw node.unsupported("a part is empty") }
      var extents = x.extents
      extents[axis] = Extent(length)
      let span = Slice.Span(axis: axis, start: start, end: start + length)
      results.append(try emit(.slice(Slice([span])), [x.value], extents, node))
      start += length
    }
    return results
  }

  mutating func slice(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node)
    var spans: [Slice.Span] = []
    var extents = x.extents
    for slice in try slices(node, rank: x.rank) {
      let extent = x.extents[slice.axis]
      guard slice.step > 0, slice.step <= 1 << 20 else { throw node.unsupported("it runs backwards or in too large steps") }
      guard let start = index(slice.start, in: extent), let end = end(slice.end, in: extent) else {
        throw node.unsupported("its bounds depend on the size of the image in a way that no network follows")
      }
      if start == 0, end == .some(nil), slice.step == 1 { continue }
      spans.append(Slice.Span(axis: slice.axis, start: start, end: end, step: slice.step))
      extents[slice.axis] = try self.extent(extent, start: start, end: end, step: slice.step, node)
    }
    if spans.isEmpty { return x }
    return try emit(.slice(Slice(spans)), [x.value], extents, node)
  }

  /// An index of an axis: counted from its front where it is 0 or more, from its end where it is below 0.
  private func index(_ index: Extent, in extent: Extent) -> Int? {
    if let integer = index.integerClamped { return min(max(integer, -(1 << 36)), 1 << 36) }
    if let difference = index + -extent, let behind = difference.integer, behind < 0 { return max(behind, -(1 << 36)) }
    return symbols.declaredInteger(index)
  }

  /// The same for an end; the inner nil stands for all of the axis.
  private func end(_ end: Extent, in extent: Extent) -> Int?? {
    if end == extent { return .some(nil) }
    guard let index = index(end, in: extent) else { return nil }
    if index >= 1 << 30 || (extent.integer.map { index >= $0 } ?? false) { return .some(nil) }
    return index
  }

  /// The extent of what a slice takes.
  private mutating func extent(
    _ extent: Extent, start: Int, end: Int?, step: Int, _ node: ONNXNode
  ) throws(ONNXProblem) -> Extent {
    func place(_ index: Int) -> Extent? { index < 0 ? extent + Extent(index) : Extent(index) }
    if let known = extent.integer {
      let slice = ONNXSlice(axis: 0, start: Extent(0), end: Extent(0), step: step)
      return Extent(slice.range(start: start, end: end ?? known, extent: known).count)
    }
    guard let first = place(start), let last = end.map({ place($0) }) ?? extent, let length = last + -first,
      let steps = symbols.floor(Extent.sum(length, step - 1).scaled(by: 1 / Double(step)))
    else { throw node.unsupported("the shape arithmetic is too long") }
    return steps
  }

  /// One element along an axis, by a constant index.
  mutating func gather(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node)
    let axis = try axis(node.integer("axis", default: 0), rank: x.rank, node)
    guard let indices = try constant(node, 1), let numbers = indices.numbers?.integers, numbers.count == 1,
      let index = numbers.first, abs(index) < 1 << 36, indices.shape.count <= 1
    else { throw node.unsupported("it takes more than one element of an axis") }
    var extents = x.extents
    extents[axis] = Extent(1)
    let span = Slice.Span(axis: axis, start: index, end: index == -1 ? nil : index + 1)
    let taken = try emit(.slice(Slice([span])), [x.value], extents, node)
    return indices.shape.isEmpty ? taken.dropping([axis]) : taken
  }

  mutating func pad(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let mode: Pad.Mode
    switch node.text("mode", default: "constant") {
    case "constant": mode = .constant
    case "reflect": mode = .reflect
    case "edge": mode = .edge
    default: throw node.unsupported("its mode is '\(node.text("mode", default: ""))'")
    }
    var value = node.float("value", default: 0)
    guard let given = opset < 11 ? node.integers("pads") : try integers(node, 1) else {
      throw node.invalid("its pads are absent")
    }
    if opset >= 11, let constant = try constant(node, 2) {
      guard let scalar = constant.scalar else { throw node.invalid("its value is not one number") }
      value = Float(scalar)
    }
    var axes = [0, 1, 2, 3]
    if node.input(3) != nil { axes = try self.axes(integers(node, 3), rank: 4, node) }
    guard given.count == 2 * axes.count, given.allSatisfy({ abs($0.clamped) <= 1 << 20 }) else {
      throw node.invalid("it has \(given.count) pads for \(axes.count) axes")
    }
    var before = [0, 0, 0, 0]
    var behind = [0, 0, 0, 0]
    for (position, axis) in axes.enumerated() {
      before[axis] = given[position]
      behind[axis] = given[axes.count + position]
    }
    guard before[0] == 0, behind[0] == 0 else { throw node.unsupported("it pads the batch") }
    var result = x
    // Below 0 is cut off.
    let spans = (1..<4).filter { before[$0] < 0 || behind[$0] < 0 }.map { axis in
      Slice.Span(axis: axis, start: max(-before[axis], 0), end: behind[axis] < 0 ? behind[axis] : nil)
    }
    func grown(_ extents: [Extent], _ pads: (Int) -> Int) throws(ONNXProblem) -> [Extent] {
      var result: [Extent] = []
      for axis in extents.indices {
        guard let extent = extents[axis] + Extent(pads(axis)) else {
          throw node.unsupported("the shape arithmetic is too long")
        }
        result.append(extent)
      }
      return result
    }
    if !spans.isEmpty {
      let extents = try grown(result.extents) { min(before[$0], 0) + min(behind[$0], 0) }
      result = try emit(.slice(Slice(spans)), [result.value], extents, node)
    }
    let payload = Pad(
      Padding(top: max(before[2], 0), left: max(before[3], 0), bottom: max(behind[2], 0), right: max(behind[3], 0)),
      channelsBefore: max(before[1], 0), channelsBehind: max(behind[1], 0), mode: mode, value: mode == .constant ? value : 0)
    if payload == Pad(0, mode: mode, value: payload.value) { return result }
    let extents = try grown(result.extents) { max(before[$0], 0) + max(behind[$0], 0) }
    return try emit(.pad(payload), [result.value], extents, node)
  }

  // MARK: Shuffles

  mutating func depthToSpace(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let factor = try blockSize(node)
    guard let channels = x.extents[1].integer, channels % (factor * factor) == 0 else {
      throw node.invalid("its \(text(x.extents[1])) channels are no multiple of \(factor)²")
    }
    let order: PixelShuffleOrder
    switch node.text("mode", default: "DCR") {
    case "DCR": order = .channelsInnermost
    case "CRD": order = .channelsOutermost
    default: throw node.invalid("the mode '\(node.text("mode", default: ""))' is unknown")
    }
    let extents = [
      x.extents[0], Extent(channels / (factor * factor)), x.extents[2].scaled(by: Double(factor)),
      x.extents[3].scaled(by: Double(factor)),
    ]
    return try emit(.pixelShuffle(PixelShuffle(factor: factor, order: order)), [x.value], extents, node)
  }

  mutating func spaceToDepth(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let factor = try blockSize(node)
    let payload = PixelUnshuffle(factor: factor, order: .channelsInnermost)
    let extents = [
      x.extents[0], x.extents[1].scaled(by: Double(factor * factor)), x.extents[2].scaled(by: 1 / Double(factor)),
      x.extents[3].scaled(by: 1 / Double(factor)),
    ]
    return try emit(.pixelUnshuffle(payload), [x.value], extents, node)
  }

  private func blockSize(_ node: ONNXNode) throws(ONNXProblem) -> Int {
    guard let size = node.integer("blocksize"), (1...1024).contains(size) else {
      throw node.invalid("its blocksize is absent or not in 1...1024")
    }
    return size
  }
}

extension Extent {
  /// The sum with an integer, which adds at most one term.
  fileprivate static func sum(_ extent: Extent, _ integer: Int) -> Extent { extent + Extent(integer) ?? extent }
}
