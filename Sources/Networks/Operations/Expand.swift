import Tensors

/// Extents of 1 repeated.
///
///     y[…, i, …] = x[…, 0, …]
///
/// - Input: a shape of as many axes as `extents`, behind it values that extents follow from. Output: along each axis `extents[axis]` where the input's extent is 1; where
///   `extents[axis]` is 1 or equal to it, the input's own.
/// - Cost: no MACs.
/// - Source: `torch.expand`, ONNX `Expand`, without new axes.
public struct Expand: Hashable, Codable, Sendable {
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

extension Expand: WithoutParameters, WithoutProducts, OnAnyElements {
  package var type: OperationType { .expand }
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
    guard (1...Limits.rank).contains(extents.count) else { return "\(extents.count) axes are not 1 to \(Limits.rank)" }
    for expression in extents {
      if let fault = expression.fault { return fault }
      guard case .number(let value) = expression else { continue }
      guard let extent = expression.constant else { return "the extent \(value) is no whole number" }
      if extent < 1 || extent > Limits.elements { return "the extent \(extent) is not in 1...\(Limits.elements)" }
    }
    return nil
  }

  package func resolved(_ inputs: [Shape]) throws(TypeMismatch) -> Operation? {
    guard constants == nil else { return nil }
    var result = self
    for (axis, expression) in extents.enumerated() where expression.constant == nil {
      result.extents[axis] = SizeExpression(try expression.value(of: inputs, "the extent along axis \(axis)"))
    }
    return .expand(result)
  }

  package func outputShape(_ inputs: [Shape]) throws(TypeMismatch) -> Shape {
    guard let extents = constants else { throw TypeMismatch("its extents are not resolved") }
    var output = inputs[0]
    guard output.rank == extents.count else { throw TypeMismatch("\(output) does not have \(extents.count) axes") }
    for (axis, extent) in extents.enumerated() where extent != 1 && extent != output[axis] {
      guard output[axis] == 1 else { throw TypeMismatch("the input \(output) is not 1 along axis \(axis), nor \(extent)") }
      output[axis] = extent
    }
    return output
  }

  package var window: SpatialWindow? { nil }
  package func channelFlow(of operand: Int) -> ChannelFlow { .kept }
}
