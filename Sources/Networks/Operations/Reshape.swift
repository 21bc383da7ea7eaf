import Tensors

/// The same elements in the same order under another shape.
///
/// `flatten` is the case `[0, -1]` by its usual name.
/// - Input: any shape. Output: `extents`, where 0 stands for the input's extent along the same axis and -1, at most once, for what
///   is left.
/// - Cost: no MACs.
/// - Source: ONNX `Reshape`, `torch.reshape`.
public struct Reshape: Hashable, Codable, Sendable {
  public var extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
}

extension Reshape: OperationDefinition {
  package var typeName: String { "reshape" }
  package var inputCount: ClosedRange<Int> { 1...1 }
  package var summary: String { "[\(extents.map(String.init).joined(separator: ", "))]" }

  package var attributeFault: String? {
    guard extents.count <= Limits.rank else { return "\(extents.count) axes are more than \(Limits.rank)" }
    for extent in extents where extent < -1 || extent > Limits.elements {
      return "the extent \(extent) is not in -1...\(Limits.elements)"
    }
    return extents.count { $0 == -1 } > 1 ? "more than one extent is -1" : nil
  }

  package func outputShape(_ inputs: [Shape]) throws(ShapeMismatch) -> Shape {
    let input = inputs[0]
    var result: [Int] = []
    for (axis, extent) in extents.enumerated() { result.append(extent == 0 ? try input.extent(along: axis) : extent) }
    if let open = result.firstIndex(of: -1) {
      result[open] = 1
      guard let rest = Shape(result).checkedCount, input.count % rest == 0 else {
        throw ShapeMismatch("the \(input.count) elements of \(input) do not divide into \(summary)")
      }
      result[open] = input.count / rest
    }
    let output = Shape(result)
    guard output.checkedCount == input.count else {
      throw ShapeMismatch("the \(input.count) elements of \(input) are not those of \(summary)")
    }
    return output
  }
}
