import Tensors

/// A part of a value: every `step`-th element from `start` to before `end`, along some of its axes.
///
///     y[…, i, …] = x[…, start + i · step, …]
///
/// A negative start or end counts from the end of the axis, since a network fixes neither height nor width; both are then moved to
/// the nearest end of the axis where they lie beyond it.
/// Either may follow from the extents of operands, too; it then counts from the front, and is an error where it is below 0.
/// - Input: any shape, behind it values that bounds follow from. Output: `(end - start) / step` rounded up along each of those axes; at least one element.
/// - Cost: no MACs.
/// - Source: the slices of Python; ONNX `Slice` with positive steps, its largest end being `nil` here.
public struct Slice: Hashable, Codable, Sendable {
  /// What is taken along one axis.
  public struct Span: Hashable, Sendable {
    public var axis: Int
    public var start: SizeExpression
    /// Nil: to the end.
    public var end: SizeExpression?
    public var step: Int

    public init(axis: Int, start: Int = 0, end: Int? = nil, step: Int = 1) {
      self.init(axis: axis, from: SizeExpression(start), to: end.map { SizeExpression($0) }, step: step)
    }

    /// With bounds that follow from the extents of operands.
    public init(axis: Int, from start: SizeExpression, to end: SizeExpression?, step: Int = 1) {
      self.axis = axis
      self.start = start
      self.end = end
      self.step = step
    }

    /// The bounds where both are numbers.
    package var bounds: (start: Int, end: Int?)? {
      guard let start = start.constant else { return nil }
      guard let end else { return (start, nil) }
      return end.constant.map { (start, $0) }
    }

    /// The first element taken of an axis of that extent, and their number; nil where a bound is not resolved.
    package func range(extent: Int) -> (start: Int, count: Int)? {
      func resolved(_ index: Int) -> Int { min(max(index < 0 ? index + extent : index, 0), extent) }
      guard let bounds else { return nil }
      let first = resolved(bounds.start), length = resolved(bounds.end ?? extent) - first
      return (first, length > 0 ? (length - 1) / step + 1 : 0)
    }

    fileprivate var expressions: [SizeExpression] { [start] + (end.map { [$0] } ?? []) }
  }

  /// At most one an axis.
  public var spans: [Span]

  public init(_ spans: [Span]) { self.spans = spans }

  enum CodingKeys: String, CodingKey, CaseIterable { case spans }
}

extension Slice: WithoutParameters, WithoutProducts, OnAnyElements {
  package var type: OperationType { .slice }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> {
    let count = max(1, spans.flatMap(\.expressions).map(\.operandCount).max() ?? 1)
    return count...count
  }

  package var elementOperandCount: Int { 1 }

  package func summary(of operands: [String]) -> String {
    let names = operands.map { "'\($0)'" }
    return spans.map { $0.text(names) }.joined(separator: ", ")
  }

  package var attributeFault: String? {
    if spans.isEmpty { return "there is no axis to slice" }
    var seen: Set<Int> = []
    for span in spans {
      if let fault = axisFault(span.axis) ?? firstFault([("step", span.step, 1)]) { return fault }
      if !seen.insert(span.axis).inserted { return "the axis \(span.axis) is sliced twice" }
      for expression in span.expressions {
        if let fault = expression.fault { return fault }
        guard case .number(let value) = expression else { continue }
        guard let index = expression.constant else { return "the index \(value) is no whole number" }
        guard index.magnitude <= Limits.elements else {
          return "the index \(index) is not in \(-Limits.elements)...\(Limits.elements)"
        }
      }
    }
    return nil
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard spans.contains(where: { $0.bounds == nil }) else { return nil }
    var result = self
    for index in spans.indices {
      let span = spans[index]
      func bound(_ expression: SizeExpression, _ name: String) throws(TypeMismatch) -> SizeExpression {
        if expression.constant != nil { return expression }
        let value = try expression.value(of: inputs, "the \(name) along axis \(span.axis)")
        guard value >= 0 else { throw TypeMismatch("the \(name) along axis \(span.axis) would be \(value)") }
        return SizeExpression(value)
      }
      result.spans[index].start = try bound(span.start, "start")
      if let end = span.end { result.spans[index].end = try bound(end, "end") }
    }
    return .slice(result)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    var output = inputs[0]
    for span in spans {
      let extent = try inputs[0].extent(along: span.axis)
      guard let range = span.range(extent: extent) else { throw TypeMismatch("its bounds are not resolved") }
      output[span.axis] = range.count
      if range.count == 0 { throw TypeMismatch("nothing is left of \(inputs[0]) between \(span.text([]))") }
    }
    return output
  }

  package var window: SpatialWindow? {
    var axes = [SpatialWindow.Axis(), SpatialWindow.Axis()]
    for span in spans where span.axis != 1 {
      // What ends before the last row or column only leaves out what lies behind.
      guard span.axis == 2 || span.axis == 3, let bounds = span.bounds, bounds.start >= 0, bounds.end.map({ $0 < 0 }) ?? true
      else { return nil }
      axes[span.axis - 2] = SpatialWindow.Axis(down: span.step, before: bounds.start, behind: bounds.start)
    }
    return SpatialWindow(vertical: axes[0], horizontal: axes[1])
  }

  package func channelFlow(of operand: Int) -> ChannelFlow { spans.first { $0.axis == 1 }.map { .sliced($0) } ?? .kept }
}

extension Slice.Span {
  /// `axis 2 from 1 to -1 by 2`.
  fileprivate func text(_ names: [String]) -> String {
    "axis \(axis) from \(start.text(names)) to \(end.map { $0.text(names) } ?? "the end")" + (step == 1 ? "" : " by \(step)")
  }
}

extension Slice.Span: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case axis, start, end, step }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(knowing: CodingKeys.self, of: "a slice")
    self.init(
      axis: try container.decode(Int.self, forKey: .axis),
      from: try container.decodeIfPresent(SizeExpression.self, forKey: .start) ?? 0,
      to: try container.decodeIfPresent(SizeExpression.self, forKey: .end),
      step: try container.decodeIfPresent(Int.self, forKey: .step) ?? 1)
  }

  /// Attributes with their default value are left out.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(axis, forKey: .axis)
    if start != 0 { try container.encode(start, forKey: .start) }
    try container.encodeIfPresent(end, forKey: .end)
    if step != 1 { try container.encode(step, forKey: .step) }
  }
}
