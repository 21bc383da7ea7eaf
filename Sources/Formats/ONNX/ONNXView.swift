import Networks

/// A value of the network as the file sees it: its elements under other axes.
///
/// Files move elements about (Reshape, Transpose, Squeeze) more than networks do. A view keeps count of such moves without making
/// nodes of them: the axes of the value are split into factors, which are permuted and grouped into the axes of the view. What
/// comes out in the end often has a name (a pixel shuffle), or is nothing at all (to NHWC and back).
struct ONNXView: Sendable {
  /// A part of an axis of the value; the parts of an axis lie behind each other, the outermost first.
  struct Factor: Hashable, Sendable {
    var axis: Int
    var extent: Extent
  }

  /// The value of the network.
  var value: String
  /// Its extents.
  var extents: [Extent]
  /// In the order of the value's axes; none has an extent of 1.
  private(set) var factors: [Factor]
  /// The factors in the order of the view, as indices into `factors`.
  private(set) var order: [Int]
  /// How many factors of `order` each axis of the view takes; none where its extent is 1.
  private(set) var groups: [Int]
  /// Whether nothing but this view reads the value, so that the node that makes it may be changed.
  var isExclusive = false

  /// The value as it is.
  init(_ value: String, _ extents: [Extent]) {
    self.value = value
    self.extents = extents
    factors = extents.enumerated().map { Factor(axis: $0.offset, extent: $0.element) }.filter { !$0.extent.isOne }
    order = Array(factors.indices)
    groups = extents.map { $0.isOne ? 0 : 1 }
  }

  var rank: Int { groups.count }

  /// The factors of each axis of the view.
  var axes: [[Int]] {
    var start = 0
    return groups.map { count in
      defer { start += count }
      return Array(order[start..<start + count])
    }
  }

  /// The extents of the view; nil where a product passes the bounds of `Extent`.
  var shape: [Extent]? {
    var result: [Extent] = []
    for axis in axes {
      guard let product = axis.lazy.map({ factors[$0].extent }).product else { return nil }
      result.append(product)
    }
    return result
  }

  /// Whether the view is the value itself.
  var isPlain: Bool {
    guard rank == extents.count, order == Array(factors.indices) else { return false }
    return zip(axes, extents.indices).allSatisfy { axis, index in
      axis.allSatisfy { factors[$0].axis == index } && (!axis.isEmpty || extents[index].isOne)
    }
  }

  /// The axis of the value that an axis of the view is, whole; nil where it is none.
  func wholeAxis(_ axis: Int) -> Int? {
    let parts = axes[axis]
    guard let first = parts.first else { return nil }
    let source = factors[first].axis
    return parts == factors.indices.filter { factors[$0].axis == source } ? source : nil
  }

  /// The same moves of another value of the same extents.
  func following(_ value: String) -> ONNXView {
    var result = self
    result.value = value
    return result
  }

  /// The same moves of another value that differs in the extent of one axis, which is an axis of the view, too, and whole.
  func following(_ value: String, axis: Int, of source: Int, extent: Extent) -> ONNXView {
    var result = self
    result.value = value
    result.extents[source] = extent
    if let old = factors.firstIndex(where: { $0.axis == source }) {
      if !extent.isOne {
        result.factors[old].extent = extent
        return result
      }
      result.factors.remove(at: old)
      result.order = order.filter { $0 != old }.map { $0 > old ? $0 - 1 : $0 }
      result.groups[axis] = 0
      return result
    }
    if extent.isOne { return result }
    let new = factors.firstIndex { $0.axis > source } ?? factors.count
    result.factors.insert(Factor(axis: source, extent: extent), at: new)
    result.order = order.map { $0 >= new ? $0 + 1 : $0 }
    result.order.insert(new, at: groups[..<axis].reduce(0, +))
    result.groups[axis] = 1
    return result
  }

  /// The axis of the view that holds the channels (axis 1) of the value and nothing else; nil where none does.
  ///
  /// A single channel leaves no factor: then the axis is the only one of extent 1, or the one that stands where it stood.
  var channelAxis: Int? {
    if let axis = groups.indices.first(where: { wholeAxis($0) == 1 }) { return axis }
    guard extents.count > 1, extents[1].isOne else { return nil }
    let candidates = groups.indices.filter { groups[$0] == 0 }
    if candidates.count == 1, extents.filter(\.isOne).count == 1 { return candidates[0] }
    return isPlain ? 1 : nil
  }

  /// Whether an axis of the view holds the channels (axis 1) of the value and nothing else. Where there is one channel, any axis of
  /// one element does.
  func holdsChannels(_ axis: Int) -> Bool {
    wholeAxis(axis) == 1 || (extents.count > 1 && extents[1].isOne && groups[axis] == 0)
  }

  /// Without some of the factors, whose axes then have an extent of 1; they are all those of some axes.
  func removing(_ taken: Set<Int>) -> ONNXView {
    var result = self
    var start = 0
    for (axis, count) in groups.enumerated() {
      result.groups[axis] = order[start..<start + count].count { !taken.contains($0) }
      start += count
    }
    let kept = factors.indices.filter { !taken.contains($0) }
    let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($0.element, $0.offset) })
    result.factors = kept.map { factors[$0] }
    result.order = order.compactMap { places[$0] }
    for factor in taken { result.extents[factors[factor].axis] = Extent(1) }
    return result
  }

  /// Whether both move the elements of values alike, which may differ in their extent along one axis.
  func isLike(_ other: ONNXView, butFor source: Int) -> Bool {
    func parts(_ view: ONNXView) -> [Factor] { view.factors.filter { $0.axis != source } }
    return order == other.order && groups == other.groups && factors.map(\.axis) == other.factors.map(\.axis)
      && parts(self) == parts(other) && extents.count == other.extents.count
  }

  /// Whether both move the elements of values of one shape in the same way.
  func isLike(_ other: ONNXView) -> Bool {
    order == other.order && groups == other.groups && factors == other.factors && extents == other.extents
  }

  /// With axes of extent 1 put in, at these places of the result, ascending.
  func inserting(_ axes: [Int]) -> ONNXView {
    var result = self
    for axis in axes { result.groups.insert(0, at: axis) }
    return result
  }

  /// Without axes of extent 1.
  func dropping(_ axes: Set<Int>) -> ONNXView {
    var result = self
    result.groups = groups.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    return result
  }

  /// The axes in another order.
  func transposed(_ permutation: [Int]) -> ONNXView {
    let axes = axes
    var result = self
    result.order = permutation.flatMap { axes[$0] }
    result.groups = permutation.map { groups[$0] }
    return result
  }

  /// The same elements under another shape of known extents; nil where the factors do not split so.
  func reshaped(_ target: [Extent], _ symbols: SymbolTable) -> ONNXView? {
    var walk = Walk(view: self, symbols: symbols)
    var groups: [Int] = []
    for extent in target {
      guard let count = walk.take(extent) else { return nil }
      groups.append(count)
    }
    guard walk.isAtEnd else { return nil }
    return walk.result(groups)
  }

  /// The same, with one extent, at `open`, being whatever the others leave.
  func reshaped(_ target: [Extent], open: Int, _ symbols: SymbolTable) -> ONNXView? {
    // From the front up to the open extent, then from the back down to it.
    var walk = Walk(view: self, symbols: symbols)
    var front: [Int] = []
    for extent in target[..<open] {
      guard let count = walk.take(extent) else { return nil }
      front.append(count)
    }
    var back: [Int] = []
    for extent in target[(open + 1)...].reversed() {
      guard let count = walk.takeLast(extent) else { return nil }
      back.append(count)
    }
    return walk.result(front + [walk.left] + back.reversed())
  }

  /// Splits factors so that runs of them make given extents.
  private struct Walk {
    var view: ONNXView
    let symbols: SymbolTable
    var start = 0
    var end: Int
    /// Parts of axes that need not be whole numbers.
    private var uncertain: Set<Factor> = []

    init(view: ONNXView, symbols: SymbolTable) {
      self.view = view
      self.symbols = symbols
      end = view.order.count
    }

    var left: Int { end - start }
    var isAtEnd: Bool { start == end }

    /// Nil where a part of an axis that may be no whole number makes an axis with others: their product may be one all the same, and
    /// then the elements do not lie as the parts say.
    func result(_ groups: [Int]) -> ONNXView? {
      var result = view
      result.groups = groups
      for axis in result.axes where axis.count > 1 && axis.contains(where: { uncertain.contains(view.factors[$0]) }) {
        return nil
      }
      return result
    }

    /// How many factors from the front make the extent.
    mutating func take(_ extent: Extent) -> Int? { take(extent, fromEnd: false) }

    /// How many factors from the back make the extent.
    mutating func takeLast(_ extent: Extent) -> Int? { take(extent, fromEnd: true) }

    private mutating func take(_ extent: Extent, fromEnd: Bool) -> Int? {
      var product = Extent(1)
      var count = 0
      // An open extent that is declared to be 1, as a batch is, meets an extent of 1; a new axis has nothing to meet.
      if symbols.declaredInteger(extent) == 1 {
        guard left > 0, isOpenOne(fromEnd ? end - 1 : start) else { return extent.isOne ? 0 : nil }
        if fromEnd { end -= 1 } else { start += 1 }
        return 1
      }
      while !isMet(extent, by: product) {
        guard left > 0 else { return nil }
        let position = fromEnd ? end - 1 : start
        let factor = view.factors[view.order[position]].extent
        if let wanted = extent.divided(by: product), !isMet(wanted, by: factor), let rest = rest(of: factor, without: wanted) {
          // The factor holds more than is wanted: it splits, the wanted part beside what was taken.
          guard view.factors.count < 32 else { return nil }
          let (outer, inner) = fromEnd ? (rest, wanted) : (wanted, rest)
          let axis = view.factors[view.order[position]].axis
          for part in [outer, inner] where !symbols.isIntegral(part) { uncertain.insert(Factor(axis: axis, extent: part)) }
          view.split(position: position, outer: outer, inner: inner)
          end += 1
          if fromEnd { end -= 1 } else { start += 1 }
          return count + 1
        }
        guard let next = product * factor else { return nil }
        product = next
        count += 1
        if fromEnd { end -= 1 } else { start += 1 }
        if count > 64 { return nil }
      }
      return count
    }

    private func isOpenOne(_ position: Int) -> Bool {
      let extent = view.factors[view.order[position]].extent
      return extent.constant == nil && symbols.declaredInteger(extent) == 1
    }

    /// Whether an extent is the product of what was taken. Of a file that fixes sizes and is read for any, a constant that is a whole
    /// axis, or several, is that axis: the elements stay in their order, so that nothing else could be meant at another size.
    private func isMet(_ extent: Extent, by product: Extent) -> Bool {
      if extent == product { return true }
      guard let constant = extent.constant, product.constant == nil else { return false }
      return symbols.declared(product) == constant
    }

    /// What is left of a factor of which a part, less than the whole, is taken; nil where it does not divide.
    private func rest(of factor: Extent, without part: Extent) -> Extent? {
      if let constant = part.constant {
        guard constant > 1, part.integer != nil else { return nil }
        // Which part of an axis that is opened the constant was is not known.
        if factor.constant == nil, symbols.declared(factor) != nil { return nil }
      }
      if let rest = factor.divided(by: part) {
        if rest.constant != nil { return rest.integer ?? 0 > 1 ? rest : nil }
        // An axis that does not divide is refused when the network runs.
        return symbols.floorIfKnown(rest) ?? rest
      }
      // So many, rounded off, of an axis whose rest is a number.
      guard let ratio = symbols.exact(factor).ratio(to: symbols.exact(part)), ratio.isInteger, ratio.numerator > 1,
        let quotient = factor.over(ratio.numerator), symbols.floorIfKnown(quotient) == part
      else { return nil }
      return Extent(ratio)
    }
  }

  /// Splits the factor at a position of the order in two.
  private mutating func split(position: Int, outer: Extent, inner: Extent) {
    let factor = order[position]
    let axis = factors[factor].axis
    factors[factor].extent = outer
    factors.insert(Factor(axis: axis, extent: inner), at: factor + 1)
    for index in order.indices where order[index] > factor { order[index] += 1 }
    order.insert(factor + 1, at: position + 1)
    // The group sizes are set anew by whoever splits.
  }
}
