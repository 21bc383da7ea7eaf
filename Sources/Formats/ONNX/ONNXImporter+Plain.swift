import Networks
import Tensors

/// Makes nodes of the moves that a view keeps count of.
extension ONNXImporter {
  /// A view whose moves have a name becomes a node at once; others wait for what comes next.
  mutating func named(_ view: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    if view.isPlain || view.rank != 4 || view.extents.count != 4 { return view }
    guard let (operation, extents) = shuffle(view) else { return view }
    return try emit(operation, [view.value], extents, node)
  }

  /// The value of the network that the view is, made by nodes where it is not there.
  mutating func plain(_ view: ONNXView, _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    if view.isPlain { return view }
    let shape = try shape(of: view, node)
    guard shape.count <= Limits.rank else { throw node.unsupported("its input has \(shape.count) axes") }
    if view.order == Array(view.order.indices), canRegroup(view.extents, to: shape) {
      return try regrouped(view.value, view.extents, to: shape, node)
    }
    if let moved = try spread(view, shape, node) { return moved }
    if view.order == Array(view.order.indices) { return try regrouped(view.value, view.extents, to: shape, node) }
    if let (operation, extents) = shuffle(view) { return try move(operation, view.value, extents, node) }
    if let (permutation, extents) = permutation(view) {
      let moved = try move(.transpose(Transpose(permutation)), view.value, extents, node)
      return extents == shape ? moved : try regrouped(moved.value, extents, to: shape, node)
    }
    if let order = channelOrder(view) { return try permuted(view, order, shape, node) }
    // In parts, in their new order, together again.
    let parts = view.factors.map(\.extent)
    guard parts.count <= Limits.rank else { throw node.unsupported("its input is cut into \(parts.count) parts") }
    let split = try regrouped(view.value, view.extents, to: parts, node)
    let moved = try move(.transpose(Transpose(view.order)), split.value, view.order.map { parts[$0] }, node)
    return try regrouped(moved.value, moved.extents, to: shape, node)
  }

  /// For each channel of the view the channel of the value, where nothing but the channels are permuted.
  private func channelOrder(_ view: ONNXView) -> [Int]? {
    guard view.rank == 4, view.extents.count == 4, let channels = view.extents[1].integer, channels <= 1024 else { return nil }
    for axis in [0, 2, 3] where view.axes[axis] != view.factors.indices.filter({ view.factors[$0].axis == axis }) { return nil }
    let parts = view.factors.indices.filter { view.factors[$0].axis == 1 }
    guard view.axes[1].sorted() == parts, let first = parts.first else { return nil }
    var sizes: [Int] = []
    for part in parts {
      guard let size = view.factors[part].extent.integer else { return nil }
      sizes.append(size)
    }
    let strides = Self.rowMajorStrides(sizes)
    let order = view.axes[1].map { $0 - first }
    var result: [Int] = []
    StridedWalk(shape: order.map { sizes[$0] }, strides: order.map { strides[$0] }, offset: 0, count: channels)
      .visit { result.append($1) }
    return result
  }

  /// A 1x1 convolution of ones and zeros: the one operation that reorders channels at any size. It is exact.
  private mutating func permuted(
    _ view: ONNXView, _ order: [Int], _ shape: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    let channels = order.count
    try take(channels * channels)
    var weight = [Float](repeating: 0, count: channels * channels)
    for (channel, source) in order.enumerated() { weight[channel * channels + source] = 1 }
    let payload = Convolution(inChannels: channels, outChannels: channels, kernel: 1, hasBias: false)
    return try emit(
      .convolution(payload), [view.value], shape, node, name: "\(view.value).shuffle",
      parameters: [.weight: Tensor([channels, channels, 1, 1], weight)])
  }

  /// The same elements in the same order under another shape.
  private mutating func regrouped(
    _ value: String, _ extents: [Extent], to shape: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    if extents == shape { return ONNXView(value, extents) }
    if shape.count == 2, let first = extents.first, shape[0] == first { return try move(.flatten, value, shape, node) }
    func isKept(_ axis: Int) -> Bool { axis < extents.count && extents[axis] == shape[axis] }
    // One open extent follows from the others. Of several each is stated: left to follow, one would hide that another is wrong.
    let isOne = shape.indices.count { shape[$0].constant == nil && !isKept($0) } == 1
    var operands = SizeOperands(value)
    var target: [SizeExpression] = []
    for (axis, extent) in shape.enumerated() {
      if let integer = extent.integer {
        target.append(SizeExpression(integer))
      } else if isKept(axis) || isOne {
        target.append(isKept(axis) ? 0 : -1)
      } else {
        target.append(try expression(extent, &operands, node))
      }
    }
    return try move(.reshape(Reshape(target)), value, following: operands, shape, node)
  }

  /// Whether a reshape can say the shape: all extents but one are known or stay where they are.
  private func canRegroup(_ extents: [Extent], to shape: [Extent]) -> Bool {
    shape.indices.count { axis in
      shape[axis].integer == nil && !(axis < extents.count && extents[axis] == shape[axis])
    } <= 1
  }

  /// A view whose axes are those of the value, whole, in some order, with extents of 1 between them: such extents are put behind the
  /// others or taken from there, where a reshape can say so whatever the others are. Nil for other views.
  private mutating func spread(
    _ view: ONNXView, _ shape: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView? {
    let needed = shape.count - view.extents.count
    guard !canRegroup(view.extents, to: shape) || view.order != Array(view.order.indices) else { return nil }
    // As many extents of 1 as the view has, those of the value first.
    let padded = view.extents + Array(repeating: Extent(1), count: max(needed, 0))
    var units = padded.indices.filter { padded[$0].isOne }
    guard padded.count <= Limits.rank else { return nil }
    var permutation: [Int] = []
    for axis in shape.indices {
      if view.axes[axis].isEmpty {
        guard !units.isEmpty else { return nil }
        permutation.append(units.removeFirst())
      } else {
        guard let source = view.wholeAxis(axis) else { return nil }
        permutation.append(source)
      }
    }
    permutation += units
    guard permutation.sorted() == Array(padded.indices) else { return nil }
    var value = ONNXView(view.value, view.extents)
    if needed > 0 {
      value = try move(
        .reshape(Reshape(Array(repeating: 0, count: view.extents.count) + Array(repeating: 1, count: needed))), value.value,
        padded, node)
    }
    if permutation != Array(padded.indices) {
      value = try move(.transpose(Transpose(permutation)), value.value, permutation.map { padded[$0] }, node)
    }
    guard needed < 0 else { return value }
    return try move(.reshape(Reshape(Array(repeating: 0, count: shape.count))), value.value, shape, node)
  }

  /// A node that no node of the graph stands for: it is called after what it moves.
  private mutating func move(
    _ operation: Operation, _ value: String, following operands: SizeOperands? = nil, _ extents: [Extent], _ node: ONNXNode
  ) throws(ONNXProblem) -> ONNXView {
    try emit(operation, operands?.names ?? [value], extents, node, name: "\(value).\(operation.typeName)")
  }

  /// The order of the value's axes that the view is, where no axis is in parts, and the extents in that order; axes of extent 1
  /// stand where the view has such, else at the end.
  private func permutation(_ view: ONNXView) -> ([Int], extents: [Extent])? {
    var units = view.extents.indices.filter { view.extents[$0].isOne }
    var permutation: [Int] = []
    for (axis, parts) in view.axes.enumerated() {
      if parts.isEmpty {
        if !units.isEmpty { permutation.append(units.removeFirst()) }
      } else if parts.count == 1 {
        guard let source = view.wholeAxis(axis) else { return nil }
        permutation.append(source)
      } else {
        for part in parts {
          let source = view.factors[part].axis
          guard view.factors.count(where: { $0.axis == source }) == 1 else { return nil }
          permutation.append(source)
        }
      }
    }
    permutation += units
    guard permutation.sorted() == Array(view.extents.indices) else { return nil }
    return (permutation, permutation.map { view.extents[$0] })
  }

  /// The pixel shuffle or its inverse that the view is, and the extents of its result.
  private func shuffle(_ view: ONNXView) -> (Operation, extents: [Extent])? {
    guard view.rank == 4, view.extents.count == 4, let shape = view.shape else { return nil }
    let axes = view.axes
    let factors = view.factors
    func parts(_ axis: Int) -> [Int] { factors.indices.filter { factors[$0].axis == axis } }
    guard axes[0] == parts(0), factors.count(where: { $0.axis == 0 }) <= 1 else { return nil }
    let (channels, rows, columns) = (parts(1), parts(2), parts(3))

    // Channels (c, u, v) or (u, v, c) to rows (h, u) and columns (w, v). One channel leaves no c.
    if channels.count == 2 || channels.count == 3, rows.count == 1, columns.count == 1 {
      for order in PixelShuffleOrder.allCases {
        let isOutermost = order == .channelsOutermost
        let c = channels.count == 2 ? [] : [isOutermost ? channels[0] : channels[2]]
        let (u, v) = channels.count == 2 || !isOutermost ? (channels[0], channels[1]) : (channels[1], channels[2])
        guard axes[1] == c, axes[2] == rows + [u], axes[3] == columns + [v], let factor = factors[u].extent.integer,
          factors[v].extent.integer == factor
        else { continue }
        return (.pixelShuffle(PixelShuffle(factor: factor, order: order)), shape)
      }
    }
    // Rows (h, u) and columns (w, v) to channels (c, u, v) or (u, v, c).
    if channels.count <= 1, rows.count == 2, columns.count == 2, axes[2] == [rows[0]], axes[3] == [columns[0]],
      let factor = factors[rows[1]].extent.integer, factors[columns[1]].extent.integer == factor
    {
      for order in PixelShuffleOrder.allCases {
        let places = [rows[1], columns[1]]
        guard axes[1] == (order == .channelsOutermost ? channels + places : places + channels) else { continue }
        return (.pixelUnshuffle(PixelUnshuffle(factor: factor, order: order)), shape)
      }
    }
    return nil
  }
}
