import Tensors

/// Extents of 1 repeated.
///
///     y[…, i, …] = x[…, 0, …]
///
/// - Input: a shape of as many axes as `extents`. Output: along each axis `extents[axis]` where the input's extent is 1; where
///   `extents[axis]` is 1 or equal to it, the input's own.
/// - Cost: no MACs.
/// - Source: `torch.expand`, ONNX `Expand`, without new axes.
public struct Expand: Hashable, Codable, Sendable {
  public var extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
}

extension Expand: OperationDefinition {
  package var typeName: String { "expand" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "[\(extents.map(String.init).joined(separator: ", "))]" }

  package var attributeFault: String? {
    guard (1...Limits.rank).contains(extents.count) else { return "\(extents.count) axes are not 1 to \(Limits.rank)" }
    for extent in extents where extent < 1 || extent > Limits.elements {
      return "the extent \(extent) is not in 1...\(Limits.elements)"
    }
    return nil
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    var output = inputs[0]
    guard output.rank == extents.count else { throw ShapeMismatch("\(output) does not have \(extents.count) axes") }
    for (axis, extent) in extents.enumerated() where extent != 1 && extent != output[axis] {
      guard output[axis] == 1 else { throw ShapeMismatch("the input \(output) is not 1 along axis \(axis), nor \(extent)") }
      output[axis] = extent
    }
    return output
  }
}
