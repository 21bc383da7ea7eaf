import Networks
import Tensors

/// Elements of an axis that are picked one by one, and parts of equal length.
extension ONNXImporter {
  /// The most runs of neighbours that a list of places may fall into, each of which becomes a node.
  private static let runLimit = 512

  /// Elements along an axis, by constant indices: channels in another order, one row.
  mutating func gather(_ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let x = try plain(node)
    let axis = try axis(node.integer("axis", default: 0), rank: x.rank, node)
    guard let indices = try constant(node, 1), let given = indices.numbers?.integers else {
      throw node.unsupported("its indices depend on the size of the image or are too many")
    }
    let extent = x.extents[axis].integer
    for index in given {
      guard abs(index) < 1 << 36, extent.map({ -$0 <= index && index < $0 }) ?? true else {
        throw node.invalid("the index \(index) is not among \(text(x.extents[axis]))")
      }
    }
    let taken = try picked(x, axis: axis, given.map { $0 < 0 ? $0 + (extent ?? 0) : $0 }, node)
    if indices.shape.isEmpty { return taken.dropping([axis]) }
    if indices.shape.count == 1 { return taken }
    guard x.rank + indices.shape.count <= 16 else { throw node.unsupported("it has too many axes") }
    return try reshaped(taken, x.extents[..<axis] + indices.shape.map { Extent($0) } + x.extents[(axis + 1)...], node)
  }

  /// The elements at these places along an axis, negative ones counted from its end: slices, which are joined.
  mutating func picked(_ x: ONNXView, axis: Int, _ places: [Int], _ node: ONNXNode) throws(ONNXProblem) -> ONNXView {
    let runs = Self.runs(places)
    guard !runs.isEmpty else { throw node.unsupported("it takes nothing") }
    guard runs.count <= Self.runLimit else { throw node.unsupported("it takes \(runs.count) parts of an axis one by one") }
    var parts: [Range<Int>: ONNXView] = [:]
    var values: [ONNXView] = []
    for run in runs {
      if let known = parts[run] {
        values.append(known)
        continue
      }
      var extents = x.extents
      extents[axis] = Extent(run.count)
      let isWhole = run.lowerBound == 0 && x.extents[axis].integer == run.count
      let span = Slice.Span(axis: axis, start: run.lowerBound, end: run.upperBound == 0 ? nil : run.upperBound)
      let part = isWhole ? x : try emit(.slice(Slice([span])), [x.value], extents, node)
      parts[run] = part
      values.append(part)
    }
    guard values.count > 1 else { return values[0] }
    var extents = x.extents
    extents[axis] = Extent(places.count)
    return try emit(.concatenation(Concatenation(axis: axis)), values.map(\.value), extents, node)
  }

  /// Neighbours in a list of places, each counted from the same end.
  private static func runs(_ places: [Int]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for place in places {
      if let last = runs.last, last.upperBound == place, place != 0 {
        runs[runs.count - 1] = last.lowerBound..<place + 1
      } else {
        runs.append(place..<place + 1)
      }
    }
    return runs
  }

  mutating func split(_ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    let x = try plain(node)
    let axis = try axis(node.integer("axis", default: 0), rank: x.rank, node)
    guard let extent = try known(x.extents[axis], node) else { return try split(x, openAxis: axis, node) }
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

  /// Parts whose lengths follow from the extent: equal ones, or as the file states them.
  private mutating func split(_ x: ONNXView, openAxis axis: Int, _ node: ONNXNode) throws(ONNXProblem) -> [ONNXView] {
    let extent = x.extents[axis]
    var lengths: [Extent] = []
    if opset >= 13, node.input(1) != nil {
      lengths = try numbers(node, 1)
      // The last part is what is left, which must be what the file says.
      guard lengths.sum == extent else { throw node.unsupported("its parts do not add up to an axis whose extent is open") }
    } else {
      guard node.integers("split") == nil else { throw node.unsupported("it splits an axis whose extent is open") }
      let count = node.integer("num_outputs", default: node.outputs.count)
      guard count > 0, count <= node.outputs.count else { throw node.invalid("it has \(count) outputs") }
      // Since opset 18 the last part is shorter where the extent does not divide; before, it must.
      let raised = opset >= 18 && node.has("num_outputs") ? extent + Extent(count - 1) : extent
      guard let length = raised?.over(count).flatMap({ opset >= 18 && node.has("num_outputs") ? symbols.floor($0) : $0 }),
        let others = length.scaled(by: count - 1), let rest = extent + -others
      else { throw node.tooLong() }
      lengths = Array(repeating: length, count: count - 1) + [rest]
    }
    var start = Extent(0)
    var results: [ONNXView] = []
    for (index, length) in lengths.enumerated() {
      guard let end = start + length else { throw node.tooLong() }
      var operands = SizeOperands(x.value)
      let span = Slice.Span(
        axis: axis, from: try expression(start, &operands, node),
        to: index == lengths.count - 1 ? nil : try expression(end, &operands, node))
      var extents = x.extents
      extents[axis] = length
      results.append(try emit(.slice(Slice([span])), operands.names, extents, node))
      start = end
    }
    return results
  }
}
