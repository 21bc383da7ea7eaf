import Tensors

/// A part of a value: every `step`-th element from `start` to before `end`, along some of its axes.
///
///     y[…, i, …] = x[…, start + i · step, …]
///
/// A negative start or end counts from the end of the axis, since a network fixes neither height nor width; both are then moved to
/// the nearest end of the axis where they lie beyond it.
/// - Input: any shape. Output: `(end - start) / step` rounded up along each of those axes; at least one element.
/// - Cost: no MACs.
/// - Source: the slices of Python; ONNX `Slice` with positive steps, its largest end being `nil` here.
public struct Slice: Hashable, Codable, Sendable {
  /// What is taken along one axis.
  public struct Span: Hashable, Sendable {
    public var axis: Int
    public var start: Int
    /// Nil: to the end.
    public var end: Int?
    public var step: Int

    public init(axis: Int, start: Int = 0, end: Int? = nil, step: Int = 1) {
      self.axis = axis
      self.start = start
      self.end = end
      self.step = step
    }

    /// The first element taken of an axis of that extent, and their number.
    package func range(extent: Int) -> (start: Int, count: Int) {
      func resolved(_ index: Int) -> Int { min(max(index < 0 ? index + extent : index, 0), extent) }
      let first = resolved(start), length = resolved(end ?? extent) - first
      return (first, length > 0 ? (length - 1) / step + 1 : 0)
    }
  }

  /// At most one an axis.
  public var spans: [Span]

  public init(_ spans: [Span]) { self.spans = spans }
}

extension Slice: OperationDefinition {
  package var typeName: String { "slice" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { spans.map(\.text).joined(separator: ", ") }

  package var attributeFault: String? {
    if spans.isEmpty { return "there is no axis to slice" }
    var seen: Set<Int> = []
    for span in spans {
      if let fault = axisFault(span.axis) ?? firstFault([("step", span.step, 1)]) { return fault }
      if !seen.insert(span.axis).inserted { return "the axis \(span.axis) is sliced twice" }
      for index in [span.start, span.end ?? 0] where index.magnitude > Limits.elements {
        return "the index \(index) is not in \(-Limits.elements)...\(Limits.elements)"
      }
    }
    return nil
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    var output = inputs[0]
    for span in spans {
      let extent = try inputs[0].extent(along: span.axis)
      output[span.axis] = span.range(extent: extent).count
      if output[span.axis] == 0 { throw ShapeMismatch("nothing is left of \(inputs[0]) between \(span.text)") }
    }
    return output
  }
}

extension Slice.Span {
  /// `axis 2 from 1 to -1 by 2`.
  fileprivate var text: String {
    "axis \(axis) from \(start) to \(end.map(String.init) ?? "the end")" + (step == 1 ? "" : " by \(step)")
  }
}

extension Slice.Span: Codable {
  enum CodingKeys: String, CodingKey { case axis, start, end, step }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      axis: try container.decode(Int.self, forKey: .axis),
      start: try container.decodeIfPresent(Int.self, forKey: .start) ?? 0,
      end: try container.decodeIfPresent(Int.self, forKey: .end),
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
