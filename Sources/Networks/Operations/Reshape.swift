import Tensors

/// The same elements in the same order under another shape.
///
/// `flatten` is the case `[0, -1]` by its usual name.
/// - Input: any shape, behind it values that extents follow from. Output: `extents`, where 0 stands for the input's extent along the
///   same axis and -1, at most once, for what is left.
/// - Cost: no MACs.
/// - Source: ONNX `Reshape`, `torch.reshape`.
public struct Reshape: Hashable, Codable, Sendable {
  public var extents: [SizeExpression]

  @_disfavoredOverload
  public init(_ extents: [SizeExpression]) { self.extents = extents }

  public init(_ extents: [Int]) { self.extents = extents.map { SizeExpression($0) } }

  /// The extents where all are numbers.
  package var constants: [Int]? {
    let constants = extents.compactMap(\.constant)
    return constants.count == extents.count ? constants : nil
  }

  enum CodingKeys: String, CodingKey, CaseIterable { case extents }
}

extension Reshape: WithoutParameters, WithoutProducts, OnAnyElements {
  package var type: OperationType { .reshape }
  package var attributeNames: [String] { CodingKeys.allCases.map(\.rawValue) }
  package var inputCount: ClosedRange<Int> {
    let count = max(1, extents.map(\.operandCount).max() ?? 1)
    return count...count
  }

  package var elementOperandCount: Int { 1 }

  package func summary(of operands: [String]) -> String {
    let names = operands.map { "'\($0)'" }
    return "[\(extents.map { $0.text(names) }.joined(separator: ", "))]"
  }

  package var attributeFault: String? {
    guard extents.count <= Limits.rank else { return "\(extents.count) axes are more than \(Limits.rank)" }
    for expression in extents {
      if let fault = expression.fault { return fault }
      guard case .number(let value) = expression else { continue }
      guard let extent = expression.constant else { return "the extent \(value) is no whole number" }
      if extent < -1 || extent > Limits.elements { return "the extent \(extent) is not in -1...\(Limits.elements)" }
    }
    return extents.count { $0.constant == -1 } > 1 ? "more than one extent is -1" : nil
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard constants == nil else { return nil }
    var result = self
    for (axis, expression) in extents.enumerated() where expression.constant == nil {
      let extent = try expression.value(of: inputs, "the extent along axis \(axis)")
      guard extent > 0 else { throw TypeMismatch("the extent along axis \(axis) would be \(extent)") }
      result.extents[axis] = SizeExpression(extent)
    }
    return .reshape(result)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    let input = inputs[0]
    guard let extents = constants else { throw TypeMismatch("its extents are not resolved") }
    var result: [Int] = []
    for (axis, extent) in extents.enumerated() { result.append(extent == 0 ? try input.extent(along: axis) : extent) }
    if let open = result.firstIndex(of: -1) {
      result[open] = 1
      guard let rest = Shape(result).checkedCount, input.count % rest == 0 else {
        throw TypeMismatch("the \(input.count) elements of \(input) do not divide into \(summary)")
      }
      result[open] = input.count / rest
    }
    let output = Shape(result)
    guard output.checkedCount == input.count else {
      throw TypeMismatch("the \(input.count) elements of \(input) are not those of \(summary)")
    }
    return output
  }

  package var window: SpatialWindow? { nil }

  package func channelFlow(of operand: Int) -> ChannelFlow {
    extents.count > 1 && extents[0].constant == 0 && extents[1].constant == 0 ? .kept : .mixed
  }
}
