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
    guard let result = attempt(x, target) else {
      if let made = try regrouped(x, target, node) { return made }
      let (old, new) = (try shape(of: x, node), target)
      let sizes = [old, new].map { $0.map { symbols.declaredInteger($0).map(String.init) ?? "?" }.joined(separator: ", ") }
      throw node.unsupported("the elements of [\(sizes[0])] do not regroup to [\(sizes[1])]; export it with a fixed size")
    }
    return try named(result, node)
  }

  /// A reshape node.
  private mutating func regrouped(
    _ x: ONNXView, _ target: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView? {
    let value = try plain(x, node)
    var operands = SizeOperands(value.value)
    var extents: [SizeExpression] = []
    var result = target
    var rest: Extent? = Extent(1)
    for axis in target.indices {
      if let integer = target[axis].integer {
        extents.append(SizeExpression(integer))
      } else if axis < value.rank, target[axis] == value.extents[axis] {
        extents.append(0)
      } else {
        extents.append(try expression(target[axis], &operands, node))
      }
      if extents[axis].constant != -1 { rest = rest.flatMap { $0 * target[axis] } }
    }
    guard extents.count(where: { $0.constant == -1 }) <= 1, !extents.isEmpty, extents.count <= Limits.rank else { return nil }
    if let open = extents.firstIndex(where: { $0.constant == -1 }) {
      // Whole wherever the network runs.
      guard let all = value.extents.product, let rest, let quotient = symbols.quotient(all, rest),
        let whole = symbols.floor(quotient)
      else {
        return nil
      }
      result[open] = whole
    } else if let all = value.extents.product, let wanted = target.product, let x = all.constant, let y = wanted.constant,
      x != y
    {
      return nil
    }
    return try emit(.reshape(Reshape(extents)), operands.names, result, node)
  }

  mutating func flatten(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let given = node.integer("axis", default: 1)
    let split = given == x.rank ? given : try axis(given, rank: x.rank, node)
    let shape = try shape(of: x, node)
    if split == 0 { return try reshaped(x, [Extent(1), Extent(-1)], node) }
    if split == 1, x.rank > 2, x.isPlain {
      guard let features = shape[1...].product else { throw node.tooLong() }
      return try emit(.flatten, [x.value], [shape[0], features], node)
    }
    guard let front = shape[..<split].product else { throw node.tooLong() }
    return try reshaped(x, [front, Extent(-1)], node)
  }

  mutating func transpose(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    return try named(x.transposed(permutation(node, rank: x.rank)), node)
  }

  mutating func squeeze(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try view(node)
    let shape = try shape(of: x, node)
    let stated = try integers(node, 1, attribute: "axes")
    if stated == nil,
      let axis = shape.indices.first(where: { shape[$0].constant == nil && symbols.bounds(shape[$0]).least <= 1 })
    {
      if symbols.declaredInteger(shape[axis]) != nil { throw node.ofOneSize() }
      throw node.unsupported("it drops whatever axes have one element, and axis \(axis) is open; name its axes")
    }
    let given = stated ?? shape.indices.filter { shape[$0].isOne }
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

  mutating func slice(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    var x = try plain(node)
    let all = try slices(node, rank: x.rank)
    for slice in all where slice.step < 0 {
      guard let extent = x.extents[slice.axis].integer else {
        throw node.unsupported("it runs backwards along axis \(slice.axis), whose extent is open")
      }
      guard let start = slice.start.integerClamped, let end = slice.end.integerClamped else {
        throw node.unsupported("it runs backwards between bounds that depend on the size of the image")
      }
      let (first, count) = slice.range(start: start, end: end, extent: extent)
      guard count <= Limits.attribute else { throw node.unsupported("it runs backwards over \(count) elements") }
      x = try picked(x, axis: slice.axis, (0..<count).map { first + $0 * slice.step }, node)
    }
    var spans: [Slice.Span] = []
    var extents = x.extents
    var operands = SizeOperands(x.value)
    for slice in all where slice.step > 0 {
      let extent = x.extents[slice.axis]
      guard slice.step <= 1 << 20 else { throw node.unsupported("it takes too large steps") }
      let start = try Bound(slice.start, in: extent, isEnd: false, &symbols, node)
      let end = try Bound(slice.end, in: extent, isEnd: true, &symbols, node)
      if start.place == Extent(0), end.isEnd, slice.step == 1 { continue }
      // A number of pixels of an axis that is opened may be that of the file's own size.
      if sizes == .any, extent.constant == nil, !end.isEnd, let index = end.index, index > 0 { throw node.ofOneSize() }
      spans.append(
        Slice.Span(
          axis: slice.axis, from: try start.expression(&operands, self, node),
          to: end.isEnd ? nil : try end.expression(&operands, self, node), step: slice.step))
      guard let length = end.place + -start.place, let raised = length + Extent(slice.step - 1),
        let quotient = raised.over(slice.step), let count = symbols.floor(quotient)
      else { throw node.tooLong() }
      extents[slice.axis] = count
    }
    if spans.isEmpty { return x }
    return try emit(.slice(Slice(spans)), operands.names, extents, node)
  }

  /// Where a slice begins or ends.
  private struct Bound {
    /// Counted from the front, within the axis.
    var place: Extent
    /// As the network writes it: below 0 counted from the end; nil where it follows from other extents.
    var index: Int?
    /// Whether it is the end of the axis, whatever its extent.
    var isEnd: Bool

    init(_ bound: Extent, in extent: Extent, isEnd: Bool, _ symbols: inout SymbolTable, _ node: ONNXNode) throws(ONNXProblem) {
      let far = 1 << 36
      if bound == extent {
        (place, index, self.isEnd) = (extent, nil, true)
        return
      }
      // What is taken has at least one element wherever the network runs: a start lies within the axis, an end behind its front.
      if let constant = bound.constant {
        guard let integer = bound.integerClamped else { throw node.invalid("its bound \(constant) is no integer") }
        let near = min(max(integer, -far), far)
        index = near
        guard let placed = near < 0 ? extent + Extent(near) : Extent(near) else {
          throw node.tooLong()
        }
        place = isEnd ? (near < 0 ? placed : symbols.minimum(placed, extent)) : symbols.maximum(placed, Extent(0))
        if extent.constant != nil { place = symbols.maximum(symbols.minimum(place, extent), Extent(0)) }
      } else if let behind = (bound + -extent)?.integer, behind < 0, isEnd || symbols.bounds(bound).least >= 0 {
        // So much before the end.
        index = max(behind, -far)
        place = bound
      } else {
        // Below 0 it counts from the end.
        index = nil
        var placed: Extent? = bound
        if symbols.bounds(bound).most < 0 {
          placed = (bound + extent).map { symbols.maximum($0, Extent(0)) }
        } else if symbols.bounds(bound).least < 0 {
          placed = symbols.isBelowZero(bound).flatMap { $0 * extent }.flatMap { bound + $0 }.map {
            symbols.maximum($0, Extent(0))
          }
        }
        guard let placed else { throw node.tooLong() }
        place = isEnd ? symbols.minimum(placed, extent) : placed
      }
      self.isEnd = isEnd && place == extent
    }

    func expression(
      _ operands: inout SizeOperands, _ importer: ONNXImporter, _ node: ONNXNode
    ) throws(ONNXProblem) -> SizeExpression {
      if let index { return SizeExpression(index) }
      return try importer.expression(place, &operands, node)
    }
  }

  mutating func pad(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let given = try view(node)
    let mode: Pad.Mode
    switch node.text("mode", default: "constant") {
    case "constant": mode = .constant
    case "reflect": mode = .reflect
    case "edge": mode = .edge
    default: throw node.unsupported("its mode is '\(node.text("mode", default: ""))'")
    }
    var value = node.float("value", default: 0)
    if opset >= 11, let constant = try constant(node, 2) {
      guard let scalar = constant.scalar else { throw node.invalid("its value is not one number") }
      value = Float(scalar)
    }
    guard value.isFinite else { throw node.unsupported("it pads with \(value)") }
    let sides = try pads(node, rank: given.rank)
    // As an image whose rows and columns are what is padded.
    let missing = max(0, 4 - given.rank)
    let wide = given.inserting(Array(0..<missing))
    let (before, behind) = (sides.before.with(missing), sides.behind.with(missing))
    let touched = wide.rank == 4 ? (0..<4).filter { before[$0] != Extent(0) || behind[$0] != Extent(0) } : []
    guard wide.rank == 4 else { throw node.unsupported("its input '\(node.inputs[0])' has \(given.rank) axes") }
    let isUsual = touched.allSatisfy { $0 > 1 } || (touched.count > 2 && touched.allSatisfy { $0 > 0 })
    let order = isUsual ? [0, 1, 2, 3] : (0..<4).filter { !touched.contains($0) } + touched
    var x = wide.transposed(order)
    if !x.isPlain { x = try isUsual && missing == 0 ? plain(node) : plain(x, node) }
    let result = try padded(x, order.map { before[$0] }, order.map { behind[$0] }, mode: mode, value: value, node)
    let back = (0..<4).map { axis in order.firstIndex(of: axis) ?? axis }
    return result.transposed(back).dropping(Set(0..<missing))
  }

  /// How much a Pad adds before and behind each axis.
  private mutating func pads(_ node: ONNXNode, rank: Int) throws(ONNXProblem) -> (before: [Extent], behind: [Extent]) {
    var given: [Extent]
    if opset < 11 {
      guard let pads = node.integers("pads") else { throw node.invalid("its pads are absent") }
      given = pads.map { Extent($0) }
    } else {
      given = try numbers(node, 1)
    }
    var axes = Array(0..<rank)
    if node.input(3) != nil { axes = try self.axes(integers(node, 3), rank: rank, node) }
    guard given.count == 2 * axes.count, given.allSatisfy({ $0.constant.map { abs($0) <= 0x1p20 } ?? true }) else {
      throw node.invalid("it has \(given.count) pads for \(axes.count) axes, or one that is too large")
    }
    var (before, behind) = (Array(repeating: Extent(0), count: rank), Array(repeating: Extent(0), count: rank))
    for (position, axis) in axes.enumerated() {
      before[axis] = given[position]
      behind[axis] = given[axes.count + position]
    }
    return (before, behind)
  }

  /// An image with so much before and behind each axis.
  private mutating func padded(
    _ x: ONNXView, _ before: [Extent], _ behind: [Extent], mode: Pad.Mode, value: Float, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    guard before[0] == Extent(0), behind[0] == Extent(0) else { throw node.unsupported("it pads all axes") }
    func fixed(_ extent: Extent) -> Int { extent.integer ?? 0 }
    var result = x
    // Below 0 is cut off.
    let spans = (1..<4).filter { fixed(before[$0]) < 0 || fixed(behind[$0]) < 0 }.map { axis in
      Slice.Span(
        axis: axis, start: max(-fixed(before[axis]), 0), end: fixed(behind[axis]) < 0 ? fixed(behind[axis]) : nil)
    }
    if !spans.isEmpty {
      var extents = result.extents
      for axis in extents.indices {
        guard let extent = extents[axis] + Extent(min(fixed(before[axis]), 0) + min(fixed(behind[axis]), 0)) else {
          throw node.tooLong()
        }
        extents[axis] = extent
      }
      result = try emit(.slice(Slice(spans)), [result.value], extents, node)
    }
    guard let channelsBefore = before[1].integer, let channelsBehind = behind[1].integer else {
      throw node.unsupported("it pads three axes, one of them by a number that depends on the size of the image")
    }
    var growth: [Extent] = []
    for (side, axis) in [(before, 2), (before, 3), (behind, 2), (behind, 3)] {
      growth.append(side[axis].constant == nil ? side[axis] : Extent(0))
    }
    return try padded(
      result,
      Padding(
        top: max(fixed(before[2]), 0), left: max(fixed(before[3]), 0), bottom: max(fixed(behind[2]), 0),
        right: max(fixed(behind[3]), 0)), growth, channels: (max(channelsBefore, 0), max(channelsBehind, 0)), mode: mode,
      value: mode == .constant ? value : 0, node)
  }

  /// Pixels and channels around a value; `growth` is what depends on the size of the image: top, left, bottom, right.
  mutating func padded(
    _ x: ONNXView, _ padding: Padding, _ growth: [Extent], channels: (before: Int, behind: Int) = (0, 0), mode: Pad.Mode,
    value: Float, _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    var operands = SizeOperands(x.value)
    var payload = Pad(padding, channelsBefore: channels.before, channelsBehind: channels.behind, mode: mode, value: value)
    if growth.contains(where: { $0.constant == nil }) {
      payload.growth = Pad.Growth(
        top: try expression(growth[0], &operands, node), left: try expression(growth[1], &operands, node),
        bottom: try expression(growth[2], &operands, node), right: try expression(growth[3], &operands, node))
    } else if payload == Pad(0, mode: mode, value: value) {
      return x
    }
    guard let rows = growth[0] + growth[2], let columns = growth[1] + growth[3],
      let height = rows + Extent(padding.top + padding.bottom), let width = columns + Extent(padding.left + padding.right),
      let tall = x.extents[2] + height, let wide = x.extents[3] + width,
      let deep = x.extents[1] + Extent(channels.before + channels.behind)
    else { throw node.tooLong() }
    return try emit(.pad(payload), operands.names, [x.extents[0], deep, tall, wide], node)
  }

  // MARK: Shuffles

  mutating func depthToSpace(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let factor = try blockSize(node)
    if let channels = x.extents[1].constant, channels.remainder(dividingBy: Double(factor * factor)) != 0 {
      throw node.invalid("its \(text(x.extents[1])) channels are no multiple of \(factor)²")
    }
    // Open ones are whole wherever the network runs.
    guard let quotient = x.extents[1].over(factor * factor), let channels = symbols.floor(quotient) else {
      throw node.tooLong()
    }
    let mode = node.text("mode", default: "DCR")
    guard let order = PixelShuffleOrder(onnxName: mode) else { throw node.invalid("the mode '\(mode)' is unknown") }
    let extents = [
      x.extents[0], channels, try times(x.extents[2], factor, node),
      try times(x.extents[3], factor, node),
    ]
    return try emit(.pixelShuffle(PixelShuffle(factor: factor, order: order)), [x.value], extents, node)
  }

  mutating func spaceToDepth(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node, rank: 4)
    let factor = try blockSize(node)
    let payload = PixelUnshuffle(factor: factor, order: .channelsInnermost)
    // What is no multiple of the factor is refused when the network runs.
    guard let height = x.extents[2].over(factor).flatMap({ symbols.floor($0) }),
      let width = x.extents[3].over(factor).flatMap({ symbols.floor($0) })
    else { throw node.tooLong() }
    let extents = [x.extents[0], try times(x.extents[1], factor * factor, node), height, width]
    return try emit(.pixelUnshuffle(payload), [x.value], extents, node)
  }

  private func times(_ extent: Extent, _ factor: Int, _ node: ONNXNode) throws(ONNXProblem) -> Extent {
    guard let product = extent.scaled(by: factor) else { throw node.tooLong() }
    return product
  }

  private func blockSize(_ node: ONNXNode) throws(ONNXProblem) -> Int {
    guard let size = node.integer("blocksize"), (1...1024).contains(size) else {
      throw node.invalid("its blocksize is absent or not in 1...1024")
    }
    return size
  }
}

extension [Extent] {
  /// Behind so many more axes, to which nothing is added.
  fileprivate func with(_ missing: Int) -> [Extent] { Array(repeating: Extent(0), count: missing) + self }
}
